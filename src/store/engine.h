/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One connection to a database, and what the verbs need of it. Each engine
 * implements this once (sqlite.c); nothing else includes an engine's header.
 * SQL has $1, $2, … for its parameters and is one text for every engine.
 *
 * A connection is used by one thread at a time. Everything returns 0 or
 *   ERROR_EXISTS       a unique value is there already
 *   ERROR_NOT_FOUND    a foreign key names nothing
 *   ERROR_INVALID      a value that the schema forbids
 *   ERROR_REFUSED      a trigger forbids it
 *   ERROR_MEMORY
 *   ERROR_UNAVAILABLE  anything else: never an answer
 */
#ifndef STORE_ENGINE_H
#define STORE_ENGINE_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	ENGINE_PARAMETERS_MAX = 16,
};

struct engine;
struct statement;

struct engine_options {
	const char *path; /* NULL: in memory */
	bool create;	  /* make it where it is missing */
	bool first;	  /* of this store: check what the file is, and set it up */
	bool read_only;	  /* this connection never writes */
	int busy_timeout_ms;
};

/* With `first` also ERROR_NOT_FOUND (no such database), ERROR_INVALID (not one
 * of ours) and ERROR_VERSION (newer than STORE_SCHEMA_VERSION), which leave it
 * untouched. `fault` says what to do. */
int engine_open(
	const struct engine_options *options, struct engine **ret_engine, struct fault *fault);
/* Accepts NULL. */
void engine_close(struct engine *engine);

/* Whether the database that was opened is still the one at its path: 0 or
 * ERROR_UNAVAILABLE (moved, deleted, replaced). */
int engine_check(struct engine *engine);

/* The version of the schema of a database that this process has not opened. As
 * engine_open() with `first`; changes nothing. */
int engine_peek(const struct engine_options *options, int64_t *ret_version, struct fault *fault);

/* Which database this is: another number for another one. */
uint64_t engine_identity(const struct engine *engine);

/* The schema's version; 0 in an empty database. Setting it is part of the
 * transaction around it. */
int engine_version(struct engine *engine, int64_t *ret_version);
int engine_set_version(struct engine *engine, int64_t version);

/* Whether foreign keys are enforced; they are, until this says other. Outside a transaction. */
int engine_enforce_references(struct engine *engine, bool enforce);
/* Whether every foreign key names something: 0 or ERROR_INVALID. */
int engine_check_references(struct engine *engine);
/* Whether all of it can be read and fits together: 0 or ERROR_INVALID. */
int engine_check_content(struct engine *engine);

/* Runs a script of statements without parameters. */
int engine_script(struct engine *engine, const char *sql);

/* Writes what a read would see now into the empty file at `path`, which then is a
 * database of its own. Not in a transaction. 0, ERROR_MEMORY or ERROR_UNAVAILABLE. */
int engine_copy(struct engine *engine, const char *path);

/* Takes the write lock at once, or ERROR_UNAVAILABLE after the busy timeout. */
int engine_begin(struct engine *engine);
int engine_commit(struct engine *engine);
/* Does nothing outside a transaction. */
void engine_rollback(struct engine *engine);
/* A fault of the engine may have ended it. */
bool engine_in_transaction(struct engine *engine);

/* A part of a transaction that can be undone alone. */
int engine_part_begin(struct engine *engine);
int engine_part_end(struct engine *engine, bool keep);

/* --- statements ---------------------------------------------------------- */

struct value {
	enum { VALUE_NUMBER, VALUE_TEXT, VALUE_BYTES } kind;
	int64_t number;
	const void *bytes; /* NULL with TEXT and BYTES: the SQL NULL */
	size_t length;
};

struct value value_number(int64_t number);
struct value value_text(const char *text);
struct value value_text_or_null(const char *text); /* "" becomes NULL */
struct value value_bytes(const void *bytes, size_t length);

struct values {
	size_t count;
	const struct value *list;
};

#define VALUES(...)                                                                                \
	(struct values)                                                                            \
	{                                                                                          \
		.count = sizeof((struct value[]){__VA_ARGS__}) / sizeof(struct value),             \
		.list = (struct value[])                                                           \
		{                                                                                  \
			__VA_ARGS__                                                                \
		}                                                                                  \
	}

/* Starts the statement with $1… = values. `sql` must be static: the connection
 * keeps what it prepared by the text's address. What `values` point at must
 * live until statement_finish(). The same text can't run twice at once. */
int engine_query(struct engine *engine, const char *sql, struct values values,
	struct statement **ret_statement);

/* 0 with *ret_row false: there is no further row. */
int statement_step(struct statement *statement, bool *ret_row);

/* Columns of the row, from 0. NULL is 0, or "". */
int64_t statement_number(struct statement *statement, int column);
bool statement_is_null(struct statement *statement, int column);
/* One that does not fit makes statement_finish() return ERROR_UNAVAILABLE. */
void statement_text(struct statement *statement, int column, char *text, size_t size);
size_t statement_bytes(struct statement *statement, int column, void *bytes, size_t size);

/* Ends it, and with it the read. Returns `error`, or where that is 0 what went
 * wrong while columns were read. Accepts NULL. */
int statement_finish(struct statement *statement, int error);

/* Runs a statement to its end and counts its rows: with RETURNING, those it
 * changed. ret_rows may be NULL. */
int engine_change(struct engine *engine, const char *sql, struct values values, int64_t *ret_rows);

#endif
