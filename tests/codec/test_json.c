/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/error.h"
#include "codec/json.h"
#include "vectors.h"

#include <dirent.h>
#include <string.h>

static struct json *parse(const char *text)
{
	struct json *document = NULL;

	assert_int_equal(json_parse(text, strlen(text), 4096, &document), 0);
	return document;
}

static void check_refused(const char *text, size_t length)
{
	struct json *document = NULL;

	assert_int_equal(json_parse(text, length, 4096, &document), ERROR_INVALID);
	assert_null(document);
}

static void test_values_are_read(void **state)
{
	struct json *document = parse("{\"a\":\"x\",\"b\":[1,true,null,\"y\"],\"c\":{\"d\":-7}}");
	const struct json *array = json_member(document, "b");
	int64_t number = 0;
	bool boolean = false;

	(void)state;
	assert_true(json_is_object(document));
	assert_int_equal(json_length(document), 3);
	assert_string_equal(json_member_text(document, "a"), "x");
	assert_true(json_is_array(array));
	assert_int_equal(json_length(array), 4);
	assert_int_equal(json_integer(json_at(array, 0), &number), 0);
	assert_int_equal(number, 1);
	assert_int_equal(json_boolean(json_at(array, 1), &boolean), 0);
	assert_true(boolean);
	assert_true(json_is_text(json_at(array, 3)));
	assert_null(json_at(array, 4));
	assert_int_equal(json_integer(json_member(json_member(document, "c"), "d"), &number), 0);
	assert_int_equal(number, -7);
	json_free(document);
}

static void test_what_is_not_there_is_null(void **state)
{
	struct json *document = parse("[\"a\",1.5]");
	size_t position = 0;
	const char *name = NULL;
	const struct json *value = NULL;
	int64_t number;
	bool boolean;

	(void)state;
	assert_null(json_member(document, "a"));
	assert_null(json_member(NULL, "a"));
	assert_null(json_member_text(NULL, "a"));
	assert_null(json_text(NULL));
	assert_null(json_text(document));
	assert_null(json_at(NULL, 0));
	assert_int_equal(json_length(NULL), 0);
	assert_int_equal(json_length(json_at(document, 0)), 0);
	assert_false(json_is_object(NULL) || json_is_array(NULL) || json_is_text(NULL));
	assert_int_equal(json_integer(NULL, &number), ERROR_INVALID);
	assert_int_equal(json_integer(json_at(document, 1), &number), ERROR_INVALID);
	assert_int_equal(json_boolean(json_at(document, 1), &boolean), ERROR_INVALID);
	assert_false(json_next(document, &position, &name, &value));
	json_free(document);
	json_free(NULL);
}

static void test_any_value_may_be_at_the_top(void **state)
{
	static const char *const texts[] = {
		"1", "\"a\"", "true", "false", "null", "[]", "{}", " \t\r\n1 \t\r\n"};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		json_free(parse(texts[i]));
}

static void test_two_readings_are_refused(void **state)
{
	static const char *const bad[] = {"{\"a\":1,\"a\":1}", "{\"a\":1,\"\\u0061\":2}",
		"{\"x\":{\"a\":1,\"b\":2,\"a\":3}}", "\"\\u0000\"", "{\"\\u0000\":1}",
		"{\"a\\u0000b\":1}", "1 1", "{}{}", "{} x", "", " ", "\xef\xbb\xbf{}", "\"\xff\"",
		"\"\xed\xa0\x80\"", "\"\\ud800\"", "\"\\udc00\\ud800\"", "[1,]", "{\"a\":1,}",
		"{'a':1}", "{a:1}", "// x\n1", "NaN", "Infinity", "01", "+1", ".5", "1.", "0x1",
		"\"\n\"", "\"\\x41\"", "9223372036854775808", "-9223372036854775809", "1e999"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		check_refused(bad[i], strlen(bad[i]));
	check_refused("1\0", 2);
	check_refused("\"a\0b\"", 5);
}

static void test_same_name_in_other_objects(void **state)
{
	struct json *document = parse("{\"a\":{\"a\":1},\"b\":[{\"a\":1},{\"a\":2}],\"A\":1}");

	(void)state;
	assert_int_equal(json_length(document), 3);
	json_free(document);
}

/* `depth` brackets of one kind around nothing. */
static int parse_nested(const char *open, const char *close, size_t depth)
{
	struct json *document = NULL;
	struct buf buf;
	int error;

	buf_init(&buf, 1024 * 1024);
	for (size_t i = 0; i < depth; i++)
		(void)buf_append_text(&buf, open);
	(void)buf_append_text(&buf, "1");
	for (size_t i = 0; i < depth; i++)
		(void)buf_append_text(&buf, close);
	assert_int_equal(buf_status(&buf), 0);
	error = json_parse(buf.data, buf.len, buf.len, &document);
	buf_finish(&buf);
	json_free(document);
	return error;
}

static void test_depth_is_bounded(void **state)
{
	struct json *document;

	(void)state;
	assert_int_equal(parse_nested("[", "]", JSON_DEPTH_MAX), 0);
	assert_int_equal(parse_nested("[", "]", JSON_DEPTH_MAX + 1), ERROR_INVALID);
	assert_int_equal(parse_nested("{\"a\":", "}", JSON_DEPTH_MAX), 0);
	assert_int_equal(parse_nested("{\"a\":", "}", JSON_DEPTH_MAX + 1), ERROR_INVALID);
	assert_int_equal(parse_nested("[", "]", 100000), ERROR_INVALID);
	/* Brackets in a text are not nesting, also after an escaped quote. */
	document = parse("\"\\\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\\\\"");
	assert_int_equal(strlen(json_text(document)), 49);
	json_free(document);
}

static void test_length_is_bounded(void **state)
{
	struct json *document = NULL;

	(void)state;
	assert_int_equal(json_parse("[1]", 3, 2, &document), ERROR_LIMIT);
	assert_int_equal(json_parse("[1]", 3, 3, &document), 0);
	json_free(document);
}

static int read_date(const char *text, int64_t *ret_seconds)
{
	struct json *document = parse(text);
	int error = json_numeric_date(document, ret_seconds);

	json_free(document);
	return error;
}

static void test_integers_are_exact(void **state)
{
	struct json *document = parse("[9223372036854775807,-9223372036854775808,1.0,1e2,-0]");
	int64_t number = 1;

	(void)state;
	assert_int_equal(json_integer(json_at(document, 0), &number), 0);
	assert_true(number == INT64_MAX);
	assert_int_equal(json_integer(json_at(document, 1), &number), 0);
	assert_true(number == INT64_MIN);
	assert_int_equal(json_integer(json_at(document, 2), &number), ERROR_INVALID);
	assert_int_equal(json_integer(json_at(document, 3), &number), ERROR_INVALID);
	assert_int_equal(json_integer(json_at(document, 4), &number), 0);
	assert_int_equal(number, 0);
	json_free(document);
}

static void test_numeric_dates(void **state)
{
	static const char *const bad[] = {"-1", "-0.5", "9007199254740993", "9.1e15", "1e300",
		"\"1\"", "true", "null", "[1]"};
	int64_t seconds = -5;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(read_date(bad[i], &seconds), ERROR_INVALID);
	assert_int_equal(seconds, -5);
	assert_int_equal(read_date("0", &seconds), 0);
	assert_int_equal(seconds, 0);
	assert_int_equal(read_date("1700000000.999", &seconds), 0);
	assert_int_equal(seconds, 1700000000);
	assert_int_equal(read_date("1.7e9", &seconds), 0);
	assert_int_equal(seconds, 1700000000);
	assert_int_equal(read_date("9007199254740992", &seconds), 0);
	assert_true(seconds == (int64_t)1 << 53);
}

static void test_members_in_order(void **state)
{
	struct json *document = parse("{\"z\":1,\"a\":2,\"m\":3}");
	const struct json *value = NULL;
	const char *name = NULL;
	char names[4] = "";
	size_t position = 0;

	(void)state;
	for (size_t i = 0; json_next(document, &position, &name, &value); i++) {
		int64_t number = 0;

		assert_true(i < 3);
		names[i] = name[0];
		assert_int_equal(json_integer(value, &number), 0);
		assert_int_equal(number, i + 1);
	}
	assert_string_equal(names, "zam");
	assert_false(json_next(document, &position, &name, &value));
	json_free(document);
}

static void test_printing(void **state)
{
	struct json *document = parse("{ \"a\" : [ 1 , \"\\u00e9\\n\" ] }");
	struct buf buf;

	(void)state;
	buf_init(&buf, 4096);
	assert_int_equal(json_print(&buf, document, false), 0);
	assert_string_equal(buf.data, "{\"a\":[1,\"\xc3\xa9\\n\"]}");
	buf_reset(&buf);
	assert_int_equal(json_print(&buf, document, true), 0);
	assert_string_equal(buf.data, "{\n  \"a\": [\n    1,\n    \"\xc3\xa9\\n\"\n  ]\n}");
	buf_finish(&buf);
	buf_init(&buf, 4);
	assert_int_equal(json_print(&buf, document, false), ERROR_LIMIT);
	buf_finish(&buf);
	json_free(document);
}

static void check_vector(const char *folder, const char *name)
{
	/* Accepted by RFC 8259, and refused by us on purpose. */
	static const char *const refused[] = {"y_object_duplicated_key.json",
		"y_object_duplicated_key_and_value.json", "y_object_escaped_null_in_key.json",
		"y_string_null_escape.json"};
	struct json *document = NULL;
	char path[4096 + 257];
	bool ours = false;
	size_t length;
	char *text;
	int error;

	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		ours = ours || !strcmp(refused[i], name);
	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	text = vectors_bytes(path, &length);
	error = json_parse(text, length, VECTORS_FILE_MAX, &document);
	free(text);
	json_free(document);
	if (name[0] == 'i')
		print_message("# %s: %s\n", name, error ? "refused" : "accepted");
	else if ((error != 0) != (ours || name[0] == 'n'))
		fail_msg("%s: %d", name, error);
}

static void test_json_test_suite(void **state)
{
	const struct dirent *entry;
	char folder[4096];
	unsigned count = 0;
	DIR *listing;

	(void)state;
	vectors_path("json", folder, sizeof(folder));
	listing = opendir(folder);
	assert_non_null(listing);
	while ((entry = readdir(listing))) {
		if (entry->d_name[0] == '.')
			continue;
		check_vector(folder, entry->d_name);
		count++;
	}
	(void)closedir(listing);
	print_message("# %u documents\n", count);
	assert_true(count > 250);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values_are_read),
		cmocka_unit_test(test_what_is_not_there_is_null),
		cmocka_unit_test(test_any_value_may_be_at_the_top),
		cmocka_unit_test(test_two_readings_are_refused),
		cmocka_unit_test(test_same_name_in_other_objects),
		cmocka_unit_test(test_depth_is_bounded),
		cmocka_unit_test(test_length_is_bounded),
		cmocka_unit_test(test_integers_are_exact),
		cmocka_unit_test(test_numeric_dates),
		cmocka_unit_test(test_members_in_order),
		cmocka_unit_test(test_printing),
		cmocka_unit_test(test_json_test_suite),
	};

	return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
