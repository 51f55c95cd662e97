/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "oauth/token_message.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* jansson's, whose header has names that are ours as well. */
void json_set_alloc_funcs(void *(*allocate)(size_t size), void (*release)(void *bytes));

#define LEAST "\"access_token\":\"at\",\"token_type\":\"Bearer\""
#define DEVICE                                                                                     \
	"\"device_code\":\"dc\",\"user_code\":\"ABCD-EFGH\",\"verification_uri\":"                 \
	"\"https://a.example/device\",\"expires_in\":600"

static int read_token(const char *text, struct token_reply *ret_reply, struct fault *fault)
{
	return token_reply_read(text, strlen(text), ret_reply, fault);
}

static int read_device(const char *text, struct device_reply *ret_reply)
{
	struct fault fault;

	return device_reply_read(text, strlen(text), ret_reply, &fault);
}

static void test_reads_a_token_reply(void **state)
{
	struct token_reply reply;

	(void)state;
	assert_int_equal(read_token("{" LEAST ",\"expires_in\":3600,\"refresh_token\":\"rt\","
				    "\"scope\":\"openid cosmos\",\"id_token\":\"a.b.c\",\"x\":[]}",
				 &reply, NULL),
		0);
	assert_string_equal(reply.access_token, "at");
	assert_string_equal(reply.token_type, "Bearer");
	assert_string_equal(reply.scope, "openid cosmos");
	assert_string_equal(reply.refresh_token, "rt");
	assert_string_equal(reply.id_token, "a.b.c");
	assert_int_equal(reply.expires_in_s, 3600);
	token_reply_finish(&reply);
	assert_null(reply.access_token);
}

static void test_members_may_be_absent(void **state)
{
	static const char *const texts[] = {"{" LEAST "}",
		"{" LEAST ",\"scope\":null,\"refresh_token\":null,\"id_token\":null,"
		"\"expires_in\":null}",
		"{" LEAST ",\"refresh_token\":\"\",\"id_token\":\"\"}",
		"{" LEAST ",\"error\":\"none\"}"};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct token_reply reply;

		assert_int_equal(read_token(texts[i], &reply, NULL), 0);
		assert_null(reply.scope);
		assert_null(reply.refresh_token);
		assert_null(reply.id_token);
		assert_int_equal(reply.expires_in_s, -1);
		token_reply_finish(&reply);
	}
}

static void test_lifetimes(void **state)
{
	static const struct {
		const char *text;
		int64_t seconds; /* -2: refused */
	} cases[] = {
		{"0", 0},
		{"3599.7", 3599},
		{"\"3600\"", 3600},
		{"\"0\"", 0},
		{"31536000", TOKEN_LIFETIME_MAX_S},
		{"31536001", TOKEN_LIFETIME_MAX_S},
		{"\"99999999999999999999999999999\"", TOKEN_LIFETIME_MAX_S},
		{"-1", -2},
		{"\"\"", -2},
		{"\"1h\"", -2},
		{"\"-1\"", -2},
		{"true", -2},
		{"[1]", -2},
		{"1e300", -2},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct token_reply reply;
		char text[128];
		int error;

		(void)snprintf(text, sizeof(text), "{" LEAST ",\"expires_in\":%s}", cases[i].text);
		error = read_token(text, &reply, NULL);
		if (error != (cases[i].seconds == -2 ? ERROR_INVALID : 0))
			fail_msg("%s: %d", cases[i].text, error);
		if (error)
			continue;
		assert_int_equal(reply.expires_in_s, cases[i].seconds);
		token_reply_finish(&reply);
	}
}

static void test_refuses_malformed_replies(void **state)
{
	static const char *const bad[] = {"", "[]", "\"access_token\"", "<html>", "{}",
		"{\"token_type\":\"Bearer\"}", "{\"access_token\":\"at\"}",
		"{\"access_token\":\"\",\"token_type\":\"Bearer\"}",
		"{\"access_token\":7,\"token_type\":\"Bearer\"}",
		"{\"access_token\":\"a t\",\"token_type\":\"Bearer\"}",
		"{\"access_token\":\"a\\r\\nX: y\",\"token_type\":\"Bearer\"}",
		"{\"access_token\":\"at\",\"token_type\":7}", "{" LEAST ",\"scope\":7}",
		"{" LEAST ",\"scope\":\"a\\u001bb\"}", "{" LEAST ",\"refresh_token\":7}",
		"{" LEAST ",\"id_token\":{}}", "{" LEAST ",\"access_token\":\"b\"}", "{" LEAST "}x",
		"{\"error\":7}"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct token_reply reply;
		struct fault fault = {0};

		if (read_token(bad[i], &reply, &fault) != ERROR_INVALID || !*fault.text)
			fail_msg("taken or unexplained: %s", bad[i]);
	}
}

static void test_other_token_types(void **state)
{
	struct token_reply reply;
	struct fault fault;

	(void)state;
	assert_int_equal(
		read_token("{\"access_token\":\"at\",\"token_type\":\"DPoP\"}", &reply, &fault),
		ERROR_REFUSED);
	assert_string_equal(fault.text, "token type DPoP is not supported");
	assert_int_equal(
		read_token("{\"access_token\":\"at\",\"token_type\":\"bEARER\"}", &reply, &fault),
		0);
	token_reply_finish(&reply);
}

static void append_long(struct buf *buf, size_t length)
{
	for (size_t i = 0; i < length; i++)
		(void)buf_append_char(buf, 'x');
}

/* A reply whose access token has so many characters, and so many bytes beside it. */
static int read_long(size_t token_length, size_t rest)
{
	struct token_reply reply;
	struct buf buf;
	int error;

	buf_init(&buf, 4 * TOKEN_REPLY_MAX);
	(void)buf_append_text(&buf, "{\"token_type\":\"Bearer\",\"access_token\":\"");
	append_long(&buf, token_length);
	(void)buf_append_text(&buf, "\",\"rest\":\"");
	append_long(&buf, rest);
	assert_int_equal(buf_append_text(&buf, "\"}"), 0);
	error = token_reply_read(buf.data, buf.len, &reply, NULL);
	buf_finish(&buf);
	if (!error)
		token_reply_finish(&reply);
	return error;
}

static void test_bounds(void **state)
{
	(void)state;
	assert_int_equal(read_long(TOKEN_TEXT_MAX, 0), 0);
	assert_int_equal(read_long(TOKEN_TEXT_MAX + 1, 0), ERROR_LIMIT);
	assert_int_equal(read_long(1, TOKEN_REPLY_MAX), ERROR_LIMIT);
}

static void test_an_error_within_a_200(void **state)
{
	static const char text[] = "{\"error\":\"invalid_grant\"}";
	struct token_reply reply;
	struct device_reply device;
	struct error_reply error;

	(void)state;
	assert_int_equal(read_token(text, &reply, NULL), ERROR_NOT_FOUND);
	assert_int_equal(read_device(text, &device), ERROR_NOT_FOUND);
	assert_int_equal(error_reply_read(text, strlen(text), &error), 0);
	assert_string_equal(error.error, "invalid_grant");
	assert_string_equal(error.error_description, "");
	assert_string_equal(error.correlation_id, "");
}

static void test_cleans_errors(void **state)
{
	static const char text[] =
		"{\"error\":\"a\\u001b[2Jb\",\"error_description\":\"line\\nfeed \xc2\x9b\","
		"\"correlation_id\":\"0123456789012345678901234567890123456789012345678901234567890"
		"123456789\"}";
	struct error_reply error;

	(void)state;
	assert_int_equal(error_reply_read(text, strlen(text), &error), 0);
	assert_string_equal(error.error, "a?[2Jb");
	assert_string_equal(error.error_description, "line?feed ??");
	assert_int_equal(strlen(error.correlation_id), sizeof(error.correlation_id) - 1);
}

static bool left_a_secret;

/* What was never written can't hold a secret. */
static void *make_zeroed(size_t size)
{
	return calloc(1, size);
}

static void look_and_free(void *bytes)
{
	static const char secret[] = "kept-to-oneself";

	if (bytes && memmem(bytes, malloc_usable_size(bytes), secret, sizeof(secret) - 1))
		left_a_secret = true;
	free(bytes);
}

/* Whether an answer is an error is asked of those that have tokens in them, too. */
static void test_looking_for_errors_leaves_no_secrets(void **state)
{
	static const char *const names[] = {
		"access_token", "refresh_token", "id_token", "device_code", "other"};
	struct error_reply error;

	(void)state;
	json_set_alloc_funcs(make_zeroed, look_and_free);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char text[128];

		(void)snprintf(
			text, sizeof(text), "{\"%s\":\"%s%s\"}", names[i], "kept-to-", "oneself");
		left_a_secret = false;
		assert_int_equal(error_reply_read(text, strlen(text), &error), ERROR_INVALID);
		assert_int_equal(left_a_secret, !strcmp(names[i], "other"));
	}
	json_set_alloc_funcs(malloc, free);
}

static void test_what_is_no_error(void **state)
{
	static const char *const bad[] = {"", "[]", "{}", "{\"error\":7}", "{\"error\":\"\"}",
		"{\"error\":{\"code\":400}}", "<html>", "{\"error\":\"a\"}x",
		"{\"error\":\"a\",\"error\":\"b\"}"};
	struct error_reply error;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(error_reply_read(bad[i], strlen(bad[i]), &error), ERROR_INVALID);
}

static void test_reads_a_device_reply(void **state)
{
	struct device_reply reply;

	(void)state;
	assert_int_equal(read_device("{" DEVICE ",\"interval\":7,\"verification_uri_complete\":"
				     "\"https://a.example/device?user_code=ABCD-EFGH\"}",
				 &reply),
		0);
	assert_string_equal(reply.device_code, "dc");
	assert_string_equal(reply.user_code, "ABCD-EFGH");
	assert_string_equal(reply.verification_uri, "https://a.example/device");
	assert_string_equal(
		reply.verification_uri_complete, "https://a.example/device?user_code=ABCD-EFGH");
	assert_int_equal(reply.expires_in_s, 600);
	assert_int_equal(reply.interval_s, 7);
	device_reply_finish(&reply);
}

static void test_device_intervals(void **state)
{
	static const struct {
		const char *text;
		int seconds;
	} cases[] = {{"{" DEVICE "}", DEVICE_INTERVAL_S}, {"{" DEVICE ",\"interval\":0}", 1},
		{"{" DEVICE ",\"interval\":\"2\"}", 2},
		{"{" DEVICE ",\"interval\":86400}", DEVICE_INTERVAL_MAX_S}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct device_reply reply;

		assert_int_equal(read_device(cases[i].text, &reply), 0);
		assert_int_equal(reply.interval_s, cases[i].seconds);
		assert_null(reply.verification_uri_complete);
		device_reply_finish(&reply);
	}
}

static void test_refuses_device_replies(void **state)
{
	static const char *const bad[] = {"{}",
		"{\"user_code\":\"A\",\"verification_uri\":\"https://a.example\",\"expires_in\":1}",
		"{\"device_code\":\"d\",\"verification_uri\":\"https://a.example\","
		"\"expires_in\":1}",
		"{\"device_code\":\"d\",\"user_code\":\"A\",\"expires_in\":1}",
		"{\"device_code\":\"d\",\"user_code\":\"A\",\"verification_uri\":"
		"\"https://a.example\"}",
		"{\"device_code\":\"d\",\"user_code\":\"A\",\"verification_uri\":"
		"\"https://a.example\",\"expires_in\":0}",
		"{\"device_code\":\"d\",\"user_code\":\"A\",\"verification_uri\":"
		"\"http://a.example\",\"expires_in\":1}",
		"{\"device_code\":\"d\",\"user_code\":\"A\\u001b[2J\",\"verification_uri\":"
		"\"https://a.example\",\"expires_in\":1}",
		"{" DEVICE ",\"verification_uri_complete\":\"file:///etc/passwd\"}",
		"{" DEVICE ",\"interval\":-1}"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct device_reply reply;

		if (read_device(bad[i], &reply) != ERROR_INVALID)
			fail_msg("taken: %s", bad[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reads_a_token_reply),
		cmocka_unit_test(test_members_may_be_absent),
		cmocka_unit_test(test_lifetimes),
		cmocka_unit_test(test_refuses_malformed_replies),
		cmocka_unit_test(test_other_token_types),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_an_error_within_a_200),
		cmocka_unit_test(test_cleans_errors),
		cmocka_unit_test(test_looking_for_errors_leaves_no_secrets),
		cmocka_unit_test(test_what_is_no_error),
		cmocka_unit_test(test_reads_a_device_reply),
		cmocka_unit_test(test_device_intervals),
		cmocka_unit_test(test_refuses_device_replies),
	};

	return cmocka_run_group_tests_name("oauth token message", tests, NULL, NULL);
}
