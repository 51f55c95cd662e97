/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/error.h"
#include "codec/json_secret.h"

#include <string.h>

enum { MAX = 1024 };

static int parse(const char *text, struct json_secret *secret, struct json **ret_document)
{
	*secret = (struct json_secret){.name = "key", .max = 8};
	return json_parse_secrets(text, strlen(text), MAX, secret, 1, ret_document);
}

static void test_takes_the_secret_out(void **state)
{
	static const char *const texts[] = {"{\"key\":\"s3cret\",\"b\":[{\"c\":1}]}",
		" {\"b\":[{\"c\":1}], \"key\" :\n\"s3cret\"}\t",
		"{\"b\":[{\"key\":\"}\\\"\"}],\"key\":\"\\u0073\\u0033cret\"}",
		"{\"a\":\"key\",\"key\":\"s3cret\",\"b\":[1]}"};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct json_secret secret;
		struct json *document;

		assert_int_equal(parse(texts[i], &secret, &document), 0);
		assert_string_equal(secret.text, "s3cret");
		assert_string_equal(json_member_text(document, "key"), "");
		assert_int_equal(json_length(json_member(document, "b")), 1);
		json_free(document);
		json_secret_finish(&secret);
		assert_null(secret.text);
	}
}

static void test_reads_escapes(void **state)
{
	struct json_secret secret;
	struct json *document;

	(void)state;
	assert_int_equal(parse("{\"key\":\"\\/\\\\\\\"\\u002B\\u007e\"}", &secret, &document), 0);
	assert_string_equal(secret.text, "/\\\"+~");
	json_free(document);
	json_secret_finish(&secret);
}

/* What is not at the top, or no text, is none of its business. */
static void test_leaves_the_rest(void **state)
{
	static const char *const texts[] = {"{\"a\":{\"key\":\"inner\"}}", "[\"key\",\"a\"]",
		"{\"key\":7}", "{\"key\":null}", "{\"key\":[\"a\"]}", "\"key\"", "{\"Key\":\"a\"}"};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct json_secret secret;
		struct json *document;

		assert_int_equal(parse(texts[i], &secret, &document), 0);
		assert_null(secret.text);
		json_free(document);
	}
}

static void test_refuses(void **state)
{
	static const char *const texts[] = {"", "{", "{\"key\":\"a", "{\"key\":\"a\"",
		"{\"key\":\"a\\", "{\"key", "{\"key\\", "{\"key\":", "{\"key\":\"a b\"}",
		"{\"key\":\"a\xc3\xa4\"}", "{\"key\":\"a\\u00e4\"}", "{\"key\":\"a\\n\"}",
		"{\"key\":\"a\\u000\"}", "{\"key\":\"a\\u0000\"}", "{\"key\":\"\\x\"}",
		"{\"key\":\"a\nb\"}", "{\"key\":\"a\",\"key\":\"b\"}", "{\"key\":\"a\",\"key\":1}",
		"{\"key\":1,\"key\":\"a\"}", "{\"k\\u0065y\":\"a\"}", "[\"key\":\"a\"]",
		"{\"key\":\"a\"}x", "{\"key\":\"a\" \"key\":\"b\"}", "}{\"key\":\"a\"}"};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct json_secret secret;
		struct json *document;

		if (parse(texts[i], &secret, &document) != ERROR_INVALID || secret.text)
			fail_msg("taken: %s", texts[i]);
	}
}

static void test_bounds(void **state)
{
	struct json_secret secret;
	struct json *document;
	char text[MAX + 2];

	(void)state;
	assert_int_equal(parse("{\"key\":\"12345678\"}", &secret, &document), 0);
	assert_string_equal(secret.text, "12345678");
	json_free(document);
	json_secret_finish(&secret);
	assert_int_equal(parse("{\"key\":\"123456789\"}", &secret, &document), ERROR_LIMIT);
	memset(text, ' ', MAX + 1);
	text[MAX + 1] = '\0';
	memcpy(text, "{}", 2);
	assert_int_equal(parse(text, &secret, &document), ERROR_LIMIT);
	text[MAX] = '\0';
	assert_int_equal(parse(text, &secret, &document), 0);
	json_free(document);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_takes_the_secret_out),
		cmocka_unit_test(test_reads_escapes),
		cmocka_unit_test(test_leaves_the_rest),
		cmocka_unit_test(test_refuses),
		cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests_name("codec json secret", tests, NULL, NULL);
}
