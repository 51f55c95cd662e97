/* SPDX-License-Identifier: Apache-2.0 */
/* What every engine shares. */
#include "store/engine.h"

#include <string.h>

struct value value_number(int64_t number)
{
	return (struct value){.kind = VALUE_NUMBER, .number = number};
}

struct value value_text(const char *text)
{
	return (struct value){.kind = VALUE_TEXT, .bytes = text, .length = strlen(text)};
}

struct value value_text_or_null(const char *text)
{
	return text[0] ? value_text(text) : (struct value){.kind = VALUE_TEXT};
}

struct value value_bytes(const void *bytes, size_t length)
{
	return (struct value){.kind = VALUE_BYTES, .bytes = bytes, .length = length};
}

int engine_change(struct engine *engine, const char *sql, struct values values, int64_t *ret_rows)
{
	struct statement *statement = NULL;
	int64_t rows = 0;
	bool row = false;
	int error;

	error = engine_query(engine, sql, values, &statement);
	if (error)
		return error;
	do {
		error = statement_step(statement, &row);
		if (!error && row)
			rows++;
	} while (!error && row);
	error = statement_finish(statement, error);
	if (!error && ret_rows)
		*ret_rows = rows;
	return error;
}
