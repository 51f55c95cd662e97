/* SPDX-License-Identifier: Apache-2.0 */
#include "store/migrate.h"

#include "store/store.h"

#include <assert.h>

struct migration {
	int64_t version;
	const char *sql;
};

#include "store/migrations.h"

static_assert(sizeof(migrations) / sizeof(migrations[0]) == STORE_SCHEMA_VERSION,
	"one file in sql/ for each version of the schema");

static int apply(struct engine *engine, int64_t version)
{
	int error = 0;

	for (int64_t i = version; i < STORE_SCHEMA_VERSION && !error; i++) {
		error = engine_script(engine, migrations[i].sql);
		if (!error)
			error = engine_set_version(engine, migrations[i].version);
	}
	return error;
}

/* The version counts under the write lock: another process may be migrating. */
static int apply_in_transaction(struct engine *engine)
{
	int64_t version = 0;
	int error = engine_begin(engine);

	if (!error)
		error = engine_version(engine, &version);
	if (!error && version > STORE_SCHEMA_VERSION)
		error = ERROR_VERSION;
	if (!error)
		error = apply(engine, version);
	if (!error)
		error = engine_commit(engine);
	if (error)
		engine_rollback(engine);
	return error;
}

int migrate(struct engine *engine, bool create, struct fault *fault)
{
	int64_t version = 0;
	int error = engine_version(engine, &version);

	if (!error && !version && !create) {
		fault_set(fault, "the database is empty: it was never filled, or has lost its log");
		return ERROR_INVALID;
	}
	if (!error && version < STORE_SCHEMA_VERSION)
		error = apply_in_transaction(engine);
	if (!error)
		return 0;
	if (error == ERROR_VERSION)
		fault_set(fault, "a newer Adit has just taken the database; use that version");
	else
		fault_set(fault, "the database can't be brought to schema %d (%s); check the disk",
			STORE_SCHEMA_VERSION, error_text(error));
	/* What the schema's own text can meet is no answer to the caller. */
	return error == ERROR_VERSION || error == ERROR_MEMORY ? error : ERROR_UNAVAILABLE;
}
