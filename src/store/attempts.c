/* SPDX-License-Identifier: Apache-2.0 */
#include "store/access.h"

#include <stdlib.h>
#include <string.h>

struct attempts_job {
	struct job job;
	int64_t number; /* of the pair or the account */
	int64_t count;
	char user_id[STORE_ID_SIZE];
	store_done done;
	void *context;
};

static void attempts_done(struct job *job, int error)
{
	struct attempts_job *attempts = (struct attempts_job *)job;

	if (attempts->done)
		attempts->done(attempts->context, error);
	free(attempts);
}

static int submit(struct store *store, const struct attempts_job *wanted)
{
	struct attempts_job *attempts = calloc(1, sizeof(*attempts));
	int error;

	if (!attempts)
		return ERROR_MEMORY;
	*attempts = *wanted;
	attempts->job.done = attempts_done;
	error = store_submit(store, &attempts->job);
	if (error)
		free(attempts);
	return error;
}

static int put_pair(struct writing *writing, struct job *job)
{
	const struct attempts_job *attempts = (struct attempts_job *)job;
	int error = engine_change(writing->engine,
		"INSERT INTO trusted_pair (pair, service_user_id, succeeded_at)"
		" VALUES ($1, $2, $3)"
		" ON CONFLICT (pair) DO UPDATE SET succeeded_at = excluded.succeeded_at",
		VALUES(value_number(attempts->number), value_text(attempts->user_id),
			value_number(writing->now_s)),
		NULL);

	if (error)
		return error;
	return engine_change(writing->engine,
		"DELETE FROM trusted_pair WHERE pair IN"
		" (SELECT pair FROM trusted_pair WHERE service_user_id = $1"
		" ORDER BY succeeded_at DESC, pair LIMIT 1000000 OFFSET $2)",
		VALUES(value_text(attempts->user_id), value_number(STORE_TRUSTED_PAIRS_MAX)), NULL);
}

int store_trusted_pair_put(
	struct store *store, const char *user_id, int64_t pair, store_done done, void *context)
{
	struct attempts_job wanted = {
		.job = {.run = put_pair}, .number = pair, .done = done, .context = context};

	if (!text_fits(user_id, sizeof(wanted.user_id)))
		return ERROR_INVALID;
	(void)stpcpy(wanted.user_id, user_id);
	return submit(store, &wanted);
}

static int remove_failures(struct writing *writing, int64_t account)
{
	return engine_change(writing->engine, "DELETE FROM account_failures WHERE account = $1",
		VALUES(value_number(account)), NULL);
}

static int put_failures(struct writing *writing, struct job *job)
{
	const struct attempts_job *attempts = (struct attempts_job *)job;
	int error;

	if (attempts->count <= 0)
		return remove_failures(writing, attempts->number);
	error = engine_change(writing->engine,
		"INSERT INTO account_failures (account, failures, changed_at) VALUES ($1, $2, $3)"
		" ON CONFLICT (account) DO UPDATE SET failures = excluded.failures,"
		" changed_at = excluded.changed_at",
		VALUES(value_number(attempts->number), value_number(attempts->count),
			value_number(writing->now_s)),
		NULL);
	if (error)
		return error;
	return engine_change(writing->engine,
		"DELETE FROM account_failures WHERE account IN (SELECT account FROM "
		"account_failures"
		" ORDER BY failures DESC, changed_at DESC, account LIMIT 1000000 OFFSET $1)",
		VALUES(value_number(STORE_ACCOUNT_FAILURES_MAX)), NULL);
}

int store_account_failures_put(
	struct store *store, int64_t account, int64_t failures, store_done done, void *context)
{
	const struct attempts_job wanted = {.job = {.run = put_failures},
		.number = account,
		.count = failures,
		.done = done,
		.context = context};

	return submit(store, &wanted);
}

/* --- reading ------------------------------------------------------------- */

struct numbers {
	int64_t first;
	int64_t second;
};

static int read_numbers(struct statement *statement, void *context)
{
	struct numbers *numbers;
	bool row = false;
	int error = statement_step(statement, &row);

	while (!error && row) {
		numbers = rows_add(context);
		if (!numbers)
			return ERROR_MEMORY;
		numbers->first = statement_number(statement, 0);
		numbers->second = statement_number(statement, 1);
		error = statement_step(statement, &row);
	}
	return error;
}

static int list(struct store *store, const char *sql, struct values values,
	store_attempts_each each, void *context)
{
	struct rows rows = {.size = sizeof(struct numbers)};
	const struct numbers *numbers;
	int error = store_read(store, sql, values, read_numbers, &rows);

	numbers = (const struct numbers *)(const void *)rows.items;
	for (size_t i = 0; i < rows.count && !error; i++)
		error = each(context, numbers[i].first, numbers[i].second);
	rows_finish(&rows);
	return error;
}

int store_trusted_pair_list(
	struct store *store, int64_t since, store_attempts_each each, void *context)
{
	return list(store,
		"SELECT pair, succeeded_at FROM trusted_pair WHERE succeeded_at > $1"
		" ORDER BY succeeded_at",
		VALUES(value_number(since)), each, context);
}

int store_account_failures_list(struct store *store, store_attempts_each each, void *context)
{
	return list(store, "SELECT account, failures FROM account_failures ORDER BY failures",
		(struct values){0}, each, context);
}

int store_account_unlock_list(
	struct store *store, int64_t after, store_attempts_each each, void *context)
{
	return list(store,
		"SELECT account, ordinal FROM account_unlock WHERE ordinal > $1 ORDER BY ordinal",
		VALUES(value_number(after)), each, context);
}

/* --- unlocking ----------------------------------------------------------- */

struct unlocking {
	int64_t account;
	int64_t failures;
};

static int read_failures(struct writing *writing, struct unlocking *unlocking)
{
	struct statement *statement = NULL;
	bool row = false;
	int error = engine_query(writing->engine,
		"SELECT failures FROM account_failures WHERE account = $1",
		VALUES(value_number(unlocking->account)), &statement);

	if (!error)
		error = statement_step(statement, &row);
	if (!error && row)
		unlocking->failures = statement_number(statement, 0);
	return statement_finish(statement, error);
}

static int unlock(struct writing *writing, void *context)
{
	struct unlocking *unlocking = context;
	int error = read_failures(writing, unlocking);

	writing->seen = true;
	if (!error)
		error = remove_failures(writing, unlocking->account);
	if (error)
		return error;
	return engine_change(writing->engine,
		"INSERT INTO account_unlock (account, ordinal)"
		" VALUES ($1, (SELECT COALESCE(MAX(ordinal), 0) + 1 FROM account_unlock))"
		" ON CONFLICT (account) DO UPDATE SET ordinal = excluded.ordinal",
		VALUES(value_number(unlocking->account)), NULL);
}

int store_account_unlock(struct store *store, int64_t account, int64_t *ret_failures)
{
	struct unlocking unlocking = {.account = account};
	int error = store_write(store, unlock, &unlocking);

	if (!error)
		*ret_failures = unlocking.failures;
	return error;
}
