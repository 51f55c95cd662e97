/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening, closing, and who gets which connection. In a file: one connection of
 * the writer's, and up to READERS_MAX that read beside it. In memory there is
 * one connection for all, under one lock.
 */
#include "store/access.h"

#include "base/secret.h"
#include "store/migrate.h"

#include <stdlib.h>
#include <string.h>

enum {
	BUSY_TIMEOUT_MS = 5000,
	ROWS_MIN = 16,
};

struct store {
	char *path; /* NULL: in memory */
	const struct clock *clock;
	int busy_timeout_ms;
	uint64_t identity; /* of the database that the writer has */
	struct writer *writer;
	struct engine *memory; /* the writer's own, where it is the only one */
	pthread_mutex_t memory_lock;
	pthread_mutex_t readers_lock; /* of what follows */
	pthread_cond_t reader_free;
	struct engine *free_readers[READERS_MAX];
	size_t free_count;
	size_t reader_count;
};

static struct store *make_store(const struct store_options *options)
{
	struct store *store = calloc(1, sizeof(*store));

	if (!store)
		return NULL;
	if (options->path) {
		store->path = strdup(options->path);
		if (!store->path) {
			free(store);
			return NULL;
		}
	}
	store->clock = options->clock;
	store->busy_timeout_ms =
		options->busy_timeout_ms > 0 ? options->busy_timeout_ms : BUSY_TIMEOUT_MS;
	(void)pthread_mutex_init(&store->memory_lock, NULL);
	(void)pthread_mutex_init(&store->readers_lock, NULL);
	(void)pthread_cond_init(&store->reader_free, NULL);
	return store;
}

static int start_writer(
	struct store *store, const struct store_options *options, struct fault *fault)
{
	struct engine *engine = NULL;
	struct engine_options engine_options = {
		.path = store->path,
		.create = options->create,
		.first = true,
		.busy_timeout_ms = store->busy_timeout_ms,
	};
	int error = engine_open(&engine_options, &engine, fault);

	if (error)
		return error;
	if (options->create || !options->path)
		error = migrate_create(engine, fault);
	if (!error && options->upgrade)
		error = migrate_upgrade(engine, fault);
	if (!error)
		error = migrate_check(engine, store->path, fault);
	if (!error) {
		error = writer_create(engine, store->path ? NULL : &store->memory_lock,
			store->clock, &store->writer);
		if (error)
			fault_set(fault, "the store's thread can't be started; check the limits");
	}
	if (error) {
		engine_close(engine);
		return error;
	}
	store->identity = engine_identity(engine);
	if (!store->path)
		store->memory = engine;
	return 0;
}

int store_open(const struct store_options *options, struct store **ret_store, struct fault *fault)
{
	struct store *store = make_store(options);
	int error;

	if (!store) {
		fault_set(fault, "out of memory");
		return ERROR_MEMORY;
	}
	error = start_writer(store, options, fault);
	if (!error) {
		error = store_ping(store);
		if (error)
			fault_set(fault, "%s can't be read; check the file and its disk",
				store->path ? store->path : "memory");
	}
	if (error) {
		store_close(store);
		return error;
	}
	*ret_store = store;
	return 0;
}

void store_close(struct store *store)
{
	if (!store)
		return;
	/* The writer last: the last connection to close empties the log. */
	for (size_t i = 0; i < store->free_count; i++)
		engine_close(store->free_readers[i]);
	writer_destroy(store->writer);
	(void)pthread_cond_destroy(&store->reader_free);
	(void)pthread_mutex_destroy(&store->readers_lock);
	(void)pthread_mutex_destroy(&store->memory_lock);
	free(store->path);
	free(store);
}

/* --- reading ------------------------------------------------------------- */

/* A free connection, or NULL and leave to open one. */
static struct engine *take_reader(struct store *store)
{
	struct engine *engine = NULL;

	(void)pthread_mutex_lock(&store->readers_lock);
	while (!store->free_count && store->reader_count == READERS_MAX)
		(void)pthread_cond_wait(&store->reader_free, &store->readers_lock);
	if (store->free_count)
		engine = store->free_readers[--store->free_count];
	else
		store->reader_count++;
	(void)pthread_mutex_unlock(&store->readers_lock);
	return engine;
}

/* One that met a fault is closed: the next reader starts afresh. */
static void give_reader(struct store *store, struct engine *engine, bool keep)
{
	if (!keep)
		engine_close(engine);
	(void)pthread_mutex_lock(&store->readers_lock);
	if (keep)
		store->free_readers[store->free_count++] = engine;
	else
		store->reader_count--;
	(void)pthread_cond_signal(&store->reader_free);
	(void)pthread_mutex_unlock(&store->readers_lock);
}

/* The file at the path may be another one by now, which this store did not open. */
static int open_beside(struct store *store, bool read_only, struct engine **ret_engine)
{
	struct engine_options options = {
		.path = store->path,
		.read_only = read_only,
		.busy_timeout_ms = store->busy_timeout_ms,
	};
	struct engine *engine = NULL;
	int error = engine_open(&options, &engine, NULL);

	if (error)
		return error == ERROR_MEMORY ? error : ERROR_UNAVAILABLE;
	if (engine_identity(engine) != store->identity) {
		engine_close(engine);
		return ERROR_UNAVAILABLE;
	}
	*ret_engine = engine;
	return 0;
}

static int begin_read(struct store *store, struct engine **ret_engine)
{
	struct engine *engine;
	int error = 0;

	if (store->memory) {
		(void)pthread_mutex_lock(&store->memory_lock);
		*ret_engine = store->memory;
		return 0;
	}
	engine = take_reader(store);
	if (!engine)
		error = open_beside(store, true, &engine);
	if (!error)
		error = engine_check(engine);
	if (error) {
		give_reader(store, engine, false);
		return error;
	}
	*ret_engine = engine;
	return 0;
}

static void end_read(struct store *store, struct engine *engine, int error)
{
	if (store->memory)
		(void)pthread_mutex_unlock(&store->memory_lock);
	else
		give_reader(store, engine, !error || error == ERROR_NOT_FOUND);
}

int store_read(struct store *store, const char *sql, struct values values,
	int (*read)(struct statement *statement, void *context), void *context)
{
	struct engine *engine = NULL;
	struct statement *statement = NULL;
	int error = begin_read(store, &engine);

	if (error)
		return error;
	error = engine_query(engine, sql, values, &statement);
	/* No answer comes before a row was looked for. */
	if (error && error != ERROR_MEMORY)
		error = ERROR_UNAVAILABLE;
	if (!error)
		error = statement_finish(statement, read(statement, context));
	if (error && error != ERROR_NOT_FOUND && error != ERROR_MEMORY)
		error = ERROR_UNAVAILABLE;
	end_read(store, engine, error);
	return error;
}

/* On a connection of its own: one that may only read can't do this, and the writer's
 * would keep every write waiting. */
int store_copy(struct store *store, const char *path)
{
	struct engine *engine = NULL;
	int error;

	if (store->memory)
		return ERROR_REFUSED;
	error = open_beside(store, false, &engine);
	if (error)
		return error;
	error = engine_check(engine);
	if (!error)
		error = engine_copy(engine, path);
	engine_close(engine);
	return error;
}

int64_t store_now_s(struct store *store)
{
	return clock_now_s(store->clock);
}

int store_write(
	struct store *store, int (*run)(struct writing *writing, void *context), void *context)
{
	return writer_run(store->writer, run, context);
}

int store_submit(struct store *store, struct job *job)
{
	return writer_submit(store->writer, job);
}

void store_guard_commits(struct store *store, int (*guard)(void *context), void *context)
{
	writer_guard(store->writer, guard, context);
}

void store_settle(struct store *store)
{
	writer_settle(store->writer);
}

void store_statistics(struct store *store, struct store_statistics *ret_statistics)
{
	writer_statistics(store->writer, ret_statistics);
}

static int probe(struct writing *writing, struct job *job)
{
	(void)job;
	writing->seen = true; /* so that something is written */
	return 0;
}

static void probe_done(struct job *job, int error)
{
	(void)error; /* the writer remembers it */
	free(job);
}

/* Does not wait: a later ping sees what came of it. */
static void start_probe(struct store *store)
{
	struct job *job = calloc(1, sizeof(*job));

	if (!job)
		return;
	*job = (struct job){.run = probe, .done = probe_done};
	if (store_submit(store, job))
		free(job);
}

int store_ping(struct store *store)
{
	int64_t counter;
	int error = store_change_counter(store, &counter);

	if (error || !writer_failing(store->writer))
		return error;
	start_probe(store);
	return ERROR_UNAVAILABLE;
}

/* Whether it still has the schema that it was opened with. */
static int check_version(struct store *store)
{
	struct engine *engine = NULL;
	int64_t version = 0;
	int error = begin_read(store, &engine);

	if (error)
		return error;
	error = engine_version(engine, &version);
	end_read(store, engine, error);
	if (error)
		return error == ERROR_MEMORY ? error : ERROR_UNAVAILABLE;
	return version == STORE_SCHEMA_VERSION ? 0 : ERROR_VERSION;
}

static int read_counter(struct statement *statement, void *context)
{
	int64_t *counter = context;
	bool row = false;
	int error = statement_step(statement, &row);

	if (error)
		return error;
	if (!row)
		return ERROR_UNAVAILABLE;
	*counter = statement_number(statement, 0);
	return 0;
}

/* A prepared read of one row. SQLite's data_version would spare it only while
 * nobody redeems, since it moves with every commit. */
int store_change_counter(struct store *store, int64_t *ret_counter)
{
	int64_t counter = 0;
	int error = check_version(store);

	if (!error)
		error = store_read(store, "SELECT counter FROM change WHERE one = 1",
			(struct values){0}, read_counter, &counter);
	if (!error)
		*ret_counter = counter;
	return error;
}

/* --- rows ---------------------------------------------------------------- */

bool text_fits(const char *text, size_t size)
{
	return strnlen(text, size) < size;
}

/* A fresh block instead of realloc, which would leave a copy unwiped. */
void *rows_add(struct rows *rows)
{
	if (rows->count == rows->cap) {
		size_t cap = rows->cap ? rows->cap * 2 : ROWS_MIN;
		unsigned char *items = calloc(cap, rows->size);

		if (!items)
			return NULL;
		if (rows->count) {
			memcpy(items, rows->items, rows->count * rows->size);
			memory_wipe(rows->items, rows->count * rows->size);
		}
		free(rows->items);
		rows->items = items;
		rows->cap = cap;
	}
	return rows->items + rows->count++ * rows->size;
}

void rows_finish(struct rows *rows)
{
	if (rows->items)
		memory_wipe(rows->items, rows->count * rows->size);
	free(rows->items);
	*rows = (struct rows){.size = rows->size};
}
