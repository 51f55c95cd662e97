/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/error.h"
#include "jose/jws.h"
#include "tokens.h"

#include <stdio.h>
#include <string.h>

static const enum jose_alg algs[] = {JOSE_ES256, JOSE_RS256, JOSE_EDDSA};

static void check_round_trip(struct crypto_key *key, const char *payload)
{
	struct crypto_signer *signer = NULL;
	struct buf header;
	struct buf token;
	struct jws jws;

	assert_int_equal(crypto_signer_create(key, &signer), 0);
	buf_init(&header, TOKEN_MAX);
	buf_init(&token, TOKEN_MAX);
	assert_int_equal(jws_header(&header, crypto_key_alg(key), "AT+jwt", "k/\"1"), 0);
	assert_int_equal(jws_append(&token, header.data, payload, strlen(payload), signer), 0);
	assert_int_equal(jws_parse(token.data, token.len, &jws), 0);
	assert_int_equal(jws.alg, crypto_key_alg(key));
	assert_true(jws.has_kid);
	assert_string_equal(jws.kid, "k/\"1");
	assert_string_equal(jws.typ, "at+jwt");
	assert_int_equal(jws.payload_length, strlen(payload));
	assert_memory_equal(jws.payload, payload, jws.payload_length);
	assert_ptr_equal(jws.signed_text, token.data);
	assert_int_equal(jws_verify(&jws, key), 0);
	jws.signature[jws.signature_length / 2] ^= 1;
	assert_int_equal(jws_verify(&jws, key), ERROR_REFUSED);
	jws_finish(&jws);
	crypto_signer_destroy(signer);
	buf_finish(&token);
	buf_finish(&header);
}

static void test_what_is_signed_verifies(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(algs) / sizeof(algs[0]); i++) {
		struct crypto_key *key = new_key(algs[i]);

		check_round_trip(key, "{\"sub\":\"a\"}");
		check_round_trip(key, "");
		check_round_trip(key, "x");
		crypto_key_destroy(key);
	}
}

static void test_headers(void **state)
{
	struct buf buf;

	(void)state;
	buf_init(&buf, TOKEN_MAX);
	assert_int_equal(jws_header(&buf, JOSE_ES256, "JWT", "a"), 0);
	/* {"alg":"ES256","typ":"JWT","kid":"a"} */
	assert_string_equal(buf.data, "eyJhbGciOiJFUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6ImEifQ");
	buf_reset(&buf);
	assert_int_equal(jws_header(&buf, JOSE_EDDSA, NULL, "a"), 0);
	assert_string_equal(buf.data, "eyJhbGciOiJFZERTQSIsImtpZCI6ImEifQ");
	buf_finish(&buf);
}

static void test_append_keeps_to_the_bound(void **state)
{
	struct crypto_key *key = new_key(JOSE_ES256);
	struct crypto_signer *signer = NULL;
	/* "before ", the header, the payload, 64 bytes of signature, two dots. */
	enum { WHOLE = 7 + 2 + 1 + 4 + 1 + 86 };

	(void)state;
	assert_int_equal(crypto_signer_create(key, &signer), 0);
	for (size_t max = 7; max <= WHOLE; max++) {
		struct buf buf;

		buf_init(&buf, max);
		assert_int_equal(buf_append_text(&buf, "before "), 0);
		assert_int_equal(
			jws_append(&buf, "AA", "abc", 3, signer), max == WHOLE ? 0 : ERROR_LIMIT);
		buf_finish(&buf);
	}
	crypto_signer_destroy(signer);
	crypto_key_destroy(key);
}

static int parse(const char *text, size_t length)
{
	struct jws jws = {.payload = NULL};
	int error = jws_parse(text, length, &jws);

	assert_true(!error || !jws.payload);
	jws_finish(&jws);
	return error;
}

/* A token with that header, that need not verify. */
static int parse_header(const char *header)
{
	char *token = join_encoded(header, "{}", "signature");
	int error = parse(token, strlen(token));

	free(token);
	return error;
}

static void test_malformed_tokens(void **state)
{
	/* {"alg":"ES256"} */
	static const char *const texts[] = {"", ".", "..", "...", "eyJhbGciOiJFUzI1NiJ9",
		"eyJhbGciOiJFUzI1NiJ9.e30", "eyJhbGciOiJFUzI1NiJ9.e30.", ".e30.AAAA",
		"eyJhbGciOiJFUzI1NiJ9.e30.AAAA.AAAA", "eyJhbGciOiJFUzI1NiJ9.e30.AAAA\n",
		" eyJhbGciOiJFUzI1NiJ9.e30.AAAA", "eyJhbGciOiJFUzI1NiJ9.e3 0.AAAA",
		"eyJhbGciOiJFUzI1NiJ9.e30=.AAAA", "eyJhbGciOiJFUzI1NiJ9.e31.AAAA",
		"eyJhbGciOiJFUzI1NiJ9.e30.AAAA==", "eyJhbGciOiJFUzI1NiJ9.e30.A",
		"eyJhbGciOiJFUzI1NiJ9.e30.AB", "eyJhbGciOiJFUzI1NiJ9.e30.A+AA",
		"eyJhbGciOiJFUzI1NiJ9=.e30.AAAA", "{\"alg\":\"ES256\"}.e30.AAAA", "a.b.c.d.e.f",
		"......."};

	(void)state;
	assert_int_equal(parse("eyJhbGciOiJFUzI1NiJ9.e30.AAAA", 29), 0);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (parse(texts[i], strlen(texts[i])) != ERROR_INVALID)
			fail_msg("%s", texts[i]);
	assert_int_equal(parse("eyJhbGciOiJFUzI1NiJ9.e30.AAAA\0", 30), ERROR_INVALID);
}

static void test_malformed_headers(void **state)
{
	static const char *const headers[] = {"", "1", "null", "[]", "\"ES256\"", "{}",
		"{\"alg\":7}", "{\"alg\":null}", "{\"alg\":[\"ES256\"]}", "{\"ALG\":\"ES256\"}",
		"{\"alg\":\"ES256\",\"kid\":7}", "{\"alg\":\"ES256\",\"typ\":7}",
		"{\"alg\":\"ES256\",\"alg\":\"ES256\"}", "{\"alg\":\"ES256\",\"a\":1,\"a\":1}",
		"{\"alg\":\"ES256\"}x", "{\"alg\":\"ES256\\u0000\"}", "{\"alg\":\"ES256\",}",
		"{\"alg\":\"ES256\",\"kid\":\"\xff\"}"};

	(void)state;
	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
		if (parse_header(headers[i]) != ERROR_INVALID)
			fail_msg("%s", headers[i]);
}

static void check_typ(const char *typ, const char *expected)
{
	char header[256];
	struct jws jws;
	char *token;

	(void)snprintf(header, sizeof(header), "{\"alg\":\"ES256\",\"typ\":\"%s\"}", typ);
	token = join_encoded(header, "{}", "signature");
	assert_int_equal(jws_parse(token, strlen(token), &jws), 0);
	assert_string_equal(jws.typ, expected);
	assert_false(jws.has_kid);
	jws_finish(&jws);
	free(token);
}

static void test_typ_is_compared_without_case_and_prefix(void **state)
{
	(void)state;
	check_typ("JWT", "jwt");
	check_typ("at+JWT", "at+jwt");
	check_typ("application/at+jwt", "at+jwt");
	check_typ("Application/AT+JWT", "at+jwt");
	check_typ("application", "application");
	check_typ("text/at+jwt", "text/at+jwt");
	check_typ("application/", "");
	check_typ("", "");
}

/* A header of `count` characters in one member. */
static int parse_long(const char *name, int count)
{
	char header[8192];

	(void)snprintf(
		header, sizeof(header), "{\"alg\":\"ES256\",\"%s\":\"%0*d\"}", name, count, 0);
	return parse_header(header);
}

static void test_bounds(void **state)
{
	char *text = malloc(JWS_TEXT_MAX + 1);

	(void)state;
	assert_int_equal(parse_long("kid", JWS_KID_MAX), 0);
	assert_int_equal(parse_long("kid", JWS_KID_MAX + 1), ERROR_LIMIT);
	assert_int_equal(parse_long("typ", JWS_TYP_MAX), 0);
	assert_int_equal(parse_long("typ", JWS_TYP_MAX + 1), ERROR_LIMIT);
	assert_int_equal(parse_long("x", JWS_HEADER_MAX - 22), 0);
	assert_int_equal(parse_long("x", JWS_HEADER_MAX - 21), ERROR_LIMIT);
	assert_non_null(text);
	memset(text, 'A', JWS_TEXT_MAX + 1);
	memcpy(text, "eyJhbGciOiJFUzI1NiJ9.e30.", 25);
	/* The signature alone is too long, then the whole. */
	assert_int_equal(parse(text, JWS_TEXT_MAX), ERROR_LIMIT);
	memcpy(text + JWS_TEXT_MAX - 5, ".AAAA", 5);
	text[24] = 'A';
	assert_int_equal(parse(text, JWS_TEXT_MAX), 0);
	text[JWS_TEXT_MAX] = 'A';
	assert_int_equal(parse(text, JWS_TEXT_MAX + 1), ERROR_LIMIT);
	free(text);
	jws_finish(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_signed_verifies),
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_append_keeps_to_the_bound),
		cmocka_unit_test(test_malformed_tokens),
		cmocka_unit_test(test_malformed_headers),
		cmocka_unit_test(test_typ_is_compared_without_case_and_prefix),
		cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests_name("jws", tests, NULL, NULL);
}
