/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a token is made, before its claims count: requirements 36 to 38, 42 and 45 to
 * 49 of the ledger, each by its number. 46, RSA of at least 2048 bits, is of jose's
 * tests. The guard is the public one, over a real server.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/base64url.h"
#include "fixture.h"
#include "jose/jwk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* An HS256 token whose secret is what is public about the key. */
static const char *hmac_token(struct fixture *fixture, const void *secret, size_t length)
{
	static char text[20000];
	struct crypto_part part;
	struct secret key;
	unsigned char digest[CRYPTO_SHA256_SIZE];
	struct buf buf;
	const char *header = "{\"alg\":\"HS256\",\"typ\":\"at+jwt\",\"kid\":\"k1\"}";
	const char *claims = GOOD_CLAIMS(fixture);

	buf_init_fixed(&buf, text, sizeof(text));
	(void)buf_append_text(&buf, "Bearer ");
	(void)base64url_append(&buf, header, strlen(header));
	(void)buf_append_char(&buf, '.');
	(void)base64url_append(&buf, claims, strlen(claims));
	part = (struct crypto_part){text + 7, buf.len - 7};
	assert_int_equal(secret_init(&key, secret, length), 0);
	assert_int_equal(crypto_hmac_sha256(&key, &part, 1, digest), 0);
	secret_finish(&key);
	(void)buf_append_char(&buf, '.');
	assert_int_equal(base64url_append(&buf, digest, sizeof(digest)), 0);
	return text;
}

static void test_36_algorithm_is_the_keys(void **state)
{
	struct fixture *fixture = *state;
	static const char *const headers[] = {
		"{\"alg\":\"RS256\",\"typ\":\"at+jwt\",\"kid\":\"k1\"}",
		"{\"alg\":\"EdDSA\",\"typ\":\"at+jwt\",\"kid\":\"k1\"}",
		"{\"alg\":\"ES384\",\"typ\":\"at+jwt\",\"kid\":\"k1\"}",
		"{\"alg\":\"es256\",\"typ\":\"at+jwt\",\"kid\":\"k1\"}",
		"{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"r1\"}",
		"{\"alg\":\"none\",\"typ\":\"at+jwt\",\"kid\":\"k1\"}",
		"{\"alg\":\"None\",\"typ\":\"at+jwt\",\"kid\":\"k1\"}",
		"{\"alg\":[\"ES256\"],\"typ\":\"at+jwt\",\"kid\":\"k1\"}",
		"{\"typ\":\"at+jwt\",\"kid\":\"k1\"}",
	};

	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
		assert_refused(fixture, bearer_of(headers[i], GOOD_CLAIMS(fixture), fixture->key),
			headers[i]);
}

static void test_36_none_without_a_signature(void **state)
{
	struct fixture *fixture = *state;
	char token[4096];
	char *dot;

	(void)snprintf(token, sizeof(token), "%s",
		bearer_of("{\"alg\":\"none\",\"typ\":\"at+jwt\"}", GOOD_CLAIMS(fixture),
			fixture->key));
	dot = strrchr(token, '.');
	dot[1] = '\0';
	assert_refused(fixture, token, "no signature");
	dot[0] = '\0';
	assert_refused(fixture, token, "two parts");
}

static void test_36_hs256_with_the_public_key(void **state)
{
	struct fixture *fixture = *state;
	unsigned char bytes[CRYPTO_PUBLIC_MAX];
	struct crypto_public public_parts;
	struct buf jwk;

	assert_int_equal(crypto_key_public(fixture->key, bytes, &public_parts), 0);
	assert_refused(
		fixture, hmac_token(fixture, public_parts.first, public_parts.first_length), "x");
	buf_init(&jwk, 4096);
	assert_int_equal(jwk_append(&jwk, fixture->key, "k1"), 0);
	assert_refused(fixture, hmac_token(fixture, jwk.data, jwk.len), "the JWK");
	assert_refused(fixture, hmac_token(fixture, "", 0), "nothing");
	buf_finish(&jwk);
}

static void test_37_a_tokens_own_key_is_not_used(void **state)
{
	struct fixture *fixture = *state;
	char header[2048];
	struct buf jwk;

	buf_init(&jwk, 1024);
	assert_int_equal(jwk_append(&jwk, fixture->strange, "mine"), 0);
	(void)snprintf(header, sizeof(header),
		"{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"mine\",\"jwk\":%s}", jwk.data);
	assert_refused(fixture, bearer_of(header, GOOD_CLAIMS(fixture), fixture->strange), header);
	(void)snprintf(header, sizeof(header),
		"{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"k1\",\"jwk\":%s}", jwk.data);
	assert_refused(fixture, bearer_of(header, GOOD_CLAIMS(fixture), fixture->strange), header);
	/* Ignored, not believed: the key is the one that kid names. */
	assert_int_equal(
		status_of(fixture, bearer_of(header, GOOD_CLAIMS(fixture), fixture->key)), 200);
	buf_finish(&jwk);
	assert_refused(fixture,
		bearer_of("{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"k2\","
			  "\"jku\":\"https://evil.example.com/jwks\"}",
			GOOD_CLAIMS(fixture), fixture->strange),
		"jku");
	assert_refused(fixture,
		bearer_of("{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"k2\","
			  "\"x5u\":\"https://evil.example.com/cert\"}",
			GOOD_CLAIMS(fixture), fixture->strange),
		"x5u");
}

static void test_37_kid_only_looks_up(void **state)
{
	struct fixture *fixture = *state;
	static const char *const kids[] = {"../../../../etc/passwd", "/dev/null", "' OR '1'='1",
		"k1' UNION SELECT 'x", "k1\\u0000", "K1", "k1 ", "", "https://evil.example.com/key",
		"k1;ls"};

	for (size_t i = 0; i < sizeof(kids) / sizeof(kids[0]); i++) {
		char header[256];

		(void)snprintf(header, sizeof(header),
			"{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"%s\"}", kids[i]);
		assert_refused(
			fixture, bearer_of(header, GOOD_CLAIMS(fixture), fixture->key), kids[i]);
	}
}

static void test_38_crit_is_refused(void **state)
{
	struct fixture *fixture = *state;
	static const char *const crits[] = {"[\"exp\"],\"exp\":1", "[\"b64\"],\"b64\":false",
		"[\"x\"],\"x\":1", "[]", "\"exp\"", "null", "[\"b64\"],\"b64\":true"};

	for (size_t i = 0; i < sizeof(crits) / sizeof(crits[0]); i++) {
		char header[256];

		(void)snprintf(header, sizeof(header),
			"{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"k1\",\"crit\":%s}",
			crits[i]);
		assert_refused(
			fixture, bearer_of(header, GOOD_CLAIMS(fixture), fixture->key), crits[i]);
	}
}

static void test_42_rs256(void **state)
{
	struct fixture *fixture = *state;
	const char *header = "{\"alg\":\"RS256\",\"typ\":\"at+jwt\",\"kid\":\"r1\"}";
	char token[8192];

	(void)snprintf(
		token, sizeof(token), "%s", bearer_of(header, GOOD_CLAIMS(fixture), fixture->rsa));
	assert_int_equal(status_of(fixture, token), 200);
	/* Not the last character: some of its bits may stand for nothing. */
	token[strlen(token) - 3] = token[strlen(token) - 3] == 'A' ? 'B' : 'A';
	assert_refused(fixture, token, "a changed signature");
}

/* Replaces the signature. */
static const char *with_signature(const char *token, const unsigned char *bytes, size_t length)
{
	static char text[8192];
	struct buf buf;

	buf_init_fixed(&buf, text, sizeof(text));
	(void)buf_append(&buf, token, (size_t)(strrchr(token, '.') + 1 - token));
	assert_int_equal(base64url_append(&buf, bytes, length), 0);
	return text;
}

static void test_45_es256_signature_is_64_bytes_in_range(void **state)
{
	struct fixture *fixture = *state;
	const char *token = bearer_with(fixture, GOOD_CLAIMS(fixture));
	unsigned char signature[80] = {0};
	/* The order of P-256. */
	static const unsigned char order[32] = {0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff,
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84,
		0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51};
	size_t length;
	const char *last = strrchr(token, '.') + 1;

	assert_refused(fixture, with_signature(token, signature, 64), "r = s = 0");
	memcpy(signature, order, 32);
	memcpy(signature + 32, order, 32);
	assert_refused(fixture, with_signature(token, signature, 64), "r = s = n");
	assert_int_equal(base64url_decode(last, strlen(last), signature, 64, &length), 0);
	assert_int_equal(length, 64);
	assert_int_equal(status_of(fixture, with_signature(token, signature, 64)), 200);
	assert_refused(fixture, with_signature(token, signature, 63), "63 bytes");
	signature[64] = 0;
	assert_refused(fixture, with_signature(token, signature, 65), "65 bytes");
	memmove(signature + 1, signature, 64);
	signature[0] = 0;
	assert_refused(fixture, with_signature(token, signature, 65), "a zero before");
	assert_refused(fixture, with_signature(token, signature, 0), "none");
}

static void test_47_strict_encoding(void **state)
{
	struct fixture *fixture = *state;
	const char *token = bearer_with(fixture, GOOD_CLAIMS(fixture));
	char changed[8192];
	static const char *const ends[] = {"=", "==", "%3D", ".", "\t", "\n", " x"};

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		(void)snprintf(changed, sizeof(changed), "%s%s", token, ends[i]);
		assert_refused(fixture, changed, ends[i]);
	}
	(void)snprintf(changed, sizeof(changed), "%s", token);
	*strchr(changed, '.') = '+';
	assert_refused(fixture, changed, "the standard alphabet");
}

static void test_47_stray_bits_are_refused(void **state)
{
	struct fixture *fixture = *state;
	char changed[8192];
	static const char alphabet[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	char *last;

	(void)snprintf(changed, sizeof(changed), "%s", bearer_with(fixture, GOOD_CLAIMS(fixture)));
	/* 64 bytes leave four bits of the last character unused. */
	last = changed + strlen(changed) - 1;
	*last = alphabet[(strchr(alphabet, *last) - alphabet) ^ 1];
	assert_refused(fixture, changed, "the same signature, written otherwise");
}

static void test_47_duplicate_members(void **state)
{
	struct fixture *fixture = *state;
	char claims[2048];

	assert_refused(fixture,
		bearer_of("{\"alg\":\"ES256\",\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"k1\"}",
			GOOD_CLAIMS(fixture), fixture->key),
		"header");
	(void)snprintf(claims, sizeof(claims), "{\"sub\":\"su_2\",%s", GOOD_CLAIMS(fixture) + 1);
	assert_refused(fixture, bearer_with(fixture, claims), "claims");
	assert_refused(fixture,
		bearer_with(fixture, CLAIMS(fixture, "adit",
					     "{\"kind\":\"service\",\"site\":\"south-pit\","
					     "\"site\":\"north-pit\","
					     "\"role\":\"read\"}")),
		"the private claim");
}

static void test_47_malformed_claims(void **state)
{
	struct fixture *fixture = *state;
	static const char *const bad[] = {"", "{}", "[]", "null", "\"a\"", "{\"iss\":", "{} {}"};
	char claims[2048];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_refused(fixture, bearer_with(fixture, bad[i]), bad[i]);
	assert_refused(fixture, bearer_with(fixture, CLAIMS(fixture, "name", "\"\xff\"")), "UTF-8");
	assert_refused(
		fixture, bearer_with(fixture, CLAIMS(fixture, "name", "\"\\u0000\"")), "U+0000");
	(void)snprintf(claims, sizeof(claims), "%s,", GOOD_CLAIMS(fixture));
	assert_refused(fixture, bearer_with(fixture, claims), "something after it");
	memset(claims, '[', 200);
	memset(claims + 200, ']', 200);
	claims[400] = '\0';
	assert_refused(fixture, bearer_with(fixture, CLAIMS(fixture, "deep", claims)), "depth");
}

static void test_48_zip_and_jwe(void **state)
{
	struct fixture *fixture = *state;
	const char *token = bearer_with(fixture, GOOD_CLAIMS(fixture));
	char changed[8192];

	assert_refused(fixture,
		bearer_of("{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"k1\",\"zip\":\"DEF\"}",
			GOOD_CLAIMS(fixture), fixture->key),
		"zip");
	(void)snprintf(changed, sizeof(changed), "%s.AAAA.AAAA", token);
	assert_refused(fixture, changed, "five parts");
	assert_refused(fixture,
		bearer_of("{\"alg\":\"dir\",\"enc\":\"A256GCM\",\"typ\":\"at+jwt\",\"kid\":\"k1\"}",
			GOOD_CLAIMS(fixture), fixture->key),
		"JWE's header");
	assert_refused(fixture, "Bearer {\"payload\":\"e30\",\"signatures\":[]}", "JSON");
}

static void test_49_size_is_capped_before_decoding(void **state)
{
	struct fixture *fixture = *state;
	const size_t size = 100u << 20;
	char *huge = malloc(size);

	assert_non_null(huge);
	memset(huge, 'A', size - 1);
	memcpy(huge, "Bearer ", 7);
	huge[size - 1] = '\0';
	assert_refused(fixture, huge, "100 MB without a dot");
	huge[20] = '.';
	huge[size - 20] = '.';
	assert_refused(fixture, huge, "100 MB");
	free(huge);
}

static void test_a_forged_signature_is_refused(void **state)
{
	struct fixture *fixture = *state;
	const char *token = bearer_of(GOOD_HEADER, GOOD_CLAIMS(fixture), fixture->strange);
	const char *good = bearer_with(fixture, GOOD_CLAIMS(fixture));
	const char *wider =
		bearer_with(fixture, CLAIMS(fixture, "adit", service_at("north-pit", "admin")));
	char mixed[8192];
	const char *first;
	const char *second;

	assert_refused(fixture, token, "another's key");
	/* One token's claims with another's signature. */
	first = strchr(wider, '.') + 1;
	second = strrchr(wider, '.');
	(void)snprintf(mixed, sizeof(mixed), "%.*s%.*s%s", (int)(strchr(good, '.') + 1 - good),
		good, (int)(second - first), first, strrchr(good, '.'));
	assert_refused(fixture, mixed, "swapped claims");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_GUARD(test_36_algorithm_is_the_keys),
		WITH_GUARD(test_36_none_without_a_signature),
		WITH_GUARD(test_36_hs256_with_the_public_key),
		WITH_GUARD(test_37_a_tokens_own_key_is_not_used),
		WITH_GUARD(test_37_kid_only_looks_up),
		WITH_GUARD(test_38_crit_is_refused),
		WITH_GUARD(test_42_rs256),
		WITH_GUARD(test_45_es256_signature_is_64_bytes_in_range),
		WITH_GUARD(test_47_strict_encoding),
		WITH_GUARD(test_47_stray_bits_are_refused),
		WITH_GUARD(test_47_duplicate_members),
		WITH_GUARD(test_47_malformed_claims),
		WITH_GUARD(test_48_zip_and_jwe),
		WITH_GUARD(test_49_size_is_capped_before_decoding),
		WITH_GUARD(test_a_forged_signature_is_refused),
	};

	return cmocka_run_group_tests_name("guard signature", tests, NULL, NULL);
}
