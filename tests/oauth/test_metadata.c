/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "oauth/metadata.h"

#include <stdio.h>
#include <string.h>

#define AUTHORITY "https://login.example.com/identity"
#define ENDPOINTS                                                                                  \
	"\"jwks_uri\":\"" AUTHORITY "/jwks\",\"token_endpoint\":\"" AUTHORITY "/connect/token\""
#define DOCUMENT "{\"issuer\":\"" AUTHORITY "\"," ENDPOINTS

static int read_text(const char *authority, const char *text, struct fault *fault)
{
	struct metadata metadata;
	int error = metadata_read(authority, text, strlen(text), &metadata, fault);

	if (!error)
		metadata_finish(&metadata);
	return error;
}

static void test_reads_a_document(void **state)
{
	static const char text[] = DOCUMENT
		",\"authorization_endpoint\":\"" AUTHORITY "/connect/authorize\","
		"\"grant_types_supported\":[\"password\",\"refresh_token\"],\"other\":[1]}";
	struct metadata metadata;

	(void)state;
	assert_int_equal(metadata_read(AUTHORITY, text, strlen(text), &metadata, NULL), 0);
	assert_string_equal(metadata.issuer, AUTHORITY);
	assert_string_equal(metadata.jwks_uri, AUTHORITY "/jwks");
	assert_string_equal(metadata.token_endpoint, AUTHORITY "/connect/token");
	assert_string_equal(metadata.authorization_endpoint, AUTHORITY "/connect/authorize");
	assert_null(metadata.userinfo_endpoint);
	assert_true(metadata_lists(&metadata, "grant_types_supported", "password"));
	assert_false(metadata_lists(&metadata, "grant_types_supported", "pass"));
	assert_false(metadata_lists(&metadata, "scopes_supported", "cosmos"));
	assert_false(metadata_lists(&metadata, "other", "1"));
	metadata_finish(&metadata);
	assert_null(metadata.document);
}

/* Requirement 52. */
static void test_issuer_is_the_configured_url(void **state)
{
	static const char *const others[] = {"https://login.example.com/identity/",
		"https://login.example.com/Identity", "https://LOGIN.example.com/identity",
		"https://login.example.com:443/identity", "http://login.example.com/identity",
		"https://login.example.com/identit", "https://login.example.com", ""};
	struct fault fault;

	(void)state;
	assert_int_equal(metadata_check_issuer(AUTHORITY, AUTHORITY, &fault), 0);
	assert_int_equal(metadata_check_issuer(AUTHORITY "/", AUTHORITY, &fault), 0);
	assert_int_equal(metadata_check_issuer(AUTHORITY "/", AUTHORITY "/", &fault), 0);
	assert_int_equal(metadata_check_issuer(AUTHORITY "//", AUTHORITY, &fault), ERROR_REFUSED);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_int_equal(
			metadata_check_issuer(AUTHORITY, others[i], &fault), ERROR_REFUSED);
}

static void test_says_where_the_issuers_part(void **state)
{
	struct fault fault;

	(void)state;
	assert_int_equal(read_text("https://login.example.com/idenTity/", DOCUMENT "}", &fault),
		ERROR_REFUSED);
	assert_non_null(strstr(fault.text, "\"https://login.example.com/identity\""));
	assert_non_null(strstr(fault.text, "\"https://login.example.com/idenTity\""));
	assert_non_null(strstr(fault.text, "character 31 "));
	assert_non_null(strstr(fault.text, "(\"tity\")"));
}

static void test_refuses_malformed_documents(void **state)
{
	static const char *const bad[] = {"", "[]", "{", "{}", "{\"issuer\":1," ENDPOINTS "}",
		"{" ENDPOINTS "}", "{\"issuer\":\"" AUTHORITY "\"}",
		"{\"issuer\":\"" AUTHORITY "\",\"jwks_uri\":\"" AUTHORITY "/jwks\"}",
		DOCUMENT ",\"issuer\":\"" AUTHORITY "\"}",
		DOCUMENT ",\"userinfo_endpoint\":\"http://login.example.com/userinfo\"}",
		DOCUMENT ",\"userinfo_endpoint\":\"/userinfo\"}",
		DOCUMENT ",\"userinfo_endpoint\":\"https://a@login.example.com/userinfo\"}",
		DOCUMENT ",\"userinfo_endpoint\":7}", DOCUMENT ",\"userinfo_endpoint\":null}",
		DOCUMENT ",\"grant_types_supported\":\"password\"}",
		DOCUMENT ",\"scopes_supported\":[1]}", DOCUMENT ",\"adit_refresh_grace\":601}",
		DOCUMENT ",\"adit_refresh_grace\":-1}", DOCUMENT ",\"adit_refresh_grace\":\"60\"}",
		DOCUMENT ",\"authorization_response_iss_parameter_supported\":1}"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct fault fault = {0};

		if (read_text(AUTHORITY, bad[i], &fault) != ERROR_INVALID || !*fault.text)
			fail_msg("accepted or unexplained: %s", bad[i]);
	}
	assert_int_equal(read_text(AUTHORITY, DOCUMENT "}", NULL), 0);
}

static void test_abilities(void **state)
{
	static const char text[] =
		DOCUMENT ",\"adit_refresh_grace\":600,"
			 "\"authorization_response_iss_parameter_supported\":true}";
	struct metadata metadata;

	(void)state;
	assert_int_equal(metadata_read(AUTHORITY, text, strlen(text), &metadata, NULL), 0);
	assert_int_equal(metadata.refresh_grace_s, 600);
	assert_true(metadata.response_iss);
	metadata_finish(&metadata);
	assert_int_equal(
		metadata_read(AUTHORITY, DOCUMENT "}", sizeof(DOCUMENT), &metadata, NULL), 0);
	assert_int_equal(metadata.refresh_grace_s, 0);
	assert_false(metadata.response_iss);
	metadata_finish(&metadata);
}

/* What an https authority names is https; one on loopback may name either. */
static void test_plain_http_is_for_plain_authorities(void **state)
{
	static const char *const schemes[] = {"https", "http"};

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		char authority[64];
		char text[256];
		struct metadata metadata;
		int error;

		(void)snprintf(authority, sizeof(authority), "%s://127.0.0.1:8480", schemes[i & 1]);
		(void)snprintf(text, sizeof(text),
			"{\"issuer\":\"%s\",\"jwks_uri\":\"%s://127.0.0.1:8480/jwks\","
			"\"token_endpoint\":\"https://a.example/token\"}",
			authority, schemes[i >> 1]);
		error = metadata_read(authority, text, strlen(text), &metadata, NULL);
		assert_int_equal(error, i == 2 ? ERROR_INVALID : 0);
		if (!error)
			metadata_finish(&metadata);
	}
}

static void test_bounds_the_document(void **state)
{
	struct buf buf;
	struct fault fault;

	(void)state;
	buf_init(&buf, 2 * METADATA_TEXT_MAX);
	(void)buf_append_text(&buf, DOCUMENT ",\"a\":\"");
	while (buf.len <= METADATA_TEXT_MAX)
		(void)buf_append_char(&buf, 'x');
	assert_int_equal(buf_append_text(&buf, "\"}"), 0);
	assert_int_equal(read_text(AUTHORITY, buf.data, &fault), ERROR_LIMIT);
	buf_finish(&buf);
}

static void test_url_of_the_document(void **state)
{
	static const char *const bad[] = {"", "login.example.com", "ftp://login.example.com",
		"http://login.example.com", "http://localhost.example.com", "http://128.0.0.1",
		"https://login.example.com/?a=b", "https://login.example.com/#a",
		"https://user@login.example.com"};
	static const char *const good[][2] = {
		{AUTHORITY, AUTHORITY "/.well-known/openid-configuration"},
		{AUTHORITY "/", AUTHORITY "/.well-known/openid-configuration"},
		{"http://localhost:8480", "http://localhost:8480/.well-known/openid-configuration"},
		{"http://127.0.0.1:8480/identity",
			"http://127.0.0.1:8480/identity/.well-known/openid-configuration"},
	};
	struct buf buf;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		buf_init(&buf, 4096);
		assert_int_equal(metadata_append_url(&buf, good[i][0], NULL), 0);
		assert_string_equal(buf.data, good[i][1]);
		buf_finish(&buf);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct fault fault = {0};

		buf_init(&buf, 4096);
		assert_int_equal(metadata_append_url(&buf, bad[i], &fault), ERROR_INVALID);
		assert_int_not_equal(fault.text[0], 0);
		buf_finish(&buf);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reads_a_document),
		cmocka_unit_test(test_issuer_is_the_configured_url),
		cmocka_unit_test(test_says_where_the_issuers_part),
		cmocka_unit_test(test_refuses_malformed_documents),
		cmocka_unit_test(test_abilities),
		cmocka_unit_test(test_plain_http_is_for_plain_authorities),
		cmocka_unit_test(test_bounds_the_document),
		cmocka_unit_test(test_url_of_the_document),
	};

	return cmocka_run_group_tests_name("oauth metadata", tests, NULL, NULL);
}
