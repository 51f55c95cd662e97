/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "oauth/pkce.h"

#include <string.h>

/* RFC 7636, appendix B. */
static void test_the_standards_example(void **state)
{
	char challenge[PKCE_CHALLENGE_SIZE];

	(void)state;
	assert_int_equal(
		pkce_challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", challenge), 0);
	assert_string_equal(challenge, "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
}

/* Requirement 11. */
static void test_verifiers(void **state)
{
	char first[PKCE_VERIFIER_SIZE];
	char second[PKCE_VERIFIER_SIZE];

	(void)state;
	assert_int_equal(pkce_make_verifier(first), 0);
	assert_int_equal(pkce_make_verifier(second), 0);
	assert_int_equal(strlen(first), 43);
	assert_int_equal(strspn(first, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				       "0123456789-_"),
		43);
	assert_string_not_equal(first, second);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_standards_example),
		cmocka_unit_test(test_verifiers),
	};

	return cmocka_run_group_tests_name("oauth pkce", tests, NULL, NULL);
}
