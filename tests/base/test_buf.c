/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/error.h"

#include <stdlib.h>
#include <string.h>

static void test_appends_grow(void **state)
{
	struct buf buf;

	(void)state;
	buf_init(&buf, 100000);
	for (int i = 0; i < 10000; i++)
		assert_int_equal(buf_printf(&buf, "%04d ", i), 0);
	assert_int_equal(buf.len, 50000);
	assert_memory_equal(buf.data + 49995, "9999 ", 6);
	buf_finish(&buf);
	assert_null(buf.data);
}

static void test_failure_sticks(void **state)
{
	struct buf buf;

	(void)state;
	buf_init(&buf, 4);
	assert_int_equal(buf_append_text(&buf, "1234"), 0);
	assert_int_equal(buf_append_char(&buf, '5'), ERROR_LIMIT);
	assert_int_equal(buf_append(&buf, "", 0), ERROR_LIMIT);
	assert_int_equal(buf_status(&buf), ERROR_LIMIT);
	assert_string_equal(buf.data, "1234");
	assert_null(buf_take(&buf));
	buf_finish(&buf);
}

static void test_fixed_never_grows(void **state)
{
	char bytes[8];
	struct buf buf;

	(void)state;
	buf_init_fixed(&buf, bytes, sizeof(bytes));
	assert_int_equal(buf_append_text(&buf, "1234567"), 0);
	assert_int_equal(buf_append_char(&buf, '8'), ERROR_LIMIT);
	assert_string_equal(bytes, "1234567");
	buf_finish(&buf);
	assert_int_equal(bytes[0], 0);
}

static void test_take_gives_the_bytes_away(void **state)
{
	struct buf buf;
	char *text;

	(void)state;
	buf_init(&buf, 16);
	text = buf_take(&buf);
	assert_string_equal(text, "");
	free(text);
	assert_int_equal(buf_append_text(&buf, "abc"), 0);
	text = buf_take(&buf);
	assert_string_equal(text, "abc");
	assert_null(buf.data);
	free(text);
}

static void check_json(const char *text, size_t length, const char *expected)
{
	struct buf buf;

	buf_init(&buf, 256);
	assert_int_equal(buf_append_json_text(&buf, text, length), 0);
	assert_string_equal(buf.data, expected);
	buf_finish(&buf);
}

static void test_json_text_is_escaped(void **state)
{
	(void)state;
	check_json("", 0, "\"\"");
	check_json("a\"b\\c", 5, "\"a\\\"b\\\\c\"");
	check_json("\n\x7f\0x", 4, "\"\\u000a\\u007f\\u0000x\"");
	check_json("\xc3\xa9\xe2\x80\xa8", 5, "\"\xc3\xa9\\u2028\"");
	check_json("\xc2\x80\xc2\x9b\xc2\x9f\xc2\xa0", 8, "\"\\u0080\\u009b\\u009f\xc2\xa0\"");
	check_json("\xff\xc3", 2, "\"\xef\xbf\xbd\xef\xbf\xbd\"");
}

static void test_utf8(void **state)
{
	static const char *const good[] = {"a", "\xc2\x80", "\xe0\xa0\x80", "\xed\x9f\xbf",
		"\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"};
	static const char *const bad[] = {"\x80", "\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf",
		"\xed\xa0\x80", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xc2",
		"\xe1\x80", "\xf1\x80\x80", "\xc2\x41"};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(utf8_valid(good[i], strlen(good[i])));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(utf8_valid(bad[i], strlen(bad[i])));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_appends_grow),
		cmocka_unit_test(test_failure_sticks),
		cmocka_unit_test(test_fixed_never_grows),
		cmocka_unit_test(test_take_gives_the_bytes_away),
		cmocka_unit_test(test_json_text_is_escaped),
		cmocka_unit_test(test_utf8),
	};

	return cmocka_run_group_tests_name("buf", tests, NULL, NULL);
}
