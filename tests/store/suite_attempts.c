/* SPDX-License-Identifier: Apache-2.0 */
/* The suite's part on what is remembered against guessing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "suite.h"

#include <stdlib.h>

enum { DAY_S = 86400 };

static void keep_error(void *context, int error)
{
	*(int *)context = error;
}

static void keep_removed(void *context, int error, int64_t removed)
{
	assert_int_equal(error, 0);
	*(int64_t *)context = removed;
}

static int put_pair(struct store *store, const char *user_id, int64_t pair)
{
	int done = 99;

	assert_int_equal(store_trusted_pair_put(store, user_id, pair, keep_error, &done), 0);
	store_settle(store);
	return done;
}

static void put_failures(struct store *store, int64_t account, int64_t failures)
{
	int done = 99;

	assert_int_equal(
		store_account_failures_put(store, account, failures, keep_error, &done), 0);
	store_settle(store);
	assert_int_equal(done, 0);
}

struct seen {
	int count;
	int64_t number;
	int64_t value;
	int64_t sum; /* of the numbers */
};

static int see(void *context, int64_t number, int64_t value)
{
	struct seen *seen = context;

	seen->count++;
	seen->number = number;
	seen->value = value;
	seen->sum += number;
	return 0;
}

static struct seen pairs(struct store *store, int64_t since)
{
	struct seen seen = {0};

	assert_int_equal(store_trusted_pair_list(store, since, see, &seen), 0);
	return seen;
}

static struct seen failures(struct store *store)
{
	struct seen seen = {0};

	assert_int_equal(store_account_failures_list(store, see, &seen), 0);
	return seen;
}

static void test_a_pair_is_kept_with_its_last_time(void **state)
{
	struct world *world = *state;
	int64_t before = counter(world->store);
	struct seen seen;

	assert_int_equal(pairs(world->store, 0).count, 0);
	assert_int_equal(put_pair(world->store, "su_1", INT64_MIN), 0);
	pass_s(world, 5);
	assert_int_equal(put_pair(world->store, "su_1", INT64_MIN), 0);
	seen = pairs(world->store, SUITE_NOW_S);
	assert_int_equal(seen.count, 1);
	assert_true(seen.number == INT64_MIN);
	assert_int_equal(seen.value, SUITE_NOW_S + 5);
	assert_int_equal(pairs(world->store, SUITE_NOW_S + 5).count, 0);
	assert_int_equal(put_pair(world->store, "su_9", 7), ERROR_NOT_FOUND);
	assert_int_equal(counter(world->store), before);
}

static void test_a_user_has_so_many_pairs(void **state)
{
	struct world *world = *state;
	struct store_service_user other = some_user("su_2", "other", "north");

	assert_int_equal(store_service_user_add(world->store, &other), 0);
	assert_int_equal(put_pair(world->store, "su_2", 1000000), 0);
	for (int64_t i = 1; i <= STORE_TRUSTED_PAIRS_MAX + 3; i++, pass_s(world, 1))
		assert_int_equal(put_pair(world->store, "su_1", i), 0);
	assert_int_equal(pairs(world->store, 0).count, STORE_TRUSTED_PAIRS_MAX + 1);
	/* The oldest went: 1, 2 and 3. */
	assert_int_equal(pairs(world->store, 0).sum,
		1000000 + (STORE_TRUSTED_PAIRS_MAX + 3) * (STORE_TRUSTED_PAIRS_MAX + 4) / 2 - 6);
}

static void test_old_pairs_are_swept(void **state)
{
	struct world *world = *state;
	int64_t removed = 99;

	assert_int_equal(put_pair(world->store, "su_1", 1), 0);
	pass_s(world, 10);
	assert_int_equal(put_pair(world->store, "su_1", 2), 0);
	pass_s(world, 30 * DAY_S - 10);
	assert_int_equal(
		store_trusted_pair_sweep(world->store, 30 * DAY_S, 5, keep_removed, &removed), 0);
	store_settle(world->store);
	assert_int_equal(removed, 1);
	assert_int_equal(pairs(world->store, 0).count, 1);
	assert_int_equal(pairs(world->store, 0).number, 2);
}

static void test_failures_are_kept_and_removed(void **state)
{
	struct world *world = *state;
	int64_t before = counter(world->store);

	put_failures(world->store, -5, 10);
	put_failures(world->store, -5, 20);
	assert_int_equal(failures(world->store).count, 1);
	assert_int_equal(failures(world->store).number, -5);
	assert_int_equal(failures(world->store).value, 20);
	put_failures(world->store, -5, 0);
	assert_int_equal(failures(world->store).count, 0);
	assert_int_equal(counter(world->store), before);
}

static void test_the_highest_failures_stay(void **state)
{
	struct world *world = *state;
	struct seen seen;

	put_failures(world->store, 1, 100);
	for (int64_t i = 2; i <= STORE_ACCOUNT_FAILURES_MAX + 10; i++) {
		assert_int_equal(store_account_failures_put(world->store, i, 10, NULL, NULL), 0);
		if (i % 1000 == 0) /* more would fill the queue */
			store_settle(world->store);
	}
	store_settle(world->store);
	seen = failures(world->store);
	assert_int_equal(seen.count, STORE_ACCOUNT_FAILURES_MAX);
	assert_int_equal(seen.number, 1);
	assert_int_equal(seen.value, 100);
}

static void test_unlocking(void **state)
{
	struct world *world = *state;
	int64_t before = counter(world->store);
	struct seen seen = {0};
	int64_t forgotten = 99;

	put_failures(world->store, 7, 90);
	put_failures(world->store, 8, 30);
	assert_int_equal(store_account_unlock(world->store, 7, &forgotten), 0);
	assert_int_equal(forgotten, 90);
	assert_true(counter(world->store) > before);
	assert_int_equal(failures(world->store).number, 8);
	assert_int_equal(store_account_unlock(world->store, 9, &forgotten), 0);
	assert_int_equal(forgotten, 0);
	assert_int_equal(store_account_unlock_list(world->store, 0, see, &seen), 0);
	assert_int_equal(seen.count, 2);
	assert_int_equal(seen.number, 9);
	assert_int_equal(seen.value, 2);
	/* Whoever has seen the second sees the first one's next. */
	assert_int_equal(store_account_unlock(world->store, 7, &forgotten), 0);
	seen = (struct seen){0};
	assert_int_equal(store_account_unlock_list(world->store, 2, see, &seen), 0);
	assert_int_equal(seen.count, 1);
	assert_int_equal(seen.number, 7);
	assert_int_equal(seen.value, 3);
}

int suite_run_attempts(void)
{
	const struct CMUnitTest tests[] = {
		PEOPLED(test_a_pair_is_kept_with_its_last_time),
		PEOPLED(test_a_user_has_so_many_pairs),
		PEOPLED(test_old_pairs_are_swept),
		PEOPLED(test_failures_are_kept_and_removed),
		PEOPLED(test_the_highest_failures_stay),
		PEOPLED(test_unlocking),
	};

	return cmocka_run_group_tests_name("attempts", tests, NULL, NULL);
}
