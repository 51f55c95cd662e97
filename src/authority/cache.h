/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bounded memory of what the store said, for the way of a token. Every write
 * that it must see moves the store's change counter; the authority's ticker polls
 * that and calls cache_poll(). A cache that was not polled for five seconds, or
 * whose counter moved, is empty. Thread-safe.
 */
#ifndef AUTHORITY_CACHE_H
#define AUTHORITY_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	CACHE_KEY_MAX = 512,	   /* bytes of a key */
	CACHE_ENTRIES_MAX = 16384, /* records in all */
	CACHE_UNPOLLED_MS = 5000,
};

struct cache;

/* Starts unpolled: nothing is kept until the first cache_poll(). */
int cache_create(struct cache **ret_cache);
void cache_destroy(struct cache *cache);

/* The store's change counter was `counter` just now. */
void cache_poll(struct cache *cache, int64_t counter);

/* To be taken before the store is read, and given to cache_put(): what the store
 * said before an invalidation is not kept. */
uint64_t cache_era(struct cache *cache);

struct cache_key {
	char bytes[CACHE_KEY_MAX];
	size_t length;
};

/* A key of a kind and two texts. ERROR_LIMIT: too long, do without the cache. */
int cache_key_make(struct cache_key *ret_key, char kind, const char *first, const char *second);

/* Copies the record of exactly `size` bytes: whether there was one. */
bool cache_get(struct cache *cache, const struct cache_key *key, void *record, size_t size);
void cache_put(struct cache *cache, const struct cache_key *key, uint64_t era, const void *record,
	size_t size);
void cache_forget(struct cache *cache, const struct cache_key *key);

struct cache_statistics {
	uint64_t hits;
	uint64_t misses;
	uint64_t evictions; /* records that still held, for others */
	uint64_t emptied;   /* how often all were outdated at once */
	uint64_t records;   /* of now, outdated ones too */
};
void cache_statistics(struct cache *cache, struct cache_statistics *ret_statistics);

#endif
