/* SPDX-License-Identifier: Apache-2.0 */
/* Records: what is written is what is read, and what makes no sense is not read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "client/record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { JSON_MAX = 300000 };

#define ACCOUNT "0123456789abcdef0123456789abcdef"
#define GENERATION "00112233445566778899aabbccddeeff"

static const struct moment some_moment = {.boot_id = "5b3e1d8c-0c5a-4b9e-8f33-1d2c3b4a5968",
	.boot_ms = 123456789,
	.unix_ms = 1795305600123};

static struct storage *open_memory(void)
{
	const struct storage_options options = {.kind = STORAGE_MEMORY};
	struct storage *storage = NULL;

	assert_int_equal(storage_open(&options, &storage, NULL), 0);
	return storage;
}

static void assert_text(const char *text, const char *expected)
{
	if (!expected)
		assert_null(text);
	else
		assert_string_equal(text, expected);
}

static void assert_moment(const struct moment *moment, const struct moment *expected)
{
	assert_string_equal(moment->boot_id, expected->boot_id);
	assert_int_equal(moment->boot_ms, expected->boot_ms);
	assert_int_equal(moment->unix_ms, expected->unix_ms);
}

/* `length` times the letter. Freed by the caller. */
static char *long_text(size_t length)
{
	char *text = malloc(length + 1);

	assert_non_null(text);
	memset(text, 'x', length);
	text[length] = '\0';
	return text;
}

/* --- the account --------------------------------------------------------------------- */

static void fill_account(struct account_record *record)
{
	account_record_init(record);
	assert_int_equal(record_set_text(&record->authority, "https://login.example/identity"), 0);
	assert_int_equal(record_set_text(&record->client_id, "external.customer"), 0);
	assert_int_equal(record_set_text(&record->username, "su-north-abcdef"), 0);
	assert_int_equal(record_set_text(&record->secret, "pass \"word\"\\ \xc3\xa4\xff\n"), 0);
	record->method = ACCOUNT_PASSWORD;
	(void)strcpy(record->generation, GENERATION);
	record->verified = true;
	(void)strcpy(record->breaker.generation, "ffeeddccbbaa99887766554433221100");
	(void)strcpy(record->breaker.oauth_error, "invalid_grant");
	record->breaker.http_status = 400;
	record->breaker.at = some_moment;
}

static void test_an_account_is_read_as_it_was_written(void **state)
{
	struct storage *storage = open_memory();
	struct account_record written;
	struct account_record record;

	(void)state;
	fill_account(&written);
	assert_int_equal(account_record_read(storage, ACCOUNT, &record, NULL), ERROR_NOT_FOUND);
	assert_int_equal(account_record_write(storage, ACCOUNT, &written, NULL), 0);
	assert_int_equal(account_record_read(storage, ACCOUNT, &record, NULL), 0);
	assert_text(record.authority, written.authority);
	assert_text(record.client_id, written.client_id);
	assert_text(record.account, NULL);
	assert_text(record.username, written.username);
	assert_text(record.secret, written.secret);
	assert_int_equal(record.method, ACCOUNT_PASSWORD);
	assert_string_equal(record.generation, GENERATION);
	assert_true(record.verified);
	assert_string_equal(record.breaker.generation, written.breaker.generation);
	assert_string_equal(record.breaker.oauth_error, "invalid_grant");
	assert_int_equal(record.breaker.http_status, 400);
	assert_moment(&record.breaker.at, &some_moment);
	account_record_finish(&record);
	assert_null(record.secret);
	account_record_finish(&record);
	account_record_finish(NULL);
	account_record_finish(&written);
	storage_close(storage);
}

static void test_the_least_account(void **state)
{
	struct storage *storage = open_memory();
	struct account_record written;
	struct account_record record;

	(void)state;
	for (int method = ACCOUNT_PERSON; method <= ACCOUNT_PRIVATE_KEY; method++) {
		account_record_init(&written);
		assert_int_equal(record_set_text(&written.authority, ""), 0);
		assert_int_equal(record_set_text(&written.client_id, ""), 0);
		assert_int_equal(record_set_text(&written.secret, ""), 0);
		written.method = (enum account_method)method;
		assert_int_equal(account_record_write(storage, ACCOUNT, &written, NULL), 0);
		assert_int_equal(account_record_read(storage, ACCOUNT, &record, NULL), 0);
		assert_int_equal(record.method, method);
		assert_text(record.username, NULL);
		assert_text(record.secret, "");
		assert_string_equal(record.generation, "");
		assert_false(record.verified);
		assert_string_equal(record.breaker.generation, "");
		assert_false(moment_is_set(&record.breaker.at));
		account_record_finish(&record);
		account_record_finish(&written);
	}
	storage_close(storage);
}

/* A canary in the freed memory would be one in a core file. */
static void test_the_json_has_no_plain_secret(void **state)
{
	struct account_record record;
	struct buf json;

	(void)state;
	fill_account(&record);
	assert_int_equal(record_set_text(&record.secret, "canary"), 0);
	buf_init(&json, JSON_MAX);
	assert_int_equal(account_record_print(&record, &json), 0);
	assert_null(strstr(json.data, "canary"));
	assert_non_null(strstr(json.data, "\"secret\":\"Y2FuYXJ5\""));
	buf_finish(&json);
	account_record_finish(&record);
}

/* What is too long is not written, since it would not be read. */
static void test_bounds_of_an_account(void **state)
{
	struct account_record record;
	struct account_record read;
	struct buf json;

	(void)state;
	fill_account(&record);
	free(record.secret);
	record.secret = long_text(RECORD_SECRET_MAX);
	buf_init(&json, JSON_MAX);
	assert_int_equal(account_record_print(&record, &json), 0);
	assert_int_equal(account_record_parse(json.data, json.len, &read, NULL), 0);
	assert_text(read.secret, record.secret);
	account_record_finish(&read);
	free(record.secret);
	record.secret = long_text(RECORD_SECRET_MAX + 1);
	buf_reset(&json);
	assert_int_equal(account_record_print(&record, &json), ERROR_LIMIT);
	free(record.secret);
	record.secret = NULL;
	free(record.username);
	record.username = long_text(RECORD_NAME_MAX + 1);
	assert_int_equal(account_record_print(&record, &json), ERROR_LIMIT);
	(void)strcpy(record.username, "\xff\xfe");
	assert_int_equal(account_record_print(&record, &json), ERROR_INVALID);
	assert_int_equal(json.len, 0);
	buf_finish(&json);
	account_record_finish(&record);
}

/* --- tokens -------------------------------------------------------------------------- */

static void fill_token(struct token_record *record)
{
	token_record_init(record);
	assert_int_equal(record_set_text(&record->access_token, "eyJ.a\"b\\c.d"), 0);
	assert_int_equal(record_set_text(&record->token_type, "Bearer"), 0);
	assert_int_equal(record_set_text(&record->scope, "cosmos offline_access"), 0);
	assert_int_equal(record_set_text(&record->refresh_token, "adr_x"), 0);
	assert_int_equal(record_set_text(&record->id_token, "e.f.g"), 0);
	record->received = some_moment;
	record->expires = moment_plus(&some_moment, 3600000);
	record->expires_in_s = 3600;
	record->rejected = true;
	record->rotates = TOKEN_ROTATES;
	(void)strcpy(record->generation, GENERATION);
	record->intent = (struct token_intent){
		.kind = TOKEN_INTENT_REFRESH, .at = some_moment, .tries = 2, .asked_again = true};
}

static void test_a_token_is_read_as_it_was_written(void **state)
{
	struct storage *storage = open_memory();
	struct token_record written;
	struct token_record record;

	(void)state;
	fill_token(&written);
	assert_int_equal(
		token_record_read(storage, ACCOUNT, "cosmos", &record, NULL), ERROR_NOT_FOUND);
	assert_int_equal(token_record_write(storage, ACCOUNT, "cosmos", &written, NULL), 0);
	/* Of that scope alone. */
	assert_int_equal(token_record_read(storage, ACCOUNT, NULL, &record, NULL), ERROR_NOT_FOUND);
	assert_int_equal(token_record_read(storage, ACCOUNT, "cosmos", &record, NULL), 0);
	assert_text(record.access_token, written.access_token);
	assert_text(record.token_type, "Bearer");
	assert_text(record.scope, written.scope);
	assert_text(record.refresh_token, "adr_x");
	assert_text(record.id_token, "e.f.g");
	assert_moment(&record.received, &written.received);
	assert_moment(&record.expires, &written.expires);
	assert_int_equal(record.expires_in_s, 3600);
	assert_true(record.rejected);
	assert_int_equal(record.rotates, TOKEN_ROTATES);
	assert_string_equal(record.generation, GENERATION);
	assert_int_equal(record.intent.kind, TOKEN_INTENT_REFRESH);
	assert_moment(&record.intent.at, &some_moment);
	assert_int_equal(record.intent.tries, 2);
	assert_true(record.intent.asked_again);
	token_record_finish(&record);
	assert_null(record.access_token);
	assert_int_equal(record.expires_in_s, -1);
	token_record_finish(NULL);
	assert_int_equal(token_record_remove(storage, ACCOUNT, "cosmos", NULL), 0);
	assert_int_equal(
		token_record_read(storage, ACCOUNT, "cosmos", &record, NULL), ERROR_NOT_FOUND);
	token_record_finish(&written);
	storage_close(storage);
}

static void test_the_least_token(void **state)
{
	struct storage *storage = open_memory();
	struct token_record written;
	struct token_record record;

	(void)state;
	token_record_init(&written);
	assert_int_equal(token_record_write(storage, ACCOUNT, "", &written, NULL), 0);
	assert_int_equal(token_record_read(storage, ACCOUNT, NULL, &record, NULL), 0);
	assert_text(record.access_token, NULL);
	assert_text(record.refresh_token, NULL);
	assert_false(moment_is_set(&record.received));
	assert_int_equal(record.expires_in_s, -1);
	assert_int_equal(record.intent.kind, TOKEN_INTENT_NONE);
	assert_int_equal(record.rotates, TOKEN_ROTATION_UNKNOWN);
	token_record_finish(&record);
	storage_close(storage);
}

/* Three tokens of the largest size fit into a part. */
static void test_bounds_of_a_token(void **state)
{
	struct storage *storage = open_memory();
	struct token_record record;
	struct fault fault = {0};

	(void)state;
	token_record_init(&record);
	record.access_token = long_text(RECORD_TOKEN_MAX);
	record.refresh_token = long_text(RECORD_TOKEN_MAX);
	record.id_token = long_text(RECORD_TOKEN_MAX);
	assert_int_equal(token_record_write(storage, ACCOUNT, "", &record, &fault), 0);
	token_record_finish(&record);
	assert_int_equal(token_record_read(storage, ACCOUNT, "", &record, &fault), 0);
	assert_int_equal(strlen(record.id_token), RECORD_TOKEN_MAX);
	free(record.id_token);
	record.id_token = long_text(RECORD_TOKEN_MAX + 1);
	assert_int_equal(token_record_write(storage, ACCOUNT, "", &record, &fault), ERROR_LIMIT);
	assert_non_null(strstr(fault.text, "it is too large"));
	assert_int_equal(record_set_text(&record.id_token, "with space"), 0);
	assert_int_equal(token_record_write(storage, ACCOUNT, "", &record, &fault), ERROR_INVALID);
	token_record_finish(&record);
	storage_close(storage);
}

/* --- the gate ------------------------------------------------------------------------ */

static void test_a_gate_is_read_as_it_was_written(void **state)
{
	struct storage *storage = open_memory();
	struct gate_record written;
	struct gate_record record;

	(void)state;
	gate_record_init(&written);
	written.not_before = some_moment;
	written.wait_ms = 30000;
	written.http_status = 503;
	(void)strcpy(written.reason, "temporarily_unavailable");
	written.failures = 4;
	written.skew_known = true;
	written.skew_ms = -7200000;
	written.skew_at = some_moment;
	written.metadata =
		strdup("{\"issuer\":\"https://login.example/identity\",\n \"x\":\"\xc3\xa4\"}");
	assert_non_null(written.metadata);
	written.metadata_at = some_moment;
	assert_int_equal(gate_record_read(storage, ACCOUNT, &record, NULL), ERROR_NOT_FOUND);
	assert_int_equal(gate_record_write(storage, ACCOUNT, &written, NULL), 0);
	assert_int_equal(gate_record_read(storage, ACCOUNT, &record, NULL), 0);
	assert_moment(&record.not_before, &some_moment);
	assert_int_equal(record.wait_ms, 30000);
	assert_int_equal(record.http_status, 503);
	assert_string_equal(record.reason, "temporarily_unavailable");
	assert_int_equal(record.failures, 4);
	assert_true(record.skew_known);
	assert_int_equal(record.skew_ms, -7200000);
	assert_moment(&record.skew_at, &some_moment);
	assert_text(record.metadata, written.metadata);
	assert_moment(&record.metadata_at, &some_moment);
	gate_record_finish(&record);
	gate_record_finish(&written);
	gate_record_finish(NULL);
	storage_close(storage);
}

static void test_the_least_gate(void **state)
{
	struct storage *storage = open_memory();
	struct gate_record written;
	struct gate_record record;

	(void)state;
	gate_record_init(&written);
	assert_int_equal(gate_record_write(storage, ACCOUNT, &written, NULL), 0);
	assert_int_equal(gate_record_read(storage, ACCOUNT, &record, NULL), 0);
	assert_false(record.skew_known);
	assert_false(moment_is_set(&record.not_before));
	assert_null(record.metadata);
	written.metadata = long_text(RECORD_METADATA_MAX + 1);
	assert_int_equal(gate_record_write(storage, ACCOUNT, &written, NULL), ERROR_LIMIT);
	gate_record_finish(&written);
	storage_close(storage);
}

/* --- what is not read ---------------------------------------------------------------- */

static int parse_account(const char *text, struct fault *fault)
{
	struct account_record record;
	int error = account_record_parse(text, strlen(text), &record, fault);

	if (!error)
		account_record_finish(&record);
	return error;
}

static int parse_token(const char *text, struct fault *fault)
{
	struct token_record record;
	int error = token_record_parse(text, strlen(text), &record, fault);

	if (!error)
		token_record_finish(&record);
	return error;
}

static int parse_gate(const char *text, struct fault *fault)
{
	struct gate_record record;
	int error = gate_record_parse(text, strlen(text), &record, fault);

	if (!error)
		gate_record_finish(&record);
	return error;
}

#define WHO "\"version\":1,\"authority\":\"https://a\",\"client_id\":\"c\",\"method\":\"password\""

static void test_accounts_that_make_no_sense(void **state)
{
	static const char *const texts[] = {"", "[]", "{", "{}", "{\"version\":1}",
		"{\"version\":0,\"authority\":\"https://"
		"a\",\"client_id\":\"c\",\"method\":\"person\"}",
		"{\"version\":\"1\",\"authority\":\"https://a\",\"client_id\":\"c\",\"method\":"
		"\"person\"}",
		"{\"version\":1,\"authority\":\"https://a\",\"client_id\":\"c\"}",
		"{\"version\":1,\"authority\":\"https://a\",\"method\":\"person\"}",
		"{\"version\":1,\"authority\":\"https://a\",\"client_id\":\"c\",\"method\":\"\"}",
		"{\"version\":1,\"authority\":\"https://"
		"a\",\"client_id\":\"c\",\"method\":\"odd\"}",
		"{\"version\":1,\"authority\":7,\"client_id\":\"c\",\"method\":\"person\"}",
		"{" WHO ",\"secret\":7}", "{" WHO ",\"secret\":\"no base64url!\"}",
		"{" WHO ",\"secret\":\"AGEA\"}", /* a NUL in it */
		"{" WHO ",\"verified\":1}", "{" WHO ",\"generation\":\"0123\"}",
		"{" WHO ",\"generation\":\"00112233445566778899AABBCCDDEEFF\"}",
		"{" WHO ",\"breaker\":7}", "{" WHO ",\"breaker\":{\"generation\":\"..\"}}",
		"{" WHO ",\"breaker\":{\"http_status\":1000}}",
		"{" WHO ",\"breaker\":{\"http_status\":-1}}",
		"{" WHO ",\"breaker\":{\"at\":{\"unix_ms\":-1}}}",
		"{" WHO ",\"breaker\":{\"at\":{\"boot_ms\":9007199254740993}}}",
		"{" WHO
		",\"breaker\":{\"at\":{\"boot\":\"0123456789012345678901234567890123456789\"}"
		"}}",
		"{" WHO "} "};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]) - 1; i++) {
		struct fault fault = {0};
		int error = parse_account(texts[i], &fault);

		if (error != ERROR_INVALID ||
			!strstr(fault.text, "the stored account makes no sense"))
			fail_msg("%s: %d: %s", texts[i], error, fault.text);
	}
	/* But for what is wrong there is nothing wrong with them. */
	assert_int_equal(parse_account("{" WHO "} ", NULL), 0);
}

static void test_tokens_that_make_no_sense(void **state)
{
	static const char *const texts[] = {"null", "{\"version\":1,\"access_token\":7}",
		"{\"version\":1,\"access_token\":\"a b\"}", "{\"version\":1,\"expires_in\":-2}",
		"{\"version\":1,\"access_token\":\"a\",\"access_token\":\"b\"}",
		"{\"version\":1,\"expires_in\":1.5}", "{\"version\":1,\"rotates\":\"maybe\"}",
		"{\"version\":1,\"rotates\":true}", "{\"version\":1,\"intent\":[]}",
		"{\"version\":1,\"intent\":{\"kind\":\"odd\"}}",
		"{\"version\":1,\"intent\":{\"tries\":-1}}",
		"{\"version\":1,\"intent\":{\"asked_again\":0}}", "{\"version\":1,\"received\":5}"};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct fault fault = {0};
		int error = parse_token(texts[i], &fault);

		if (error != ERROR_INVALID ||
			!strstr(fault.text, "the stored token makes no sense"))
			fail_msg("%s: %d: %s", texts[i], error, fault.text);
	}
	assert_int_equal(parse_token("{\"version\":1,\"access_token\":\"a\"}", NULL), 0);
}

static void test_gates_that_make_no_sense(void **state)
{
	static const char *const texts[] = {"{\"version\":1,\"failures\":-1}",
		"{\"version\":1,\"wait_ms\":-1}", "{\"version\":1,\"skew_ms\":\"1\"}",
		"{\"version\":1,\"skew_ms\":9007199254740993}", "{\"version\":1,\"metadata\":{}}",
		"{\"version\":1,\"not_before\":\"now\"}",
		"{\"version\":1,\"reason\":"
		"\"0123456789012345678901234567890123456789012345678901234"
		"567890123\"}"};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct fault fault = {0};
		int error = parse_gate(texts[i], &fault);

		if (error != ERROR_INVALID || !strstr(fault.text, "the stored gate makes no sense"))
			fail_msg("%s: %d: %s", texts[i], error, fault.text);
	}
	assert_int_equal(parse_gate("{\"version\":1,\"skew_ms\":-9007199254740992}", NULL), 0);
}

static void test_a_newer_version_is_not_touched(void **state)
{
	static int (*const parsers[])(const char *, struct fault *) = {
		parse_account, parse_token, parse_gate};
	static const char text[] = "{\"version\":2,\"authority\":{\"odd\":[]},\"not_before\":7}";

	(void)state;
	for (size_t i = 0; i < sizeof(parsers) / sizeof(parsers[0]); i++) {
		struct fault fault = {0};

		assert_int_equal(parsers[i](text, &fault), ERROR_VERSION);
		assert_non_null(strstr(fault.text, "newer version of adit: upgrade this one"));
	}
}

static void test_members_that_are_not_known(void **state)
{
	(void)state;
	assert_int_equal(parse_account("{" WHO ",\"colour\":{\"secret\":[1]}}", NULL), 0);
	assert_int_equal(parse_token("{\"version\":1,\"x\":null}", NULL), 0);
	assert_int_equal(parse_gate("{\"version\":1,\"x\":null}", NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_account_is_read_as_it_was_written),
		cmocka_unit_test(test_the_least_account),
		cmocka_unit_test(test_the_json_has_no_plain_secret),
		cmocka_unit_test(test_bounds_of_an_account),
		cmocka_unit_test(test_a_token_is_read_as_it_was_written),
		cmocka_unit_test(test_the_least_token),
		cmocka_unit_test(test_bounds_of_a_token),
		cmocka_unit_test(test_a_gate_is_read_as_it_was_written),
		cmocka_unit_test(test_the_least_gate),
		cmocka_unit_test(test_accounts_that_make_no_sense),
		cmocka_unit_test(test_tokens_that_make_no_sense),
		cmocka_unit_test(test_gates_that_make_no_sense),
		cmocka_unit_test(test_a_newer_version_is_not_touched),
		cmocka_unit_test(test_members_that_are_not_known),
	};

	return cmocka_run_group_tests_name("client record", tests, NULL, NULL);
}
