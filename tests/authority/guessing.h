/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of attempts.h share: guesses, on a clock that stands until it is moved.
 */
#ifndef TESTS_AUTHORITY_GUESSING_H
#define TESTS_AUTHORITY_GUESSING_H

#include "authority/attempts.h"

enum { SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE };

#define DAY ((int64_t)24 * HOUR)
#define NOW INT64_C(1800000000000)

extern const struct secret guessing_key; /* of the data directory */

/* cmocka's setup and teardown: the state is a struct attempts with the default limit. */
int open_attempts(void **state);
int close_attempts(void **state);

#define ATTEMPTS(test) cmocka_unit_test_setup_teardown(test, open_attempts, close_attempts)

/* A chosen password for that user, another each time; good until 64 later ones. */
struct attempt_sent guess(const char *account, uint64_t source);

struct outcome {
	struct attempt attempt;
	enum attempt_verdict verdict;
	int64_t wait_s;
};

struct outcome attempt_at(
	struct attempts *attempts, const struct attempt_sent *sent, int64_t now_ms);

/* A guess, and how many of `tries` of them are evaluated. */
enum attempt_verdict fail_at(
	struct attempts *attempts, const char *account, uint64_t source, int64_t now_ms);
int fail_many(
	struct attempts *attempts, const char *account, uint64_t source, int64_t now_ms, int tries);

/* A right password that comes first and is not counted before, as a generated one.
 * Whether its pair is to be stored. */
bool succeed(struct attempts *attempts, const char *account, uint64_t source, int64_t now_ms);

/* "a" and the number. */
void name_account(char name[16], int number);

#endif
