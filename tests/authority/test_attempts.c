/* SPDX-License-Identifier: Apache-2.0 */
/* Each sentence of the design on abuse (decision 7), on a clock that stands until it is
 * moved. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "authority/attempts.h"
#include "authority/source.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE };

#define DAY ((int64_t)24 * HOUR)
#define NOW INT64_C(1800000000000)

static unsigned char key_bytes[32] = "the secret key of the directory";
static const struct secret secret_key = {key_bytes, sizeof(key_bytes)};

static int open_attempts(void **state)
{
	struct attempts *attempts;

	assert_int_equal(attempts_create(&secret_key, ATTEMPTS_PER_ACCOUNT, &attempts), 0);
	*state = attempts;
	return 0;
}

static int close_attempts(void **state)
{
	attempts_destroy(*state);
	return 0;
}

/* A chosen password, another each time. */
static struct attempt_sent guess(const char *account, uint64_t source)
{
	static char texts[64][32];
	static unsigned turn;
	char *text = texts[turn % 64];

	(void)snprintf(text, sizeof(texts[0]), "guess %u", turn++);
	return (struct attempt_sent){.kind = ATTEMPT_USER,
		.account = account,
		.source = source,
		.client_id = "c",
		.secret = text,
		.chosen = true};
}

struct outcome {
	struct attempt attempt;
	enum attempt_verdict verdict;
	int64_t wait_s;
};

static struct outcome attempt_at(
	struct attempts *attempts, const struct attempt_sent *sent, int64_t now_ms)
{
	struct outcome outcome = {0};

	assert_int_equal(attempts_take(attempts, sent, now_ms, &outcome.attempt, &outcome.verdict,
				 &outcome.wait_s),
		0);
	assert_int_equal(outcome.verdict == ATTEMPT_MAY, outcome.wait_s == 0);
	return outcome;
}

static enum attempt_verdict fail_at(
	struct attempts *attempts, const char *account, uint64_t source, int64_t now_ms)
{
	const struct attempt_sent sent = guess(account, source);

	return attempt_at(attempts, &sent, now_ms).verdict;
}

/* How many of `tries` are evaluated. */
static int fail_many(
	struct attempts *attempts, const char *account, uint64_t source, int64_t now_ms, int tries)
{
	int evaluated = 0;

	for (int i = 0; i < tries; i++)
		evaluated += fail_at(attempts, account, source, now_ms) == ATTEMPT_MAY;
	return evaluated;
}

/* A right password that comes first and is not counted before, as a generated one.
 * Whether its pair is to be stored. */
static bool succeed(struct attempts *attempts, const char *account, uint64_t source, int64_t now_ms)
{
	const struct attempt_sent sent = guess(account, source);
	struct attempt attempt = {0};
	bool store = false;

	assert_int_equal(attempts_succeed(attempts, &sent, now_ms, &attempt, &store), 0);
	return store;
}

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
	unknown = guess("su_2", 3);
	unknown.kind = ATTEMPT_NAME;
	assert_int_equal(attempt_at(*state, &unknown, NOW).verdict, ATTEMPT_MAY);
	assert_int_equal(fail_many(*state, "su_2", 4, NOW, 5), 5);
}

/* --- sources ------------------------------------------------------------- */

static void name_account(char name[16], int number)
{
	(void)snprintf(name, 16, "a%d", number);
}

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

/* --- success ------------------------------------------------------------- */

static void test_a_trusted_pair_is_exempt_but_from_its_own(void **state)
{
	char name[16];

	assert_true(succeed(*state, "a", 1, NOW));
	assert_int_equal(fail_many(*state, "a", 2, NOW, 10), 5);
	assert_int_equal(fail_many(*state, "a", 3, NOW, 10), 5);
	assert_int_equal(fail_at(*state, "a", 4, NOW), ATTEMPT_OVER_ACCOUNT);
	for (int i = 0; i < ATTEMPTS_PER_SOURCE; i++) {
		name_account(name, i);
		assert_int_equal(fail_at(*state, name, 1, NOW), ATTEMPT_MAY);
	}
	assert_int_equal(fail_at(*state, "b", 1, NOW), ATTEMPT_OVER_SOURCE);
	assert_int_equal(fail_many(*state, "a", 1, NOW, 20), ATTEMPTS_PER_PAIR);
	assert_int_equal(fail_at(*state, "a", 1, NOW), ATTEMPT_OVER_PAIR);
}

static void test_trust_ends_after_30_days(void **state)
{
	const struct attempt_sent sent = guess("a", 1);
	const int64_t end_ms = NOW + 30 * DAY;

	(void)succeed(*state, "a", 1, NOW);
	assert_true(attempts_is_trusted(*state, &sent, end_ms - SECOND));
	assert_false(attempts_is_trusted(*state, &sent, end_ms));
	(void)fail_many(*state, "a", 2, end_ms, 5);
	(void)fail_many(*state, "a", 3, end_ms, 5);
	assert_int_equal(fail_at(*state, "a", 1, end_ms), ATTEMPT_OVER_ACCOUNT);
}

static void test_a_success_clears_and_trusts_its_own_pair_only(void **state)
{
	const struct attempt_sent other = guess("a", 2);

	assert_int_equal(fail_many(*state, "a", 1, NOW, 5), 5);
	assert_int_equal(fail_many(*state, "a", 2, NOW, 4), 4);
	(void)succeed(*state, "a", 1, NOW);
	assert_false(attempts_is_trusted(*state, &other, NOW));
	assert_int_equal(fail_many(*state, "a", 1, NOW, 10), 5);
	/* Neither the account nor the other pair has been given anything. */
	assert_int_equal(fail_at(*state, "a", 2, NOW), ATTEMPT_OVER_ACCOUNT);
}

static void test_a_right_chosen_password_was_no_failure(void **state)
{
	for (int i = 0; i < 1000; i++) {
		const struct attempt_sent sent = guess("a", 1);
		struct outcome outcome = attempt_at(*state, &sent, NOW);
		bool store;

		assert_int_equal(outcome.verdict, ATTEMPT_MAY);
		assert_int_equal(attempts_succeed(*state, &sent, NOW, &outcome.attempt, &store), 0);
	}
	assert_int_equal(fail_many(*state, "a", 2, NOW, 5), 5);
	assert_int_equal(fail_many(*state, "a", 3, NOW, 10), 5);
}

/* Who is exempt from a full limit takes nobody's place in it, and so gives none away. */
static void test_a_trusted_success_frees_nothing(void **state)
{
	char name[16];

	(void)succeed(*state, "a", 1, NOW);
	for (int i = 0; i < ATTEMPTS_PER_SOURCE; i++) {
		name_account(name, i);
		assert_int_equal(fail_at(*state, name, 1, NOW), ATTEMPT_MAY);
	}
	assert_int_equal(fail_many(*state, "a", 2, NOW, 5), 5);
	assert_int_equal(fail_many(*state, "a", 3, NOW, 5), 5);
	for (int i = 0; i < 100; i++) {
		const struct attempt_sent sent = guess("a", 1);
		struct outcome outcome = attempt_at(*state, &sent, NOW + i);
		bool store;

		assert_int_equal(outcome.verdict, ATTEMPT_MAY);
		assert_int_equal(
			attempts_succeed(*state, &sent, NOW + i, &outcome.attempt, &store), 0);
		assert_int_equal(fail_at(*state, "a", 4, NOW + i), ATTEMPT_OVER_ACCOUNT);
		assert_int_equal(fail_at(*state, "b", 1, NOW + i), ATTEMPT_OVER_SOURCE);
	}
}

/* A success does not keep a failure of before alive. */
static void test_a_success_lets_what_was_before_it_end(void **state)
{
	char name[16];

	for (int i = 0; i < ATTEMPTS_PER_SOURCE; i++) {
		name_account(name, i);
		assert_int_equal(fail_at(*state, name, 1, NOW), ATTEMPT_MAY);
	}
	for (int i = 0; i < ATTEMPTS_PER_SOURCE; i++) {
		struct attempt_sent sent;
		struct outcome outcome;
		bool store;

		name_account(name, i);
		sent = guess(name, 1);
		outcome = attempt_at(*state, &sent, NOW + HOUR - 1);
		assert_int_equal(outcome.verdict, ATTEMPT_MAY);
		assert_int_equal(
			attempts_succeed(*state, &sent, NOW + HOUR - 1, &outcome.attempt, &store),
			0);
	}
	assert_int_equal(fail_at(*state, "b", 1, NOW + HOUR - 1), ATTEMPT_OVER_SOURCE);
	assert_int_equal(fail_at(*state, "b", 1, NOW + HOUR), ATTEMPT_MAY);
}

static void test_what_was_not_evaluated_is_returned(void **state)
{
	const struct attempt_sent same = guess("a", 1);

	for (int i = 0; i < 1000; i++) {
		struct outcome outcome = attempt_at(*state, &same, NOW);

		assert_int_equal(outcome.verdict, ATTEMPT_MAY);
		assert_int_not_equal(outcome.attempt.counted_at_ms, 0);
		attempts_return(*state, &outcome.attempt);
	}
	assert_int_equal(fail_many(*state, "a", 1, NOW, 10), 5);
	assert_int_equal(fail_many(*state, "a", 2, NOW, 10), 5);
}

static void test_a_right_generated_password_needs_no_leave(void **state)
{
	for (uint64_t source = 1; source < 200; source++)
		(void)fail_many(*state, "a", source, NOW, 10);
	assert_true(succeed(*state, "a", 500, NOW));
	/* And one that is wrong does not bring a chosen one nearer to its end. */
	for (int64_t i = 0; i < 1000; i++) {
		struct attempt_sent sent = guess("b", 1);

		sent.chosen = false;
		assert_false(attempt_at(*state, &sent, NOW + i * MINUTE).attempt.changed);
	}
	assert_int_equal(fail_at(*state, "b", 1, NOW + 1000 * MINUTE + HOUR), ATTEMPT_MAY);
}

/* --- a hundred ----------------------------------------------------------- */

/* Requirement 62. From ever new sources, as slowly as the limits ask. Returns when. */
static int64_t fail_a_hundred(struct attempts *attempts, const char *account)
{
	int64_t now_ms = NOW;
	uint64_t source = 1000;

	for (int i = 0; i < ATTEMPTS_CONSECUTIVE; i++, now_ms += MINUTE)
		assert_int_equal(fail_at(attempts, account, source++, now_ms), ATTEMPT_MAY);
	return now_ms;
}

static void test_62_after_a_hundred_only_pairs_that_have_succeeded(void **state)
{
	int64_t now_ms;
	struct attempt_sent sent = guess("a", 1);

	(void)succeed(*state, "a", 1, NOW);
	now_ms = fail_a_hundred(*state, "a");
	assert_int_equal(fail_at(*state, "a", 5000, now_ms + 9 * DAY), ATTEMPT_OVER_CONSECUTIVE);
	assert_int_equal(fail_at(*state, "a", 1, now_ms + 9 * DAY), ATTEMPT_MAY);
	/* A generated one is another matter, and the owner's success is its pair's. */
	sent = guess("a", 5000);
	sent.chosen = false;
	assert_int_equal(attempt_at(*state, &sent, now_ms + 9 * DAY).verdict, ATTEMPT_MAY);
	(void)succeed(*state, "a", 1, now_ms + 9 * DAY);
	assert_int_equal(fail_at(*state, "a", 5000, now_ms + 9 * DAY), ATTEMPT_OVER_CONSECUTIVE);
}

static void test_62_a_success_takes_its_own_pair_out_of_the_hundred(void **state)
{
	int64_t now_ms = NOW;

	for (int i = 0; i < 99; i++, now_ms += 2 * MINUTE)
		assert_int_equal(fail_at(*state, "a", 1, now_ms), ATTEMPT_MAY);
	(void)succeed(*state, "a", 1, now_ms);
	for (int i = 0; i < 99; i++, now_ms += 2 * MINUTE)
		assert_int_equal(fail_at(*state, "a", 1, now_ms), ATTEMPT_MAY);
	assert_int_equal(fail_at(*state, "a", 2, now_ms), ATTEMPT_MAY);
	assert_int_equal(fail_at(*state, "a", 2, now_ms), ATTEMPT_OVER_CONSECUTIVE);
}

static void test_62_the_hundred_outlives_a_restart_in_steps(void **state)
{
	struct attempts *after;
	uint64_t account = 0;
	int64_t stored = 0;
	uint64_t numbered;

	for (int i = 0; i < 99; i++) {
		const struct attempt_sent sent = guess("a", (uint64_t)i + 1);
		struct outcome outcome = attempt_at(*state, &sent, NOW + (int64_t)i * MINUTE);

		assert_int_equal(outcome.verdict, ATTEMPT_MAY);
		if (outcome.attempt.changed)
			stored = outcome.attempt.failures;
		account = outcome.attempt.account;
	}
	assert_int_equal(stored, 90);
	assert_int_equal(attempts_account(&secret_key, "a", &numbered), 0);
	assert_true(account == numbered);
	assert_int_equal(attempts_create(&secret_key, ATTEMPTS_PER_ACCOUNT, &after), 0);
	attempts_load_failures(after, account, stored, NOW + DAY);
	for (uint64_t i = 0; i < 10; i++)
		assert_int_equal(fail_at(after, "a", i + 1, NOW + DAY), ATTEMPT_MAY);
	assert_int_equal(fail_at(after, "a", 100, NOW + 2 * DAY), ATTEMPT_OVER_CONSECUTIVE);
	attempts_destroy(after);
}

static void test_64_unlocking_forgets_what_counts_against_an_account(void **state)
{
	int64_t now_ms = fail_a_hundred(*state, "a");
	uint64_t account;

	(void)fail_many(*state, "b", 7, now_ms, 5);
	assert_int_equal(attempts_account(&secret_key, "a", &account), 0);
	attempts_forget(*state, account);
	assert_int_equal(fail_many(*state, "a", 1099, now_ms, 10), 5);
	assert_int_equal(fail_many(*state, "a", 1098, now_ms, 10), 5);
	assert_int_equal(fail_at(*state, "b", 7, now_ms), ATTEMPT_OVER_PAIR);
}

/* --- repeats ------------------------------------------------------------- */

static void test_one_repeat_is_not_counted(void **state)
{
	for (int i = 0; i < ATTEMPTS_PER_PAIR; i++) {
		const struct attempt_sent sent = guess("a", 1);

		assert_int_not_equal(attempt_at(*state, &sent, NOW).attempt.counted_at_ms, 0);
		assert_int_equal(attempt_at(*state, &sent, NOW + 1999).attempt.counted_at_ms, 0);
	}
	assert_int_equal(fail_at(*state, "a", 1, NOW), ATTEMPT_OVER_PAIR);
}

static void test_a_third_is_counted_and_has_no_repeat(void **state)
{
	const struct attempt_sent sent = guess("a", 1);
	int evaluated = 0;

	for (int i = 0; i < 50; i++)
		evaluated += attempt_at(*state, &sent, NOW + i).verdict == ATTEMPT_MAY;
	assert_int_equal(evaluated, ATTEMPTS_PER_PAIR + 1);
}

static void test_what_is_no_repeat(void **state)
{
	const struct attempt_sent first = guess("a", 1);
	struct attempt_sent sent = first;

	assert_int_not_equal(attempt_at(*state, &first, NOW).attempt.counted_at_ms, 0);
	assert_int_not_equal(
		attempt_at(*state, &first, NOW + ATTEMPTS_REPEAT_MS).attempt.counted_at_ms, 0);
	sent.client_id = "d";
	assert_int_not_equal(
		attempt_at(*state, &sent, NOW + ATTEMPTS_REPEAT_MS).attempt.counted_at_ms, 0);
	sent.secret = "another";
	assert_int_not_equal(
		attempt_at(*state, &sent, NOW + ATTEMPTS_REPEAT_MS).attempt.counted_at_ms, 0);
	sent.source = 2;
	assert_int_not_equal(
		attempt_at(*state, &sent, NOW + ATTEMPTS_REPEAT_MS).attempt.counted_at_ms, 0);
	/* What was refused has no repeat either. */
	(void)fail_many(*state, "b", 1, NOW, 5);
	sent = guess("b", 1);
	assert_int_equal(attempt_at(*state, &sent, NOW).verdict, ATTEMPT_OVER_PAIR);
	assert_int_equal(attempt_at(*state, &sent, NOW + 1).verdict, ATTEMPT_OVER_PAIR);
}

/* --- over a restart ------------------------------------------------------ */

static void test_trusted_pairs_are_stored_daily(void **state)
{
	struct attempts *after;
	const struct attempt_sent sent = guess("a", 1);
	struct attempt attempt = {0};
	bool store;

	assert_int_equal(attempts_succeed(*state, &sent, NOW, &attempt, &store), 0);
	assert_true(store);
	for (int i = 0; i < 100; i++)
		assert_false(succeed(*state, "a", 1, NOW + i * MINUTE));
	assert_true(succeed(*state, "a", 2, NOW));
	assert_true(succeed(*state, "a", 1, NOW + DAY));
	assert_int_equal(attempts_create(&secret_key, ATTEMPTS_PER_ACCOUNT, &after), 0);
	assert_false(attempts_is_trusted(after, &sent, NOW + DAY));
	attempts_load_pair(after, attempt.pair, NOW / 1000);
	assert_true(attempts_is_trusted(after, &sent, NOW + 29 * DAY));
	assert_false(attempts_is_trusted(after, &sent, NOW + 30 * DAY));
	assert_false(succeed(after, "a", 1, NOW + HOUR));
	attempts_destroy(after);
}

static void test_another_secret_key_knows_no_pair(void **state)
{
	unsigned char other_bytes[32] = "another one";
	const struct secret other = {other_bytes, sizeof(other_bytes)};
	const struct attempt_sent sent = guess("a", 1);
	struct attempt attempt = {0};
	struct attempts *after;
	bool store;

	assert_int_equal(attempts_succeed(*state, &sent, NOW, &attempt, &store), 0);
	assert_int_equal(attempts_create(&other, ATTEMPTS_PER_ACCOUNT, &after), 0);
	attempts_load_pair(after, attempt.pair, NOW / 1000);
	assert_false(attempts_is_trusted(after, &sent, NOW));
	attempts_destroy(after);
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
	assert_int_equal(attempts_create(&secret_key, 3, &attempts), 0);
	assert_int_equal(fail_many(attempts, "a", 1, NOW, 10), 2);
	assert_int_equal(fail_many(attempts, "a", 2, NOW, 10), 1);
	attempts_destroy(attempts);
	assert_int_equal(attempts_create(&secret_key, 0, &attempts), 0);
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

		assert_int_equal(attempts_create(&secret_key, ATTEMPTS_PER_ACCOUNT, &attempts), 0);
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

#define ATTEMPTS(test) cmocka_unit_test_setup_teardown(test, open_attempts, close_attempts)

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
		ATTEMPTS(test_a_trusted_pair_is_exempt_but_from_its_own),
		ATTEMPTS(test_trust_ends_after_30_days),
		ATTEMPTS(test_a_success_clears_and_trusts_its_own_pair_only),
		ATTEMPTS(test_a_right_chosen_password_was_no_failure),
		ATTEMPTS(test_a_trusted_success_frees_nothing),
		ATTEMPTS(test_a_success_lets_what_was_before_it_end),
		ATTEMPTS(test_what_was_not_evaluated_is_returned),
		ATTEMPTS(test_a_right_generated_password_needs_no_leave),
		ATTEMPTS(test_62_after_a_hundred_only_pairs_that_have_succeeded),
		ATTEMPTS(test_62_a_success_takes_its_own_pair_out_of_the_hundred),
		ATTEMPTS(test_62_the_hundred_outlives_a_restart_in_steps),
		ATTEMPTS(test_64_unlocking_forgets_what_counts_against_an_account),
		ATTEMPTS(test_one_repeat_is_not_counted),
		ATTEMPTS(test_a_third_is_counted_and_has_no_repeat),
		ATTEMPTS(test_what_is_no_repeat),
		ATTEMPTS(test_trusted_pairs_are_stored_daily),
		ATTEMPTS(test_another_secret_key_knows_no_pair),
		ATTEMPTS(test_the_quietest_are_forgotten_first),
		ATTEMPTS(test_a_clock_set_back_locks_nobody_for_long),
		cmocka_unit_test(test_a_lower_limit_and_none),
		ATTEMPTS(test_many_at_once_have_one_limit),
		ATTEMPTS(test_63_an_account_has_one_count),
		cmocka_unit_test(test_the_reference_figure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
