/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The public keys of a client, as an operator hands them over and as the store keeps them:
 * a JWK Set (RFC 7517, 5) of signature keys.
 */
#ifndef AUTHORITY_CLIENT_KEYS_H
#define AUTHORITY_CLIENT_KEYS_H

#include "base/error.h"
#include "store/store.h"

#include <stddef.h>

enum {
	CLIENT_KEYS_MAX = 8, /* of one client */
	CLIENT_KEYS_TEXT_MAX = 64 * 1024,
};

/* Takes a JWK Set whose every key can verify here, and writes it as it is kept: public
 * members only, each key with a kid of its own (its thumbprint where it had none).
 * 0; ERROR_INVALID with the fault; ERROR_MEMORY, ERROR_CRYPTO with it too. */
int client_keys_read(
	const char *text, size_t length, char ret_jwks[STORE_JWKS_SIZE], struct fault *fault);

/* "ALG:KID" of each key, a line each, for people. `jwks` as it is kept; "" gives "".
 * 0, ERROR_INVALID, ERROR_MEMORY or ERROR_LIMIT. */
int client_keys_list(const char *jwks, char ret_list[STORE_JWKS_SIZE]);

#endif
