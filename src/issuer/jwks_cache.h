/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An authority's keys, fetched when they are needed and kept while they are fresh
 * (OpenID Connect Core, 10.1.1). While the authority is silent, the last set
 * serves for a day. Thread-safe; no lock is held during I/O, and a thread waits for
 * another's fetch only where it can't go on without it, and then not for long.
 */
#ifndef ISSUER_JWKS_CACHE_H
#define ISSUER_JWKS_CACHE_H

#include "base/clock.h"
#include "base/error.h"
#include "jose/jwks.h"

enum {
	JWKS_CACHE_AGE_S = 3600,	 /* fresh for so long where the reply says nothing */
	JWKS_CACHE_AGE_LEAST_S = 60,	 /* what a shorter max-age becomes */
	JWKS_CACHE_AGE_MOST_S = 86400,	 /* what a longer one becomes */
	JWKS_CACHE_STALE_S = 86400,	 /* after the fetch, then it serves no more */
	JWKS_CACHE_PAUSE_S = 60,	 /* between fetches for unknown keys, and after a failure */
	JWKS_CACHE_FIRST_PAUSE_MS = 500, /* between tries as long as there is no set at all */
	JWKS_CACHE_WAIT_MS = 1000,	 /* for another thread's fetch, where there is a set */
};

struct jwks_cache;

struct jwks_cache_options {
	const char *authority;	   /* copied */
	const char *ca_file;	   /* copied; NULL: the system's */
	int timeout_ms;		   /* of one fetch of two documents; 0: 5,000 */
	const struct clock *clock; /* borrowed; NULL: the system's */
};

/* Does no I/O. 0; ERROR_INVALID: the authority's URL; ERROR_MEMORY. */
int jwks_cache_create(const struct jwks_cache_options *options, struct jwks_cache **ret_cache,
	struct fault *fault);

/* Accepts NULL. No other thread may use it any more, nor hold a lease. */
void jwks_cache_destroy(struct jwks_cache *cache);

/* A key, valid until it is released, whatever becomes of the set it came from. */
struct jwks_lease {
	struct jwks_set *set;
	const struct crypto_key *key;
};

/* The key of that id (NULL: the token names none) and algorithm. May fetch.
 * 0; ERROR_NOT_FOUND: the authority has no such key; ERROR_UNAVAILABLE: whether it
 * has can't be told, since it does not answer as it should; ERROR_MEMORY. `fault`
 * is set with ERROR_UNAVAILABLE, and whenever the last fetch failed. */
int jwks_cache_find(struct jwks_cache *cache, const char *kid, enum jose_alg alg,
	struct jwks_lease *ret_lease, struct fault *fault);

/* Accepts NULL or a zeroed lease. */
void jwks_lease_release(struct jwks_lease *lease);

#endif
