/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/error.h"
#include "codec/base64url.h"
#include "jose/jwk.h"
#include "jose/jws.h"

#include <stdlib.h>
#include <string.h>

static const enum jose_alg algs[] = {JOSE_ES256, JOSE_RS256, JOSE_EDDSA};

/* A token of `claims` by a fresh signer of the key. */
static char *make_token(struct crypto_key *key, const char *typ, const char *claims)
{
	struct crypto_signer *signer = NULL;
	struct buf header;
	struct buf token;

	assert_int_equal(crypto_signer_create(key, &signer), 0);
	buf_init(&header, JWS_HEADER_MAX * 2);
	buf_init(&token, JWS_TEXT_MAX * 2);
	assert_int_equal(jws_header(&header, crypto_key_alg(key), typ, "k1"), 0);
	assert_int_equal(jws_append(&token, header.data, claims, strlen(claims), signer), 0);
	crypto_signer_destroy(signer);
	buf_finish(&header);
	return buf_take(&token);
}

static void test_what_is_signed_verifies(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(algs) / sizeof(algs[0]); i++) {
		struct crypto_key *key = NULL;
		struct jws jws;
		char *token;

		assert_int_equal(crypto_key_generate(algs[i], &key), 0);
		token = make_token(key, "at+jwt", "{\"sub\":\"a\"}");
		assert_int_equal(jws_parse(token, strlen(token), &jws), 0);
		assert_int_equal(jws.alg, algs[i]);
		assert_string_equal(jws.kid, "k1");
		assert_string_equal(jws.typ, "at+jwt");
		assert_int_equal(jws.payload_length, 11);
		assert_memory_equal(jws.payload, "{\"sub\":\"a\"}", 11);
		assert_int_equal(jws_verify(&jws, key), 0);
		jws.signature[10] ^= 1;
		assert_int_equal(jws_verify(&jws, key), ERROR_REFUSED);
		jws_finish(&jws);
		free(token);
		crypto_key_destroy(key);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_signed_verifies),
	};

	return cmocka_run_group_tests_name("jws", tests, NULL, NULL);
}
