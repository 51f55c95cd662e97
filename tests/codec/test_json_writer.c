/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/error.h"
#include "codec/json.h"
#include "codec/json_writer.h"

#include <string.h>

static void test_everything_and_its_commas(void **state)
{
	struct json_writer writer;
	struct buf buf;

	(void)state;
	buf_init(&buf, 4096);
	json_writer_init(&writer, &buf);
	json_write_object(&writer, NULL);
	json_write_text(&writer, "t", "x\"\n");
	json_write_text(&writer, "absent", NULL);
	json_write_text_length(&writer, "l", "abcdef", 3);
	json_write_text_length(&writer, "absent", NULL, 3);
	json_write_array(&writer, "a");
	json_write_number(&writer, NULL, 0);
	json_write_object(&writer, NULL);
	json_write_object_end(&writer);
	json_write_array(&writer, NULL);
	json_write_array_end(&writer);
	json_write_text(&writer, NULL, "");
	json_write_array_end(&writer);
	json_write_boolean(&writer, "b", true);
	json_write_boolean(&writer, "c", false);
	json_write_null(&writer, "n\\");
	json_write_raw(&writer, "r", "[1]", 3);
	json_write_object_end(&writer);
	assert_int_equal(json_writer_status(&writer), 0);
	assert_string_equal(buf.data,
		"{\"t\":\"x\\\"\\u000a\",\"l\":\"abc\",\"a\":[0,{},[],\"\"],\"b\":true,"
		"\"c\":false,\"n\\\\\":null,\"r\":[1]}");
	buf_finish(&buf);
}

static void test_numbers(void **state)
{
	static const int64_t numbers[] = {0, 1, -1, 9, 10, -10, 1700000000, INT64_MAX, INT64_MIN};

	(void)state;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		struct json *document = NULL;
		struct json_writer writer;
		struct buf buf;
		int64_t number;

		buf_init(&buf, 32);
		json_writer_init(&writer, &buf);
		json_write_number(&writer, NULL, numbers[i]);
		assert_int_equal(json_parse(buf.data, buf.len, 32, &document), 0);
		assert_int_equal(json_integer(document, &number), 0);
		assert_true(number == numbers[i]);
		json_free(document);
		buf_finish(&buf);
	}
}

/* Whatever the bytes, what was written is JSON. */
static void test_any_bytes_give_json(void **state)
{
	char bytes[256];
	struct json *document = NULL;
	struct json_writer writer;
	struct buf buf;

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)(i + 1);
	buf_init(&buf, 4096);
	json_writer_init(&writer, &buf);
	json_write_text_length(&writer, NULL, bytes, sizeof(bytes) - 1);
	assert_int_equal(json_parse(buf.data, buf.len, 4096, &document), 0);
	assert_memory_equal(json_text(document), bytes, 127);
	json_free(document);
	buf_finish(&buf);
}

static void test_a_full_buf_is_told_at_the_end(void **state)
{
	struct json_writer writer;
	char bytes[16];
	struct buf buf;

	(void)state;
	buf_init_fixed(&buf, bytes, sizeof(bytes));
	json_writer_init(&writer, &buf);
	json_write_object(&writer, NULL);
	json_write_text(&writer, "name", "a text that is longer than that");
	json_write_number(&writer, "n", 1);
	json_write_object_end(&writer);
	assert_int_equal(json_writer_status(&writer), ERROR_LIMIT);
	buf_finish(&buf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_everything_and_its_commas),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_any_bytes_give_json),
		cmocka_unit_test(test_a_full_buf_is_told_at_the_end),
	};

	return cmocka_run_group_tests_name("json_writer", tests, NULL, NULL);
}
