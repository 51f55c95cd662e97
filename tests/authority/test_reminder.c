/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "authority/reminder.h"

static void test_find(void **state)
{
	struct store_credential list[2] = {{.created_at = 500, .expires_at = 0},
		{.created_at = 100, .expires_at = 1000, .last_used_at = 499}};

	(void)state;
	assert_null(reminder_find(list, 0, 2000));
	/* The newest never ends; the older one is not used any more. */
	assert_null(reminder_find(list, 2, 2000));
	list[1].last_used_at = 500;
	assert_ptr_equal(reminder_find(list, 2, 2000), &list[1]);
	assert_ptr_equal(reminder_find(list, 2, 1000), &list[1]);
	assert_null(reminder_find(list, 2, 999));
	list[0].expires_at = 900;
	assert_ptr_equal(reminder_find(list, 2, 2000), &list[0]);
	assert_ptr_equal(reminder_find(list, 1, 900), &list[0]);
	assert_null(reminder_find(list, 2, 899));
}

static void test_text(void **state)
{
	static const struct {
		int64_t left_s;
		const char *text;
	} cases[] = {
		{1, "expires today"},
		{86399, "expires today"},
		{86400, "expires in 1 day"},
		{2 * 86400 - 1, "expires in 1 day"},
		{3 * 86400, "expires in 3 days"},
	};
	char text[REMINDER_TEXT_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		reminder_text(1800000000 + cases[i].left_s, 1800000000, text);
		assert_string_equal(text, cases[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
