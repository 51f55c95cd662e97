/* SPDX-License-Identifier: Apache-2.0 */
#include "authority/throttle.h"

#include "base/error.h"
#include "base/random.h"

#include <pthread.h>
#include <stdlib.h>

enum {
	WAYS = 8,
	SETS = THROTTLE_SOURCES_MAX / WAYS,
	LOCKS = 64,
};

/* A leaking bucket: `level` thousandths of a request stand in it. */
struct bucket {
	uint64_t source; /* 0: free */
	int64_t level;
	int64_t at_ms;
};

struct throttle {
	int64_t per_second;
	uint64_t seed;
	pthread_mutex_t locks[LOCKS];
	struct bucket buckets[SETS][WAYS];
};

int throttle_create(int64_t per_second, struct throttle **ret_throttle)
{
	struct throttle *throttle = calloc(1, sizeof(*throttle));
	int error;

	if (!throttle)
		return ERROR_MEMORY;
	error = random_bytes(&throttle->seed, sizeof(throttle->seed));
	if (error) {
		free(throttle);
		return error;
	}
	throttle->per_second = per_second;
	for (size_t i = 0; i < LOCKS; i++)
		(void)pthread_mutex_init(&throttle->locks[i], NULL);
	*ret_throttle = throttle;
	return 0;
}

void throttle_destroy(struct throttle *throttle)
{
	if (!throttle)
		return;
	for (size_t i = 0; i < LOCKS; i++)
		(void)pthread_mutex_destroy(&throttle->locks[i]);
	free(throttle);
}

static size_t set_of(const struct throttle *throttle, uint64_t source)
{
	uint64_t hash = (source ^ throttle->seed) * 0x9e3779b97f4a7c15u;

	hash ^= hash >> 29;
	return (size_t)(hash * 0xbf58476d1ce4e5b9u >> 40) % SETS;
}

/* Another thread may have read the time a little later and been here earlier. */
static int64_t level_at(
	const struct throttle *throttle, const struct bucket *bucket, int64_t now_ms)
{
	int64_t passed_ms = now_ms > bucket->at_ms ? now_ms - bucket->at_ms : 0;
	int64_t leaked = passed_ms * throttle->per_second;

	return leaked > bucket->level ? 0 : bucket->level - leaked;
}

/* The source's bucket, in the place of the quietest where it has none. */
static struct bucket *find_bucket(
	struct throttle *throttle, size_t set, uint64_t source, int64_t now_ms)
{
	struct bucket *buckets = throttle->buckets[set];
	struct bucket *quietest = &buckets[0];

	for (size_t way = 0; way < WAYS; way++) {
		if (buckets[way].source == source)
			return &buckets[way];
		if (level_at(throttle, &buckets[way], now_ms) <
			level_at(throttle, quietest, now_ms))
			quietest = &buckets[way];
	}
	*quietest = (struct bucket){.source = source, .at_ms = now_ms};
	return quietest;
}

int64_t throttle_take(struct throttle *throttle, uint64_t source, int64_t now_ms)
{
	size_t set = set_of(throttle, source);
	int64_t second = throttle->per_second * 1000; /* what leaks in one */
	int64_t full = second * THROTTLE_BURST_S;
	struct bucket *bucket;
	int64_t over;

	if (!source || !throttle->per_second)
		return 0;
	(void)pthread_mutex_lock(&throttle->locks[set % LOCKS]);
	bucket = find_bucket(throttle, set, source, now_ms);
	bucket->level = level_at(throttle, bucket, now_ms);
	if (now_ms > bucket->at_ms)
		bucket->at_ms = now_ms;
	over = bucket->level + 1000 - full;
	if (over <= 0)
		bucket->level += 1000;
	(void)pthread_mutex_unlock(&throttle->locks[set % LOCKS]);
	return over <= 0 ? 0 : (over + second - 1) / second;
}
