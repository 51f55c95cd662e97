/* SPDX-License-Identifier: Apache-2.0 */
/* A database of an older version becomes one of this. */
#include "store/backup.h"
#include "store/engine.h"
#include "store/migrate.h"
#include "store/store.h"

enum { BUSY_TIMEOUT_MS = 5000 };

int store_schema(const char *path, int64_t *ret_version, struct fault *fault)
{
	const struct engine_options options = {.path = path, .busy_timeout_ms = BUSY_TIMEOUT_MS};

	return engine_peek(&options, ret_version, fault);
}

static int copy_engine(void *context, const char *path)
{
	return engine_copy(context, path);
}

/* What can't be read whole must not be changed: a backup of it may be needed as it is. */
static int check_content(struct engine *engine, const char *path, struct fault *fault)
{
	int error = engine_check_content(engine);

	if (error)
		fault_set(fault, "%s is damaged (%s) and was not touched; restore a backup of it",
			path, error_text(error));
	return error;
}

int store_upgrade(const char *path, const char *backup, struct fault *fault)
{
	const struct engine_options options = {
		.path = path, .first = true, .busy_timeout_ms = BUSY_TIMEOUT_MS};
	struct engine *engine = NULL;
	int64_t version = 0;
	int error = engine_open(&options, &engine, fault);

	if (error)
		return error;
	error = engine_version(engine, &version);
	if (error)
		fault_set(fault, "%s can't be read (%s)", path, error_text(error));
	if (!error && version && version < STORE_SCHEMA_VERSION) {
		error = check_content(engine, path, fault);
		if (!error && backup)
			error = backup_write(backup, copy_engine, engine, fault);
	}
	if (!error)
		error = migrate_upgrade(engine, fault);
	if (!error)
		error = migrate_check(engine, path, fault);
	engine_close(engine);
	return error;
}
