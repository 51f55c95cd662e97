/* SPDX-License-Identifier: Apache-2.0 */
#include "data.h"

#include "codec/json_writer.h"
#include "seed.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdlib.h>

struct data {
	pthread_mutex_t mutex; /* one connection, one user at a time */
	sqlite3 *database;
};

static int read_number(sqlite3 *database, const char *sql, int *ret_number)
{
	sqlite3_stmt *statement;
	int result = sqlite3_prepare_v2(database, sql, -1, &statement, NULL);

	if (result)
		return result;
	result = sqlite3_step(statement);
	if (result == SQLITE_ROW)
		*ret_number = sqlite3_column_int(statement, 0);
	(void)sqlite3_finalize(statement);
	return result == SQLITE_ROW ? SQLITE_OK : result;
}

/* In one transaction, so that a half-filled file is never left behind. */
static int fill(sqlite3 *database, const char *path, struct fault *fault)
{
	int version = 0;
	int tables = 0;
	int result = sqlite3_exec(database, "PRAGMA foreign_keys=ON; BEGIN IMMEDIATE", 0, 0, 0);

	if (!result)
		result = read_number(database, "PRAGMA user_version", &version);
	if (!result)
		result = read_number(database, "SELECT count(*) FROM sqlite_master", &tables);
	if (!result && version > SEED_VERSION) {
		fault_set(fault, "%s: made by a later version of external-api (%d)", path, version);
		return ERROR_VERSION;
	}
	if (!result && !version && tables) {
		fault_set(fault, "%s: a database of something else; name another file", path);
		return ERROR_INVALID;
	}
	if (!result && !version)
		result = sqlite3_exec(database, seed_sql, 0, 0, 0);
	if (!result)
		result = sqlite3_exec(database, "COMMIT", 0, 0, 0);
	if (!result)
		return 0;
	fault_set(fault, "%s: %s", path, sqlite3_errmsg(database));
	return result == SQLITE_NOTADB ? ERROR_INVALID : ERROR_IO;
}

int data_open(const char *path, struct data **ret_data, struct fault *fault)
{
	const char *name = path ? path : ":memory:";
	struct data *data = calloc(1, sizeof(*data));
	int error;

	if (!data)
		return ERROR_MEMORY;
	if (sqlite3_open_v2(
		    name, &data->database, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL)) {
		fault_set(fault, "%s: %s", name,
			data->database ? sqlite3_errmsg(data->database) : "out of memory");
		(void)sqlite3_close(data->database);
		free(data);
		return ERROR_IO;
	}
	(void)sqlite3_busy_timeout(data->database, 2000);
	(void)pthread_mutex_init(&data->mutex, NULL);
	error = fill(data->database, name, fault);
	if (error) {
		data_close(data);
		return error;
	}
	*ret_data = data;
	return 0;
}

void data_close(struct data *data)
{
	if (!data)
		return;
	(void)sqlite3_close(data->database);
	(void)pthread_mutex_destroy(&data->mutex);
	free(data);
}

typedef void (*row_writer)(
	struct json_writer *writer, sqlite3_stmt *row, const struct data_filter *filter);

struct query {
	const char *sql;
	const char *site; /* bound as ?1, or NULL */
	const char *plan; /* bound as ?2, or NULL */
	const struct data_filter *filter;
	row_writer write;
};

/* Writes every row: 0, ERROR_NOT_FOUND (no row), ERROR_UNAVAILABLE. */
static int run(struct data *data, const struct query *query, struct json_writer *writer)
{
	sqlite3_stmt *statement = NULL;
	int rows = 0;
	int result = sqlite3_prepare_v2(data->database, query->sql, -1, &statement, NULL);

	if (!result && query->site)
		result = sqlite3_bind_text(statement, 1, query->site, -1, SQLITE_STATIC);
	if (!result && query->plan)
		result = sqlite3_bind_text(statement, 2, query->plan, -1, SQLITE_STATIC);
	if (!result) {
		while ((result = sqlite3_step(statement)) == SQLITE_ROW) {
			query->write(writer, statement, query->filter);
			rows++;
		}
	}
	(void)sqlite3_finalize(statement);
	if (result != SQLITE_DONE)
		return ERROR_UNAVAILABLE;
	return rows ? 0 : ERROR_NOT_FOUND;
}

/* An array of the rows; an array without any is ERROR_NOT_FOUND. */
static int list(struct data *data, const struct query *query, struct buf *buf)
{
	struct json_writer writer;
	int error;

	json_writer_init(&writer, buf);
	json_write_array(&writer, NULL);
	(void)pthread_mutex_lock(&data->mutex);
	error = run(data, query, &writer);
	(void)pthread_mutex_unlock(&data->mutex);
	json_write_array_end(&writer);
	return error ? error : json_writer_status(&writer);
}

static const char *text_of(sqlite3_stmt *row, int column)
{
	return (const char *)sqlite3_column_text(row, column);
}

static void write_site(
	struct json_writer *writer, sqlite3_stmt *row, const struct data_filter *filter)
{
	const char *id = text_of(row, 0);

	if (!id || !filter->allowed(filter->context, id))
		return;
	json_write_object(writer, NULL);
	json_write_text(writer, "id", id);
	json_write_text(writer, "name", text_of(row, 1));
	json_write_object_end(writer);
}

static void write_plan(
	struct json_writer *writer, sqlite3_stmt *row, const struct data_filter *filter)
{
	(void)filter;
	json_write_object(writer, NULL);
	json_write_text(writer, "id", text_of(row, 0));
	json_write_text(writer, "name", text_of(row, 1));
	json_write_text(writer, "modifiedAt", text_of(row, 2));
	json_write_boolean(writer, "isReady", sqlite3_column_int(row, 3) != 0);
	json_write_object_end(writer);
}

static void write_hole(
	struct json_writer *writer, sqlite3_stmt *row, const struct data_filter *filter)
{
	static const char *const metres[] = {"easting", "northing", "elevation", "depth"};

	(void)filter;
	json_write_object(writer, NULL);
	json_write_text(writer, "id", text_of(row, 0));
	json_write_text(writer, "name", text_of(row, 1));
	for (int i = 0; i < 4; i++) {
		const char *number = text_of(row, 2 + i);

		/* SQLite's text of two decimals is a JSON number. */
		if (number)
			json_write_raw(writer, metres[i], number,
				(size_t)sqlite3_column_bytes(row, 2 + i));
	}
	json_write_text(writer, "status", text_of(row, 6));
	json_write_object_end(writer);
}

int data_sites(struct data *data, const struct data_filter *filter, struct buf *buf)
{
	const struct query query = {
		.sql = "SELECT id, name FROM site ORDER BY id",
		.filter = filter,
		.write = write_site,
	};

	return list(data, &query, buf);
}

/* A site without plans has an empty list; only one that is not there has none. */
static void pass_over(
	struct json_writer *writer, sqlite3_stmt *row, const struct data_filter *filter)
{
	(void)writer;
	(void)row;
	(void)filter;
}

static int exists(struct data *data, const struct query *query)
{
	int error;

	(void)pthread_mutex_lock(&data->mutex);
	error = run(data, query, NULL);
	(void)pthread_mutex_unlock(&data->mutex);
	return error;
}

int data_plans(struct data *data, const char *site, struct buf *buf)
{
	const struct query there = {
		.sql = "SELECT 1 FROM site WHERE id=?1", .site = site, .write = pass_over};
	const struct query query = {
		.sql = "SELECT id, name, modified_at, is_ready FROM plan WHERE site_id=?1"
		       " ORDER BY modified_at, id",
		.site = site,
		.write = write_plan,
	};
	int error = exists(data, &there);

	if (error)
		return error;
	error = list(data, &query, buf);
	return error == ERROR_NOT_FOUND ? buf_status(buf) : error;
}

int data_plan(struct data *data, const char *site, const char *plan, struct buf *buf)
{
	const struct query query = {
		.sql = "SELECT id, name, modified_at, is_ready FROM plan"
		       " WHERE site_id=?1 AND id=?2",
		.site = site,
		.plan = plan,
		.write = write_plan,
	};
	struct json_writer writer;
	int error;

	json_writer_init(&writer, buf);
	(void)pthread_mutex_lock(&data->mutex);
	error = run(data, &query, &writer);
	(void)pthread_mutex_unlock(&data->mutex);
	return error ? error : json_writer_status(&writer);
}

int data_holes(struct data *data, const char *site, const char *plan, struct buf *buf)
{
	const struct query there = {
		.sql = "SELECT 1 FROM plan WHERE site_id=?1 AND id=?2",
		.site = site,
		.plan = plan,
		.write = pass_over,
	};
	const struct query query = {
		.sql = "SELECT id, name, easting, northing, elevation, depth, status FROM hole"
		       " WHERE site_id=?1 AND plan_id=?2 ORDER BY id",
		.site = site,
		.plan = plan,
		.write = write_hole,
	};
	int error = exists(data, &there);

	if (error)
		return error;
	error = list(data, &query, buf);
	return error == ERROR_NOT_FOUND ? buf_status(buf) : error;
}
