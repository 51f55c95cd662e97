/* SPDX-License-Identifier: Apache-2.0 */
#include "store/grant.h"

#include "base/random.h"
#include "store/access.h"

#include <stdlib.h>
#include <string.h>

int grant_end_of_site(struct writing *writing, const char *site)
{
	return engine_change(writing->engine,
		"UPDATE access_grant SET generation = generation + 1 WHERE service_user_id IN"
		" (SELECT id FROM service_user WHERE site_id = $1)",
		VALUES(value_text(site)), NULL);
}

int grant_end_of_service_user(struct writing *writing, const char *user_id)
{
	return engine_change(writing->engine,
		"UPDATE access_grant SET generation = generation + 1 WHERE service_user_id = $1",
		VALUES(value_text(user_id)), NULL);
}

int grant_end_of_client(struct writing *writing, const char *client_id)
{
	return engine_change(writing->engine,
		"UPDATE access_grant SET generation = generation + 1 WHERE client_id = $1",
		VALUES(value_text(client_id)), NULL);
}

struct ensure_job {
	struct job job;
	char user_id[STORE_ID_SIZE];
	char client_id[STORE_CLIENT_SIZE];
	struct store_access_grant grant;
	store_grant_done done;
	void *context;
};

/* The update changes nothing; it makes the row that is there already come back
 * from the one statement. Who was disabled meanwhile gets no grant: disabling
 * could not end one that was not there yet. */
static const char ensure_sql[] =
	"INSERT INTO access_grant AS a (id, service_user_id, client_id, generation, created_at)"
	" SELECT $1, u.id, k.id, 1, CAST($4 AS BIGINT)"
	" FROM service_user u JOIN site s ON s.id = u.site_id JOIN client k ON k.id = $3"
	" WHERE u.id = $2 AND u.disabled_at = 0 AND s.disabled_at = 0 AND k.disabled_at = 0"
	" ON CONFLICT (service_user_id, client_id) DO UPDATE SET generation = a.generation"
	" WHERE a.disabled_at = 0"
	" RETURNING id, generation";

static int ensure(struct writing *writing, struct job *job)
{
	struct ensure_job *ensured = (struct ensure_job *)job;
	struct statement *statement = NULL;
	unsigned char id[STORE_BINARY_ID_SIZE];
	bool row = false;
	int error;

	if (random_ordered_id(id, writing->now_ms))
		return ERROR_UNAVAILABLE;
	error = engine_query(writing->engine, ensure_sql,
		VALUES(value_bytes(id, sizeof(id)), value_text(ensured->user_id),
			value_text(ensured->client_id), value_number(writing->now_s)),
		&statement);
	if (!error)
		error = statement_step(statement, &row);
	if (!error && row) {
		(void)statement_bytes(statement, 0, ensured->grant.id, sizeof(ensured->grant.id));
		ensured->grant.generation = statement_number(statement, 1);
		ensured->grant.exists = true;
	}
	error = statement_finish(statement, error);
	return error ? error : row ? 0 : ERROR_NOT_FOUND;
}

static void ensure_done(struct job *job, int error)
{
	struct ensure_job *ensured = (struct ensure_job *)job;

	ensured->done(ensured->context, error, error ? NULL : &ensured->grant);
	free(ensured);
}

int store_access_grant_ensure(struct store *store, const char *user_id, const char *client_id,
	store_grant_done done, void *context)
{
	struct ensure_job *ensured;
	int error;

	if (!text_fits(user_id, STORE_ID_SIZE) || !text_fits(client_id, STORE_CLIENT_SIZE))
		return ERROR_INVALID;
	ensured = calloc(1, sizeof(*ensured));
	if (!ensured)
		return ERROR_MEMORY;
	ensured->job = (struct job){.run = ensure, .done = ensure_done, .one_statement = true};
	ensured->done = done;
	ensured->context = context;
	(void)stpcpy(ensured->user_id, user_id);
	(void)stpcpy(ensured->client_id, client_id);
	error = store_submit(store, &ensured->job);
	if (error)
		free(ensured);
	return error;
}

struct grant_change {
	const char *username;
	const char *client_id;
	bool enabled;
};

static const char disable_sql[] =
	"INSERT INTO access_grant AS a"
	" (id, service_user_id, client_id, generation, created_at, disabled_at)"
	" SELECT $1, u.id, k.id, 1, CAST($4 AS BIGINT), CAST($4 AS BIGINT)"
	" FROM service_user u JOIN client k ON k.id = $3 WHERE u.username = $2"
	" ON CONFLICT (service_user_id, client_id) DO UPDATE SET generation = a.generation + 1,"
	" disabled_at = CASE WHEN a.disabled_at = 0 THEN excluded.disabled_at ELSE a.disabled_at"
	" END RETURNING id";

static const char enable_sql[] = "UPDATE access_grant SET disabled_at = 0"
				 " WHERE client_id = $2 AND service_user_id ="
				 " (SELECT id FROM service_user WHERE username = $1)"
				 " RETURNING id";

static int set_enabled(struct writing *writing, void *context)
{
	const struct grant_change *change = context;
	unsigned char id[STORE_BINARY_ID_SIZE];
	int64_t rows = 0;
	int error;

	writing->seen = true;
	if (random_ordered_id(id, writing->now_ms))
		return ERROR_UNAVAILABLE;
	if (change->enabled)
		error = engine_change(writing->engine, enable_sql,
			VALUES(value_text(change->username), value_text(change->client_id)), &rows);
	else
		error = engine_change(writing->engine, disable_sql,
			VALUES(value_bytes(id, sizeof(id)), value_text(change->username),
				value_text(change->client_id), value_number(writing->now_s)),
			&rows);
	return error ? error : rows ? 0 : ERROR_NOT_FOUND;
}

int store_access_grant_set_enabled(
	struct store *store, const char *username, const char *client_id, bool enabled)
{
	struct grant_change change = {
		.username = username, .client_id = client_id, .enabled = enabled};

	return store_write(store, set_enabled, &change);
}

static int read_all(struct statement *statement, void *context)
{
	bool row = false;
	int error = statement_step(statement, &row);

	while (!error && row) {
		struct store_grant_row *grant = rows_add(context);

		if (!grant)
			return ERROR_MEMORY;
		statement_text(statement, 0, grant->username, sizeof(grant->username));
		statement_text(statement, 1, grant->client_id, sizeof(grant->client_id));
		statement_text(statement, 2, grant->site, sizeof(grant->site));
		grant->created_at = statement_number(statement, 3);
		grant->disabled_at = statement_number(statement, 4);
		error = statement_step(statement, &row);
	}
	return error;
}

int store_access_grant_list(struct store *store, const char *username, const char *client_id,
	int (*each)(void *context, const struct store_grant_row *row), void *context)
{
	struct rows rows = {.size = sizeof(struct store_grant_row)};
	const struct store_grant_row *grants;
	int error = store_read(store,
		"SELECT u.username, g.client_id, u.site_id, g.created_at, g.disabled_at"
		" FROM access_grant g JOIN service_user u ON u.id = g.service_user_id"
		" WHERE ($1 IS NULL OR u.username = $1) AND ($2 IS NULL OR g.client_id = $2)"
		" ORDER BY u.username, g.client_id",
		VALUES(value_text_or_null(username ? username : ""),
			value_text_or_null(client_id ? client_id : "")),
		read_all, &rows);

	grants = (const struct store_grant_row *)(const void *)rows.items;
	for (size_t i = 0; i < rows.count && !error; i++)
		error = each(context, &grants[i]);
	rows_finish(&rows);
	return error;
}
