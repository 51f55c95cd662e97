/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/random.h"

#include <ctype.h>
#include <string.h>

static void test_alphanumeric(void **state)
{
	char text[41];
	unsigned seen[256] = {0};

	(void)state;
	for (int round = 0; round < 2000; round++) {
		assert_int_equal(random_alphanumeric(text, 40), 0);
		assert_int_equal(strlen(text), 40);
		for (int i = 0; i < 40; i++)
			seen[(unsigned char)text[i]]++;
	}
	/* 80,000 draws of 62: 1,290 each; 20 % off would be 7 standard deviations. */
	for (int c = 0; c < 256; c++) {
		if (isalnum(c))
			assert_in_range(seen[c], 1032, 1548);
		else
			assert_int_equal(seen[c], 0);
	}
}

static void test_ordered_ids_sort_by_time(void **state)
{
	unsigned char early[16];
	unsigned char late[16];

	(void)state;
	assert_int_equal(random_ordered_id(early, 1800000000000), 0);
	assert_int_equal(random_ordered_id(late, 1800000000001), 0);
	assert_true(memcmp(early, late, 16) < 0);
	assert_int_equal(early[6] >> 4, 7);
	assert_int_equal(early[8] >> 6, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_alphanumeric),
		cmocka_unit_test(test_ordered_ids_sort_by_time),
	};

	return cmocka_run_group_tests_name("random", tests, NULL, NULL);
}
