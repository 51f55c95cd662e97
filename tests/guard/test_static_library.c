/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program that links the static library and uses names of its own that the
 * library has inside: they must not meet.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <adit/guard.h>

int json_parse(void);
int buf_append(void);
int jwks_find(void);
int guard_check(void);

static int calls;

int json_parse(void)
{
	return ++calls;
}

int buf_append(void)
{
	return ++calls;
}

int jwks_find(void)
{
	return ++calls;
}

int guard_check(void)
{
	return ++calls;
}

static void test_names_do_not_meet(void **state)
{
	const struct adit_guard_options options = {.size = sizeof(options),
		.authority = "https://login.example.com/identity",
		.audience = "external-api"};
	const struct adit_guard_request request = {
		.size = sizeof(request), .authorization = "Bearer a.b.c", .method = "GET"};
	struct adit_guard_decision decision = {.size = sizeof(decision)};
	struct adit_guard *guard = NULL;

	(void)state;
	assert_int_equal(adit_guard_open(&options, &guard, NULL), 0);
	assert_int_equal(adit_guard_check(guard, &request, &decision), 401);
	assert_string_equal(decision.error, "invalid_token");
	adit_guard_close(guard);
	assert_int_equal(calls, 0);
	assert_int_equal(json_parse() + buf_append() + jwks_find() + guard_check(), 10);
	assert_string_equal(adit_version(), ADIT_VERSION);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names_do_not_meet),
	};

	return cmocka_run_group_tests_name("guard static library", tests, NULL, NULL);
}
