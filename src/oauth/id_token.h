/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether an ID token says to this client who has signed in, here and now (OpenID Connect
 * Core 1.0, 2, 3.1.3.6, 3.1.3.7 and 12.2).
 */
#ifndef OAUTH_ID_TOKEN_H
#define OAUTH_ID_TOKEN_H

#include "base/error.h"
#include "jose/jwks.h"
#include "jose/jwt.h"

enum {
	ID_TOKEN_AGE_MAX_S = 600, /* since iat, the leeway apart */
	ID_TOKEN_SUB_MAX = 255,	  /* Core, 2 */
};

struct id_token_check {
	const char *issuer;
	const char *client_id;
	const char *nonce;	  /* that was sent; NULL: none was */
	const char *access_token; /* that came with it, for at_hash; NULL: none did */
	const char *previous_sub; /* of the login that is refreshed; NULL: this is one */
	int64_t max_age_s;	  /* since the person signed in, as asked for; -1: not asked */
	int64_t now_s;
	int64_t leeway_s; /* 0 to JWT_LEEWAY_MAX */
};

/* Verifies the signature by the issuer's keys, and checks the claims. With several audiences
 * azp must name this client: so the authority says that it means the others to see it.
 * 0; ERROR_NOT_FOUND: `jwks` has no key for it, it may be a new one; ERROR_REFUSED,
 * ERROR_INVALID, ERROR_LIMIT: not to be believed, `fault` says why; ERROR_CRYPTO,
 * ERROR_MEMORY. The caller finishes the claims. */
int id_token_verify(const char *text, const struct jwks *jwks, const struct id_token_check *check,
	struct jwt *ret_claims, struct fault *fault);

/* The checks alone, of a JWS whose signature was verified. */
int id_token_check_claims(const struct jws *jws, const struct jwt *claims,
	const struct id_token_check *check, struct fault *fault);

#endif
