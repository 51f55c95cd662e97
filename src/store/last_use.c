/* SPDX-License-Identifier: Apache-2.0 */
#include "store/access.h"

#include <stdlib.h>
#include <string.h>

struct use_job {
	struct job job;
	store_done done;
	void *context;
	size_t count;
	struct store_use uses[];
};

static int put_pair(struct writing *writing, const struct store_use *use, int64_t *ret_rows)
{
	return engine_change(writing->engine,
		"INSERT INTO last_use AS l"
		" (service_user_id, client_id, grant_type, first_used_at, last_used_at)"
		" SELECT u.id, k.id, $3, CAST($4 AS BIGINT), CAST($5 AS BIGINT)"
		" FROM service_user u JOIN client k ON k.id = $2 WHERE u.id = $1"
		" ON CONFLICT (service_user_id, client_id) DO UPDATE SET"
		" grant_type = CASE WHEN excluded.last_used_at >= l.last_used_at"
		" THEN excluded.grant_type ELSE l.grant_type END,"
		" first_used_at = CASE WHEN excluded.first_used_at < l.first_used_at"
		" THEN excluded.first_used_at ELSE l.first_used_at END,"
		" last_used_at = CASE WHEN excluded.last_used_at > l.last_used_at"
		" THEN excluded.last_used_at ELSE l.last_used_at END"
		" RETURNING client_id",
		VALUES(value_text(use->user_id), value_text(use->client_id),
			value_text(use->grant_type), value_number(use->first_used_at),
			value_number(use->last_used_at)),
		ret_rows);
}

static int put_source(struct writing *writing, const struct store_use *use)
{
	int error = engine_change(writing->engine,
		"INSERT INTO last_use_source AS l"
		" (service_user_id, client_id, source, first_used_at, last_used_at)"
		" VALUES ($1, $2, $3, $4, $5)"
		" ON CONFLICT (service_user_id, client_id, source) DO UPDATE SET"
		" first_used_at = CASE WHEN excluded.first_used_at < l.first_used_at"
		" THEN excluded.first_used_at ELSE l.first_used_at END,"
		" last_used_at = CASE WHEN excluded.last_used_at > l.last_used_at"
		" THEN excluded.last_used_at ELSE l.last_used_at END",
		VALUES(value_text(use->user_id), value_text(use->client_id),
			value_text(use->source), value_number(use->first_used_at),
			value_number(use->last_used_at)),
		NULL);

	if (error)
		return error;
	return engine_change(writing->engine,
		"DELETE FROM last_use_source WHERE service_user_id = $1 AND client_id = $2"
		" AND source NOT IN (SELECT source FROM last_use_source"
		" WHERE service_user_id = $1 AND client_id = $2"
		" ORDER BY last_used_at DESC, source LIMIT $3)",
		VALUES(value_text(use->user_id), value_text(use->client_id),
			value_number(STORE_SOURCES_KEPT)),
		NULL);
}

static int put_credential(struct writing *writing, const struct store_use *use)
{
	return engine_change(writing->engine,
		"UPDATE service_user_credential SET last_used_at = $2"
		" WHERE id = $1 AND last_used_at < $2",
		VALUES(value_text(use->credential_id), value_number(use->last_used_at)), NULL);
}

static int put_secret(struct writing *writing, const struct store_use *use)
{
	return engine_change(writing->engine,
		"UPDATE client_secret SET last_used_at = $2 WHERE id = $1 AND last_used_at < $2",
		VALUES(value_text(use->secret_id), value_number(use->last_used_at)), NULL);
}

/* Bumps no counter: a cache need not see it. */
static int put(struct writing *writing, struct job *job)
{
	const struct use_job *putting = (const struct use_job *)job;
	int error = 0;

	for (size_t i = 0; i < putting->count && !error; i++) {
		const struct store_use *use = &putting->uses[i];
		int64_t rows = 0;

		if (*use->user_id)
			error = put_pair(writing, use, &rows);
		if (!error && rows)
			error = put_source(writing, use);
		if (!error && *use->credential_id)
			error = put_credential(writing, use);
		if (!error && *use->secret_id)
			error = put_secret(writing, use);
	}
	return error;
}

static void put_done(struct job *job, int error)
{
	struct use_job *putting = (struct use_job *)job;

	if (error && error != ERROR_MEMORY)
		error = ERROR_UNAVAILABLE;
	putting->done(putting->context, error);
	free(putting);
}

int store_use_put(struct store *store, const struct store_use *uses, size_t count, store_done done,
	void *context)
{
	struct use_job *putting = calloc(1, sizeof(*putting) + count * sizeof(*uses));
	int error;

	if (!putting)
		return ERROR_MEMORY;
	putting->job = (struct job){.run = put, .done = put_done};
	putting->done = done;
	putting->context = context;
	putting->count = count;
	if (count)
		memcpy(putting->uses, uses, count * sizeof(*uses));
	error = store_submit(store, &putting->job);
	if (error)
		free(putting);
	return error;
}

/* --- reading ------------------------------------------------------------- */

static void read_source(struct statement *statement, struct store_last_use *use)
{
	struct store_use_source *source;

	if (statement_is_null(statement, 4) || use->source_count == STORE_SOURCES_KEPT)
		return;
	source = &use->sources[use->source_count++];
	statement_text(statement, 4, source->source, sizeof(source->source));
	source->first_used_at = statement_number(statement, 5);
	source->last_used_at = statement_number(statement, 6);
}

static int read_uses(struct statement *statement, void *context)
{
	struct store_last_use *use = NULL;
	char client_id[STORE_CLIENT_SIZE];
	bool row = false;
	int error = statement_step(statement, &row);

	while (!error && row) {
		statement_text(statement, 0, client_id, sizeof(client_id));
		if (!use || strcmp(use->client_id, client_id) != 0)
			use = rows_add(context);
		if (!use)
			return ERROR_MEMORY;
		memcpy(use->client_id, client_id, sizeof(client_id));
		statement_text(statement, 1, use->grant_type, sizeof(use->grant_type));
		use->first_used_at = statement_number(statement, 2);
		use->last_used_at = statement_number(statement, 3);
		read_source(statement, use);
		error = statement_step(statement, &row);
	}
	return error;
}

int store_last_use_list(struct store *store, const char *user_id,
	int (*each)(void *context, const struct store_last_use *use), void *context)
{
	struct rows rows = {.size = sizeof(struct store_last_use)};
	const struct store_last_use *uses;
	int error = store_read(store,
		"SELECT l.client_id, l.grant_type, l.first_used_at, l.last_used_at,"
		" s.source, s.first_used_at, s.last_used_at FROM last_use l"
		" LEFT JOIN last_use_source s"
		" ON s.service_user_id = l.service_user_id AND s.client_id = l.client_id"
		" WHERE l.service_user_id = $1"
		" ORDER BY l.last_used_at DESC, l.client_id, s.last_used_at DESC, s.source",
		VALUES(value_text(user_id)), read_uses, &rows);

	uses = (const struct store_last_use *)(const void *)rows.items;
	for (size_t i = 0; i < rows.count && !error; i++)
		error = each(context, &uses[i]);
	rows_finish(&rows);
	return error;
}

static int read_time(struct statement *statement, void *context)
{
	bool row = false;
	int error = statement_step(statement, &row);

	if (!error)
		*(int64_t *)context = row ? statement_number(statement, 0) : 0;
	return error;
}

int store_service_user_last_used_at(struct store *store, const char *user_id, int64_t *ret_at)
{
	return store_read(store,
		"SELECT MAX(last_used_at) FROM last_use WHERE service_user_id = $1",
		VALUES(value_text(user_id)), read_time, ret_at);
}

/* Its secrets' uses too: an API that only asks about tokens never gets one. */
int store_client_last_used_at(struct store *store, const char *client_id, int64_t *ret_at)
{
	return store_read(store,
		"SELECT MAX(at) FROM (SELECT MAX(last_used_at) AS at FROM last_use"
		" WHERE client_id = $1 UNION ALL SELECT MAX(last_used_at) FROM client_secret"
		" WHERE owner_id = $1) AS used",
		VALUES(value_text(client_id)), read_time, ret_at);
}
