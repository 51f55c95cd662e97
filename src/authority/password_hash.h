/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hashes of chosen passwords (2-decisions, 2). Ours is Argon2id (RFC 9106) as a PHC
 * string; those of other systems are verified until their first right login. Slow by
 * design: never on a thread that serves. Thread-safe.
 */
#ifndef AUTHORITY_PASSWORD_HASH_H
#define AUTHORITY_PASSWORD_HASH_H

#include "store/store.h"

#include <stdbool.h>

enum {
	PASSWORD_MAX = 1024, /* bytes of a password */
	/* What one of ours never needs, be the machine slow and busy; and any that
	 * password_hash_check() takes, bcrypt's 160 ms of CPU the longest. */
	PASSWORD_HASH_CEILING_MS = 250,
	PASSWORD_HASH_OTHERS_CEILING_MS = 1000,
};

/* How ours begin. */
#define PASSWORD_HASH_OURS "$argon2id$v=19$m=19456,t=2,p=1$"

/* Whether a hash from elsewhere can be verified, and within the bounds on its cost: 0;
 * ERROR_INVALID (malformed or unknown); ERROR_LIMIT (too long, too expensive). On an
 * error ret_problem says in words what is wrong and what to do, static. */
int password_hash_check(const char *hash, const char **ret_problem);

/* Of ours: 19 MiB, two passes. 0, ERROR_MEMORY or ERROR_CRYPTO. */
int password_hash_make(const char *password, char ret_hash[STORE_PASSWORD_HASH_SIZE]);

/* Whether it is one of ours, of at least our parameters: nothing to be gained by
 * making it anew. */
bool password_hash_is_current(const char *hash);

/* 0; ERROR_REFUSED: another password; ERROR_INVALID: it did not pass the check;
 * ERROR_MEMORY or ERROR_CRYPTO: it can't be told. */
int password_hash_verify(const char *hash, const char *password);

/* The work of verifying one of ours, against none. 0, ERROR_MEMORY or ERROR_CRYPTO. */
int password_hash_pretend(const char *password);

#endif
