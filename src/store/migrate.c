/* SPDX-License-Identifier: Apache-2.0 */
#include "store/migrate.h"

#include "store/store.h"

#include <assert.h>

struct migration {
	struct store_migration what;
	const char *sql;
};

#include "store/migrations.h"

static_assert(sizeof(migrations) / sizeof(migrations[0]) == STORE_SCHEMA_VERSION,
	"one file in sql/ for each version of the schema");

const struct store_migration *store_migration_get(int64_t version)
{
	return version >= 1 && version <= STORE_SCHEMA_VERSION ? &migrations[version - 1].what
							       : NULL;
}

static int apply(struct engine *engine, int64_t version, int64_t target)
{
	int error = 0;

	for (int64_t i = version; i < target && !error; i++) {
		error = engine_script(engine, migrations[i].sql);
		if (!error)
			error = engine_set_version(engine, migrations[i].what.version);
	}
	return error;
}

/* The version counts under the write lock: another process may have been quicker. */
static int apply_in_transaction(struct engine *engine, int64_t from, int64_t target)
{
	int64_t version = 0;
	int error = engine_begin(engine);

	if (!error)
		error = engine_version(engine, &version);
	if (!error && version > STORE_SCHEMA_VERSION)
		error = ERROR_VERSION;
	if (!error && version == from)
		error = apply(engine, version, target);
	if (!error && version == from && from)
		error = engine_check_references(engine);
	if (!error)
		error = engine_commit(engine);
	if (error)
		engine_rollback(engine);
	return error;
}

/* What the schema's own text can meet is no answer to the caller. */
static int fail(int error, int64_t target, struct fault *fault)
{
	if (error == ERROR_VERSION)
		fault_set(fault, "a newer Adit has just taken the database; use that version");
	else
		fault_set(fault,
			"the database can't be brought to schema %lld (%s); check the disk",
			(long long)target, error_text(error));
	return error == ERROR_VERSION || error == ERROR_MEMORY ? error : ERROR_UNAVAILABLE;
}

int migrate_create(struct engine *engine, struct fault *fault)
{
	int64_t version = 0;
	int error = engine_version(engine, &version);

	if (!error && !version)
		error = apply_in_transaction(engine, 0, STORE_SCHEMA_VERSION);
	return error ? fail(error, STORE_SCHEMA_VERSION, fault) : 0;
}

/* A migration that makes a table anew drops the old one, which others refer to; that all
 * fits together again is checked before its commit. */
static int upgrade_by_one(struct engine *engine, int64_t version)
{
	int error = engine_enforce_references(engine, false);
	int after;

	if (!error)
		error = apply_in_transaction(engine, version, version + 1);
	after = engine_enforce_references(engine, true);
	return error ? error : after;
}

int migrate_upgrade(struct engine *engine, struct fault *fault)
{
	int64_t version = 0;
	int error = engine_version(engine, &version);

	while (!error && version && version < STORE_SCHEMA_VERSION) {
		error = upgrade_by_one(engine, version);
		if (!error)
			version++;
	}
	return error ? fail(error, version + 1, fault) : 0;
}

int migrate_check(struct engine *engine, const char *path, struct fault *fault)
{
	int64_t version = 0;
	int error = engine_version(engine, &version);

	if (error)
		return fail(error, STORE_SCHEMA_VERSION, fault);
	if (version > STORE_SCHEMA_VERSION)
		return fail(ERROR_VERSION, STORE_SCHEMA_VERSION, fault);
	if (version == STORE_SCHEMA_VERSION)
		return 0;
	if (!version) {
		fault_set(fault, "the database is empty: it was never filled, or has lost its log");
		return ERROR_INVALID;
	}
	fault_set(fault,
		"%s is of an older Adit (schema %lld, this one needs %d); stop the server and run "
		"aditd migrate (--plan shows what it would do)",
		path ? path : "memory", (long long)version, STORE_SCHEMA_VERSION);
	return ERROR_VERSION;
}
