/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON Web Key (RFC 7517, RFC 7518 6, RFC 8037): public signature keys only.
 */
#ifndef JOSE_JWK_H
#define JOSE_JWK_H

#include "base/buf.h"
#include "codec/json.h"
#include "jose/crypto.h"

enum { JWK_KID_MAX = 128 };

struct jwk {
	char kid[JWK_KID_MAX + 1]; /* "" where it has none */
	struct crypto_key *key;	   /* owned */
};

/* Takes the public part; private members are ignored. The algorithm is `alg`,
 * or follows from kty and crv (RSA: RS256). 0; ERROR_INVALID: malformed;
 * ERROR_REFUSED: well-formed, and not a signature key of an algorithm of ours
 * (`use` other than sig, `key_ops` without verify, other kty, crv or alg, a kid
 * that is too long). */
int jwk_from_json(const struct json *object, struct jwk *ret_jwk);
void jwk_finish(struct jwk *jwk);

/* Appends {"kty":…,"use":"sig","alg":…,"kid":…, public members}. */
int jwk_append(struct buf *buf, const struct crypto_key *key, const char *kid);

/* The thumbprint (RFC 7638), base64url of SHA-256: 43 characters and a NUL. */
enum { JWK_THUMBPRINT_SIZE = 44 };
int jwk_thumbprint(const struct crypto_key *key, char ret_text[JWK_THUMBPRINT_SIZE]);

#endif
