/* SPDX-License-Identifier: Apache-2.0 */
#include "store/key.h"

#define COLUMNS                                                                                    \
	"kid, purpose, alg, created_at, published_at, activates_at, retires_at, gone_at, sealed"
#define LIST_SQL "SELECT " COLUMNS " FROM authority_key ORDER BY created_at, activates_at, kid"

enum {
	DAY_S = 86400,
};

struct key_addition {
	const struct store_key *key;
	int64_t keep_s;
	bool only_if_none;
};

static int refuse_second(struct writing *writing, const struct store_key *key)
{
	int64_t found = 0;
	int error = engine_change(writing->engine,
		"SELECT kid FROM authority_key WHERE purpose = $1 AND alg = $2"
		" AND (retires_at = 0 OR retires_at > $3)",
		VALUES(value_text(key->purpose), value_text(key->alg),
			value_number(writing->now_s)),
		&found);

	return error ? error : found ? ERROR_REFUSED : 0;
}

int key_insert(struct writing *writing, const struct store_key *key)
{
	return engine_change(writing->engine,
		"INSERT INTO authority_key (" COLUMNS ")"
		" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
		VALUES(value_text(key->kid), value_text(key->purpose), value_text(key->alg),
			value_number(writing->now_s), value_number(key->published_at),
			value_number(key->activates_at), value_number(key->retires_at),
			value_number(key->gone_at), value_bytes(key->sealed, key->sealed_length)),
		NULL);
}

/* A login moves its credential to the newest pepper, so that the older ones end. */
static int remove_unnamed_peppers(struct writing *writing)
{
	return engine_change(writing->engine,
		"DELETE FROM authority_key WHERE purpose = 'pepper'"
		" AND retires_at <> 0 AND retires_at <= $1"
		" AND NOT EXISTS (SELECT 1 FROM service_user_credential WHERE pepper_kid = kid)"
		" AND NOT EXISTS (SELECT 1 FROM client_secret WHERE pepper_kid = kid)",
		VALUES(value_number(writing->now_s - DAY_S)), NULL);
}

static int refuse_too_many(struct writing *writing, const struct store_key *key)
{
	int64_t found = 0;
	int error = engine_change(writing->engine,
		"SELECT kid FROM authority_key WHERE purpose = $1 AND (gone_at = 0 OR gone_at > "
		"$2)",
		VALUES(value_text(key->purpose), value_number(writing->now_s)), &found);

	return error ? error : found >= STORE_KEYS_MAX ? ERROR_LIMIT : 0;
}

static int add(struct writing *writing, void *context)
{
	const struct key_addition *addition = context;
	const struct store_key *key = addition->key;
	int64_t gone_at = addition->keep_s > 0 ? key->activates_at + addition->keep_s : 0;
	int error = addition->only_if_none ? refuse_second(writing, key) : 0;

	if (!error)
		error = remove_unnamed_peppers(writing);
	if (!error)
		error = refuse_too_many(writing, key);
	if (error)
		return error;
	writing->seen = true;
	error = engine_change(writing->engine,
		"UPDATE authority_key SET retires_at = $3, gone_at = $4"
		" WHERE purpose = $1 AND alg = $2 AND retires_at = 0",
		VALUES(value_text(key->purpose), value_text(key->alg),
			value_number(key->activates_at), value_number(gone_at)),
		NULL);
	return error ? error : key_insert(writing, key);
}

int store_key_add(
	struct store *store, const struct store_key *key, int64_t keep_s, bool only_if_none)
{
	struct key_addition addition = {.key = key, .keep_s = keep_s, .only_if_none = only_if_none};

	if (key->sealed_length > sizeof(key->sealed) || key->activates_at < 0 ||
		keep_s > INT64_MAX - key->activates_at)
		return ERROR_INVALID;
	return store_write(store, add, &addition);
}

static void read_key(struct statement *statement, struct store_key *key)
{
	statement_text(statement, 0, key->kid, sizeof(key->kid));
	statement_text(statement, 1, key->purpose, sizeof(key->purpose));
	statement_text(statement, 2, key->alg, sizeof(key->alg));
	key->created_at = statement_number(statement, 3);
	key->published_at = statement_number(statement, 4);
	key->activates_at = statement_number(statement, 5);
	key->retires_at = statement_number(statement, 6);
	key->gone_at = statement_number(statement, 7);
	key->sealed_length = statement_bytes(statement, 8, key->sealed, sizeof(key->sealed));
}

static int read_all(struct statement *statement, void *context)
{
	struct store_key *key;
	bool row = false;
	int error = statement_step(statement, &row);

	while (!error && row) {
		key = rows_add(context);
		if (!key)
			return ERROR_MEMORY;
		read_key(statement, key);
		error = statement_step(statement, &row);
	}
	return error;
}

static int show_all(const struct rows *rows,
	int (*each)(void *context, const struct store_key *key), void *context)
{
	const struct store_key *keys = (const struct store_key *)(const void *)rows->items;
	int error = 0;

	for (size_t i = 0; i < rows->count && !error; i++)
		error = each(context, &keys[i]);
	return error;
}

int store_key_list(
	struct store *store, int (*each)(void *context, const struct store_key *key), void *context)
{
	struct rows rows = {.size = sizeof(struct store_key)};
	int error = store_read(store, LIST_SQL, (struct values){0}, read_all, &rows);

	if (!error)
		error = show_all(&rows, each, context);
	rows_finish(&rows);
	return error;
}

/* --- a plan -------------------------------------------------------------- */

struct key_plan {
	struct key_addition addition;
	struct rows rows;
	bool made;
};

static int list_in_writing(struct writing *writing, struct rows *rows)
{
	struct statement *statement = NULL;
	int error = engine_query(writing->engine, LIST_SQL, (struct values){0}, &statement);

	return error ? error : statement_finish(statement, read_all(statement, rows));
}

/* Fails when it went well, so that it is undone. */
static int plan(struct writing *writing, void *context)
{
	struct key_plan *key_plan = context;
	int error = add(writing, &key_plan->addition);

	if (!error)
		error = list_in_writing(writing, &key_plan->rows);
	key_plan->made = !error;
	return error ? error : ERROR_REFUSED;
}

int store_key_plan(struct store *store, const struct store_key *key, int64_t keep_s,
	int (*each)(void *context, const struct store_key *key), void *context)
{
	struct key_plan key_plan = {.addition = {.key = key, .keep_s = keep_s},
		.rows = {.size = sizeof(struct store_key)}};
	int error;

	if (key->activates_at < 0 || keep_s > INT64_MAX - key->activates_at)
		return ERROR_INVALID;
	error = store_write(store, plan, &key_plan);
	if (key_plan.made && error == ERROR_REFUSED)
		error = show_all(&key_plan.rows, each, context);
	rows_finish(&key_plan.rows);
	return error;
}
