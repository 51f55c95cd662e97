/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/error.h"
#include "jose/jwt.h"

#include <string.h>

/* Reads claims as if they had come out of a verified JWS. */
static int read_claims(const char *claims, struct jwt *ret_jwt)
{
	struct jws jws = {
		.payload = (unsigned char *)(uintptr_t)claims, .payload_length = strlen(claims)};

	return jwt_from_jws(&jws, ret_jwt);
}

static void test_claims_are_read(void **state)
{
	struct jwt jwt;

	(void)state;
	assert_int_equal(
		read_claims("{\"iss\":\"i\",\"sub\":\"s\",\"jti\":\"j\",\"exp\":3,\"nbf\":1.9,"
			    "\"iat\":2,\"aud\":[\"a\",\"b\"],\"other\":{\"x\":1}}",
			&jwt),
		0);
	assert_string_equal(jwt.iss, "i");
	assert_string_equal(jwt.sub, "s");
	assert_string_equal(jwt.jti, "j");
	assert_int_equal(jwt.exp, 3);
	assert_int_equal(jwt.nbf, 1);
	assert_int_equal(jwt.iat, 2);
	assert_non_null(json_member(jwt.document, "other"));
	jwt_finish(&jwt);
	assert_null(jwt.document);
}

static void test_absent_claims(void **state)
{
	struct jwt jwt;

	(void)state;
	assert_int_equal(read_claims("{}", &jwt), 0);
	assert_null(jwt.iss);
	assert_null(jwt.sub);
	assert_null(jwt.jti);
	assert_int_equal(jwt.exp, -1);
	assert_int_equal(jwt.nbf, -1);
	assert_int_equal(jwt.iat, -1);
	assert_false(jwt_has_audience(&jwt, ""));
	jwt_finish(&jwt);
	jwt_finish(NULL);
}

static void test_malformed_claims(void **state)
{
	static const char *const claims[] = {"", "1", "[]", "null", "\"x\"", "{", "{}{}",
		"{\"iss\":1}", "{\"iss\":null}", "{\"sub\":{}}", "{\"sub\":7}", "{\"jti\":[]}",
		"{\"exp\":\"1\"}", "{\"exp\":true}", "{\"exp\":-1}", "{\"exp\":1e300}",
		"{\"exp\":null}", "{\"nbf\":\"\"}", "{\"nbf\":9007199254740993}", "{\"iat\":[]}",
		"{\"aud\":1}", "{\"aud\":null}", "{\"aud\":{}}", "{\"aud\":[1]}",
		"{\"aud\":[\"a\",null]}", "{\"aud\":[[\"a\"]]}", "{\"sub\":\"a\",\"sub\":\"a\"}",
		"{\"x\":{\"a\":1,\"a\":2}}", "{\"sub\":\"a\\u0000b\"}", "{\"sub\":\"\xff\"}"};

	(void)state;
	for (size_t i = 0; i < sizeof(claims) / sizeof(claims[0]); i++) {
		struct jwt jwt = {.exp = 7};

		if (read_claims(claims[i], &jwt) != ERROR_INVALID)
			fail_msg("%s", claims[i]);
		assert_int_equal(jwt.exp, 7);
	}
}

static bool has_audience(const char *claims, const char *audience)
{
	struct jwt jwt;
	bool found;

	assert_int_equal(read_claims(claims, &jwt), 0);
	found = jwt_has_audience(&jwt, audience);
	jwt_finish(&jwt);
	return found;
}

static void test_audiences(void **state)
{
	(void)state;
	assert_true(has_audience("{\"aud\":\"a\"}", "a"));
	assert_true(has_audience("{\"aud\":[\"b\",\"a\"]}", "a"));
	assert_true(has_audience("{\"aud\":[\"a\"]}", "a"));
	assert_false(has_audience("{\"aud\":\"a\"}", "A"));
	assert_false(has_audience("{\"aud\":\"a\"}", "a/"));
	assert_false(has_audience("{\"aud\":\"ab\"}", "a"));
	assert_false(has_audience("{\"aud\":\"a b\"}", "a"));
	assert_false(has_audience("{\"aud\":[]}", "a"));
	assert_false(has_audience("{\"aud\":[\"b\",\"c\"]}", "a"));
	assert_false(has_audience("{\"aud\":\"\"}", "a"));
}

struct times {
	int64_t exp;
	int64_t nbf;
	int64_t iat;
	int64_t leeway;
	int expected;
};

static void test_times_at_their_edges(void **state)
{
	/* The time is 1000. */
	static const struct times cases[] = {
		{1001, -1, -1, 0, 0},
		{1000, -1, -1, 0, ERROR_TIMEOUT},
		{999, -1, -1, 0, ERROR_TIMEOUT},
		{-1, -1, -1, 0, ERROR_TIMEOUT},
		{-1, -1, -1, 60, ERROR_TIMEOUT},
		{0, -1, -1, 60, ERROR_TIMEOUT},
		{941, -1, -1, 60, 0},
		{940, -1, -1, 60, ERROR_TIMEOUT},
		{940, -1, -1, 61, ERROR_TIMEOUT},
		{940, -1, -1, INT64_MAX, ERROR_TIMEOUT},
		{1000, -1, -1, -5, ERROR_TIMEOUT},
		{1001, -1, -1, INT64_MIN, 0},
		{2000, 1000, -1, 0, 0},
		{2000, 1001, -1, 0, ERROR_REFUSED},
		{2000, 1060, -1, 60, 0},
		{2000, 1061, -1, 60, ERROR_REFUSED},
		{2000, 1061, -1, 99, ERROR_REFUSED},
		{2000, -1, 1000, 0, 0},
		{2000, -1, 1001, 0, ERROR_REFUSED},
		{2000, -1, 1060, 60, 0},
		{2000, -1, 1061, 60, ERROR_REFUSED},
		{(int64_t)1 << 53, (int64_t)1 << 53, 0, 60, ERROR_REFUSED},
		{(int64_t)1 << 53, 0, 0, 60, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct jwt jwt = {
			.exp = cases[i].exp, .nbf = cases[i].nbf, .iat = cases[i].iat};

		if (jwt_check_times(&jwt, 1000, cases[i].leeway) != cases[i].expected)
			fail_msg("case %zu", i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_claims_are_read),
		cmocka_unit_test(test_absent_claims),
		cmocka_unit_test(test_malformed_claims),
		cmocka_unit_test(test_audiences),
		cmocka_unit_test(test_times_at_their_edges),
	};

	return cmocka_run_group_tests_name("jwt", tests, NULL, NULL);
}
