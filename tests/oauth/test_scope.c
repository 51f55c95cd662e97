/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/error.h"
#include "oauth/scope.h"

#include <stdio.h>
#include <string.h>

static void test_checks_syntax(void **state)
{
	static const char *const good[] = {
		"", "cosmos", "cosmos offline_access", "site:north-pit", "!", "~", "#[]^", "a b c"};
	static const char *const bad[] = {
		" ", " a", "a ", "a  b", "a\tb", "a\"b", "a\\b", "a\nb", "a\x7f", "caf\xc3\xa9"};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_int_equal(scope_check(good[i]), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(scope_check(bad[i]), ERROR_INVALID);
}

static void test_bounds_length(void **state)
{
	char scope[SCOPE_MAX + 2];

	(void)state;
	memset(scope, 'a', sizeof(scope));
	scope[SCOPE_MAX + 1] = '\0';
	assert_int_equal(scope_check(scope), ERROR_LIMIT);
	scope[SCOPE_MAX] = '\0';
	assert_int_equal(scope_check(scope), 0);
}

static void test_every_byte_of_a_token(void **state)
{
	(void)state;
	for (int c = 0; c < 256; c++) {
		char byte = (char)c;
		bool good = c == 0x21 || (c >= 0x23 && c <= 0x5b) || (c >= 0x5d && c <= 0x7e);

		assert_int_equal(scope_token_valid(&byte, 1), good);
	}
	assert_false(scope_token_valid("", 0));
}

static void test_goes_through_tokens(void **state)
{
	const char *position = "  one two  three ";
	static const char *const want[] = {"one", "two", "three"};
	const char *token;
	size_t length;
	size_t count = 0;

	(void)state;
	while (scope_next(&position, &token, &length)) {
		assert_true(count < 3);
		assert_int_equal(length, strlen(want[count]));
		assert_memory_equal(token, want[count], length);
		count++;
	}
	assert_int_equal(count, 3);
	assert_false(scope_next(&position, &token, &length));
}

static void test_membership_is_of_whole_tokens(void **state)
{
	(void)state;
	assert_true(scope_has_text("cosmos offline_access", "cosmos"));
	assert_true(scope_has_text("cosmos offline_access", "offline_access"));
	assert_false(scope_has_text("cosmos offline_access", "offline"));
	assert_false(scope_has_text("cosmos", "cosmos2"));
	assert_false(scope_has_text("cosmos", "Cosmos"));
	assert_false(scope_has_text("cosmos", ""));
	assert_false(scope_has_text("", "cosmos"));
	assert_false(scope_has_text(NULL, "cosmos"));
	assert_true(scope_has("cosmos", "cosmos!", 6));
}

static void test_subset(void **state)
{
	(void)state;
	assert_true(scope_is_subset("", ""));
	assert_true(scope_is_subset("", "a"));
	assert_true(scope_is_subset("b a", "a b c"));
	assert_true(scope_is_subset("a a", "a"));
	assert_false(scope_is_subset("a d", "a b c"));
	assert_false(scope_is_subset("a", ""));
}

static void test_appends_once(void **state)
{
	char bytes[32];
	struct buf buf;

	(void)state;
	buf_init_fixed(&buf, bytes, sizeof(bytes));
	assert_int_equal(scope_append(&buf, "cosmos", 6), 0);
	assert_int_equal(scope_append(&buf, "cosmos", 6), 0);
	assert_int_equal(scope_append_all(&buf, "openid cosmos  offline_access openid"), 0);
	assert_string_equal(bytes, "cosmos openid offline_access");
	assert_int_equal(scope_append_all(&buf, "and-too-much"), ERROR_LIMIT);
	buf_finish(&buf);
}

static void test_filter(void **state)
{
	char kept[16];

	(void)state;
	assert_int_equal(scope_filter("a b  c b", "b c d", true, kept, sizeof(kept)), 0);
	assert_string_equal(kept, "b c");
	assert_int_equal(scope_filter("a b c a", "b", false, kept, sizeof(kept)), 0);
	assert_string_equal(kept, "a c");
	assert_int_equal(scope_filter("a", "b", true, kept, sizeof(kept)), 0);
	assert_string_equal(kept, "");
	assert_int_equal(scope_filter("", "", false, kept, sizeof(kept)), 0);
	assert_string_equal(kept, "");
	assert_int_equal(scope_filter("a bc", "x", false, kept, 4), ERROR_LIMIT);
	assert_int_equal(scope_filter("a bc", "x", false, kept, 5), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_checks_syntax),
		cmocka_unit_test(test_bounds_length),
		cmocka_unit_test(test_every_byte_of_a_token),
		cmocka_unit_test(test_goes_through_tokens),
		cmocka_unit_test(test_membership_is_of_whole_tokens),
		cmocka_unit_test(test_subset),
		cmocka_unit_test(test_appends_once),
		cmocka_unit_test(test_filter),
	};

	return cmocka_run_group_tests_name("oauth scope", tests, NULL, NULL);
}
