/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/error.h"
#include "jose/jwk.h"
#include "tokens.h"

#include <stdio.h>
#include <string.h>

/* RFC 7515, A.3.1; RFC 8037, A.2; RFC 7638, 3.1. */
#define EC_X "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"
#define EC_Y "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"
#define OKP_X "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
#define RSA_N                                                                                      \
	"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_"  \
	"BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_" \
	"FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-"        \
	"bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
#define EC "\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" EC_X "\",\"y\":\"" EC_Y "\""
#define OKP "\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"" OKP_X "\""
#define RSA "\"kty\":\"RSA\",\"n\":\"" RSA_N "\",\"e\":\"AQAB\""

static int read_jwk(const char *text, struct jwk *ret_jwk)
{
	struct json *document = NULL;
	int error;

	assert_int_equal(json_parse(text, strlen(text), 16384, &document), 0);
	error = jwk_from_json(document, ret_jwk);
	json_free(document);
	return error;
}

static void check_taken(const char *text, enum jose_alg alg, const char *kid)
{
	struct jwk jwk;

	assert_int_equal(read_jwk(text, &jwk), 0);
	assert_int_equal(crypto_key_alg(jwk.key), alg);
	assert_string_equal(jwk.kid, kid);
	jwk_finish(&jwk);
	assert_null(jwk.key);
}

static void test_keys_of_ours_are_taken(void **state)
{
	(void)state;
	check_taken("{" EC "}", JOSE_ES256, "");
	check_taken("{" EC ",\"alg\":\"ES256\",\"use\":\"sig\",\"kid\":\"a/'\\\"b\"}", JOSE_ES256,
		"a/'\"b");
	check_taken("{" OKP ",\"key_ops\":[\"sign\",\"verify\"]}", JOSE_EDDSA, "");
	check_taken("{" RSA ",\"alg\":\"RS256\",\"kid\":\"2011-04-29\"}", JOSE_RS256, "2011-04-29");
	/* What is private or unknown is passed over, even where it makes no sense. */
	check_taken("{" EC ",\"d\":7,\"x5c\":[],\"x5u\":\"http://x\",\"z\":null}", JOSE_ES256, "");
}

static void check_all(const char *const *texts, int expected)
{
	for (; *texts; texts++) {
		struct jwk jwk = {.key = NULL};
		int error = read_jwk(*texts, &jwk);

		if (error != expected)
			fail_msg("%s: %d", *texts, error);
		assert_null(jwk.key);
	}
}

static void test_malformed_keys(void **state)
{
	static const char *const texts[] = {"1", "[]", "{}", "{\"kty\":7}", "{\"kty\":\"EC\"}",
		"{\"kty\":\"EC\",\"crv\":\"P-256\"}", "{\"kty\":\"EC\",\"crv\":7}",
		"{\"kty\":\"RSA\"}", "{\"kty\":\"RSA\",\"n\":\"AQAB\"}", "{\"kty\":\"OKP\"}",
		"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"\"}", "{" EC ",\"alg\":\"RS256\"}",
		"{" RSA ",\"alg\":\"ES256\"}", "{" OKP ",\"alg\":\"ES256\"}", "{" EC ",\"alg\":7}",
		"{" EC ",\"use\":7}", "{" EC ",\"kid\":7}", "{" EC ",\"key_ops\":\"verify\"}",
		"{" EC ",\"key_ops\":[7]}", "{" EC ",\"key_ops\":[\"verify\",7]}",
		"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" EC_X "\",\"y\":\"" EC_X "\"}",
		"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" EC_X "=\",\"y\":\"" EC_Y "\"}",
		"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" EC_X "AA\",\"y\":\"" EC_Y "\"}",
		"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":7,\"y\":\"" EC_Y "\"}",
		"{\"kty\":\"RSA\",\"n\":\"" RSA_N "\",\"e\":\"AQ\"}",
		"{\"kty\":\"RSA\",\"n\":\"" RSA_N "\",\"e\":\"AAEAAQ\"}",
		"{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}", NULL};

	(void)state;
	check_all(texts, ERROR_INVALID);
}

static void test_keys_of_others_are_refused(void **state)
{
	static const char *const texts[] = {"{\"kty\":\"oct\",\"k\":\"AAAA\"}", "{\"kty\":\"AKP\"}",
		"{\"kty\":\"ec\"}", "{\"kty\":\"EC\",\"crv\":\"P-384\"}",
		"{\"kty\":\"EC\",\"crv\":\"secp256k1\"}", "{\"kty\":\"OKP\",\"crv\":\"X25519\"}",
		"{\"kty\":\"OKP\",\"crv\":\"Ed448\"}", "{" EC ",\"use\":\"enc\"}",
		"{" EC ",\"key_ops\":[]}", "{" EC ",\"key_ops\":[\"sign\"]}",
		"{" EC ",\"alg\":\"ECDH-ES\"}", "{" EC ",\"alg\":\"none\"}",
		"{" RSA ",\"alg\":\"RS384\"}", "{" RSA ",\"alg\":\"PS256\"}",
		"{" RSA ",\"alg\":\"HS256\"}", "{" RSA ",\"alg\":\"RSA-OAEP\"}",
		"{" OKP ",\"alg\":\"\"}", NULL};

	(void)state;
	check_all(texts, ERROR_REFUSED);
}

static void test_kid_is_bounded(void **state)
{
	char text[1024];
	struct jwk jwk;

	(void)state;
	(void)snprintf(text, sizeof(text), "{" OKP ",\"kid\":\"%0*d\"}", JWK_KID_MAX, 0);
	assert_int_equal(read_jwk(text, &jwk), 0);
	assert_int_equal(strlen(jwk.kid), JWK_KID_MAX);
	jwk_finish(&jwk);
	(void)snprintf(text, sizeof(text), "{" OKP ",\"kid\":\"%0*d\"}", JWK_KID_MAX + 1, 0);
	assert_int_equal(read_jwk(text, &jwk), ERROR_REFUSED);
	jwk_finish(NULL);
}

static void check_written(const char *members, const char *expected)
{
	char text[1024];
	struct jwk jwk;
	struct buf buf;

	(void)snprintf(text, sizeof(text), "{%s}", members);
	assert_int_equal(read_jwk(text, &jwk), 0);
	buf_init(&buf, 4096);
	assert_int_equal(jwk_append(&buf, jwk.key, "k\"1"), 0);
	assert_string_equal(buf.data, expected);
	buf_finish(&buf);
	buf_init(&buf, 100);
	assert_int_equal(jwk_append(&buf, jwk.key, "k\"1"), ERROR_LIMIT);
	buf_finish(&buf);
	jwk_finish(&jwk);
}

static void test_keys_are_written_as_they_were_read(void **state)
{
	(void)state;
	check_written(EC, "{\"kty\":\"EC\",\"use\":\"sig\",\"alg\":\"ES256\",\"kid\":\"k\\\"1\","
			  "\"crv\":\"P-256\",\"x\":\"" EC_X "\",\"y\":\"" EC_Y "\"}");
	check_written(RSA, "{\"kty\":\"RSA\",\"use\":\"sig\",\"alg\":\"RS256\",\"kid\":\"k\\\"1\","
			   "\"n\":\"" RSA_N "\",\"e\":\"AQAB\"}");
	check_written(OKP, "{\"kty\":\"OKP\",\"use\":\"sig\",\"alg\":\"EdDSA\",\"kid\":\"k\\\"1\","
			   "\"crv\":\"Ed25519\",\"x\":\"" OKP_X "\"}");
}

static void test_a_private_key_is_written_in_public(void **state)
{
	static const enum jose_alg algs[] = {JOSE_ES256, JOSE_RS256, JOSE_EDDSA};

	(void)state;
	for (size_t i = 0; i < sizeof(algs) / sizeof(algs[0]); i++) {
		static const char *const private_names[] = {"d", "p", "q", "dp", "dq", "qi"};
		struct crypto_key *key = new_key(algs[i]);
		struct json *document = NULL;
		struct buf buf;

		buf_init(&buf, 4096);
		assert_int_equal(jwk_append(&buf, key, NULL), 0);
		assert_int_equal(json_parse(buf.data, buf.len, buf.len, &document), 0);
		for (size_t j = 0; j < sizeof(private_names) / sizeof(private_names[0]); j++)
			assert_null(json_member(document, private_names[j]));
		assert_null(json_member(document, "kid"));
		json_free(document);
		buf_finish(&buf);
		crypto_key_destroy(key);
	}
}

static void check_thumbprint(const char *members, const char *expected)
{
	char text[1024];
	char thumbprint[JWK_THUMBPRINT_SIZE];
	struct jwk jwk;

	(void)snprintf(text, sizeof(text), "{%s}", members);
	assert_int_equal(read_jwk(text, &jwk), 0);
	assert_int_equal(jwk_thumbprint(jwk.key, thumbprint), 0);
	assert_string_equal(thumbprint, expected);
	jwk_finish(&jwk);
}

/* RFC 7638, 3.1; RFC 8037, A.3; the last one computed by other means. */
static void test_thumbprints(void **state)
{
	(void)state;
	check_thumbprint(RSA, "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
	check_thumbprint(OKP, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
	check_thumbprint(EC, "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys_of_ours_are_taken),
		cmocka_unit_test(test_malformed_keys),
		cmocka_unit_test(test_keys_of_others_are_refused),
		cmocka_unit_test(test_kid_is_bounded),
		cmocka_unit_test(test_keys_are_written_as_they_were_read),
		cmocka_unit_test(test_a_private_key_is_written_in_public),
		cmocka_unit_test(test_thumbprints),
	};

	return cmocka_run_group_tests_name("jwk", tests, NULL, NULL);
}
