/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/sized_struct.h"

#include <string.h>

struct first {
	size_t size;
	int32_t one;
	int32_t two;
};

struct second {
	size_t size;
	int32_t one;
	int32_t two;
	int32_t three;
	int32_t four;
};

static void test_of_the_same_version(void **state)
{
	const struct first from = {sizeof(from), 1, 2};
	struct first to;

	(void)state;
	assert_true(sized_struct_copy(&to, sizeof(to), &from, sizeof(struct first)));
	assert_memory_equal(&to, &from, sizeof(to));
}

static void test_of_an_older_caller(void **state)
{
	const struct first from = {sizeof(from), 1, 2};
	struct second to;

	(void)state;
	memset(&to, 0xff, sizeof(to));
	assert_true(sized_struct_copy(&to, sizeof(to), &from, sizeof(struct first)));
	assert_int_equal(to.one, 1);
	assert_int_equal(to.two, 2);
	assert_int_equal(to.three, 0);
	assert_int_equal(to.four, 0);
}

/* What it does not say can be passed over; what it says can't. */
static void test_of_a_newer_caller(void **state)
{
	struct second from = {.size = sizeof(from), .one = 1, .two = 2};
	struct first to = {0};

	(void)state;
	assert_true(sized_struct_copy(&to, sizeof(to), &from, sizeof(struct first)));
	assert_int_equal(to.two, 2);
	from.four = 4;
	to.two = 0;
	assert_false(sized_struct_copy(&to, sizeof(to), &from, sizeof(struct first)));
	assert_false(sized_struct_is_known(&from, sizeof(struct first), sizeof(struct first)));
	assert_int_equal(to.two, 0);
}

static void test_without_a_size(void **state)
{
	const struct first from = {0};
	const struct first small = {.size = sizeof(small) - 1};
	struct first to;

	(void)state;
	assert_false(sized_struct_copy(&to, sizeof(to), &from, sizeof(struct first)));
	assert_false(sized_struct_copy(&to, sizeof(to), &small, sizeof(struct first)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_of_the_same_version),
		cmocka_unit_test(test_of_an_older_caller),
		cmocka_unit_test(test_of_a_newer_caller),
		cmocka_unit_test(test_without_a_size),
	};

	return cmocka_run_group_tests_name("sized structures", tests, NULL, NULL);
}
