/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/log.h"

#include <string.h>
#include <unistd.h>

static int ends[2];
static struct clock set_clock;
static struct log lines;

static int open_pipe(void **state)
{
	(void)state;
	clock_init(&set_clock);
	clock_set_ms(&set_clock, 1800000000123);
	if (pipe(ends))
		return -1;
	lines = (struct log){.fd = ends[1], .least = LOG_LEVEL_INFO, .clock = &set_clock};
	return 0;
}

static int close_pipe(void **state)
{
	(void)state;
	(void)close(ends[0]);
	(void)close(ends[1]);
	return 0;
}

static void expect_line(const char *expected)
{
	char bytes[16384];
	ssize_t got = read(ends[0], bytes, sizeof(bytes) - 1);

	assert_true(got > 0);
	bytes[got] = '\0';
	assert_string_equal(bytes, expected);
}

static void test_line(void **state)
{
	(void)state;
	LOG_EVENT(&lines, LOG_LEVEL_DEBUG, "left out", log_text("a", "b"));
	LOG_EVENT(&lines, LOG_LEVEL_INFO, "token_issued", log_text("sub", "su_1"),
		log_text("absent", NULL), log_number("status", 200));
	expect_line("{\"time\":\"2027-01-15T08:00:00.123Z\",\"level\":\"info\","
		    "\"event\":\"token_issued\",\"sub\":\"su_1\",\"status\":200}\n");
}

static void test_text_can_not_break_a_line(void **state)
{
	(void)state;
	LOG_EVENT(&lines, LOG_LEVEL_ERROR, "x", log_text("u", "a\n{\"level\":\"\xff\x1b[0m"));
	expect_line("{\"time\":\"2027-01-15T08:00:00.123Z\",\"level\":\"error\",\"event\":\"x\","
		    "\"u\":\"a\\u000a{\\\"level\\\":\\\"\xef\xbf\xbd\\u001b[0m\"}\n");
}

static void test_too_long_a_line_keeps_its_head(void **state)
{
	char text[600];
	struct log_field fields[20] = {0};

	(void)state;
	memset(text, '\x01', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	for (int i = 0; i < 19; i++)
		fields[i] = log_text("t", text);
	log_write(&lines, LOG_LEVEL_INFO, "long", fields);
	expect_line("{\"time\":\"2027-01-15T08:00:00.123Z\",\"level\":\"info\","
		    "\"event\":\"long\"}\n");
}

static void test_one_line_a_second_tells_of_all(void **state)
{
	struct log_seldom seldom = {0};
	int64_t count = 0;

	(void)state;
	assert_true(log_seldom_due(&seldom, 500, &count));
	assert_int_equal(count, 1);
	assert_false(log_seldom_due(&seldom, 500, &count));
	assert_false(log_seldom_due(&seldom, 1499, &count));
	assert_true(log_seldom_due(&seldom, 1500, &count));
	assert_int_equal(count, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_line, open_pipe, close_pipe),
		cmocka_unit_test_setup_teardown(
			test_text_can_not_break_a_line, open_pipe, close_pipe),
		cmocka_unit_test_setup_teardown(
			test_too_long_a_line_keeps_its_head, open_pipe, close_pipe),
		cmocka_unit_test(test_one_line_a_second_tells_of_all),
	};

	return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
