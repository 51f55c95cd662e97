/* SPDX-License-Identifier: Apache-2.0 */
#include "store/credential.h"

/* One text a table: a statement is kept by its text's address. */
struct texts {
	const char *add;
	const char *remove_expired;
	const char *remove_older;
	const char *remove_all;
	const char *expire;
};

#define TEXTS(table)                                                                               \
	{                                                                                          \
		.add = "INSERT INTO " table                                                        \
		       " (id, owner_id, ordinal, pepper_kid, mac, created_at,"                     \
		       " expires_at) VALUES ($1, $2, (SELECT COALESCE(MAX(ordinal), 0) + 1 "       \
		       "FROM " table " WHERE owner_id = $2), $3, $4, $5, $6)",                     \
		.remove_expired = "DELETE FROM " table                                             \
				  " WHERE owner_id = $1 AND expires_at <> 0 AND expires_at <= $2", \
		.remove_older =                                                                    \
			"DELETE FROM " table " WHERE owner_id = $1 AND ordinal <"                  \
			" (SELECT MAX(ordinal) FROM " table " WHERE owner_id = $1) RETURNING id",  \
		.remove_all = "DELETE FROM " table " WHERE owner_id = $1",                         \
		.expire = "UPDATE " table " SET expires_at = $2"                                   \
			  " WHERE owner_id = $1 AND (expires_at = 0 OR expires_at > $2)",          \
	}

static const struct texts texts[] = {
	[CREDENTIAL_SERVICE_USER] = TEXTS("service_user_credential"),
	[CREDENTIAL_CLIENT] = TEXTS("client_secret"),
};

void credential_read(struct statement *statement, int column,
	struct store_credential list[STORE_CREDENTIALS_MAX], size_t *count)
{
	struct store_credential *credential;

	if (statement_is_null(statement, column) || *count == STORE_CREDENTIALS_MAX)
		return;
	credential = &list[(*count)++];
	statement_text(statement, column, credential->id, sizeof(credential->id));
	statement_text(
		statement, column + 1, credential->pepper_kid, sizeof(credential->pepper_kid));
	(void)statement_bytes(statement, column + 2, credential->mac, sizeof(credential->mac));
	credential->created_at = statement_number(statement, column + 3);
	credential->expires_at = statement_number(statement, column + 4);
}

int credential_add(struct writing *writing, enum credential_owner owner, const char *owner_id,
	const struct store_credential *credential)
{
	return engine_change(writing->engine, texts[owner].add,
		VALUES(value_text(credential->id), value_text(owner_id),
			value_text(credential->pepper_kid),
			value_bytes(credential->mac, sizeof(credential->mac)),
			value_number(writing->now_s), value_number(credential->expires_at)),
		NULL);
}

int credential_rotate(struct writing *writing, enum credential_owner owner, const char *owner_id,
	const struct store_credential *credential, int64_t overlap_s, bool *ret_ended)
{
	int64_t dropped = 0;
	int64_t end =
		overlap_s < INT64_MAX - writing->now_s ? writing->now_s + overlap_s : INT64_MAX;
	int error = engine_change(writing->engine, texts[owner].remove_expired,
		VALUES(value_text(owner_id), value_number(writing->now_s)), NULL);

	if (!error && overlap_s <= 0)
		error = engine_change(writing->engine, texts[owner].remove_all,
			VALUES(value_text(owner_id)), NULL);
	if (!error && overlap_s > 0)
		error = engine_change(writing->engine, texts[owner].remove_older,
			VALUES(value_text(owner_id)), &dropped);
	if (!error && overlap_s > 0)
		error = engine_change(writing->engine, texts[owner].expire,
			VALUES(value_text(owner_id), value_number(end)), NULL);
	if (!error)
		error = credential_add(writing, owner, owner_id, credential);
	if (!error)
		*ret_ended = overlap_s <= 0 || dropped > 0;
	return error;
}
