/* SPDX-License-Identifier: Apache-2.0 */
#include "store/access.h"
#include "store/credential.h"
#include "store/grant.h"

#include <string.h>

#define COLUMNS                                                                                    \
	"k.id, k.type, k.grants, k.scopes, k.default_scopes, k.redirect_uris, k.service_user_id,"  \
	" k.access_ttl_s, k.created_at, k.disabled_at, k.resource_id, k.jwks, " CREDENTIAL_COLUMNS
#define TABLES "client k LEFT JOIN client_secret c ON c.owner_id = k.id AND " CREDENTIAL_LIVE("$1")

static void read_client(struct statement *statement, struct store_client *client)
{
	statement_text(statement, 0, client->id, sizeof(client->id));
	statement_text(statement, 1, client->type, sizeof(client->type));
	statement_text(statement, 2, client->grants, sizeof(client->grants));
	statement_text(statement, 3, client->scopes, sizeof(client->scopes));
	statement_text(statement, 4, client->default_scopes, sizeof(client->default_scopes));
	statement_text(statement, 5, client->redirect_uris, sizeof(client->redirect_uris));
	statement_text(statement, 6, client->service_user_id, sizeof(client->service_user_id));
	client->access_ttl_s = statement_number(statement, 7);
	client->created_at = statement_number(statement, 8);
	client->disabled_at = statement_number(statement, 9);
	statement_text(statement, 10, client->resource, sizeof(client->resource));
	statement_text(statement, 11, client->jwks, sizeof(client->jwks));
	credential_read(statement, 12, client->secrets, &client->secret_count);
}

bool store_client_type_has_secret(const char *type)
{
	return strcmp(type, "confidential") == 0 || strcmp(type, "web") == 0;
}

static int add(struct writing *writing, void *context)
{
	const struct store_client *client = context;
	int error;

	writing->seen = true;
	error = engine_change(writing->engine,
		"INSERT INTO client (id, type, grants, scopes, default_scopes, redirect_uris,"
		" service_user_id, resource_id, access_ttl_s, created_at, disabled_at, jwks)"
		" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0, $11)",
		VALUES(value_text(client->id), value_text(client->type), value_text(client->grants),
			value_text(client->scopes), value_text(client->default_scopes),
			value_text(client->redirect_uris),
			value_text_or_null(client->service_user_id),
			value_text_or_null(client->resource), value_number(client->access_ttl_s),
			value_number(writing->now_s), value_text(client->jwks)),
		NULL);
	if (!error && client->secret_count)
		error = credential_add(
			writing, STORE_OWNER_CLIENT, client->id, &client->secrets[0]);
	return error;
}

int store_client_add(struct store *store, const struct store_client *client)
{
	struct store_client copy = *client;

	if (client->secret_count > 1)
		return ERROR_INVALID;
	if ((client->secret_count || *client->jwks) && !store_client_type_has_secret(client->type))
		return ERROR_REFUSED;
	if (client->secret_count && *client->jwks)
		return ERROR_REFUSED;
	return store_write(store, add, &copy);
}

static int read_one(struct statement *statement, void *context)
{
	bool found = false;
	bool row = false;
	int error = statement_step(statement, &row);

	while (!error && row) {
		found = true;
		read_client(statement, context);
		error = statement_step(statement, &row);
	}
	return error ? error : found ? 0 : ERROR_NOT_FOUND;
}

int store_client_get(struct store *store, const char *id, struct store_client *ret_client)
{
	struct store_client client = {0};
	int error = store_read(store,
		"SELECT " COLUMNS " FROM " TABLES " WHERE k.id = $2 ORDER BY c.ordinal DESC",
		VALUES(value_number(store_now_s(store)), value_text(id)), read_one, &client);

	if (!error)
		*ret_client = client;
	return error;
}

static int read_all(struct statement *statement, void *context)
{
	struct store_client *client = NULL;
	char id[STORE_CLIENT_SIZE];
	bool row = false;
	int error = statement_step(statement, &row);

	while (!error && row) {
		statement_text(statement, 0, id, sizeof(id));
		if (!client || strcmp(client->id, id) != 0)
			client = rows_add(context);
		if (!client)
			return ERROR_MEMORY;
		read_client(statement, client);
		error = statement_step(statement, &row);
	}
	return error;
}

int store_client_list(struct store *store,
	int (*each)(void *context, const struct store_client *client), void *context)
{
	struct rows rows = {.size = sizeof(struct store_client)};
	const struct store_client *clients;
	int error = store_read(store,
		"SELECT " COLUMNS " FROM " TABLES " ORDER BY k.id, c.ordinal DESC",
		VALUES(value_number(store_now_s(store))), read_all, &rows);

	clients = (const struct store_client *)(const void *)rows.items;
	for (size_t i = 0; i < rows.count && !error; i++)
		error = each(context, &clients[i]);
	rows_finish(&rows);
	return error;
}

struct web_client {
	char redirect_uris[STORE_URIS_SIZE];
};

static int read_web(struct statement *statement, void *context)
{
	struct web_client *client;
	bool row = false;
	int error = statement_step(statement, &row);

	while (!error && row) {
		client = rows_add(context);
		if (!client)
			return ERROR_MEMORY;
		statement_text(statement, 0, client->redirect_uris, sizeof(client->redirect_uris));
		error = statement_step(statement, &row);
	}
	return error;
}

int store_client_list_web(
	struct store *store, int (*each)(void *context, const char *redirect_uris), void *context)
{
	struct rows rows = {.size = sizeof(struct web_client)};
	const struct web_client *clients;
	int error = store_read(store,
		"SELECT redirect_uris FROM client"
		" WHERE type = 'web' AND disabled_at = 0 AND redirect_uris <> '' ORDER BY id",
		(struct values){0}, read_web, &rows);

	clients = (const struct web_client *)(const void *)rows.items;
	for (size_t i = 0; i < rows.count && !error; i++)
		error = each(context, clients[i].redirect_uris);
	rows_finish(&rows);
	return error;
}

struct client_change {
	const char *id;
	bool enabled;
	const struct store_credential *secret;
	int64_t overlap_s;
	const char *jwks;
};

struct client_state {
	char type[16];
	bool has_keys;
	int64_t disabled_at;
};

static int find(struct writing *writing, const char *id, struct client_state *state)
{
	struct statement *statement = NULL;
	bool row = false;
	int error = engine_query(writing->engine,
		"SELECT type, disabled_at, jwks <> '' FROM client WHERE id = $1",
		VALUES(value_text(id)), &statement);

	if (!error)
		error = statement_step(statement, &row);
	if (!error && row) {
		statement_text(statement, 0, state->type, sizeof(state->type));
		state->disabled_at = statement_number(statement, 1);
		state->has_keys = statement_number(statement, 2) != 0;
	}
	error = statement_finish(statement, error);
	return error ? error : row ? 0 : ERROR_NOT_FOUND;
}

static int set_enabled(struct writing *writing, void *context)
{
	const struct client_change *change = context;
	struct client_state state = {0};
	int error = find(writing, change->id, &state);

	if (error || change->enabled == (state.disabled_at == 0))
		return error;
	writing->seen = true;
	error = engine_change(writing->engine, "UPDATE client SET disabled_at = $2 WHERE id = $1",
		VALUES(value_text(change->id), value_number(change->enabled ? 0 : writing->now_s)),
		NULL);
	if (!error && !change->enabled)
		error = grant_end_of_client(writing, change->id);
	return error;
}

int store_client_set_enabled(struct store *store, const char *id, bool enabled)
{
	struct client_change change = {.id = id, .enabled = enabled};

	return store_write(store, set_enabled, &change);
}

static int rotate(struct writing *writing, void *context)
{
	const struct client_change *change = context;
	struct client_state state = {0};
	bool ended = false;
	int error = find(writing, change->id, &state);

	if (error)
		return error;
	if (!store_client_type_has_secret(state.type) || state.has_keys)
		return ERROR_REFUSED;
	writing->seen = true;
	return credential_rotate(
		writing, STORE_OWNER_CLIENT, change->id, change->secret, change->overlap_s, &ended);
}

int store_client_rotate_secret(struct store *store, const char *id,
	const struct store_credential *secret, int64_t overlap_s)
{
	struct client_change change = {.id = id, .secret = secret, .overlap_s = overlap_s};

	return store_write(store, rotate, &change);
}

static int set_keys(struct writing *writing, void *context)
{
	const struct client_change *change = context;
	struct client_state state = {0};
	int error = find(writing, change->id, &state);

	if (error)
		return error;
	if (!store_client_type_has_secret(state.type))
		return ERROR_REFUSED;
	writing->seen = true;
	error = engine_change(writing->engine, "UPDATE client SET jwks = $2 WHERE id = $1",
		VALUES(value_text(change->id), value_text(change->jwks)), NULL);
	if (!error)
		error = engine_change(writing->engine,
			"DELETE FROM client_secret WHERE owner_id = $1",
			VALUES(value_text(change->id)), NULL);
	return error;
}

int store_client_set_keys(struct store *store, const char *id, const char *jwks)
{
	struct client_change change = {.id = id, .jwks = jwks};

	if (!*jwks || !text_fits(jwks, STORE_JWKS_SIZE))
		return ERROR_INVALID;
	return store_write(store, set_keys, &change);
}
