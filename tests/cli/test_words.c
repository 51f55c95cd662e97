/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/words.h"

#include <string.h>

enum { NOW = 1800000000 };

static void test_durations(void **state)
{
	static const struct {
		int64_t seconds;
		const char *words;
	} cases[] = {{-5, "0 seconds"}, {0, "0 seconds"}, {1, "1 second"}, {59, "59 seconds"},
		{60, "1 minute"}, {119, "1 minute"}, {3599, "59 minutes"}, {3600, "1 hour"},
		{3660, "1 hour 1 minute"}, {7322, "2 hours 2 minutes"},
		{86399, "23 hours 59 minutes"}, {86400, "1 day"}, {90000, "1 day 1 hour"},
		{86400 * 365, "365 days"}, {31557600, "1 year"},
		{2 * 31557600 + 86400, "2 years 1 day"},
		{INT64_MAX, "292271023045 years 114 days"}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[64];
		struct buf buf;

		buf_init_fixed(&buf, text, sizeof(text));
		assert_int_equal(words_duration(&buf, cases[i].seconds), 0);
		assert_string_equal(text, cases[i].words);
	}
}

static void test_before_and_after(void **state)
{
	static const struct {
		int64_t at;
		const char *words;
	} cases[] = {{NOW, "now"}, {NOW + 1, "in 1 second"}, {NOW - 1, "1 second ago"},
		{NOW + 3540, "in 59 minutes"}, {NOW - 90000, "1 day 1 hour ago"}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[64];
		struct buf buf;

		buf_init_fixed(&buf, text, sizeof(text));
		assert_int_equal(words_when(&buf, cases[i].at, NOW), 0);
		assert_string_equal(text, cases[i].words);
	}
}

static void test_dates(void **state)
{
	static const struct {
		int64_t at;
		const char *words;
	} cases[] = {{0, "1970-01-01 00:00:00 UTC"}, {NOW, "2027-01-15 08:00:00 UTC"},
		{INT64_MAX, "9223372036854775807"}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[64];
		struct buf buf;

		buf_init_fixed(&buf, text, sizeof(text));
		assert_int_equal(words_date(&buf, cases[i].at), 0);
		assert_string_equal(text, cases[i].words);
	}
}

static void test_no_room(void **state)
{
	char text[8];
	struct buf buf;

	(void)state;
	buf_init_fixed(&buf, text, sizeof(text));
	assert_int_not_equal(words_duration(&buf, 7322), 0);
	assert_int_not_equal(words_when(&buf, NOW, NOW), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_durations),
		cmocka_unit_test(test_before_and_after),
		cmocka_unit_test(test_dates),
		cmocka_unit_test(test_no_room),
	};

	return cmocka_run_group_tests_name("cli words", tests, NULL, NULL);
}
