/* SPDX-License-Identifier: Apache-2.0 */
#include "authority/attempts_store.h"

struct reading {
	struct attempts *attempts;
	int64_t now_ms;
	int64_t ordinal;
};

static int load_pair(void *context, int64_t pair, int64_t succeeded_at)
{
	const struct reading *reading = context;

	attempts_load_pair(reading->attempts, (uint64_t)pair, succeeded_at);
	return 0;
}

static int load_failures(void *context, int64_t account, int64_t failures)
{
	const struct reading *reading = context;

	attempts_load_failures(reading->attempts, (uint64_t)account, failures, reading->now_ms);
	return 0;
}

static int forget(void *context, int64_t account, int64_t ordinal)
{
	struct reading *reading = context;

	attempts_forget(reading->attempts, (uint64_t)account);
	reading->ordinal = ordinal;
	return 0;
}

int attempts_read_unlocked(struct attempts *attempts, struct store *store, int64_t *ordinal)
{
	struct reading reading = {.attempts = attempts, .ordinal = *ordinal};
	int error = store_account_unlock_list(store, reading.ordinal, forget, &reading);

	*ordinal = reading.ordinal;
	return error;
}

/* The unlocked ones first: who is unlocked meanwhile is forgotten again later. */
int attempts_read(struct attempts *attempts, struct store *store, const struct clock *clock,
	int64_t *ret_ordinal)
{
	struct reading reading = {.attempts = attempts, .now_ms = clock_now_ms(clock)};
	int64_t ordinal = 0;
	int error = attempts_read_unlocked(attempts, store, &ordinal);

	if (!error)
		error = store_trusted_pair_list(
			store, reading.now_ms / 1000 - ATTEMPTS_TRUST_S, load_pair, &reading);
	if (!error)
		error = store_account_failures_list(store, load_failures, &reading);
	if (!error)
		*ret_ordinal = ordinal;
	return error;
}

void attempts_keep_failures(struct store *store, const struct attempt *attempt)
{
	if (attempt->changed)
		(void)store_account_failures_put(
			store, (int64_t)attempt->account, attempt->failures, NULL, NULL);
}

void attempts_keep_pair(struct store *store, const char *user_id, uint64_t pair)
{
	(void)store_trusted_pair_put(store, user_id, (int64_t)pair, NULL, NULL);
}
