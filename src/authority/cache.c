/* SPDX-License-Identifier: Apache-2.0 */
#include "authority/cache.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/random.h"
#include "base/secret.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum {
	WAYS = 4, /* places that one key may take */
	SETS = CACHE_ENTRIES_MAX / WAYS,
	LOCKS = 64,
};

struct cache_entry {
	uint64_t era;
	uint64_t used; /* the set's time of the last use */
	size_t key_length;
	size_t size;
	unsigned char bytes[]; /* key, then record */
};

struct cache_set {
	struct cache_entry *entries[WAYS];
	uint64_t time;
};

/* What is counted under one of the locks. */
struct cache_counts {
	uint64_t hits;
	uint64_t misses;
	uint64_t evictions;
	uint64_t records;
};

struct cache {
	_Atomic uint64_t era;
	_Atomic int64_t polled_at_ms;
	int64_t counter;
	uint64_t seed; /* so that nobody can choose names that fall together */
	_Atomic uint64_t unpolled_misses;
	pthread_mutex_t locks[LOCKS];
	struct cache_counts counts[LOCKS];
	struct cache_set sets[SETS];
};

int cache_create(struct cache **ret_cache)
{
	struct cache *cache = calloc(1, sizeof(*cache));
	int error;

	if (!cache)
		return ERROR_MEMORY;
	error = random_bytes(&cache->seed, sizeof(cache->seed));
	if (error) {
		free(cache);
		return error;
	}
	atomic_init(&cache->era, 1);
	atomic_init(&cache->polled_at_ms, INT64_MIN / 2);
	cache->counter = -1;
	for (size_t i = 0; i < LOCKS; i++)
		(void)pthread_mutex_init(&cache->locks[i], NULL);
	*ret_cache = cache;
	return 0;
}

static void entry_free(struct cache_entry *entry)
{
	if (!entry)
		return;
	memory_wipe(entry->bytes, entry->key_length + entry->size);
	free(entry);
}

void cache_destroy(struct cache *cache)
{
	if (!cache)
		return;
	for (size_t i = 0; i < SETS; i++)
		for (size_t way = 0; way < WAYS; way++)
			entry_free(cache->sets[i].entries[way]);
	for (size_t i = 0; i < LOCKS; i++)
		(void)pthread_mutex_destroy(&cache->locks[i]);
	free(cache);
}

void cache_poll(struct cache *cache, int64_t counter)
{
	int64_t now_ms = clock_monotonic_ms();
	bool lapsed = now_ms - atomic_load(&cache->polled_at_ms) > CACHE_UNPOLLED_MS;

	if (lapsed || counter != cache->counter)
		atomic_fetch_add(&cache->era, 1);
	cache->counter = counter;
	atomic_store(&cache->polled_at_ms, now_ms);
}

uint64_t cache_era(struct cache *cache)
{
	return atomic_load(&cache->era);
}

static bool is_current(struct cache *cache)
{
	return clock_monotonic_ms() - atomic_load(&cache->polled_at_ms) <= CACHE_UNPOLLED_MS;
}

int cache_key_make(struct cache_key *ret_key, char kind, const char *first, const char *second)
{
	size_t first_length = strlen(first);
	size_t second_length = strlen(second);

	if (1 + first_length + 1 + second_length > CACHE_KEY_MAX)
		return ERROR_LIMIT;
	ret_key->bytes[0] = kind;
	memcpy(ret_key->bytes + 1, first, first_length + 1);
	memcpy(ret_key->bytes + 2 + first_length, second, second_length);
	ret_key->length = 2 + first_length + second_length;
	return 0;
}

/* FNV-1a with a secret start: enough where a collision only costs a read. */
static size_t set_of(const struct cache *cache, const struct cache_key *key)
{
	uint64_t hash = 14695981039346656037u ^ cache->seed;

	for (size_t i = 0; i < key->length; i++)
		hash = (hash ^ (unsigned char)key->bytes[i]) * 1099511628211u;
	hash ^= hash >> 32;
	return (size_t)(hash % SETS);
}

static bool entry_matches(const struct cache_entry *entry, const struct cache_key *key)
{
	return entry && entry->key_length == key->length &&
	       !memcmp(entry->bytes, key->bytes, key->length);
}

bool cache_get(struct cache *cache, const struct cache_key *key, void *record, size_t size)
{
	size_t index = set_of(cache, key);
	struct cache_set *set = &cache->sets[index];
	struct cache_counts *counts = &cache->counts[index % LOCKS];
	bool found = false;

	if (!is_current(cache)) {
		atomic_fetch_add(&cache->unpolled_misses, 1);
		return false;
	}
	(void)pthread_mutex_lock(&cache->locks[index % LOCKS]);
	for (size_t way = 0; way < WAYS && !found; way++) {
		struct cache_entry *entry = set->entries[way];

		if (!entry_matches(entry, key) || entry->size != size ||
			entry->era != atomic_load(&cache->era))
			continue;
		memcpy(record, entry->bytes + key->length, size);
		entry->used = ++set->time;
		found = true;
	}
	counts->hits += found;
	counts->misses += !found;
	(void)pthread_mutex_unlock(&cache->locks[index % LOCKS]);
	return found;
}

/* The key's own place, else an empty or outdated one, else the longest unused. */
static size_t choose_way(const struct cache_set *set, const struct cache_key *key, uint64_t era)
{
	size_t chosen = 0;
	uint64_t oldest = UINT64_MAX;

	for (size_t way = 0; way < WAYS; way++)
		if (entry_matches(set->entries[way], key))
			return way;
	for (size_t way = 0; way < WAYS; way++) {
		const struct cache_entry *entry = set->entries[way];
		uint64_t used = entry && entry->era == era ? entry->used + 1 : 0;

		if (used < oldest) {
			oldest = used;
			chosen = way;
		}
	}
	return chosen;
}

void cache_put(struct cache *cache, const struct cache_key *key, uint64_t era, const void *record,
	size_t size)
{
	size_t index = set_of(cache, key);
	struct cache_set *set = &cache->sets[index];
	struct cache_counts *counts = &cache->counts[index % LOCKS];
	struct cache_entry *entry;
	const struct cache_entry *old;
	size_t way;

	if (!is_current(cache) || era != atomic_load(&cache->era))
		return;
	entry = malloc(sizeof(*entry) + key->length + size);
	if (!entry)
		return;
	*entry = (struct cache_entry){.era = era, .key_length = key->length, .size = size};
	memcpy(entry->bytes, key->bytes, key->length);
	memcpy(entry->bytes + key->length, record, size);
	(void)pthread_mutex_lock(&cache->locks[index % LOCKS]);
	way = choose_way(set, key, era);
	old = set->entries[way];
	counts->records += !old;
	counts->evictions += old && old->era == era && !entry_matches(old, key);
	entry_free(set->entries[way]);
	entry->used = ++set->time;
	set->entries[way] = entry;
	(void)pthread_mutex_unlock(&cache->locks[index % LOCKS]);
}

void cache_forget(struct cache *cache, const struct cache_key *key)
{
	size_t index = set_of(cache, key);
	struct cache_set *set = &cache->sets[index];

	(void)pthread_mutex_lock(&cache->locks[index % LOCKS]);
	for (size_t way = 0; way < WAYS; way++) {
		if (!entry_matches(set->entries[way], key))
			continue;
		entry_free(set->entries[way]);
		set->entries[way] = NULL;
		cache->counts[index % LOCKS].records--;
	}
	(void)pthread_mutex_unlock(&cache->locks[index % LOCKS]);
}

void cache_statistics(struct cache *cache, struct cache_statistics *ret_statistics)
{
	/* The era begins at 1. */
	struct cache_statistics sum = {.misses = atomic_load(&cache->unpolled_misses),
		.emptied = atomic_load(&cache->era) - 1};

	for (size_t i = 0; i < LOCKS; i++) {
		const struct cache_counts *counts = &cache->counts[i];

		(void)pthread_mutex_lock(&cache->locks[i]);
		sum.hits += counts->hits;
		sum.misses += counts->misses;
		sum.evictions += counts->evictions;
		sum.records += counts->records;
		(void)pthread_mutex_unlock(&cache->locks[i]);
	}
	*ret_statistics = sum;
}
