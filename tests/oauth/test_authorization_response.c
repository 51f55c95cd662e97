/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "oauth/authorization_response.h"

#include <string.h>

#define ISSUER "https://a.example/identity"

static int read_query(const char *query, struct authorization_response *ret_response)
{
	struct fault fault = {0};
	int error = authorization_response_read(query, strlen(query), ret_response, &fault);

	assert_int_equal(error != 0, *fault.text != '\0');
	return error;
}

static void test_a_code(void **state)
{
	struct authorization_response response;

	(void)state;
	assert_int_equal(read_query("code=a%2Fb&state=s&iss=https%3A%2F%2Fa.example%2Fidentity&"
				    "session_state=x&scope=openid+profile",
				 &response),
		0);
	assert_string_equal(response.code, "a/b");
	assert_string_equal(response.state, "s");
	assert_string_equal(response.iss, ISSUER);
	assert_null(response.error);
	authorization_response_finish(&response);
}

static void test_an_error(void **state)
{
	struct authorization_response response;

	(void)state;
	assert_int_equal(read_query("error=access_denied&error_description=the%1b[2J+person+"
				    "said%0ano&state=s",
				 &response),
		0);
	assert_null(response.code);
	assert_string_equal(response.error, "access_denied");
	assert_string_equal(response.error_description, "the?[2J person said?no");
	authorization_response_finish(&response);
}

static void test_refuses(void **state)
{
	static const char *const bad[] = {"", "state=s", "code=&state=s", "code=a&code=a&state=s",
		"code=a&state=s&state=s", "code=a&state=s&iss=b&iss=b", "error=a&error=a&state=s",
		"code=a&error=b&state=s", "code=a+b&state=s", "code=a%0d%0aX:y&state=s",
		"code=a&state=", "code=a&state=%c3%a4", "code=a&state=%00", "code=a&state=%",
		"code=a&state=%ff", "code=a&co%64e=b&state=s", "code=a&state=s&iss="};
	struct authorization_response response;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (read_query(bad[i], &response) != ERROR_INVALID)
			fail_msg("taken: %s", bad[i]);
}

/* A query with a code of so many characters. */
static int read_long(size_t length)
{
	struct authorization_response response;
	struct buf query;
	int error;

	buf_init(&query, length + 64);
	(void)buf_append_text(&query, "state=s&code=");
	for (size_t i = 0; i < length; i++)
		(void)buf_append_char(&query, 'x');
	assert_int_equal(buf_status(&query), 0);
	error = read_query(query.data, &response);
	buf_finish(&query);
	if (!error)
		authorization_response_finish(&response);
	return error;
}

static void test_bounds(void **state)
{
	struct authorization_response response;

	(void)state;
	assert_int_equal(read_long(AUTHORIZATION_CODE_MAX), 0);
	assert_int_equal(read_long(AUTHORIZATION_CODE_MAX + 1), ERROR_LIMIT);
	assert_int_equal(read_long(AUTHORIZATION_RESPONSE_MAX), ERROR_LIMIT);
	assert_int_equal(read_query("a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&"
				    "code=a&state=s&a",
				 &response),
		ERROR_LIMIT);
}

static void test_states(void **state)
{
	struct authorization_response response;

	(void)state;
	assert_int_equal(read_query("code=a&state=abc", &response), 0);
	assert_true(authorization_response_answers(&response, "abc"));
	assert_false(authorization_response_answers(&response, "abd"));
	assert_false(authorization_response_answers(&response, "abcd"));
	assert_false(authorization_response_answers(&response, "ab"));
	authorization_response_finish(&response);
	assert_int_equal(read_query("code=a", &response), 0);
	assert_false(authorization_response_answers(&response, ""));
	authorization_response_finish(&response);
}

/* Requirement 7 (RFC 9207, 2.4). */
static void test_issuers(void **state)
{
	static const struct {
		const char *query;
		bool required;
		int error;
	} cases[] = {
		{"code=a&state=s", false, 0},
		{"code=a&state=s", true, ERROR_REFUSED},
		{"code=a&state=s&iss=" ISSUER, false, 0},
		{"code=a&state=s&iss=" ISSUER, true, 0},
		{"code=a&state=s&iss=" ISSUER "/", false, ERROR_REFUSED},
		{"error=a&state=s&iss=https://b.example", false, ERROR_REFUSED},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct authorization_response response;
		struct fault fault = {0};

		assert_int_equal(read_query(cases[i].query, &response), 0);
		assert_int_equal(authorization_response_check_issuer(
					 &response, ISSUER, cases[i].required, &fault),
			cases[i].error);
		assert_int_equal(*fault.text != '\0', cases[i].error != 0);
		authorization_response_finish(&response);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_code),
		cmocka_unit_test(test_an_error),
		cmocka_unit_test(test_refuses),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_states),
		cmocka_unit_test(test_issuers),
	};

	return cmocka_run_group_tests_name("oauth authorization response", tests, NULL, NULL);
}
