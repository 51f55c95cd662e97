/* SPDX-License-Identifier: Apache-2.0 */
/* Each sentence of the design on abuse (decision 7) about what is counted and where limits
 * are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "guessing.h"

#include <pthread.h>
#include <stdio.h>

/* --- the counts ---------------------------------------------------------- */

static void test_failures_count_for_each_pair(void **state)
{
	assert_int_equal(fail_many(*state, "a", 1, NOW, 20), ATTEMPTS_PER_PAIR);
	assert_int_equal(fail_at(*state, "a", 1, NOW), ATTEMPT_OVER_PAIR);
	assert_int_equal(fail_at(*state, "a", 2, NOW), ATTEMPT_MAY);
	assert_int_equal(fail_at(*state, "b", 1, NOW), ATTEMPT_MAY);
}

static void test_failures_count_for_each_account(void **state)
{
	int evaluated = 0;

	for (uint64_t source = 1; source <= 200; source++)
		evaluated += fail_many(*state, "a", source, NOW, 1);
	assert_int_equal(evaluated, ATTEMPTS_PER_ACCOUNT);
	assert_int_equal(fail_at(*state, "a", 300, NOW), ATTEMPT_OVER_ACCOUNT);
	assert_int_equal(fail_at(*state, "b", 300, NOW), ATTEMPT_MAY);
}

static void test_windows_slide(void **state)
{
	static const int64_t step = MINUTE + 1;
	int64_t now_ms = NOW;

	/* One a minute from ten sources: the eleventh comes within ten minutes. */
	for (uint64_t i = 0; i < ATTEMPTS_PER_ACCOUNT; i++, now_ms += MINUTE - 1)
		assert_int_equal(fail_at(*state, "a", i + 1, now_ms), ATTEMPT_MAY);
	assert_int_equal(fail_at(*state, "a", 99, now_ms), ATTEMPT_OVER_ACCOUNT);
	assert_int_equal(
		fail_at(*state, "a", 99, NOW + ATTEMPTS_WINDOW_MS - 1), ATTEMPT_OVER_ACCOUNT);
	assert_int_equal(fail_at(*state, "a", 99, NOW + ATTEMPTS_WINDOW_MS), ATTEMPT_MAY);
	/* The first has gone, and no more than it. */
	assert_int_equal(fail_at(*state, "a", 98, NOW + ATTEMPTS_WINDOW_MS), ATTEMPT_OVER_ACCOUNT);
	for (int i = 0; i < 100; i++)
		assert_int_equal(fail_at(*state, "b", 1, NOW + i * 2 * step), ATTEMPT_MAY);
}

/* Whoever waits as told may try again, and not a second sooner. */
static void test_says_how_long_to_wait(void **state)
{
	struct attempt_sent sent = guess("a", 1);
	int64_t wait_s;

	assert_int_equal(fail_many(*state, "a", 1, NOW, 5), 5);
	wait_s = attempt_at(*state, &sent, NOW + 1500).wait_s;
	assert_int_equal(wait_s, 599);
	assert_int_equal(attempt_at(*state, &sent, NOW + 1500 + (wait_s - 1) * 1000).verdict,
		ATTEMPT_OVER_PAIR);
	assert_int_equal(
		attempt_at(*state, &sent, NOW + 1500 + wait_s * 1000).verdict, ATTEMPT_MAY);
}

static void test_a_refused_attempt_counts_for_nothing(void **state)
{
	assert_int_equal(fail_many(*state, "a", 1, NOW, 1000), 5);
	assert_int_equal(fail_many(*state, "a", 2, NOW, 1000), 5);
	assert_int_equal(fail_many(*state, "a", 3, NOW + ATTEMPTS_WINDOW_MS, 1000), 5);
}

static void test_unknown_names_count_like_known_ones(void **state)
{
	struct attempt_sent known = guess("su_1", 1);
	struct attempt_sent unknown = guess("nobody", 2);

	unknown.kind = ATTEMPT_NAME;
	for (int64_t now_ms = NOW; now_ms < NOW + 40 * HOUR; now_ms += 7 * SECOND) {
		struct outcome one = attempt_at(*state, &known, now_ms);
		struct outcome other = attempt_at(*state, &unknown, now_ms);

		assert_int_equal(one.verdict, other.verdict);
		assert_int_equal(one.wait_s, other.wait_s);
		assert_int_equal(one.attempt.changed, other.attempt.changed);
	}
	/* It is another account than the user of that id. */
	for (uint64_t source = 3; source < 3 + ATTEMPTS_PER_ACCOUNT; source++) {
		unknown = guess("su_2", source);
		unknown.kind = ATTEMPT_NAME;
		assert_int_equal(attempt_at(*state, &unknown, NOW).verdict, ATTEMPT_MAY);
	}
	assert_int_equal(fail_at(*state, "su_2", 99, NOW), ATTEMPT_MAY);
}

/* --- sources ------------------------------------------------------------- */

static void test_a_source_may_fail_at_so_many_accounts(void **state)
{
	char name[16];
	int evaluated = 0;

	for (int i = 0; i < 200; i++) {
		name_account(name, i);
		evaluated += fail_many(*state, name, 1, NOW, 10);
	}
	assert_int_equal(evaluated, 100);
	assert_int_equal(fail_at(*state, "other", 1, NOW), ATTEMPT_OVER_SOURCE);
	assert_int_equal(fail_at(*state, "other", 2, NOW), ATTEMPT_MAY);
}

/* No stretch of an hour has more, whatever the source spreads its guesses over. */
static void test_a_source_has_a_hundred_guesses_in_any_hour(void **state)
{
	enum { MINUTES = 240 };
	int evaluated[MINUTES] = {0};
	char name[16];
	int most = 0;

	for (int minute = 0; minute < MINUTES; minute++)
		for (int i = 0; i < 40; i++) {
			name_account(name, (minute / 10 % 2) * 15 + i);
			evaluated[minute] +=
				fail_many(*state, name, 1, NOW + (int64_t)minute * MINUTE, 2);
		}
	for (int first = 0; first + 60 <= MINUTES; first++) {
		int sum = 0;

		for (int minute = first; minute < first + 60; minute++)
			sum += evaluated[minute];
		most = sum > most ? sum : most;
	}
	assert_true(most <= 100);
	assert_true(most > 50);
}

static void test_source_limits_count_distinct_accounts(void **state)
{
	char name[16];

	/* One integration loops for an hour with what is wrong. */
	for (int64_t now_ms = NOW; now_ms < NOW + HOUR; now_ms += SECOND)
		(void)fail_at(*state, "looping", 1, now_ms);
	for (int i = 0; i < 10; i++) {
		name_account(name, i);
		assert_int_equal(fail_at(*state, name, 1, NOW + HOUR), ATTEMPT_MAY);
	}
}

static void test_a_network_has_a_limit_of_its_own(void **state)
{
	const uint64_t prefix = UINT64_C(0x20010db800010000);
	char name[16];
	int evaluated = 0;

	for (int i = 0; i < 500; i++) {
		name_account(name, i);
		evaluated += fail_many(*state, name, prefix + (uint64_t)i, NOW, 1);
	}
	assert_int_equal(evaluated, ATTEMPTS_PER_NETWORK);
	/* Another /48; an IPv4 address has none. */
	assert_int_equal(fail_at(*state, "b", prefix + 0x10000, NOW), ATTEMPT_MAY);
	for (uint64_t i = 0; i < 500; i++) {
		name_account(name, 1000 + (int)i);
		assert_int_equal(fail_at(*state, name, UINT64_C(0xc0000200) + i, NOW), ATTEMPT_MAY);
	}
}

static void test_without_a_source_the_account_alone_counts(void **state)
{
	char name[16];

	assert_int_equal(fail_many(*state, "a", 0, NOW, 50), ATTEMPTS_PER_ACCOUNT);
	for (int i = 0; i < 100; i++) {
		name_account(name, i);
		assert_int_equal(fail_at(*state, name, 0, NOW), ATTEMPT_MAY);
	}
	/* What all share is no pair to be trusted. */
	assert_false(succeed(*state, "a", 0, NOW));
	assert_int_equal(fail_at(*state, "a", 0, NOW), ATTEMPT_OVER_ACCOUNT);
}

/* --- bounds -------------------------------------------------------------- */

static void test_the_quietest_are_forgotten_first(void **state)
{
	char name[16];

	assert_int_equal(fail_many(*state, "a", 1, NOW, 5), 5);
	assert_int_equal(fail_many(*state, "a", 2, NOW, 5), 5);
	/* Ten times as many accounts and sources as the tables hold, one failure each. */
	for (int i = 0; i < 10 * ATTEMPTS_ACCOUNTS_MAX; i++) {
		name_account(name, i);
		assert_int_equal(fail_at(*state, name, (uint64_t)i + 10, NOW + 1), ATTEMPT_MAY);
	}
	assert_int_equal(fail_at(*state, "a", 1, NOW + 2), ATTEMPT_OVER_PAIR);
	assert_int_equal(fail_at(*state, "a", 3, NOW + 2), ATTEMPT_OVER_ACCOUNT);
}

static void test_a_clock_set_back_locks_nobody_for_long(void **state)
{
	assert_int_equal(fail_many(*state, "a", 1, NOW + 300 * DAY, 5), 5);
	assert_int_equal(fail_many(*state, "a", 1, NOW, 10), 5);
	assert_int_equal(fail_at(*state, "a", 1, NOW - SECOND), ATTEMPT_OVER_PAIR);
}

static void test_a_lower_limit_and_none(void **state)
{
	struct attempts *attempts;

	(void)state;
	assert_int_equal(attempts_create(&guessing_key, 3, &attempts), 0);
	assert_int_equal(fail_many(attempts, "a", 1, NOW, 10), 2);
	assert_int_equal(fail_many(attempts, "a", 2, NOW, 10), 1);
	attempts_destroy(attempts);
	assert_int_equal(attempts_create(&guessing_key, 0, &attempts), 0);
	assert_int_equal(fail_many(attempts, "a", 1, NOW, 1000), 1000);
	assert_true(succeed(attempts, "a", 1, NOW));
	attempts_destroy(attempts);
}

/* --- many at once -------------------------------------------------------- */

struct parallel {
	struct attempts *attempts;
	uint64_t source;
	int evaluated;
};

static void *guess_in_parallel(void *context)
{
	struct parallel *parallel = context;

	for (int i = 0; i < 100; i++) {
		char text[32];
		struct attempt_sent sent = {.kind = ATTEMPT_USER,
			.account = "a",
			.source = parallel->source,
			.secret = text,
			.chosen = true};
		struct attempt attempt;
		enum attempt_verdict verdict;
		int64_t wait_s;

		(void)snprintf(text, sizeof(text), "%d of %u", i, (unsigned)parallel->source);
		if (!attempts_take(parallel->attempts, &sent, NOW + i, &attempt, &verdict, &wait_s))
			parallel->evaluated += verdict == ATTEMPT_MAY;
	}
	return NULL;
}

static void test_many_at_once_have_one_limit(void **state)
{
	enum { THREADS = 8 };
	struct parallel parallel[THREADS];
	pthread_t threads[THREADS];
	int evaluated = 0;

	for (uint64_t i = 0; i < THREADS; i++) {
		parallel[i] = (struct parallel){.attempts = *state, .source = i + 1};
		assert_int_equal(
			pthread_create(&threads[i], NULL, guess_in_parallel, &parallel[i]), 0);
	}
	for (int i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		evaluated += parallel[i].evaluated;
	}
	assert_int_equal(evaluated, ATTEMPTS_PER_ACCOUNT);
}

/* Keyed on the account: names lead to accounts before anything is counted. */
static void test_63_an_account_has_one_count(void **state)
{
	assert_int_equal(fail_many(*state, "su_1", 1, NOW, 5), 5);
	assert_int_equal(fail_many(*state, "su_1", 2, NOW, 5), 5);
	for (uint64_t source = 3; source < 100; source++)
		assert_int_equal(fail_at(*state, "su_1", source, NOW), ATTEMPT_OVER_ACCOUNT);
}

/* --- the reference figure ------------------------------------------------ */

enum { FIGURE_ACCOUNTS = 1000, FIGURE_SOURCES = 200, FIGURE_A_SECOND = 500, FIGURE_SECONDS = 600 };

struct figure {
	int at_account[FIGURE_ACCOUNTS];
	int from_source[FIGURE_SOURCES];
};

/* Each source at `reach` of the accounts. */
static void guess_once(struct attempts *attempts, struct figure *figure, int number, int reach)
{
	int source = number % FIGURE_SOURCES;
	int account = source * FIGURE_ACCOUNTS / FIGURE_SOURCES + number / FIGURE_SOURCES % reach;
	int64_t now_ms = NOW + (int64_t)number * SECOND / FIGURE_A_SECOND;
	char name[16];

	account %= reach == 1 ? 1 : FIGURE_ACCOUNTS;
	name_account(name, account);
	if (fail_at(attempts, name, (uint64_t)source + 1000, now_ms) != ATTEMPT_MAY)
		return;
	figure->at_account[account]++;
	figure->from_source[source]++;
}

/* The owner's own pair; a generated password asks nobody. */
static void own_pair_need_not_wait(struct attempts *attempts, int64_t now_ms)
{
	const struct attempt_sent sent = guess("a0", 1);
	struct outcome outcome = attempt_at(attempts, &sent, now_ms);
	bool store;

	assert_int_equal(outcome.verdict, ATTEMPT_MAY);
	assert_int_equal(attempts_succeed(attempts, &sent, now_ms, &outcome.attempt, &store), 0);
}

/* 500 guesses a second from 200 sources for ten minutes; bench/guesses.c does it to a whole
 * authority. */
static void test_the_reference_figure(void **state)
{
	static const int reaches[] = {1, 20, FIGURE_ACCOUNTS};

	(void)state;
	for (size_t i = 0; i < sizeof(reaches) / sizeof(reaches[0]); i++) {
		struct figure figure = {0};
		struct attempts *attempts;
		int evaluated = 0;

		assert_int_equal(
			attempts_create(&guessing_key, ATTEMPTS_PER_ACCOUNT, &attempts), 0);
		(void)succeed(attempts, "a0", 1, NOW - MINUTE);
		for (int number = 0; number < FIGURE_SECONDS * FIGURE_A_SECOND; number++) {
			if (number % (10 * FIGURE_A_SECOND) == 0)
				own_pair_need_not_wait(
					attempts, NOW + (int64_t)number * SECOND / FIGURE_A_SECOND);
			guess_once(attempts, &figure, number, reaches[i]);
		}
		for (int account = 0; account < FIGURE_ACCOUNTS; account++) {
			assert_in_range(figure.at_account[account], 0, 10);
			evaluated += figure.at_account[account];
		}
		for (int source = 0; source < FIGURE_SOURCES; source++)
			assert_in_range(figure.from_source[source], 0, 100);
		/* The limits leave what they are meant to leave. */
		assert_in_range(evaluated, reaches[i] == 1 ? 10 : 3900, 10000);
		attempts_destroy(attempts);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ATTEMPTS(test_failures_count_for_each_pair),
		ATTEMPTS(test_failures_count_for_each_account),
		ATTEMPTS(test_windows_slide),
		ATTEMPTS(test_says_how_long_to_wait),
		ATTEMPTS(test_a_refused_attempt_counts_for_nothing),
		ATTEMPTS(test_unknown_names_count_like_known_ones),
		ATTEMPTS(test_a_source_may_fail_at_so_many_accounts),
		ATTEMPTS(test_a_source_has_a_hundred_guesses_in_any_hour),
		ATTEMPTS(test_source_limits_count_distinct_accounts),
		ATTEMPTS(test_a_network_has_a_limit_of_its_own),
		ATTEMPTS(test_without_a_source_the_account_alone_counts),
		ATTEMPTS(test_the_quietest_are_forgotten_first),
		ATTEMPTS(test_a_clock_set_back_locks_nobody_for_long),
		cmocka_unit_test(test_a_lower_limit_and_none),
		ATTEMPTS(test_many_at_once_have_one_limit),
		ATTEMPTS(test_63_an_account_has_one_count),
		cmocka_unit_test(test_the_reference_figure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
