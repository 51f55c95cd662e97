/* SPDX-License-Identifier: Apache-2.0 */
/* What happens to a key after it was made. */
#include "store/key.h"

#include <string.h>

/* A key as far as its times go. */
struct timed_key {
	char kid[STORE_ID_SIZE];
	char purpose[16];
	char alg[16];
	int64_t activates_at;
	int64_t retires_at;
	int64_t gone_at;
};

#define TIMED "kid, purpose, alg, activates_at, retires_at, gone_at"

static int read_timed(struct statement *statement, struct rows *rows)
{
	bool row = false;
	int error = statement_step(statement, &row);

	while (!error && row) {
		struct timed_key *key = rows_add(rows);

		if (!key)
			return ERROR_MEMORY;
		statement_text(statement, 0, key->kid, sizeof(key->kid));
		statement_text(statement, 1, key->purpose, sizeof(key->purpose));
		statement_text(statement, 2, key->alg, sizeof(key->alg));
		key->activates_at = statement_number(statement, 3);
		key->retires_at = statement_number(statement, 4);
		key->gone_at = statement_number(statement, 5);
		error = statement_step(statement, &row);
	}
	return error;
}

static int find_timed(
	struct writing *writing, const char *sql, struct values values, struct rows *rows)
{
	struct statement *statement = NULL;
	int error = engine_query(writing->engine, sql, values, &statement);

	return error ? error : statement_finish(statement, read_timed(statement, rows));
}

/* --- publishing ---------------------------------------------------------- */

struct publication {
	int64_t ahead_s;
};

/* Whether a key that was published before goes on signing until this one does. */
static int has_predecessor(struct writing *writing, const struct timed_key *key, bool *ret_has)
{
	int64_t found = 0;
	int error = engine_change(writing->engine,
		"SELECT kid FROM authority_key WHERE purpose = $1 AND alg = $2 AND kid <> $3"
		" AND published_at <> 0 AND (gone_at = 0 OR gone_at > $4)",
		VALUES(value_text(key->purpose), value_text(key->alg), value_text(key->kid),
			value_number(writing->now_s)),
		&found);

	if (!error)
		*ret_has = found > 0;
	return error;
}

/* Who was to retire when `key` activates does so at `at` instead, and is kept as long after
 * that. */
static int move_predecessor(struct writing *writing, const struct timed_key *key, int64_t at)
{
	return engine_change(writing->engine,
		"UPDATE authority_key SET retires_at = $5,"
		" gone_at = CASE WHEN gone_at = 0 OR $5 = 0 THEN 0"
		" ELSE gone_at + ($5 - retires_at) END"
		" WHERE purpose = $1 AND alg = $2 AND kid <> $3 AND retires_at = $4"
		" AND (gone_at = 0 OR gone_at > $6)",
		VALUES(value_text(key->purpose), value_text(key->alg), value_text(key->kid),
			value_number(key->activates_at), value_number(at),
			value_number(writing->now_s)),
		NULL);
}

static int publish_one(struct writing *writing, const struct timed_key *key, int64_t ahead_s)
{
	int64_t at = writing->now_s + ahead_s;
	bool waits = false;
	int error = has_predecessor(writing, key, &waits);

	if (error)
		return error;
	if (!waits || key->activates_at > at)
		at = key->activates_at;
	if (at != key->activates_at)
		error = move_predecessor(writing, key, at);
	if (error)
		return error;
	return engine_change(writing->engine,
		"UPDATE authority_key SET published_at = $2, activates_at = $3 WHERE kid = $1",
		VALUES(value_text(key->kid), value_number(writing->now_s), value_number(at)), NULL);
}

static int publish(struct writing *writing, void *context)
{
	const struct publication *publication = context;
	struct rows rows = {.size = sizeof(struct timed_key)};
	const struct timed_key *keys;
	int error = find_timed(writing,
		"SELECT " TIMED " FROM authority_key WHERE purpose = 'signing'"
		" AND published_at = 0 ORDER BY activates_at, created_at, kid",
		(struct values){0}, &rows);

	keys = (const struct timed_key *)(const void *)rows.items;
	for (size_t i = 0; i < rows.count && !error; i++)
		error = publish_one(writing, &keys[i], publication->ahead_s);
	writing->seen = writing->seen || rows.count;
	rows_finish(&rows);
	return error;
}

int store_key_publish(struct store *store, int64_t ahead_s)
{
	struct publication publication = {.ahead_s = ahead_s};

	return store_write(store, publish, &publication);
}

/* --- revoking ------------------------------------------------------------ */

struct key_revocation {
	const char *kid;
	const struct store_key *successor;
};

static int count_named(struct writing *writing, const char *kid, int64_t *ret_count)
{
	return engine_change(writing->engine,
		"SELECT id FROM service_user_credential WHERE pepper_kid = $1"
		" UNION ALL SELECT id FROM client_secret WHERE pepper_kid = $1",
		VALUES(value_text(kid)), ret_count);
}

static int find_key(struct writing *writing, const char *kid, struct timed_key *ret_key)
{
	struct rows rows = {.size = sizeof(struct timed_key)};
	int error = find_timed(writing,
		"SELECT " TIMED " FROM authority_key WHERE kid = $1"
		" AND (gone_at = 0 OR gone_at > $2)",
		VALUES(value_text(kid), value_number(writing->now_s)), &rows);

	if (!error && !rows.count)
		error = ERROR_NOT_FOUND;
	if (!error)
		memcpy(ret_key, rows.items, sizeof(*ret_key));
	rows_finish(&rows);
	return error;
}

static int end_now(struct writing *writing, const struct timed_key *key)
{
	return engine_change(writing->engine,
		"UPDATE authority_key SET gone_at = $2, retires_at ="
		" CASE WHEN retires_at = 0 OR retires_at > $2 THEN $2 ELSE retires_at END"
		" WHERE kid = $1",
		VALUES(value_text(key->kid), value_number(writing->now_s)), NULL);
}

/* The one that is to follow, soonest first. */
static int activate_next(
	struct writing *writing, const struct timed_key *key, int64_t *ret_activated)
{
	return engine_change(writing->engine,
		"UPDATE authority_key SET activates_at = $3,"
		" published_at = CASE WHEN published_at = 0 THEN $3 ELSE published_at END"
		" WHERE kid = (SELECT kid FROM authority_key WHERE purpose = $1 AND alg = $2"
		" AND activates_at > $3 AND (gone_at = 0 OR gone_at > $3)"
		" ORDER BY activates_at, created_at, kid LIMIT 1) RETURNING kid",
		VALUES(value_text(key->purpose), value_text(key->alg),
			value_number(writing->now_s)),
		ret_activated);
}

static int replace(
	struct writing *writing, const struct timed_key *key, const struct store_key *successor)
{
	int64_t found = 0;
	int error = engine_change(writing->engine,
		"SELECT kid FROM authority_key WHERE purpose = $1 AND alg = $2"
		" AND activates_at <= $3 AND (retires_at = 0 OR retires_at > $3)"
		" AND (gone_at = 0 OR gone_at > $3)",
		VALUES(value_text(key->purpose), value_text(key->alg),
			value_number(writing->now_s)),
		&found);

	if (!error && !found)
		error = activate_next(writing, key, &found);
	return error || found ? error : key_insert(writing, successor);
}

static int revoke(struct writing *writing, void *context)
{
	const struct key_revocation *revocation = context;
	struct timed_key key;
	int64_t named = 0;
	int error = find_key(writing, revocation->kid, &key);

	if (!error && !strcmp(key.purpose, "pepper"))
		error = count_named(writing, key.kid, &named);
	if (!error && named)
		error = ERROR_REFUSED;
	/* What it was to follow goes on. */
	if (!error && key.activates_at > writing->now_s)
		error = move_predecessor(writing, &key, key.retires_at);
	if (!error)
		error = end_now(writing, &key);
	if (!error)
		error = replace(writing, &key, revocation->successor);
	writing->seen = true;
	return error;
}

int store_key_revoke(struct store *store, const char *kid, const struct store_key *successor)
{
	struct key_revocation revocation = {.kid = kid, .successor = successor};

	return store_write(store, revoke, &revocation);
}

static int read_count(struct statement *statement, void *context)
{
	int64_t *count = context;
	bool row = false;
	int error = statement_step(statement, &row);

	if (!error && row)
		*count = statement_number(statement, 0);
	return error;
}

int store_pepper_count(struct store *store, const char *kid, int64_t *ret_count)
{
	int64_t count = 0;
	int error = store_read(store,
		"SELECT (SELECT count(*) FROM service_user_credential WHERE pepper_kid = $1)"
		" + (SELECT count(*) FROM client_secret WHERE pepper_kid = $1)",
		VALUES(value_text(kid)), read_count, &count);

	if (!error)
		*ret_count = count;
	return error;
}
