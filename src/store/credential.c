/* SPDX-License-Identifier: Apache-2.0 */
#include "store/credential.h"

#include "base/buf.h"
#include "base/secret.h"
#include "store/access.h"

#include <stdlib.h>
#include <string.h>

/* One text a table: a statement is kept by its text's address. */
struct texts {
	const char *add;
	const char *remove_expired;
	const char *remove_older;
	const char *remove_all;
	const char *expire;
	const char *move;
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
		.move = "UPDATE " table " SET pepper_kid = $3, mac = $4"                           \
			" WHERE id = $1 AND pepper_kid = $2 RETURNING id",                         \
	}

static const struct texts texts[] = {
	[STORE_OWNER_SERVICE_USER] = TEXTS("service_user_credential"),
	[STORE_OWNER_CLIENT] = TEXTS("client_secret"),
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
	credential->last_used_at = statement_number(statement, column + 5);
}

/* A MAC of zeros is no password's: a column that must not be NULL stays as it was. */
static int add_imported(
	struct writing *writing, const char *owner_id, const struct store_credential *credential)
{
	return engine_change(writing->engine,
		"INSERT INTO service_user_credential"
		" (id, owner_id, ordinal, pepper_kid, mac, password_hash, created_at, expires_at)"
		" VALUES ($1, $2, (SELECT COALESCE(MAX(ordinal), 0) + 1 FROM"
		" service_user_credential WHERE owner_id = $2), '', $3, $4, $5, $6)",
		VALUES(value_text(credential->id), value_text(owner_id),
			value_bytes(credential->mac, sizeof(credential->mac)),
			value_text(credential->password_hash), value_number(writing->now_s),
			value_number(credential->expires_at)),
		NULL);
}

int credential_add(struct writing *writing, enum store_credential_owner owner, const char *owner_id,
	const struct store_credential *credential)
{
	if (*credential->password_hash)
		return owner == STORE_OWNER_SERVICE_USER
			       ? add_imported(writing, owner_id, credential)
			       : ERROR_INVALID;
	return engine_change(writing->engine, texts[owner].add,
		VALUES(value_text(credential->id), value_text(owner_id),
			value_text(credential->pepper_kid),
			value_bytes(credential->mac, sizeof(credential->mac)),
			value_number(writing->now_s), value_number(credential->expires_at)),
		NULL);
}

int credential_rotate(struct writing *writing, enum store_credential_owner owner,
	const char *owner_id, const struct store_credential *credential, int64_t overlap_s,
	bool *ret_ended)
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

struct move_job {
	struct job job;
	enum store_credential_owner owner;
	char from_pepper[STORE_ID_SIZE];
	struct store_credential credential;
	store_done done;
	void *context;
};

static int move(struct writing *writing, struct job *job)
{
	struct move_job *moving = (struct move_job *)job;
	const struct store_credential *credential = &moving->credential;
	int64_t moved = 0;
	int error = engine_change(writing->engine, texts[moving->owner].move,
		VALUES(value_text(credential->id), value_text(moving->from_pepper),
			value_text(credential->pepper_kid),
			value_bytes(credential->mac, sizeof(credential->mac))),
		&moved);

	writing->seen = writing->seen || moved > 0;
	return error;
}

static void move_done(struct job *job, int error)
{
	struct move_job *moving = (struct move_job *)job;

	if (moving->done)
		moving->done(moving->context, error);
	memory_wipe(moving, sizeof(*moving));
	free(moving);
}

int store_credential_move(struct store *store, enum store_credential_owner owner,
	const char *from_pepper, const struct store_credential *credential, store_done done,
	void *context)
{
	struct move_job *moving;
	int error;

	if (!text_fits(from_pepper, sizeof(moving->from_pepper)))
		return ERROR_INVALID;
	moving = calloc(1, sizeof(*moving));
	if (!moving)
		return ERROR_MEMORY;
	moving->job = (struct job){.run = move, .done = move_done, .one_statement = true};
	moving->owner = owner;
	memcpy(moving->from_pepper, from_pepper, strlen(from_pepper) + 1);
	moving->credential = *credential;
	moving->done = done;
	moving->context = context;
	error = store_submit(store, &moving->job);
	if (error)
		free(moving);
	return error;
}

struct rehash_job {
	struct job job;
	char credential_id[STORE_ID_SIZE];
	char from[STORE_PASSWORD_HASH_SIZE];
	char to[STORE_PASSWORD_HASH_SIZE];
	store_done done;
	void *context;
};

static int rehash(struct writing *writing, struct job *job)
{
	struct rehash_job *rehashing = (struct rehash_job *)job;
	int64_t changed = 0;
	int error = engine_change(writing->engine,
		"UPDATE service_user_credential SET password_hash = $3"
		" WHERE id = $1 AND password_hash = $2 RETURNING id",
		VALUES(value_text(rehashing->credential_id), value_text(rehashing->from),
			value_text(rehashing->to)),
		&changed);

	writing->seen = writing->seen || changed > 0;
	return error;
}

static void rehash_done(struct job *job, int error)
{
	struct rehash_job *rehashing = (struct rehash_job *)job;

	if (rehashing->done)
		rehashing->done(rehashing->context, error);
	memory_wipe(rehashing, sizeof(*rehashing));
	free(rehashing);
}

int store_credential_rehash(struct store *store, const char *credential_id, const char *from,
	const char *to, store_done done, void *context)
{
	struct rehash_job *rehashing;
	int error;

	if (!text_fits(credential_id, sizeof(rehashing->credential_id)) ||
		!text_fits(from, sizeof(rehashing->from)) || !text_fits(to, sizeof(rehashing->to)))
		return ERROR_INVALID;
	rehashing = calloc(1, sizeof(*rehashing));
	if (!rehashing)
		return ERROR_MEMORY;
	rehashing->job = (struct job){.run = rehash, .done = rehash_done, .one_statement = true};
	(void)stpcpy(rehashing->credential_id, credential_id);
	(void)stpcpy(rehashing->from, from);
	(void)stpcpy(rehashing->to, to);
	rehashing->done = done;
	rehashing->context = context;
	error = store_submit(store, &rehashing->job);
	if (error)
		free(rehashing);
	return error;
}

static int read_imported(struct statement *statement, void *context)
{
	struct store_imported *imported = context;
	bool row = false;
	int error = statement_step(statement, &row);

	imported->exists = statement_number(statement, 0) != 0;
	imported->others = statement_number(statement, 1) != 0;
	return error;
}

/* Three seeks in an index: texts that begin with `ours` lie between it and the text whose
 * last byte is one higher. */
int store_imported_find(struct store *store, const char *ours, struct store_imported *ret_imported)
{
	struct store_imported imported = {0};
	char after[STORE_PASSWORD_HASH_SIZE];
	int error = text_copy(after, sizeof(after), ours);

	if (error || !*ours)
		return ERROR_INVALID;
	after[strlen(after) - 1]++;
	error = store_read(store,
		"SELECT EXISTS (SELECT 1 FROM service_user_credential"
		" WHERE password_hash IS NOT NULL),"
		" EXISTS (SELECT 1 FROM service_user_credential WHERE password_hash < $1)"
		" OR EXISTS (SELECT 1 FROM service_user_credential WHERE password_hash >= $2)",
		VALUES(value_text(ours), value_text(after)), read_imported, &imported);
	if (!error)
		*ret_imported = imported;
	return error;
}
