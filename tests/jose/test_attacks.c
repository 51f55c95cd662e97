/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/*
 * Attacks that have worked elsewhere, by name. Each starts from a token that
 * verifies, so that what is refused is refused for the attack.
 */
#include "base/error.h"
#include "base/secret.h"
#include "jose/ecdsa.h"
#include "jose/jwks.h"
#include "jose/jwt.h"
#include "tokens.h"

#include <stdio.h>
#include <string.h>

#define CLAIMS "{\"sub\":\"a\"}"

struct keys {
	struct crypto_key *ec;
	struct crypto_key *rsa;
	struct crypto_key *ed;
};

static int make_keys(void **state)
{
	struct keys *keys = calloc(1, sizeof(*keys));

	assert_non_null(keys);
	keys->ec = new_key(JOSE_ES256);
	keys->rsa = new_key(JOSE_RS256);
	keys->ed = new_key(JOSE_EDDSA);
	*state = keys;
	return 0;
}

static int destroy_keys(void **state)
{
	struct keys *keys = *state;

	crypto_key_destroy(keys->ec);
	crypto_key_destroy(keys->rsa);
	crypto_key_destroy(keys->ed);
	free(keys);
	return 0;
}

/* The header signed by the right key; what parsing and verifying say. */
static int judge_header(struct crypto_key *key, const char *header)
{
	return judge_free(sign_as(key, header, CLAIMS), key);
}

static void test_an_honest_token_is_taken(void **state)
{
	struct keys *keys = *state;

	assert_int_equal(judge_header(keys->ec, "{\"alg\":\"ES256\"}"), 0);
	assert_int_equal(judge_header(keys->rsa, "{\"alg\":\"RS256\"}"), 0);
	assert_int_equal(judge_header(keys->ed, "{\"alg\":\"EdDSA\"}"), 0);
}

/* Requirement 36. */
static void test_alg_none(void **state)
{
	static const char *const names[] = {"none", "None", "NONE", "nOnE", "", "null", "none "};
	struct keys *keys = *state;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char header[64];

		(void)snprintf(header, sizeof(header), "{\"alg\":\"%s\"}", names[i]);
		assert_int_equal(judge_header(keys->ec, header), ERROR_REFUSED);
		assert_int_equal(
			judge_free(join_encoded(header, CLAIMS, ""), keys->ec), ERROR_REFUSED);
	}
	assert_int_equal(judge_free(join_encoded("{\"alg\":\"ES256\"}", CLAIMS, ""), keys->ec),
		ERROR_INVALID);
	assert_int_equal(judge_header(keys->ec, "{\"typ\":\"JWT\"}"), ERROR_INVALID);
}

/* A JWS that is MACed with the public key, as whoever knows it can (RFC 8725, 2.1).
 * Requirement 36. */
static void test_hs256_with_the_public_key(void **state)
{
	struct keys *keys = *state;
	unsigned char digest[CRYPTO_SHA256_SIZE];
	struct crypto_part part;
	struct secret secret;
	struct buf token;
	struct buf jwk;

	buf_init(&jwk, 4096);
	buf_init(&token, 4096);
	assert_int_equal(jwk_append(&jwk, keys->rsa, "a"), 0);
	assert_int_equal(secret_init(&secret, jwk.data, jwk.len), 0);
	(void)base64url_append(&token, "{\"alg\":\"HS256\"}", 15);
	(void)buf_append_char(&token, '.');
	(void)base64url_append(&token, CLAIMS, strlen(CLAIMS));
	part = (struct crypto_part){token.data, token.len};
	assert_int_equal(crypto_hmac_sha256(&secret, &part, 1, digest), 0);
	(void)buf_append_char(&token, '.');
	assert_int_equal(base64url_append(&token, digest, sizeof(digest)), 0);
	assert_int_equal(judge(token.data, token.len, keys->rsa), ERROR_REFUSED);
	secret_finish(&secret);
	buf_finish(&token);
	buf_finish(&jwk);
}

/* The header names the algorithm of another key than the one that is used.
 * Requirement 36. */
static void test_alg_of_another_key(void **state)
{
	static const char *const headers[] = {
		"{\"alg\":\"ES256\"}", "{\"alg\":\"RS256\"}", "{\"alg\":\"EdDSA\"}"};
	struct keys *keys = *state;
	struct crypto_key *const all[] = {keys->ec, keys->rsa, keys->ed};

	for (size_t i = 0; i < 3; i++)
		for (size_t j = 0; j < 3; j++)
			assert_int_equal(
				judge_header(all[i], headers[j]), i == j ? 0 : ERROR_REFUSED);
	assert_int_equal(judge_header(keys->rsa, "{\"alg\":\"PS256\"}"), ERROR_REFUSED);
	assert_int_equal(judge_header(keys->rsa, "{\"alg\":\"RS512\"}"), ERROR_REFUSED);
	assert_int_equal(judge_header(keys->ec, "{\"alg\":\"ES256K\"}"), ERROR_REFUSED);
	assert_int_equal(judge_header(keys->ec, "{\"alg\":\"es256\"}"), ERROR_REFUSED);
}

static int judge_signature(const struct crypto_key *key, const void *signature, size_t length)
{
	struct buf token;
	int error;

	buf_init(&token, TOKEN_MAX);
	(void)buf_append_text(&token, "eyJhbGciOiJFUzI1NiJ9.e30.");
	assert_int_equal(base64url_append(&token, signature, length), 0);
	error = judge(token.data, token.len, key);
	buf_finish(&token);
	return error;
}

/* CVE-2022-21449. Requirement 45. */
static void test_r_and_s_zero(void **state)
{
	struct keys *keys = *state;
	unsigned char signature[ECDSA_SIZE] = {0};

	assert_int_equal(judge_signature(keys->ec, signature, sizeof(signature)), ERROR_REFUSED);
	signature[31] = 1;
	assert_int_equal(judge_signature(keys->ec, signature, sizeof(signature)), ERROR_REFUSED);
	signature[31] = 0;
	signature[63] = 1;
	assert_int_equal(judge_signature(keys->ec, signature, sizeof(signature)), ERROR_REFUSED);
	memset(signature, 0xff, sizeof(signature));
	assert_int_equal(judge_signature(keys->ec, signature, sizeof(signature)), ERROR_REFUSED);
}

/* An honest signature of {"alg":"ES256"}.{}. */
static void sign_honestly(struct crypto_key *key, unsigned char signature[CRYPTO_SIGNATURE_MAX])
{
	struct crypto_signer *signer = NULL;
	size_t length;

	assert_int_equal(crypto_signer_create(key, &signer), 0);
	assert_int_equal(
		crypto_signer_sign(signer, "eyJhbGciOiJFUzI1NiJ9.e30", 24, signature, &length), 0);
	assert_int_equal(length, ECDSA_SIZE);
	crypto_signer_destroy(signer);
}

/* Requirement 45. */
static void test_signatures_of_63_and_65_bytes(void **state)
{
	struct keys *keys = *state;
	unsigned char signature[CRYPTO_SIGNATURE_MAX] = {0};
	unsigned char shifted[ECDSA_SIZE + 1] = {0};

	sign_honestly(keys->ec, signature);
	assert_int_equal(judge_signature(keys->ec, signature, 64), 0);
	assert_int_equal(judge_signature(keys->ec, signature, 63), ERROR_REFUSED);
	assert_int_equal(judge_signature(keys->ec, signature + 1, 63), ERROR_REFUSED);
	assert_int_equal(judge_signature(keys->ec, signature, 65), ERROR_REFUSED);
	memcpy(shifted + 1, signature, 64);
	assert_int_equal(judge_signature(keys->ec, shifted, 65), ERROR_REFUSED);
	assert_int_equal(judge_signature(keys->ec, signature, CRYPTO_SIGNATURE_MAX), ERROR_REFUSED);
}

static void test_der_in_place_of_r_and_s(void **state)
{
	struct keys *keys = *state;
	unsigned char signature[CRYPTO_SIGNATURE_MAX];
	unsigned char der[ECDSA_DER_MAX];

	sign_honestly(keys->ec, signature);
	assert_int_equal(
		judge_signature(keys->ec, der, ecdsa_to_der(signature, der)), ERROR_REFUSED);
}

/* Every other text that might decode to the same bytes. Requirement 47. */
static void test_padding_and_stray_bits(void **state)
{
	struct keys *keys = *state;
	char *token = sign_as(keys->ec, "{\"alg\":\"ES256\"}", CLAIMS);
	size_t length = strlen(token);
	char changed[512];
	unsigned taken = 0;

	assert_int_equal(judge(token, length, keys->ec), 0);
	(void)snprintf(changed, sizeof(changed), "%s==", token);
	assert_int_equal(judge(changed, strlen(changed), keys->ec), ERROR_INVALID);
	(void)snprintf(changed, sizeof(changed), "%s\n", token);
	assert_int_equal(judge(changed, strlen(changed), keys->ec), ERROR_INVALID);
	for (int c = 0; c < 256; c++) {
		memcpy(changed, token, length);
		changed[length - 1] = (char)c;
		taken += judge(changed, length, keys->ec) == 0;
	}
	assert_int_equal(taken, 1);
	free(token);
}

/* Requirements 38 and 48. */
static void test_members_that_change_the_meaning(void **state)
{
	static const char *const headers[] = {"{\"alg\":\"ES256\",\"crit\":[\"exp\"],\"exp\":1}",
		"{\"alg\":\"ES256\",\"crit\":[]}", "{\"alg\":\"ES256\",\"crit\":null}",
		"{\"alg\":\"ES256\",\"crit\":[\"b64\"],\"b64\":false}",
		"{\"alg\":\"ES256\",\"b64\":false}", "{\"alg\":\"ES256\",\"b64\":true}",
		"{\"alg\":\"ES256\",\"zip\":\"DEF\"}", "{\"alg\":\"ES256\",\"zip\":null}",
		"{\"alg\":\"ES256\",\"enc\":\"A128GCM\"}"};
	struct keys *keys = *state;

	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
		assert_int_equal(judge_header(keys->ec, headers[i]), ERROR_REFUSED);
}

/* Requirement 47. */
static void test_duplicate_alg(void **state)
{
	struct keys *keys = *state;

	assert_int_equal(
		judge_header(keys->ec, "{\"alg\":\"ES256\",\"alg\":\"none\"}"), ERROR_INVALID);
	assert_int_equal(
		judge_header(keys->ec, "{\"alg\":\"none\",\"alg\":\"ES256\"}"), ERROR_INVALID);
	assert_int_equal(judge_header(keys->ec, "{\"alg\":\"ES256\",\"\\u0061lg\":\"none\"}"),
		ERROR_INVALID);
}

/* Requirement 47. */
static void test_duplicate_claims(void **state)
{
	struct keys *keys = *state;
	char *token =
		sign_as(keys->ec, "{\"alg\":\"ES256\"}", "{\"sub\":\"a\",\"\\u0073ub\":\"b\"}");
	struct jws jws;
	struct jwt jwt;

	assert_int_equal(jws_parse(token, strlen(token), &jws), 0);
	assert_int_equal(jws_verify(&jws, keys->ec), 0);
	assert_int_equal(jwt_from_jws(&jws, &jwt), ERROR_INVALID);
	jws_finish(&jws);
	free(token);
}

/* CVE-2025-61920, requirement 49: told by its length alone, since reading all that
 * would fault. */
static void test_a_token_of_100_megabytes(void **state)
{
	struct keys *keys = *state;
	static const char head[] = "eyJhbGciOiJFUzI1NiJ9.";

	assert_int_equal(judge(head, (size_t)100 * 1024 * 1024, keys->ec), ERROR_LIMIT);
	assert_int_equal(judge(head, SIZE_MAX, keys->ec), ERROR_LIMIT);
}

/* A token as the payload of a token: the payload is no JSON object. */
static void test_nested_jwt(void **state)
{
	struct keys *keys = *state;
	char *inner = sign_as(keys->ec, "{\"alg\":\"ES256\"}", CLAIMS);
	char *outer = sign_as(keys->ec, "{\"alg\":\"ES256\",\"cty\":\"JWT\"}", inner);
	struct jws jws;
	struct jwt jwt;

	assert_int_equal(jws_parse(outer, strlen(outer), &jws), 0);
	assert_int_equal(jws_verify(&jws, keys->ec), 0);
	assert_int_equal(jwt_from_jws(&jws, &jwt), ERROR_INVALID);
	jws_finish(&jws);
	free(outer);
	free(inner);
}

/* PBES2 with a huge count would cost minutes (CVE-2023-50967), if it were tried.
 * Requirement 48. */
static void test_jwe(void **state)
{
	static const char header[] = "{\"alg\":\"PBES2-HS256+A128KW\",\"enc\":\"A128GCM\","
				     "\"p2c\":2147483647,\"p2s\":\"AAAA\"}";
	struct keys *keys = *state;
	struct buf token;

	buf_init(&token, 4096);
	(void)base64url_append(&token, header, strlen(header));
	assert_int_equal(buf_append_text(&token, ".AAAA.AAAA.AAAA.AAAA"), 0);
	assert_int_equal(judge(token.data, token.len, keys->ec), ERROR_REFUSED);
	assert_int_equal(judge("....", 4, keys->ec), ERROR_REFUSED);
	assert_int_equal(judge_header(keys->ec, header), ERROR_REFUSED);
	buf_finish(&token);
}

/* CVE-2018-0114: the attacker's key, sent along with what it signed.
 * Requirement 37. */
static void test_keys_in_the_header_are_ignored(void **state)
{
	static const char *const members[] = {"\"jku\":\"https://evil.example/keys\"",
		"\"x5u\":\"https://evil.example/cert\"", "\"x5c\":[\"AAAA\"]", "\"jwk\":7",
		"\"x5t\":[]"};
	struct keys *keys = *state;
	struct crypto_key *evil = new_key(JOSE_ES256);
	struct buf header;

	buf_init(&header, 4096);
	(void)buf_append_text(&header, "{\"alg\":\"ES256\",\"jwk\":");
	assert_int_equal(jwk_append(&header, evil, "a"), 0);
	assert_int_equal(buf_append_char(&header, '}'), 0);
	assert_int_equal(judge_free(sign_as(evil, header.data, CLAIMS), keys->ec), ERROR_REFUSED);
	assert_int_equal(judge_header(keys->ec, header.data), 0);
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		char text[256];

		(void)snprintf(text, sizeof(text), "{\"alg\":\"ES256\",%s}", members[i]);
		assert_int_equal(judge_free(sign_as(evil, text, CLAIMS), keys->ec), ERROR_REFUSED);
		assert_int_equal(judge_header(keys->ec, text), 0);
	}
	buf_finish(&header);
	crypto_key_destroy(evil);
}

/* Requirement 37. A kid only looks up: it finds the key of that very name, or none. */
static void test_kid_with_quotes_and_paths(void **state)
{
	static const char *const kids[] = {"../../../../dev/null", "/etc/passwd", "a' OR '1'='1",
		"a\\\"; DROP TABLE keys; --", "a|/bin/sh", "$(id)", "a%00", "A", " a", "a ",
		"http://evil.example/", ""};
	struct keys *keys = *state;
	struct jwks *jwks = NULL;
	struct buf set;

	buf_init(&set, 4096);
	(void)buf_append_text(&set, "{\"keys\":[");
	(void)jwk_append(&set, keys->ec, "a");
	assert_int_equal(buf_append_text(&set, "]}"), 0);
	assert_int_equal(jwks_parse(set.data, set.len, &jwks), 0);
	for (size_t i = 0; i < sizeof(kids) / sizeof(kids[0]); i++) {
		char header[256];
		struct jws jws;
		char *token;

		(void)snprintf(
			header, sizeof(header), "{\"alg\":\"ES256\",\"kid\":\"%s\"}", kids[i]);
		token = sign_as(keys->ec, header, CLAIMS);
		assert_int_equal(jws_parse(token, strlen(token), &jws), 0);
		assert_true(jws.has_kid);
		assert_null(jwks_find(jwks, jws.kid, jws.alg));
		jws_finish(&jws);
		free(token);
	}
	assert_int_equal(
		judge_header(keys->ec, "{\"alg\":\"ES256\",\"kid\":\"a\\u0000b\"}"), ERROR_INVALID);
	jwks_destroy(jwks);
	buf_finish(&set);
}

/* Every character of a token counts. */
static void test_every_changed_character(void **state)
{
	struct keys *keys = *state;
	char *token = sign_as(keys->ec, "{\"alg\":\"ES256\",\"kid\":\"a\"}", CLAIMS);
	size_t length = strlen(token);

	assert_int_equal(judge(token, length, keys->ec), 0);
	for (size_t i = 0; i < length; i++) {
		char kept = token[i];

		token[i] = kept == 'A' ? 'B' : 'A';
		assert_int_not_equal(judge(token, length, keys->ec), 0);
		token[i] = kept;
		assert_int_not_equal(judge(token, i, keys->ec), 0);
	}
	free(token);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_honest_token_is_taken),
		cmocka_unit_test(test_alg_none),
		cmocka_unit_test(test_hs256_with_the_public_key),
		cmocka_unit_test(test_alg_of_another_key),
		cmocka_unit_test(test_r_and_s_zero),
		cmocka_unit_test(test_signatures_of_63_and_65_bytes),
		cmocka_unit_test(test_der_in_place_of_r_and_s),
		cmocka_unit_test(test_padding_and_stray_bits),
		cmocka_unit_test(test_members_that_change_the_meaning),
		cmocka_unit_test(test_duplicate_alg),
		cmocka_unit_test(test_duplicate_claims),
		cmocka_unit_test(test_a_token_of_100_megabytes),
		cmocka_unit_test(test_nested_jwt),
		cmocka_unit_test(test_jwe),
		cmocka_unit_test(test_keys_in_the_header_are_ignored),
		cmocka_unit_test(test_kid_with_quotes_and_paths),
		cmocka_unit_test(test_every_changed_character),
	};

	return cmocka_run_group_tests_name("attacks", tests, make_keys, destroy_keys);
}
