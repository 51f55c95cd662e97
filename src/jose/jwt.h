/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The claims of a JWT (RFC 7519) and the checks that every kind of token needs.
 */
#ifndef JOSE_JWT_H
#define JOSE_JWT_H

#include "jose/jws.h"

struct jwt {
	struct json *document; /* owned: the claims */
	const char *iss;       /* borrowed from it, NULL where absent */
	const char *sub;
	const char *jti;
	int64_t exp; /* seconds; -1 where absent */
	int64_t nbf;
	int64_t iat;
};

enum { JWT_CLAIMS_MAX = 12 * 1024, JWT_LEEWAY_MAX = 60 };

/* Reads the payload of a verified JWS. 0; ERROR_INVALID: no object, duplicate
 * members, or a registered claim of a wrong type; ERROR_LIMIT; ERROR_MEMORY. */
int jwt_from_jws(const struct jws *jws, struct jwt *ret_jwt);
void jwt_finish(struct jwt *jwt);

/* `aud` is this text, or an array that holds it. */
bool jwt_has_audience(const struct jwt *jwt, const char *audience);

/* 0; ERROR_TIMEOUT: exp absent or past; ERROR_REFUSED: nbf or iat in the
 * future. `leeway_s` 0 to JWT_LEEWAY_MAX, to both sides. */
int jwt_check_times(const struct jwt *jwt, int64_t now_s, int64_t leeway_s);

#endif
