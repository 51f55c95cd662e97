/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys and tokens for the tests of jose, also tokens that no honest signer
 * makes. Everything returned is the caller's. Include after cmocka.h.
 */
#ifndef TESTS_JOSE_TOKENS_H
#define TESTS_JOSE_TOKENS_H

#include "codec/base64url.h"
#include "jose/jwk.h"
#include "jose/jws.h"

#include <stdlib.h>
#include <string.h>

enum { TOKEN_MAX = 64 * 1024 };

static inline struct crypto_key *new_key(enum jose_alg alg)
{
	struct crypto_key *key = NULL;

	assert_int_equal(crypto_key_generate(alg, &key), 0);
	return key;
}

/* The key of a JWK's text. */
static inline struct crypto_key *key_from_jwk(const char *text)
{
	struct json *document = NULL;
	struct jwk jwk;

	assert_int_equal(json_parse(text, strlen(text), 4096, &document), 0);
	assert_int_equal(jwk_from_json(document, &jwk), 0);
	json_free(document);
	return jwk.key;
}

/* base64url of the header and of the payload, and what the key signs over
 * both, whatever the header says. */
static inline char *sign_as(struct crypto_key *key, const char *header, const char *payload)
{
	struct crypto_signer *signer = NULL;
	struct buf encoded;
	struct buf token;

	buf_init(&encoded, TOKEN_MAX);
	buf_init(&token, TOKEN_MAX);
	assert_int_equal(crypto_signer_create(key, &signer), 0);
	assert_int_equal(base64url_append(&encoded, header, strlen(header)), 0);
	assert_int_equal(jws_append(&token, encoded.data, payload, strlen(payload), signer), 0);
	crypto_signer_destroy(signer);
	buf_finish(&encoded);
	return buf_take(&token);
}

/* header.payload.signature of texts that are encoded here; no key at all. */
static inline char *join_encoded(const char *header, const char *payload, const char *signature)
{
	struct buf token;

	buf_init(&token, TOKEN_MAX);
	(void)base64url_append(&token, header, strlen(header));
	(void)buf_append_char(&token, '.');
	(void)base64url_append(&token, payload, strlen(payload));
	(void)buf_append_char(&token, '.');
	(void)base64url_append(&token, signature, strlen(signature));
	assert_int_equal(buf_status(&token), 0);
	return buf_take(&token);
}

/* What parsing says; that of verifying if parsing takes it. */
static inline int judge(const char *token, size_t length, const struct crypto_key *key)
{
	struct jws jws;
	int error = jws_parse(token, length, &jws);

	if (error)
		return error;
	error = jws_verify(&jws, key);
	jws_finish(&jws);
	return error;
}

/* The same, of a text that is freed. */
static inline int judge_free(char *token, const struct crypto_key *key)
{
	int error = judge(token, strlen(token), key);

	free(token);
	return error;
}

#endif
