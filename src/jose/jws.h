/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JWS compact serialization (RFC 7515), and nothing else of JOSE: no JWE, no
 * `none`, no HS*, no JSON serialization. Sizes are capped before anything is
 * decoded.
 */
#ifndef JOSE_JWS_H
#define JOSE_JWS_H

#include "base/buf.h"
#include "codec/json.h"
#include "jose/crypto.h"

enum {
	JWS_TEXT_MAX = 16 * 1024, /* bytes of a whole compact JWS */
	JWS_HEADER_MAX = 2048,	  /* bytes of its decoded header */
	JWS_TYP_MAX = 64,
	JWS_KID_MAX = 128,
};

/* A JWS taken apart; nothing in it is to be believed until jws_verify(). */
struct jws {
	enum jose_alg alg;
	char kid[JWS_KID_MAX + 1]; /* "" where has_kid is false */
	bool has_kid;
	char typ[JWS_TYP_MAX + 1]; /* lower case, without "application/"; "" if none */
	const char *signed_text;   /* borrowed: header.payload as sent */
	size_t signed_length;
	unsigned char *payload; /* owned */
	size_t payload_length;
	unsigned char signature[CRYPTO_SIGNATURE_MAX];
	size_t signature_length;
};

/* 0; ERROR_INVALID: not a strict compact JWS, a header that is no object or has
 * duplicate members or members of wrong type; ERROR_LIMIT; ERROR_MEMORY;
 * ERROR_REFUSED: an algorithm that is not ours, `crit`, `zip`, `b64`, `enc`, or
 * JWE's five parts.
 * `jku`, `jwk`, `x5u`, `x5c` are ignored. `text` must outlive the jws. */
int jws_parse(const char *text, size_t length, struct jws *ret_jws);
void jws_finish(struct jws *jws);

/* 0; ERROR_REFUSED: the key is of another algorithm, or the signature is wrong. */
int jws_verify(const struct jws *jws, const struct crypto_key *key);

/* Appends header.payload.signature. `header` is JSON text, its base64url made
 * once by the caller (jws_header()), since it is the same for every token.
 * 0, ERROR_MEMORY or ERROR_LIMIT (the buf has failed), ERROR_CRYPTO (it is as
 * it was). */
int jws_append(struct buf *buf, const char *encoded_header, const void *payload, size_t length,
	struct crypto_signer *signer);

/* base64url of {"alg":…,"typ":…,"kid":…}, into `buf`. `typ` may be NULL. */
int jws_header(struct buf *buf, enum jose_alg alg, const char *typ, const char *kid);

#endif
