/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/error.h"
#include "oauth/site.h"

#include <string.h>

static void test_id_syntax(void **state)
{
	static const char *const good[] = {"a", "0", "north-pit", "a-", "9--9"};
	static const char *const bad[] = {"", "-a", "A", "north_pit", "north pit", "north/pit",
		"..", "a.b", "\xc3\xa9", "a\n"};
	char longest[SITE_ID_MAX + 2];

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(site_id_valid(good[i], strlen(good[i])));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(site_id_valid(bad[i], strlen(bad[i])));
	assert_false(site_id_valid("a\0b", 3));
	memset(longest, 'x', sizeof(longest));
	assert_true(site_id_valid(longest, SITE_ID_MAX));
	assert_false(site_id_valid(longest, SITE_ID_MAX + 1));
}

static void test_role_names(void **state)
{
	static const char *const bad[] = {"", "Read", "reader", "rea", "owner", "write "};
	enum site_role role = (enum site_role)0;

	(void)state;
	for (int i = SITE_ROLE_READ; i <= SITE_ROLE_ADMIN; i++) {
		assert_int_equal(site_role_parse(site_role_name((enum site_role)i), &role), 0);
		assert_int_equal((int)role, i);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(site_role_parse(bad[i], &role), ERROR_INVALID);
	assert_int_equal(role, SITE_ROLE_ADMIN);
	assert_string_equal(site_role_name((enum site_role)0), "");
	assert_string_equal(site_role_name((enum site_role)7), "");
}

static void test_role_by_method(void **state)
{
	static const char *const reading[] = {"GET", "HEAD", "OPTIONS"};
	static const char *const writing[] = {
		"PUT", "POST", "PATCH", "DELETE", "TRACE", "get", "", "PROPFIND"};

	(void)state;
	for (size_t i = 0; i < sizeof(reading) / sizeof(reading[0]); i++) {
		assert_false(site_role_allows((enum site_role)0, reading[i]));
		assert_true(site_role_allows(SITE_ROLE_READ, reading[i]));
		assert_true(site_role_allows(SITE_ROLE_WRITE, reading[i]));
		assert_true(site_role_allows(SITE_ROLE_ADMIN, reading[i]));
		assert_false(site_role_allows((enum site_role)4, reading[i]));
	}
	for (size_t i = 0; i < sizeof(writing) / sizeof(writing[0]); i++) {
		assert_false(site_role_allows((enum site_role)0, writing[i]));
		assert_false(site_role_allows(SITE_ROLE_READ, writing[i]));
		assert_true(site_role_allows(SITE_ROLE_WRITE, writing[i]));
		assert_true(site_role_allows(SITE_ROLE_ADMIN, writing[i]));
		assert_false(site_role_allows((enum site_role)4, writing[i]));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_id_syntax),
		cmocka_unit_test(test_role_names),
		cmocka_unit_test(test_role_by_method),
	};

	return cmocka_run_group_tests_name("oauth site", tests, NULL, NULL);
}
