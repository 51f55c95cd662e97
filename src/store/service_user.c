/* SPDX-License-Identifier: Apache-2.0 */
#include "store/service_user.h"

#include "store/access.h"
#include "store/grant.h"

#include <string.h>

enum { CREDENTIAL_COLUMN = 8 };

void service_user_read(struct statement *statement, struct store_service_user *user)
{
	size_t count = user->credential_count;

	statement_text(statement, 0, user->id, sizeof(user->id));
	statement_text(statement, 1, user->username, sizeof(user->username));
	statement_text(statement, 2, user->site, sizeof(user->site));
	statement_text(statement, 3, user->role, sizeof(user->role));
	statement_text(statement, 4, user->label, sizeof(user->label));
	user->created_at = statement_number(statement, 5);
	user->disabled_at = statement_number(statement, 6);
	user->site_disabled = statement_number(statement, 7) != 0;
	credential_read(statement, CREDENTIAL_COLUMN, user->credentials, &user->credential_count);
	if (user->credential_count > count)
		statement_text(statement, CREDENTIAL_COLUMN + CREDENTIAL_COLUMN_COUNT,
			user->credentials[count].password_hash, STORE_PASSWORD_HASH_SIZE);
}

static int add(struct writing *writing, void *context)
{
	const struct store_service_user *user = context;
	int error;

	writing->seen = true;
	error = engine_change(writing->engine,
		"INSERT INTO service_user (id, username, site_id, role, label, created_at,"
		" disabled_at) VALUES ($1, $2, $3, $4, $5, $6, 0)",
		VALUES(value_text(user->id), value_text(user->username), value_text(user->site),
			value_text(user->role), value_text(user->label),
			value_number(writing->now_s)),
		NULL);
	if (!error && user->credential_count)
		error = credential_add(
			writing, STORE_OWNER_SERVICE_USER, user->id, &user->credentials[0]);
	return error;
}

int store_service_user_add(struct store *store, const struct store_service_user *user)
{
	struct store_service_user copy = *user;

	if (user->credential_count > 1)
		return ERROR_INVALID;
	return store_write(store, add, &copy);
}

static int add_all(struct writing *writing, void *context)
{
	struct store_import *import = context;
	int error = 0;

	for (size_t i = 0; i < import->count && !error; i++) {
		struct store_service_user user = import->users[i];

		import->reached = i;
		error = add(writing, &user);
	}
	return error;
}

int store_service_user_import(struct store *store, struct store_import *import)
{
	for (size_t i = 0; i < import->count; i++) {
		import->reached = i;
		if (import->users[i].credential_count > 1)
			return ERROR_INVALID;
	}
	return store_write(store, add_all, import);
}

static int read_one(struct statement *statement, void *context)
{
	bool found = false;
	bool row = false;
	int error = statement_step(statement, &row);

	while (!error && row) {
		found = true;
		service_user_read(statement, context);
		error = statement_step(statement, &row);
	}
	return error ? error : found ? 0 : ERROR_NOT_FOUND;
}

int store_service_user_get(
	struct store *store, const char *username, struct store_service_user *ret_user)
{
	struct store_service_user user = {0};
	int error = store_read(store,
		"SELECT " SERVICE_USER_COLUMNS
		" FROM " SERVICE_USER_TABLES("$2") " WHERE u.username = $1 ORDER BY c.ordinal DESC",
		VALUES(value_text(username), value_number(store_now_s(store))), read_one, &user);

	if (!error)
		*ret_user = user;
	return error;
}

static int read_all(struct statement *statement, void *context)
{
	struct store_service_user *user = NULL;
	char id[STORE_ID_SIZE];
	bool row = false;
	int error = statement_step(statement, &row);

	while (!error && row) {
		statement_text(statement, 0, id, sizeof(id));
		if (!user || strcmp(user->id, id) != 0)
			user = rows_add(context);
		if (!user)
			return ERROR_MEMORY;
		service_user_read(statement, user);
		error = statement_step(statement, &row);
	}
	return error;
}

static int list(struct store *store, const char *sql, struct values values,
	int (*each)(void *context, const struct store_service_user *user), void *context)
{
	struct rows rows = {.size = sizeof(struct store_service_user)};
	const struct store_service_user *users;
	int error = store_read(store, sql, values, read_all, &rows);

	users = (const struct store_service_user *)(const void *)rows.items;
	for (size_t i = 0; i < rows.count && !error; i++)
		error = each(context, &users[i]);
	rows_finish(&rows);
	return error;
}

int store_service_user_list(struct store *store, const char *site,
	int (*each)(void *context, const struct store_service_user *user), void *context)
{
	return list(store,
		"SELECT " SERVICE_USER_COLUMNS
		" FROM " SERVICE_USER_TABLES("$2") " WHERE $1 = '' OR u.site_id = $1"
						   " ORDER BY u.username, c.ordinal DESC",
		VALUES(value_text(site ? site : ""), value_number(store_now_s(store))), each,
		context);
}

int store_service_user_expiring(struct store *store, int64_t until,
	int (*each)(void *context, const struct store_service_user *user), void *context)
{
	return list(store,
		"SELECT " SERVICE_USER_COLUMNS " FROM " SERVICE_USER_TABLES(
			"$2") " WHERE u.id IN (SELECT owner_id FROM service_user_credential"
			      " WHERE expires_at > $2 AND expires_at <= $1)"
			      " ORDER BY u.username, c.ordinal DESC",
		VALUES(value_number(until), value_number(store_now_s(store))), each, context);
}

struct user_change {
	const char *username;
	bool enabled;
	const struct store_credential *credential;
	int64_t overlap_s;
};

/* *ret_disabled_at may be NULL. */
static int find(struct writing *writing, const char *username, char id[STORE_ID_SIZE],
	int64_t *ret_disabled_at)
{
	struct statement *statement = NULL;
	bool row = false;
	int error = engine_query(writing->engine,
		"SELECT id, disabled_at FROM service_user WHERE username = $1",
		VALUES(value_text(username)), &statement);

	if (!error)
		error = statement_step(statement, &row);
	if (!error && row) {
		statement_text(statement, 0, id, STORE_ID_SIZE);
		if (ret_disabled_at)
			*ret_disabled_at = statement_number(statement, 1);
	}
	error = statement_finish(statement, error);
	return error ? error : row ? 0 : ERROR_NOT_FOUND;
}

static int set_enabled(struct writing *writing, void *context)
{
	const struct user_change *change = context;
	char id[STORE_ID_SIZE] = "";
	int64_t disabled_at = 0;
	int error = find(writing, change->username, id, &disabled_at);

	if (error || change->enabled == (disabled_at == 0))
		return error;
	writing->seen = true;
	error = engine_change(writing->engine,
		"UPDATE service_user SET disabled_at = $2 WHERE id = $1",
		VALUES(value_text(id), value_number(change->enabled ? 0 : writing->now_s)), NULL);
	if (!error && !change->enabled)
		error = grant_end_of_service_user(writing, id);
	return error;
}

int store_service_user_set_enabled(struct store *store, const char *username, bool enabled)
{
	struct user_change change = {.username = username, .enabled = enabled};

	return store_write(store, set_enabled, &change);
}

static int rotate(struct writing *writing, void *context)
{
	const struct user_change *change = context;
	char id[STORE_ID_SIZE] = "";
	bool ended = false;
	int error = find(writing, change->username, id, NULL);

	if (error)
		return error;
	writing->seen = true;
	error = credential_rotate(writing, STORE_OWNER_SERVICE_USER, id, change->credential,
		change->overlap_s, &ended);
	if (!error && ended)
		error = grant_end_of_service_user(writing, id);
	return error;
}

int store_service_user_rotate(struct store *store, const char *username,
	const struct store_credential *credential, int64_t overlap_s)
{
	struct user_change change = {
		.username = username, .credential = credential, .overlap_s = overlap_s};

	return store_write(store, rotate, &change);
}
