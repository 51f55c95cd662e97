/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Wycheproof's vectors, and those of RFC 7520's authors. */
#include "../codec/vectors.h"
#include "base/error.h"
#include "codec/base64url.h"
#include "jose/jwks.h"
#include "tokens.h"

#include <stdio.h>
#include <string.h>

struct tally {
	unsigned valid;
	unsigned invalid;
	unsigned other;
};

struct bytes {
	unsigned char *at;
	size_t length;
};

static int hex_digit(char c)
{
	return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
}

/* Of an absent member, nothing. The caller frees. */
static struct bytes hex_bytes(const struct json *object, const char *name)
{
	const char *hex = json_member_text(object, name);
	size_t length = hex ? strlen(hex) / 2 : 0;
	struct bytes bytes = {malloc(length + 1), length};

	assert_non_null(bytes.at);
	for (size_t i = 0; i < length; i++)
		bytes.at[i] =
			(unsigned char)(hex_digit(hex[2 * i]) << 4 | hex_digit(hex[2 * i + 1]));
	return bytes;
}

/* Whether our answer is the one the vector wants. */
static void check_answer(
	const struct json *test, bool taken, const char *group, struct tally *tally)
{
	const char *result = json_member_text(test, "result");
	int64_t number = 0;

	assert_non_null(result);
	(void)json_integer(json_member(test, "tcId"), &number);
	if (!strcmp(result, "valid"))
		tally->valid++;
	else if (!strcmp(result, "invalid"))
		tally->invalid++;
	else
		tally->other++;
	if (!strcmp(result, "acceptable"))
		print_message("# %s %lld (%s): %s\n", group, (long long)number,
			json_member_text(test, "comment"), taken ? "taken" : "refused");
	else if (taken != !strcmp(result, "valid"))
		fail_msg("%s %lld (%s) is %s, and was %s", group, (long long)number,
			json_member_text(test, "comment"), result, taken ? "taken" : "refused");
}

static void print_tally(const char *name, const struct tally *tally)
{
	print_message("# %s: %u valid, %u invalid, %u acceptable\n", name, tally->valid,
		tally->invalid, tally->other);
}

static void check_signatures(
	const struct json *group, const struct crypto_key *key, struct tally *tally)
{
	const struct json *tests = json_member(group, "tests");

	for (size_t i = 0; i < json_length(tests); i++) {
		const struct json *test = json_at(tests, i);
		struct bytes data = hex_bytes(test, "msg");
		struct bytes signature = hex_bytes(test, "sig");
		int error =
			crypto_verify(key, data.at, data.length, signature.at, signature.length);

		assert_true(!error || error == ERROR_REFUSED);
		check_answer(test, !error, json_member_text(group, "type"), tally);
		free(signature.at);
		free(data.at);
	}
}

static struct crypto_key *ec_key(const struct json *group)
{
	struct bytes point = hex_bytes(json_member(group, "publicKey"), "uncompressed");
	struct crypto_public parts = {point.at + 1, 32, point.at + 33, 32};
	struct crypto_key *key = NULL;

	assert_int_equal(point.length, 65);
	assert_int_equal(crypto_key_from_public(JOSE_ES256, &parts, &key), 0);
	free(point.at);
	return key;
}

static struct crypto_key *ed_key(const struct json *group)
{
	struct bytes point = hex_bytes(json_member(group, "publicKey"), "pk");
	struct crypto_public parts = {.first = point.at, .first_length = point.length};
	struct crypto_key *key = NULL;

	assert_int_equal(crypto_key_from_public(JOSE_EDDSA, &parts, &key), 0);
	free(point.at);
	return key;
}

static struct crypto_key *rsa_key(const struct json *group)
{
	struct bytes n = hex_bytes(json_member(group, "publicKey"), "modulus");
	struct bytes e = hex_bytes(json_member(group, "publicKey"), "publicExponent");
	/* They have the sign byte of DER before them. */
	size_t skip_n = n.at[0] == 0;
	size_t skip_e = e.at[0] == 0;
	struct crypto_public parts = {
		n.at + skip_n, n.length - skip_n, e.at + skip_e, e.length - skip_e};
	struct crypto_key *key = NULL;

	assert_int_equal(crypto_key_from_public(JOSE_RS256, &parts, &key), 0);
	free(e.at);
	free(n.at);
	return key;
}

static void check_signature_file(
	const char *name, struct crypto_key *(*key_of)(const struct json *group), unsigned least)
{
	struct json *file = vectors_json(name);
	const struct json *groups = json_member(file, "testGroups");
	struct tally tally = {0};

	for (size_t i = 0; i < json_length(groups); i++) {
		struct crypto_key *key = key_of(json_at(groups, i));

		check_signatures(json_at(groups, i), key, &tally);
		crypto_key_destroy(key);
	}
	print_tally(name, &tally);
	assert_true(tally.valid + tally.invalid + tally.other >= least && tally.valid);
	json_free(file);
}

static void test_es256(void **state)
{
	(void)state;
	check_signature_file("wycheproof/ecdsa_secp256r1_sha256_p1363_test.json", ec_key, 250);
}

static void test_eddsa(void **state)
{
	(void)state;
	check_signature_file("wycheproof/ed25519_test.json", ed_key, 140);
}

static void test_rs256(void **state)
{
	(void)state;
	check_signature_file("wycheproof/rsa_signature_2048_sha256_test.json", rsa_key, 250);
}

/* Good signatures of another padding are not RS256. */
static unsigned refuse_valid(const struct json *tests, const struct crypto_key *key)
{
	unsigned count = 0;

	for (size_t i = 0; i < json_length(tests); i++) {
		const struct json *test = json_at(tests, i);
		struct bytes data = hex_bytes(test, "msg");
		struct bytes signature = hex_bytes(test, "sig");
		int error =
			crypto_verify(key, data.at, data.length, signature.at, signature.length);

		if (!strcmp(json_member_text(test, "result"), "valid")) {
			assert_int_equal(error, ERROR_REFUSED);
			count++;
		}
		free(signature.at);
		free(data.at);
	}
	return count;
}

static void test_pss_is_not_rs256(void **state)
{
	struct json *file = vectors_json("wycheproof/rsa_pss_2048_sha256_mgf1_32_test.json");
	const struct json *groups = json_member(file, "testGroups");
	unsigned count = 0;

	(void)state;
	for (size_t i = 0; i < json_length(groups); i++) {
		struct crypto_key *key = rsa_key(json_at(groups, i));

		count += refuse_valid(json_member(json_at(groups, i), "tests"), key);
		crypto_key_destroy(key);
	}
	assert_true(count > 50);
	json_free(file);
}

static bool mac_matches(const struct json *test, size_t size)
{
	struct bytes key = hex_bytes(test, "key");
	struct bytes data = hex_bytes(test, "msg");
	struct bytes tag = hex_bytes(test, "tag");
	const struct secret secret = {key.at, key.length};
	const struct crypto_part parts[] = {{data.at, data.length / 2},
		{data.at + data.length / 2, data.length - data.length / 2}};
	unsigned char digest[CRYPTO_SHA256_SIZE];
	bool matches;

	assert_true(size <= sizeof(digest));
	assert_int_equal(crypto_hmac_sha256(&secret, parts, 2, digest), 0);
	matches = tag.length == size && memory_equal(tag.at, digest, size);
	free(tag.at);
	free(data.at);
	free(key.at);
	return matches;
}

static void test_hmac(void **state)
{
	struct json *file = vectors_json("wycheproof/hmac_sha256_test.json");
	const struct json *groups = json_member(file, "testGroups");
	struct tally tally = {0};

	(void)state;
	for (size_t i = 0; i < json_length(groups); i++) {
		const struct json *tests = json_member(json_at(groups, i), "tests");
		int64_t bits = 0;

		assert_int_equal(
			json_integer(json_member(json_at(groups, i), "tagSize"), &bits), 0);
		for (size_t j = 0; j < json_length(tests); j++)
			check_answer(json_at(tests, j),
				mac_matches(json_at(tests, j), (size_t)bits / 8), "HMAC", &tally);
	}
	print_tally("HMAC", &tally);
	assert_true(tally.valid > 50 && tally.invalid > 100);
	json_free(file);
}

/* The group's key or keys, the public or the private ones, as a set; NULL where
 * that is refused. */
static struct jwks *jwks_of(const struct json *group)
{
	const struct json *key = json_member(group, "public");
	struct jwks *jwks = NULL;
	struct buf text;

	if (!key)
		key = json_member(group, "private");
	assert_non_null(key);
	buf_init(&text, JWKS_TEXT_MAX);
	if (!json_member(key, "keys"))
		(void)buf_append_text(&text, "{\"keys\":[");
	assert_int_equal(json_print(&text, key, false), 0);
	if (!json_member(key, "keys"))
		assert_int_equal(buf_append_text(&text, "]}"), 0);
	(void)jwks_parse(text.data, text.len, &jwks);
	buf_finish(&text);
	return jwks;
}

/* As a guard does it: parse, look the key up, verify. */
static bool token_taken(const struct jwks *jwks, const char *token)
{
	const struct crypto_key *key;
	struct jws jws;
	bool taken;

	if (!jwks || jws_parse(token, strlen(token), &jws))
		return false;
	key = jwks_find(jwks, jws.has_kid ? jws.kid : NULL, jws.alg);
	taken = key && !jws_verify(&jws, key);
	jws_finish(&jws);
	return taken;
}

/* The algorithm that the group's only or first key states. */
static bool is_ours(const struct json *group)
{
	const struct json *key = json_member(group, "public");
	const struct json *keys;
	const char *name;
	enum jose_alg alg;

	if (!key)
		key = json_member(group, "private");
	keys = json_member(key, "keys");
	name = json_member_text(keys ? json_at(keys, 0) : key, "alg");
	return name && !jose_alg_parse(name, &alg);
}

/* The compact text, or that of the JSON serialization. */
static char *token_text(const struct json *token)
{
	struct buf buf;

	buf_init(&buf, TOKEN_MAX);
	if (json_is_text(token))
		(void)buf_append_text(&buf, json_text(token));
	else
		(void)json_print(&buf, token, false);
	assert_int_equal(buf_status(&buf), 0);
	return buf_take(&buf);
}

static void check_tokens(const struct json *group, struct tally *ours, struct tally *others)
{
	const struct json *tests = json_member(group, "tests");
	struct jwks *jwks = jwks_of(group);

	for (size_t i = 0; i < json_length(tests); i++) {
		const struct json *test = json_at(tests, i);
		const struct json *jws = json_member(test, "jws");
		char *token = token_text(jws ? jws : json_member(test, "jwe"));
		bool taken = token_taken(jwks, token);

		free(token);
		if (jws && is_ours(group)) {
			check_answer(test, taken, json_member_text(group, "comment"), ours);
			continue;
		}
		if (taken)
			fail_msg("%s: taken", json_member_text(group, "comment"));
		others->other++;
	}
	jwks_destroy(jwks);
}

static void test_json_web_files(void **state)
{
	static const char *const names[] = {"wycheproof/json_web_signature_test.json",
		"wycheproof/json_web_key_test.json", "wycheproof/json_web_crypto_test.json"};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct json *file = vectors_json(names[i]);
		const struct json *groups = json_member(file, "testGroups");
		struct tally ours = {0};
		struct tally others = {0};

		for (size_t j = 0; j < json_length(groups); j++)
			check_tokens(json_at(groups, j), &ours, &others);
		print_tally(names[i], &ours);
		print_message("# and %u of others' algorithms, all refused\n", others.other);
		assert_true(ours.valid && ours.invalid && others.other);
		json_free(file);
	}
}

/* One example of the cookbook, and whether its algorithm is ours. */
static void check_example(const char *name, bool ours)
{
	struct json *file = vectors_json(name);
	const struct json *input = json_member(file, "input");
	const char *token = json_member_text(json_member(file, "output"), "compact");
	const struct json *json_key = json_member(input, "key");
	struct jwk jwk = {.key = NULL};
	struct jws jws;

	if (ours) {
		const char *payload = json_member_text(input, "payload");

		assert_int_equal(jwk_from_json(json_key, &jwk), 0);
		assert_int_equal(jws_parse(token, strlen(token), &jws), 0);
		assert_int_equal(jws_verify(&jws, jwk.key), 0);
		assert_int_equal(jws.payload_length, strlen(payload));
		assert_memory_equal(jws.payload, payload, jws.payload_length);
		jws_finish(&jws);
	} else if (token && !jws_parse(token, strlen(token), &jws)) {
		/* Its key alone may be taken, as one of RSA is for RS256. */
		fail_msg("%s: taken", name);
	}
	jwk_finish(&jwk);
	json_free(file);
}

static void test_cookbook_signatures(void **state)
{
	(void)state;
	check_example("jose-cookbook/jws/4_1.rsa_v15_signature.json", true);
	check_example("jose-cookbook/curve25519/jws.json", true);
	check_example("jose-cookbook/jws/4_2.rsa-pss_signature.json", false);
	check_example("jose-cookbook/jws/4_3.ecdsa_signature.json", false);
	check_example("jose-cookbook/jws/4_4.hmac-sha2_integrity_protection.json", false);
	check_example("jose-cookbook/jws/4_5.signature_with_detached_content.json", false);
	check_example("jose-cookbook/jws/4_6.protecting_specific_header_fields.json", false);
	check_example("jose-cookbook/jws/4_7.protecting_content_only.json", false);
	check_example("jose-cookbook/jws/4_8.multiple_signatures.json", false);
}

static void check_jwk_file(const char *name, int expected)
{
	struct json *file = vectors_json(name);
	struct jwk jwk = {.key = NULL};

	assert_int_equal(jwk_from_json(file, &jwk), expected);
	jwk_finish(&jwk);
	json_free(file);
}

static void test_cookbook_keys(void **state)
{
	(void)state;
	check_jwk_file("jose-cookbook/jwk/3_1.ec_public_key.json", ERROR_REFUSED);
	check_jwk_file("jose-cookbook/jwk/3_2.ec_private_key.json", ERROR_REFUSED);
	check_jwk_file("jose-cookbook/jwk/3_3.rsa_public_key.json", 0);
	check_jwk_file("jose-cookbook/jwk/3_4.rsa_private_key.json", 0);
	check_jwk_file("jose-cookbook/jwk/3_5.symmetric_key_mac_computation.json", ERROR_REFUSED);
	check_jwk_file("jose-cookbook/jwk/3_6.symmetric_key_encryption.json", ERROR_REFUSED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_es256),
		cmocka_unit_test(test_eddsa),
		cmocka_unit_test(test_rs256),
		cmocka_unit_test(test_pss_is_not_rs256),
		cmocka_unit_test(test_hmac),
		cmocka_unit_test(test_json_web_files),
		cmocka_unit_test(test_cookbook_signatures),
		cmocka_unit_test(test_cookbook_keys),
	};

	return cmocka_run_group_tests_name("vectors", tests, NULL, NULL);
}
