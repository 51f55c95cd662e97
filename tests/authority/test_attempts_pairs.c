/* SPDX-License-Identifier: Apache-2.0 */
/* Each sentence of the design on abuse (decision 7) about who has been right before, about a
 * hundred failures in a row, about repeats, and about what outlives a restart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "guessing.h"

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

/* Behind a proxy that is not named everybody is one pair: where its failures were never
 * taken out, a year of slips would keep the owner out for good. */
static void test_62_without_a_source_a_success_ends_the_row(void **state)
{
	int64_t now_ms = NOW;

	for (int i = 0; i < 3 * ATTEMPTS_CONSECUTIVE; i++, now_ms += 2 * MINUTE) {
		assert_int_equal(fail_at(*state, "a", 0, now_ms), ATTEMPT_MAY);
		if (i % 90 == 89)
			(void)succeed(*state, "a", 0, now_ms);
	}
	/* From elsewhere is from elsewhere. */
	for (uint64_t i = 1; i <= 70; i++, now_ms += 2 * MINUTE)
		assert_int_equal(fail_at(*state, "a", i, now_ms), ATTEMPT_MAY);
	assert_int_equal(fail_at(*state, "a", 0, now_ms), ATTEMPT_OVER_CONSECUTIVE);
	(void)succeed(*state, "a", 0, now_ms);
	for (int i = 0; i < 30; i++, now_ms += 2 * MINUTE)
		assert_int_equal(fail_at(*state, "a", 0, now_ms), ATTEMPT_MAY);
	assert_int_equal(fail_at(*state, "a", 0, now_ms), ATTEMPT_OVER_CONSECUTIVE);
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
	assert_int_equal(attempts_account(&guessing_key, "a", &numbered), 0);
	assert_true(account == numbered);
	assert_int_equal(attempts_create(&guessing_key, ATTEMPTS_PER_ACCOUNT, &after), 0);
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
	assert_int_equal(attempts_account(&guessing_key, "a", &account), 0);
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
	assert_int_equal(attempts_create(&guessing_key, ATTEMPTS_PER_ACCOUNT, &after), 0);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
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
		ATTEMPTS(test_62_without_a_source_a_success_ends_the_row),
		ATTEMPTS(test_62_the_hundred_outlives_a_restart_in_steps),
		ATTEMPTS(test_64_unlocking_forgets_what_counts_against_an_account),
		ATTEMPTS(test_one_repeat_is_not_counted),
		ATTEMPTS(test_a_third_is_counted_and_has_no_repeat),
		ATTEMPTS(test_what_is_no_repeat),
		ATTEMPTS(test_trusted_pairs_are_stored_daily),
		ATTEMPTS(test_another_secret_key_knows_no_pair),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
