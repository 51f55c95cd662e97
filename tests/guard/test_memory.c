/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One allocation after another fails, in the thread that asks: whatever it meets,
 * the guard refuses, and lets the same request pass when there is memory again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fixture.h"

#include <string.h>

static _Thread_local long left = -1; /* allocations until one fails; negative: none does */

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
char *__real_strdup(const char *text);
char *__wrap_strdup(const char *text);
char *__real_strndup(const char *text, size_t length);
char *__wrap_strndup(const char *text, size_t length);

static bool fails(void)
{
	return left >= 0 && left-- == 0;
}

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	return fails() ? NULL : __real_calloc(count, size);
}

char *__wrap_strdup(const char *text)
{
	return fails() ? NULL : __real_strdup(text);
}

char *__wrap_strndup(const char *text, size_t length)
{
	return fails() ? NULL : __real_strndup(text, length);
}

static void test_a_guard_is_whole_or_none(void **state)
{
	struct fixture *fixture = *state;
	const struct adit_guard_options options = {.size = sizeof(options),
		.authority = fixture->authority.url,
		.audience = "external-api",
		.scope = "cosmos",
		.ca_file = "/etc/ssl/certs/ca-certificates.crt",
		.clock_file = fixture->clock_file};
	int failures = 0;

	for (long at = 0;; at++) {
		struct adit_guard *guard = NULL;
		struct adit_guard_error error = {0};
		int result;

		left = at;
		result = adit_guard_open(&options, &guard, &error);
		if (left >= 0) {
			left = -1;
			assert_int_equal(result, 0);
			adit_guard_close(guard);
			break;
		}
		left = -1;
		failures++;
		assert_int_equal(result, ADIT_ERROR_MEMORY);
		assert_int_equal(error.code, ADIT_ERROR_MEMORY);
		assert_null(guard);
	}
	assert_in_range(failures, 5, 1000);
}

/* The first check of all, which fetches. */
static void test_the_first_check_refuses(void **state)
{
	struct fixture *fixture = *state;
	const char *token = bearer_with(fixture, GOOD_CLAIMS(fixture));
	int failures = 0;

	for (long at = 0;; at++) {
		struct adit_guard *guard = fixture_open(fixture, "cosmos", 0);
		struct adit_guard_decision decision;

		assert_non_null(guard);
		left = at;
		decision = check(guard, token, "GET", "north-pit");
		if (left >= 0) {
			left = -1;
			assert_int_equal(decision.status, 200);
			adit_guard_close(guard);
			break;
		}
		left = -1;
		failures++;
		assert_int_equal(decision.status, 503);
		assert_string_equal(decision.subject, "");
		adit_guard_close(guard);
	}
	assert_in_range(failures, 10, 10000);
}

static void test_a_later_check_refuses_once(void **state)
{
	struct fixture *fixture = *state;
	const char *token = bearer_with(fixture, GOOD_CLAIMS(fixture));
	int failures = 0;

	assert_int_equal(status_of(fixture, token), 200);
	for (long at = 0;; at++) {
		int status;

		left = at;
		status = status_of(fixture, token);
		if (left >= 0) {
			left = -1;
			assert_int_equal(status, 200);
			break;
		}
		left = -1;
		failures++;
		assert_int_equal(status, 503);
		assert_int_equal(status_of(fixture, token), 200);
	}
	assert_in_range(failures, 1, 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_GUARD(test_a_guard_is_whole_or_none),
		WITH_GUARD(test_the_first_check_refuses),
		WITH_GUARD(test_a_later_check_refuses_once),
	};

	return cmocka_run_group_tests_name("guard memory", tests, NULL, NULL);
}
