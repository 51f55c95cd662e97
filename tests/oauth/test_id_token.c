/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../jose/tokens.h"
#include "oauth/id_token.h"

#include <stdio.h>

#define ISSUER "https://a.example/identity"
#define HEADER "{\"alg\":\"ES256\",\"kid\":\"k1\"}"
/* Claims that are right, but for what a test puts in their place. */
#define ISS "\"iss\":\"" ISSUER "\","
#define SUB "\"sub\":\"person\","
#define AUD "\"aud\":\"app\","
#define TIMES "\"iat\":1000000,\"exp\":1000300,"
#define NONCE "\"nonce\":\"n\""
/* Core, A.3. */
#define ACCESS_TOKEN "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"
#define AT_HASH "\"at_hash\":\"77QmUPtjPfzWtF2AnpK9RQ\","

enum { NOW_S = 1000010 };

static const struct id_token_check standard = {
	.issuer = ISSUER,
	.client_id = "app",
	.nonce = "n",
	.access_token = ACCESS_TOKEN,
	.max_age_s = -1,
	.now_s = NOW_S,
};

struct place {
	struct crypto_key *key;
	struct jwks *jwks;
};

static int open_place(void **state)
{
	static struct place place;
	struct buf set;

	buf_init(&set, 4096);
	place.key = new_key(JOSE_ES256);
	(void)buf_append_text(&set, "{\"keys\":[");
	(void)jwk_append(&set, place.key, "k1");
	assert_int_equal(buf_append_text(&set, "]}"), 0);
	assert_int_equal(jwks_parse(set.data, set.len, &place.jwks), 0);
	buf_finish(&set);
	*state = &place;
	return 0;
}

static int close_place(void **state)
{
	struct place *place = *state;

	jwks_destroy(place->jwks);
	crypto_key_destroy(place->key);
	return 0;
}

static int verify(struct place *place, const char *header, const char *payload,
	const struct id_token_check *check, struct fault *fault)
{
	char *token = sign_as(place->key, header, payload);
	struct jwt claims;
	int error = id_token_verify(token, place->jwks, check, &claims, fault);

	free(token);
	if (!error)
		jwt_finish(&claims);
	return error;
}

static void test_good_tokens(void **state)
{
	static const char *const good[] = {"{" ISS SUB AUD TIMES NONCE "}",
		"{" ISS SUB AUD TIMES AT_HASH NONCE "}",
		"{" ISS SUB "\"aud\":[\"app\"]," TIMES NONCE "}",
		"{" ISS SUB "\"aud\":[\"app\",\"api\"],\"azp\":\"app\"," TIMES NONCE "}",
		"{" ISS SUB AUD "\"azp\":\"app\"," TIMES NONCE "}",
		"{" ISS SUB AUD TIMES "\"auth_time\":17," NONCE "}",
		"{" ISS SUB AUD "\"iat\":999410,\"exp\":1000011," NONCE "}",
		"{" ISS SUB AUD "\"iat\":1000010,\"exp\":1000011," NONCE "}"};
	struct fault fault = {0};

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		if (verify(*state, HEADER, good[i], &standard, &fault))
			fail_msg("%s: %s", good[i], fault.text);
	assert_int_equal(
		verify(*state, "{\"alg\":\"ES256\",\"typ\":\"JWT\"}", good[0], &standard, NULL), 0);
}

/* Requirement 50: each for the reason that is told. */
static void test_bad_claims(void **state)
{
	static const struct {
		const char *claims;
		const char *reason;
	} cases[] = {
		{"{" SUB AUD TIMES NONCE "}", "no iss"},
		{"{\"iss\":\"" ISSUER "/\"," SUB AUD TIMES NONCE "}", ISSUER "/\", where"},
		{"{" ISS AUD TIMES NONCE "}", "sub"},
		{"{" ISS "\"sub\":\"\"," AUD TIMES NONCE "}", "sub"},
		{"{" ISS SUB TIMES NONCE "}", "aud"},
		{"{" ISS SUB "\"aud\":\"other\"," TIMES NONCE "}", "aud"},
		{"{" ISS SUB "\"aud\":[]," TIMES NONCE "}", "aud"},
		{"{" ISS SUB "\"aud\":[\"app\",\"other\"]," TIMES NONCE "}", "azp"},
		{"{" ISS SUB "\"aud\":[\"app\",\"other\"],\"azp\":\"other\"," TIMES NONCE "}",
			"azp"},
		{"{" ISS SUB AUD "\"azp\":\"other\"," TIMES NONCE "}", "azp"},
		{"{" ISS SUB AUD "\"azp\":[\"app\"]," TIMES NONCE "}", "azp"},
		{"{" ISS SUB AUD "\"iat\":1000000," NONCE "}", "exp"},
		{"{" ISS SUB AUD "\"iat\":1000000,\"exp\":1000010," NONCE "}", "expired"},
		{"{" ISS SUB AUD "\"exp\":1000300," NONCE "}", "no iat"},
		{"{" ISS SUB AUD "\"iat\":1000011,\"exp\":1000300," NONCE "}", "future"},
		{"{" ISS SUB AUD TIMES "\"nbf\":1000011," NONCE "}", "future"},
		{"{" ISS SUB AUD "\"iat\":999409,\"exp\":1000300," NONCE "}", "too long ago"},
		{"{" ISS SUB AUD TIMES "\"a\":1}", "no nonce"},
		{"{" ISS SUB AUD TIMES "\"nonce\":7}", "no nonce"},
		{"{" ISS SUB AUD TIMES "\"nonce\":\"m\"}", "nonce is not"},
		{"{" ISS SUB AUD TIMES "\"at_hash\":\"77QmUPtjPfzWtF2AnpK9RA\"," NONCE "}",
			"at_hash"},
		{"{" ISS SUB AUD TIMES "\"at_hash\":\"\"," NONCE "}", "at_hash"},
		{"{" ISS SUB AUD TIMES "\"at_hash\":null," NONCE "}", "at_hash"},
		{"{" ISS SUB AUD TIMES "\"auth_time\":\"x\"," NONCE "}", "auth_time"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fault fault = {0};

		if (verify(*state, HEADER, cases[i].claims, &standard, &fault) != ERROR_REFUSED)
			fail_msg("taken: %s", cases[i].claims);
		if (!strstr(fault.text, cases[i].reason))
			fail_msg("%s: %s", cases[i].claims, fault.text);
	}
	assert_int_equal(verify(*state, HEADER, "[]", &standard, NULL), ERROR_INVALID);
	assert_int_equal(verify(*state, HEADER, "{\"aud\":7}", &standard, NULL), ERROR_INVALID);
}

static void test_who_signed(void **state)
{
	static const char claims[] = "{" ISS SUB AUD TIMES NONCE "}";
	struct place *place = *state;
	struct place other = {new_key(JOSE_ES256), place->jwks};
	struct place rsa = {new_key(JOSE_RS256), place->jwks};

	assert_int_equal(verify(&other, HEADER, claims, &standard, NULL), ERROR_REFUSED);
	assert_int_equal(
		verify(place, "{\"alg\":\"ES256\",\"kid\":\"k2\"}", claims, &standard, NULL),
		ERROR_NOT_FOUND);
	assert_int_equal(
		verify(&rsa, "{\"alg\":\"RS256\",\"kid\":\"k1\"}", claims, &standard, NULL),
		ERROR_NOT_FOUND);
	assert_int_equal(
		verify(place, "{\"alg\":\"ES256\",\"typ\":\"at+jwt\"}", claims, &standard, NULL),
		ERROR_REFUSED);
	assert_int_equal(verify(place, "{\"alg\":\"ES256\",\"typ\":\"logout+jwt\"}", claims,
				 &standard, NULL),
		ERROR_REFUSED);
	assert_int_equal(
		verify(place, "{\"alg\":\"none\"}", claims, &standard, NULL), ERROR_REFUSED);
	assert_int_equal(
		verify(place, "{\"alg\":\"HS256\"}", claims, &standard, NULL), ERROR_REFUSED);
	crypto_key_destroy(other.key);
	crypto_key_destroy(rsa.key);
}

static void test_no_jws(void **state)
{
	static const char *const texts[] = {"", "a.b.c", "..", "eyJhbGciOiJub25lIn0.e30."};
	struct place *place = *state;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct fault fault = {0};
		struct jwt claims;

		assert_int_not_equal(
			id_token_verify(texts[i], place->jwks, &standard, &claims, &fault), 0);
		assert_int_not_equal(fault.text[0], 0);
	}
}

/* Core, 12.2: no nonce was sent, and the subject stays. */
static void test_a_refresh(void **state)
{
	struct id_token_check check = standard;
	struct fault fault;

	check.nonce = NULL;
	check.previous_sub = "person";
	assert_int_equal(verify(*state, HEADER, "{" ISS SUB AUD TIMES "\"a\":1}", &check, NULL), 0);
	check.previous_sub = "other";
	assert_int_equal(verify(*state, HEADER, "{" ISS SUB AUD TIMES "\"a\":1}", &check, &fault),
		ERROR_REFUSED);
	assert_non_null(strstr(fault.text, "another than at the login"));
}

static void test_leeway_and_age(void **state)
{
	struct id_token_check check = standard;

	check.leeway_s = 60;
	assert_int_equal(
		verify(*state, HEADER, "{" ISS SUB AUD "\"iat\":1000070,\"exp\":1000100," NONCE "}",
			&check, NULL),
		0);
	assert_int_equal(
		verify(*state, HEADER, "{" ISS SUB AUD "\"iat\":999900,\"exp\":999951," NONCE "}",
			&check, NULL),
		0);
	assert_int_equal(
		verify(*state, HEADER, "{" ISS SUB AUD "\"iat\":999900,\"exp\":999950," NONCE "}",
			&check, NULL),
		ERROR_REFUSED);
	check = standard;
	check.max_age_s = 100;
	assert_int_equal(verify(*state, HEADER, "{" ISS SUB AUD TIMES NONCE "}", &check, NULL),
		ERROR_REFUSED);
	assert_int_equal(
		verify(*state, HEADER, "{" ISS SUB AUD TIMES "\"auth_time\":999910," NONCE "}",
			&check, NULL),
		0);
	assert_int_equal(
		verify(*state, HEADER, "{" ISS SUB AUD TIMES "\"auth_time\":999909," NONCE "}",
			&check, NULL),
		ERROR_REFUSED);
}

/* Of Ed25519 the hash is SHA-512's left half: that of the same access token, by sha512sum. */
static void test_hash_of_eddsa(void **state)
{
	static const char claims[] =
		"{" ISS SUB AUD TIMES
		"\"at_hash\":\"q7nS86GgvvFaZkzALLWqJYaJIKw2wCDAVfCAsm5CrBM\"," NONCE "}";
	struct jws jws = {.alg = JOSE_EDDSA};
	struct jwt jwt;

	(void)state;
	jws.payload = (unsigned char *)(uintptr_t)claims;
	jws.payload_length = strlen(claims);
	assert_int_equal(jwt_from_jws(&jws, &jwt), 0);
	assert_int_equal(id_token_check_claims(&jws, &jwt, &standard, NULL), 0);
	jws.alg = JOSE_ES256;
	assert_int_equal(id_token_check_claims(&jws, &jwt, &standard, NULL), ERROR_REFUSED);
	jwt_finish(&jwt);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good_tokens),
		cmocka_unit_test(test_bad_claims),
		cmocka_unit_test(test_who_signed),
		cmocka_unit_test(test_no_jws),
		cmocka_unit_test(test_a_refresh),
		cmocka_unit_test(test_leeway_and_age),
		cmocka_unit_test(test_hash_of_eddsa),
	};

	return cmocka_run_group_tests_name("oauth id token", tests, open_place, close_place);
}
