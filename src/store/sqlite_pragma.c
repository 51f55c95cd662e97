/* SPDX-License-Identifier: Apache-2.0 */
/* What SQLite has a PRAGMA for, by the engine's own statements. */
#include "store/engine.h"

#include <stdio.h>
#include <string.h>

int engine_version(struct engine *engine, int64_t *ret_version)
{
	struct statement *statement = NULL;
	int64_t version = 0;
	bool row = false;
	int error = engine_query(engine, "PRAGMA user_version", (struct values){0}, &statement);

	if (!error)
		error = statement_step(statement, &row);
	if (!error)
		version = statement_number(statement, 0);
	error = statement_finish(statement, error);
	if (!error)
		*ret_version = version;
	return error;
}

int engine_set_version(struct engine *engine, int64_t version)
{
	char sql[64];

	(void)snprintf(sql, sizeof(sql), "PRAGMA user_version = %lld", (long long)version);
	return engine_script(engine, sql);
}

int engine_enforce_references(struct engine *engine, bool enforce)
{
	return engine_script(
		engine, enforce ? "PRAGMA foreign_keys = ON" : "PRAGMA foreign_keys = OFF");
}

int engine_check_references(struct engine *engine)
{
	int64_t broken = 0;
	int error = engine_change(engine, "PRAGMA foreign_key_check", (struct values){0}, &broken);

	return error ? error : broken ? ERROR_INVALID : 0;
}

/* A first row that is longer than "ok" can't be read into so few bytes. */
int engine_check_content(struct engine *engine)
{
	struct statement *statement = NULL;
	char text[8] = "";
	bool row = false;
	int error =
		engine_query(engine, "PRAGMA integrity_check(1)", (struct values){0}, &statement);

	if (!error)
		error = statement_step(statement, &row);
	if (!error && row)
		statement_text(statement, 0, text, sizeof(text));
	error = statement_finish(statement, error);
	return error == ERROR_MEMORY ? error : strcmp(text, "ok") != 0 ? ERROR_INVALID : error;
}
