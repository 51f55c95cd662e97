/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JWK Set (RFC 7517, 5). Read-only after it was made; may be shared by threads.
 */
#ifndef JOSE_JWKS_H
#define JOSE_JWKS_H

#include "jose/jwk.h"

enum {
	JWKS_KEYS_MAX = 64, /* keys taken; more: ERROR_LIMIT */
	JWKS_TEXT_MAX = 256 * 1024,
};

struct jwks;

/* Keys that are well-formed but not ours to use are passed over (RFC 7517, 5);
 * a malformed key of a known kind, or two keys with one kid and algorithm, make
 * the whole set ERROR_INVALID. */
int jwks_parse(const char *text, size_t length, struct jwks **ret_jwks);
void jwks_destroy(struct jwks *jwks);

size_t jwks_count(const struct jwks *jwks);

/* The key of that kid and algorithm, borrowed, or NULL. With a NULL `kid` (the
 * token has none): the only key of that algorithm, or NULL. */
const struct crypto_key *jwks_find(const struct jwks *jwks, const char *kid, enum jose_alg alg);

#endif
