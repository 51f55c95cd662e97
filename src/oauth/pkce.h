/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Proof Key for Code Exchange (RFC 7636), with S256 only: who redeems a code shows that
 * they are the one who asked for it. Thread-safe.
 */
#ifndef OAUTH_PKCE_H
#define OAUTH_PKCE_H

enum {
	PKCE_VERIFIER_SIZE = 44, /* base64url of 32 bytes, and a NUL */
	PKCE_CHALLENGE_SIZE = 44,
};

/* A new verifier (4.1), a secret until the code has been redeemed. 0 or ERROR_IO. */
int pkce_make_verifier(char ret_verifier[PKCE_VERIFIER_SIZE]);

/* Its challenge (4.2). 0 or ERROR_CRYPTO. */
int pkce_challenge(const char *verifier, char ret_challenge[PKCE_CHALLENGE_SIZE]);

#endif
