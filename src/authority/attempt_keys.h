/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The numbers under which attempts are counted: MACs of what was sent, so that nobody
 * can choose names that fall together, and none of them is kept. For attempts.c.
 */
#ifndef AUTHORITY_ATTEMPT_KEYS_H
#define AUTHORITY_ATTEMPT_KEYS_H

#include "authority/attempts.h"

enum { ATTEMPT_SALT_SIZE = 16 };

struct attempt_key {
	struct secret derived; /* from the data directory's: the same after a restart */
	unsigned char salt[ATTEMPT_SALT_SIZE]; /* of fingerprints: none outlives the process */
};

/* 0, ERROR_CRYPTO, ERROR_IO or ERROR_MEMORY. Finished in any case. */
int attempt_key_init(struct attempt_key *key, const struct secret *secret_key);
void attempt_key_finish(struct attempt_key *key);

/* None is 0, but for the source and network that are not known. */
struct attempt_numbers {
	uint64_t pair;
	uint64_t account;
	uint64_t source;
	uint64_t network;
	uint64_t fingerprint; /* pair, client and secret */
};

/* 0 or ERROR_CRYPTO. */
int attempt_key_pair(
	const struct attempt_key *key, const struct attempt_sent *sent, uint64_t *ret_pair);
int attempt_key_numbers(const struct attempt_key *key, const struct attempt_sent *sent,
	struct attempt_numbers *ret_numbers);

#endif
