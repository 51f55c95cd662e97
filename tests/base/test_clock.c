/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void test_set_clock_stands_still(void **state)
{
	struct clock clock;

	(void)state;
	clock_init(&clock);
	assert_true(clock_now_ms(&clock) > 1700000000000);
	clock_set_ms(&clock, 1234567);
	assert_int_equal(clock_now_ms(&clock), 1234567);
	assert_int_equal(clock_now_s(&clock), 1234);
}

static void test_file_is_read_at_each_reading(void **state)
{
	char path[] = "/tmp/adit-clock-XXXXXX";
	int fd = mkstemp(path);
	struct fault fault;
	struct clock clock;

	(void)state;
	assert_true(fd >= 0);
	assert_int_not_equal(clock_init_file(&clock, path, &fault), 0);
	assert_int_equal(pwrite(fd, "00000001800000000000\n", 21, 0), 21);
	assert_int_equal(clock_init_file(&clock, path, &fault), 0);
	assert_int_equal(clock_now_ms(&clock), 1800000000000);
	assert_int_equal(pwrite(fd, "00000001900000000001\n", 21, 0), 21);
	assert_int_equal(clock_now_ms(&clock), 1900000000001);
	clock_finish(&clock);
	(void)close(fd);
	(void)unlink(path);
}

static void test_file_must_hold_a_number(void **state)
{
	char path[] = "/tmp/adit-clock-XXXXXX";
	int fd = mkstemp(path);
	struct fault fault;
	struct clock clock;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, "2026-11-21T00:00:00Z\n", 21, 0), 21);
	assert_int_equal(clock_init_file(&clock, path, &fault), ERROR_INVALID);
	assert_int_equal(clock_init_file(&clock, "/nonexistent", &fault), ERROR_IO);
	(void)close(fd);
	(void)unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_set_clock_stands_still),
		cmocka_unit_test(test_file_is_read_at_each_reading),
		cmocka_unit_test(test_file_must_hold_a_number),
	};

	return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
