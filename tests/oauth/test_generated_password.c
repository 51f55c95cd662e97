/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "oauth/generated_password.h"

#include <string.h>

static bool has_form(enum generated_password_kind kind, const char *password)
{
	return generated_password_has_form(kind, password, strlen(password));
}

/* The checksums were computed by zlib through another language. */
static void test_known_checksums(void **state)
{
	(void)state;
	assert_true(
		has_form(GENERATED_SERVICE_USER_PASSWORD, "adsu_ABCDEFGHIJKLMNOPQRSTUVWXYZ1NGCkx"));
	assert_true(
		has_form(GENERATED_SERVICE_USER_PASSWORD, "adsu_00000000000000000000000079004qD6"));
	assert_true(has_form(GENERATED_CLIENT_SECRET, "adcs_abcdefghijklmnopqrstuvwxyz0s9v6R"));
}

static void test_made_ones_have_the_form(void **state)
{
	char first[GENERATED_PASSWORD_SIZE];
	char second[GENERATED_PASSWORD_SIZE];

	(void)state;
	for (int i = 0; i < 200; i++) {
		assert_int_equal(
			generated_password_make(GENERATED_SERVICE_USER_PASSWORD, first), 0);
		assert_int_equal(generated_password_make(GENERATED_CLIENT_SECRET, second), 0);
		assert_int_equal(strlen(first), GENERATED_PASSWORD_LENGTH);
		assert_memory_equal(first, "adsu_", 5);
		assert_memory_equal(second, "adcs_", 5);
		assert_true(has_form(GENERATED_SERVICE_USER_PASSWORD, first));
		assert_true(has_form(GENERATED_CLIENT_SECRET, second));
		assert_false(has_form(GENERATED_CLIENT_SECRET, first));
		assert_false(has_form(GENERATED_SERVICE_USER_PASSWORD, second));
		assert_int_not_equal(memcmp(first + 5, second + 5, 26), 0);
	}
}

/* A CRC-32 finds every error within 32 bits: one character, or two neighbours. */
static void test_typing_errors_are_told(void **state)
{
	const char right[] = "adsu_ABCDEFGHIJKLMNOPQRSTUVWXYZ1NGCkx";
	char wrong[sizeof(right)];

	(void)state;
	for (size_t i = 0; i < sizeof(right) - 1; i++) {
		memcpy(wrong, right, sizeof(right));
		wrong[i] = right[i] == 'a' ? 'b' : 'a';
		assert_false(has_form(GENERATED_SERVICE_USER_PASSWORD, wrong));
		if (i + 2 == sizeof(right) || right[i] == right[i + 1])
			continue;
		memcpy(wrong, right, sizeof(right));
		wrong[i] = right[i + 1];
		wrong[i + 1] = right[i];
		assert_false(has_form(GENERATED_SERVICE_USER_PASSWORD, wrong));
	}
}

static void test_other_forms_are_refused(void **state)
{
	static const char *const bad[] = {"", "adsu_", "adsu_ABCDEFGHIJKLMNOPQRSTUVWXYZ1NGCk",
		"adsu_ABCDEFGHIJKLMNOPQRSTUVWXYZ1NGCkxx", "ADSU_ABCDEFGHIJKLMNOPQRSTUVWXYZ1NGCkx",
		" adsu_ABCDEFGHIJKLMNOPQRSTUVWXYZ1NGCk", "correct horse battery staple, at length"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(has_form(GENERATED_SERVICE_USER_PASSWORD, bad[i]));
	assert_false(generated_password_has_form(GENERATED_SERVICE_USER_PASSWORD,
		"adsu_ABCDEFGHIJKLMNOPQRSTUVWXYZ1NGC\0x", GENERATED_PASSWORD_LENGTH));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_checksums),
		cmocka_unit_test(test_made_ones_have_the_form),
		cmocka_unit_test(test_typing_errors_are_told),
		cmocka_unit_test(test_other_forms_are_refused),
	};

	return cmocka_run_group_tests_name("oauth generated password", tests, NULL, NULL);
}
