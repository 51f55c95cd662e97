/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "guessing.h"

#include <stdio.h>

static unsigned char key_bytes[32] = "the secret key of the directory";
const struct secret guessing_key = {key_bytes, sizeof(key_bytes)};

int open_attempts(void **state)
{
	struct attempts *attempts;

	assert_int_equal(attempts_create(&guessing_key, ATTEMPTS_PER_ACCOUNT, &attempts), 0);
	*state = attempts;
	return 0;
}

int close_attempts(void **state)
{
	attempts_destroy(*state);
	return 0;
}

struct attempt_sent guess(const char *account, uint64_t source)
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

struct outcome attempt_at(
	struct attempts *attempts, const struct attempt_sent *sent, int64_t now_ms)
{
	struct outcome outcome = {0};

	assert_int_equal(attempts_take(attempts, sent, now_ms, &outcome.attempt, &outcome.verdict,
				 &outcome.wait_s),
		0);
	assert_int_equal(outcome.verdict == ATTEMPT_MAY, outcome.wait_s == 0);
	return outcome;
}

enum attempt_verdict fail_at(
	struct attempts *attempts, const char *account, uint64_t source, int64_t now_ms)
{
	const struct attempt_sent sent = guess(account, source);

	return attempt_at(attempts, &sent, now_ms).verdict;
}

int fail_many(
	struct attempts *attempts, const char *account, uint64_t source, int64_t now_ms, int tries)
{
	int evaluated = 0;

	for (int i = 0; i < tries; i++)
		evaluated += fail_at(attempts, account, source, now_ms) == ATTEMPT_MAY;
	return evaluated;
}

bool succeed(struct attempts *attempts, const char *account, uint64_t source, int64_t now_ms)
{
	const struct attempt_sent sent = guess(account, source);
	struct attempt attempt = {0};
	bool store = false;

	assert_int_equal(attempts_succeed(attempts, &sent, now_ms, &attempt, &store), 0);
	return store;
}

void name_account(char name[16], int number)
{
	(void)snprintf(name, 16, "a%d", number);
}
