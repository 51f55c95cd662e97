/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine on SQLite: WAL, every commit synced, 3.37 or later (STRICT).
 * The file's header carries an application id and the schema's version.
 */
#include "store/database_identity.h"
#include "store/database_path.h"
#include "store/engine.h"
#include "store/store.h"

#include "base/clock.h"
#include "base/secret.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
	STATEMENTS_MAX = 128, /* more than the verbs have */
	RETRY_MS = 10,
};

struct statement {
	const char *sql;
	sqlite3_stmt *prepared;
	int parameters[ENGINE_PARAMETERS_MAX]; /* SQLite's index of $1, $2, …; 0: not used */
	bool busy;
	bool misread;
};

struct engine {
	sqlite3 *db;
	bool in_memory;
	uint64_t inode; /* of the file; no other has it while this one is open */
	size_t count;
	struct statement statements[STATEMENTS_MAX];
};

static const char rollback_sql[] = "ROLLBACK";

/* Nothing that the engine can't do may look like an answer. */
static int map_error(int result)
{
	switch (result) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return 0;
	case SQLITE_CONSTRAINT_UNIQUE:
	case SQLITE_CONSTRAINT_PRIMARYKEY:
	case SQLITE_CONSTRAINT_ROWID:
		return ERROR_EXISTS;
	case SQLITE_CONSTRAINT_FOREIGNKEY:
		return ERROR_NOT_FOUND;
	case SQLITE_CONSTRAINT_CHECK:
	case SQLITE_CONSTRAINT_NOTNULL:
	case SQLITE_CONSTRAINT_DATATYPE:
	case SQLITE_TOOBIG:
		return ERROR_INVALID;
	case SQLITE_CONSTRAINT_TRIGGER:
		return ERROR_REFUSED;
	case SQLITE_NOMEM:
	case SQLITE_IOERR_NOMEM:
		return ERROR_MEMORY;
	default:
		return ERROR_UNAVAILABLE;
	}
}

static int prepare(struct engine *engine, const char *sql, struct statement *statement)
{
	char name[8];
	int result = sqlite3_prepare_v3(
		engine->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement->prepared, NULL);

	if (result != SQLITE_OK)
		return map_error(result);
	for (int i = 0; i < ENGINE_PARAMETERS_MAX; i++) {
		(void)snprintf(name, sizeof(name), "$%d", i + 1);
		statement->parameters[i] = sqlite3_bind_parameter_index(statement->prepared, name);
	}
	statement->sql = sql;
	return 0;
}

static int find_statement(struct engine *engine, const char *sql, struct statement **ret_statement)
{
	int error;

	for (size_t i = 0; i < engine->count; i++)
		if (engine->statements[i].sql == sql) {
			*ret_statement = &engine->statements[i];
			return 0;
		}
	if (engine->count == STATEMENTS_MAX)
		return ERROR_UNAVAILABLE;
	error = prepare(engine, sql, &engine->statements[engine->count]);
	if (error)
		return error;
	*ret_statement = &engine->statements[engine->count++];
	return 0;
}

/* --- opening ------------------------------------------------------------- */

static int pragma_number(sqlite3 *db, const char *sql, int64_t *ret_number)
{
	sqlite3_stmt *prepared = NULL;
	int result = sqlite3_prepare_v2(db, sql, -1, &prepared, NULL);

	if (result == SQLITE_OK)
		result = sqlite3_step(prepared);
	if (result == SQLITE_ROW)
		*ret_number = sqlite3_column_int64(prepared, 0);
	(void)sqlite3_finalize(prepared);
	return result == SQLITE_ROW ? SQLITE_OK : result == SQLITE_DONE ? SQLITE_ERROR : result;
}

static int check_identity(sqlite3 *db, const struct engine_options *options,
	struct database_identity *ret_identity, struct fault *fault)
{
	struct database_identity identity = {0};
	int result = pragma_number(db, "PRAGMA page_count", &identity.pages);
	int error;

	if (result == SQLITE_OK)
		result = pragma_number(db, "PRAGMA application_id", &identity.application_id);
	if (result == SQLITE_OK)
		result = pragma_number(db, "PRAGMA user_version", &identity.version);
	if (result == SQLITE_NOTADB)
		return database_identity_none(options, fault);
	if (result != SQLITE_OK) {
		fault_set(fault, "%s can't be read (%s); check the file and its disk",
			options->path, sqlite3_errstr(result));
		return result == SQLITE_NOMEM ? ERROR_MEMORY : ERROR_UNAVAILABLE;
	}
	error = database_identity_check(&identity, options, fault);
	if (!error)
		*ret_identity = identity;
	return error;
}

static int read_header(sqlite3 *db, unsigned char header[DATABASE_HEADER_SIZE], int64_t *ret_size)
{
	sqlite3_file *file = NULL;
	sqlite3_int64 size = 0;
	int result = sqlite3_file_control(db, "main", SQLITE_FCNTL_FILE_POINTER, &file);

	if (result == SQLITE_OK && !file->pMethods)
		result = SQLITE_CANTOPEN;
	if (result == SQLITE_OK)
		result = file->pMethods->xFileSize(file, &size);
	if (result == SQLITE_OK)
		result = file->pMethods->xRead(file, header, DATABASE_HEADER_SIZE, 0);
	*ret_size = size;
	return result == SQLITE_IOERR_SHORT_READ ? SQLITE_OK : result;
}

/* Looks at the file's header as if it could not change, which takes no lock and makes no
 * file beside it. Not at more of it: while a log is moved into it, or after a kill then,
 * the file alone is in no state that SQLite would take. */
static int peek(const char *path, const struct engine_options *options,
	struct database_identity *ret_identity, struct fault *fault)
{
	unsigned char header[DATABASE_HEADER_SIZE] = {0};
	char uri[DATABASE_URI_SIZE];
	int64_t size = 0;
	sqlite3 *db = NULL;
	int result;

	database_path_immutable_uri(path, uri);
	result = sqlite3_open_v2(uri, &db,
		SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX |
			SQLITE_OPEN_EXRESCODE,
		NULL);
	if (result == SQLITE_OK)
		result = read_header(db, header, &size);
	(void)sqlite3_close(db);
	if (result == SQLITE_OK)
		return database_identity_read(header, size, options, ret_identity, fault);
	fault_set(fault, "%s can't be read (%s); check its owner and mode, and its disk",
		options->path, sqlite3_errstr(result));
	return result == SQLITE_NOMEM ? ERROR_MEMORY : ERROR_UNAVAILABLE;
}

/* Another process may be at it just now, and SQLite does not always wait here. */
static int enter_wal(sqlite3 *db, const struct engine_options *options)
{
	int64_t deadline = clock_monotonic_ms() + options->busy_timeout_ms;
	struct timespec pause = {.tv_nsec = RETRY_MS * 1000000L};
	int result;

	do {
		result = sqlite3_exec(db, "PRAGMA journal_mode = WAL", NULL, NULL, NULL);
		if ((result & 0xff) != SQLITE_BUSY)
			return result;
		(void)nanosleep(&pause, NULL);
	} while (clock_monotonic_ms() < deadline);
	return result;
}

/* The application id goes first, in a transaction of its own, so that a file
 * that is not empty always says whose it is. */
static int set_up(sqlite3 *db, const struct engine_options *options, bool empty)
{
	int64_t is_wal = 0;
	int result = SQLITE_OK;

	if (empty) {
		char sql[64];

		(void)snprintf(
			sql, sizeof(sql), "PRAGMA application_id = %d", DATABASE_APPLICATION_ID);
		result = sqlite3_exec(db, sql, NULL, NULL, NULL);
	}
	if (result != SQLITE_OK)
		return result;
	result = enter_wal(db, options);
	if (result != SQLITE_OK)
		return result;
	result = pragma_number(db, "SELECT journal_mode = 'wal' FROM pragma_journal_mode", &is_wal);
	return result == SQLITE_OK && !is_wal ? SQLITE_CANTOPEN : result;
}

static int configure(sqlite3 *db, const struct engine_options *options)
{
	int result = sqlite3_exec(db,
		"PRAGMA synchronous = FULL;"
		"PRAGMA foreign_keys = ON;"
		"PRAGMA trusted_schema = OFF;"
		"PRAGMA secure_delete = ON;"
		"PRAGMA cell_size_check = ON;"
		"PRAGMA temp_store = MEMORY;"
		"PRAGMA journal_size_limit = 67108864;",
		NULL, NULL, NULL);

	if (result == SQLITE_OK)
		result = sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	if (result == SQLITE_OK && options->read_only)
		result = sqlite3_exec(db, "PRAGMA query_only = ON", NULL, NULL, NULL);
	return result;
}

/* Until it is known to be ours, closing must not move the log into the file. */
static int take_over(
	struct engine *engine, const struct engine_options *options, struct fault *fault)
{
	struct database_identity identity = {0};
	int result = SQLITE_OK;
	int error;

	(void)sqlite3_busy_timeout(engine->db, options->busy_timeout_ms);
	if (options->first && !engine->in_memory) {
		(void)sqlite3_db_config(engine->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
		error = check_identity(engine->db, options, &identity, fault);
		if (error)
			return error;
		(void)sqlite3_db_config(engine->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
		if (sqlite3_db_readonly(engine->db, "main")) {
			fault_set(fault, "%s can't be written; check its owner and mode",
				options->path);
			return ERROR_UNAVAILABLE;
		}
		result = set_up(engine->db, options, !identity.pages);
	}
	if (result == SQLITE_OK)
		result = configure(engine->db, options);
	if (result == SQLITE_OK)
		return 0;
	fault_set(fault, "%s can't be used (%s); it needs a local, writable disk",
		options->path ? options->path : "memory", sqlite3_errstr(result));
	return result == SQLITE_NOMEM ? ERROR_MEMORY : ERROR_UNAVAILABLE;
}

static int open_file(
	struct engine *engine, const struct engine_options *options, struct fault *fault)
{
	struct database_identity identity;
	char path[DATABASE_PATH_SIZE];
	struct stat status;
	int result;
	int error = database_path_make(options->path, path);

	if (error) {
		fault_set(fault, "the path is too long; name another");
		return error;
	}
	if (options->first) {
		error = database_path_find(path, options, fault);
		if (!error)
			error = peek(path, options, &identity, fault);
		if (error)
			return error;
	}
	result = sqlite3_open_v2(path, &engine->db,
		SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE |
			SQLITE_OPEN_EXRESCODE,
		NULL);
	if (result == SQLITE_OK && stat(path, &status))
		result = SQLITE_CANTOPEN;
	if (result == SQLITE_OK) {
		engine->inode = (uint64_t)status.st_ino;
		return 0;
	}
	fault_set(fault, "%s can't be opened (%s); check its owner and mode", options->path,
		sqlite3_errstr(result));
	return result == SQLITE_NOMEM ? ERROR_MEMORY : ERROR_UNAVAILABLE;
}

static int open_memory(struct engine *engine, struct fault *fault)
{
	int result = sqlite3_open_v2(":memory:", &engine->db,
		SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX |
			SQLITE_OPEN_EXRESCODE,
		NULL);

	if (result == SQLITE_OK)
		return 0;
	fault_set(fault, "no database can be made in memory (%s)", sqlite3_errstr(result));
	return result == SQLITE_NOMEM ? ERROR_MEMORY : ERROR_UNAVAILABLE;
}

int engine_open(
	const struct engine_options *options, struct engine **ret_engine, struct fault *fault)
{
	struct engine *engine = calloc(1, sizeof(*engine));
	struct statement *rollback;
	int error;

	if (!engine) {
		fault_set(fault, "out of memory");
		return ERROR_MEMORY;
	}
	engine->in_memory = !options->path;
	error = options->path ? open_file(engine, options, fault) : open_memory(engine, fault);
	if (!error)
		error = take_over(engine, options, fault);
	/* Beforehand, or there might be no memory for it when it is needed. */
	if (!error && find_statement(engine, rollback_sql, &rollback)) {
		fault_set(fault, "out of memory");
		error = ERROR_MEMORY;
	}
	if (error) {
		engine_close(engine);
		return error;
	}
	*ret_engine = engine;
	return 0;
}

/* Where there is a log, the newest version may stand in it alone. */
static int peek_with_log(const char *path, const struct engine_options *options,
	struct database_identity *ret_identity, struct fault *fault)
{
	sqlite3 *db = NULL;
	int result = sqlite3_open_v2(path, &db,
		SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
	int error = ERROR_UNAVAILABLE;

	if (result == SQLITE_OK) {
		(void)sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
		(void)sqlite3_busy_timeout(db, options->busy_timeout_ms);
		error = check_identity(db, options, ret_identity, fault);
	} else {
		fault_set(fault, "%s can't be opened (%s)", options->path, sqlite3_errstr(result));
	}
	(void)sqlite3_close(db);
	return error;
}

int engine_peek(const struct engine_options *options, int64_t *ret_version, struct fault *fault)
{
	struct database_identity identity = {0};
	char path[DATABASE_PATH_SIZE];
	int error = database_path_make(options->path, path);

	if (error)
		fault_set(fault, "the path is too long; name another");
	else
		error = database_path_find(path, options, fault);
	if (!error)
		error = peek(path, options, &identity, fault);
	if (!error && database_path_has_log(path))
		error = peek_with_log(path, options, &identity, fault);
	if (!error)
		*ret_version = identity.version;
	return error;
}

void engine_close(struct engine *engine)
{
	if (!engine)
		return;
	for (size_t i = 0; i < engine->count; i++)
		(void)sqlite3_finalize(engine->statements[i].prepared);
	(void)sqlite3_close(engine->db);
	free(engine);
}

int engine_check(struct engine *engine)
{
	int moved = 0;

	if (engine->in_memory)
		return 0;
	if (sqlite3_file_control(engine->db, "main", SQLITE_FCNTL_HAS_MOVED, &moved) != SQLITE_OK)
		return ERROR_UNAVAILABLE;
	return moved ? ERROR_UNAVAILABLE : 0;
}

uint64_t engine_identity(const struct engine *engine)
{
	return engine->inode;
}

/* --- transactions -------------------------------------------------------- */

int engine_script(struct engine *engine, const char *sql)
{
	return map_error(sqlite3_exec(engine->db, sql, NULL, NULL, NULL));
}

int engine_copy(struct engine *engine, const char *path)
{
	char name[DATABASE_PATH_SIZE];

	if (database_path_make(path, name))
		return ERROR_UNAVAILABLE;
	return engine_change(engine, "VACUUM INTO $1", VALUES(value_text(name)), NULL);
}

int engine_begin(struct engine *engine)
{
	int error = engine_check(engine);

	return error ? error : engine_change(engine, "BEGIN IMMEDIATE", (struct values){0}, NULL);
}

int engine_commit(struct engine *engine)
{
	return engine_change(engine, "COMMIT", (struct values){0}, NULL);
}

void engine_rollback(struct engine *engine)
{
	if (engine_in_transaction(engine))
		(void)engine_change(engine, rollback_sql, (struct values){0}, NULL);
	/* A page that could not be read must not be taken for the file's once it can. */
	(void)sqlite3_db_release_memory(engine->db);
}

bool engine_in_transaction(struct engine *engine)
{
	return !sqlite3_get_autocommit(engine->db);
}

int engine_part_begin(struct engine *engine)
{
	return engine_change(engine, "SAVEPOINT part", (struct values){0}, NULL);
}

int engine_part_end(struct engine *engine, bool keep)
{
	int error = 0;

	if (!keep)
		error = engine_change(engine, "ROLLBACK TO part", (struct values){0}, NULL);
	if (!error)
		error = engine_change(engine, "RELEASE part", (struct values){0}, NULL);
	return error;
}

/* --- statements ---------------------------------------------------------- */

static int bind(sqlite3_stmt *prepared, int index, const struct value *value)
{
	if (value->kind == VALUE_NUMBER)
		return sqlite3_bind_int64(prepared, index, value->number);
	if (!value->bytes)
		return sqlite3_bind_null(prepared, index);
	if (value->kind == VALUE_TEXT)
		return sqlite3_bind_text64(
			prepared, index, value->bytes, value->length, SQLITE_STATIC, SQLITE_UTF8);
	return sqlite3_bind_blob64(prepared, index, value->bytes, value->length, SQLITE_STATIC);
}

int engine_query(struct engine *engine, const char *sql, struct values values,
	struct statement **ret_statement)
{
	struct statement *statement = NULL;
	int error = find_statement(engine, sql, &statement);
	int result = SQLITE_OK;

	if (error)
		return error;
	if (statement->busy)
		return ERROR_UNAVAILABLE;
	for (size_t i = 0; i < values.count && result == SQLITE_OK; i++)
		if (statement->parameters[i])
			result = bind(
				statement->prepared, statement->parameters[i], &values.list[i]);
	statement->busy = true;
	statement->misread = false;
	if (result != SQLITE_OK)
		return statement_finish(statement, map_error(result));
	*ret_statement = statement;
	return 0;
}

int statement_step(struct statement *statement, bool *ret_row)
{
	int result = sqlite3_step(statement->prepared);

	if (result != SQLITE_ROW && result != SQLITE_DONE)
		return map_error(result);
	*ret_row = result == SQLITE_ROW;
	return 0;
}

int64_t statement_number(struct statement *statement, int column)
{
	return sqlite3_column_int64(statement->prepared, column);
}

bool statement_is_null(struct statement *statement, int column)
{
	return sqlite3_column_type(statement->prepared, column) == SQLITE_NULL;
}

/* A NULL pointer for a value that is not NULL: no memory to convert it. */
void statement_text(struct statement *statement, int column, char *text, size_t size)
{
	const unsigned char *value = sqlite3_column_text(statement->prepared, column);
	size_t length = (size_t)sqlite3_column_bytes(statement->prepared, column);

	text[0] = '\0';
	if (length >= size || (!value && !statement_is_null(statement, column))) {
		statement->misread = true;
		return;
	}
	if (value)
		memcpy(text, value, length);
	text[length] = '\0';
}

size_t statement_bytes(struct statement *statement, int column, void *bytes, size_t size)
{
	const void *value = sqlite3_column_blob(statement->prepared, column);
	size_t length = (size_t)sqlite3_column_bytes(statement->prepared, column);

	if (length > size || (!value && length)) {
		statement->misread = true;
		return 0;
	}
	if (length)
		memcpy(bytes, value, length);
	return length;
}

int statement_finish(struct statement *statement, int error)
{
	if (!statement)
		return error;
	(void)sqlite3_reset(statement->prepared);
	(void)sqlite3_clear_bindings(statement->prepared);
	statement->busy = false;
	return error ? error : statement->misread ? ERROR_UNAVAILABLE : 0;
}
