/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "authority/cache.h"
#include "base/error.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

/* The cache's time, by the linker's --wrap. */
static int64_t now_ms;
int64_t __wrap_clock_monotonic_ms(void);
int64_t __wrap_clock_monotonic_ms(void)
{
	return now_ms;
}

static int open_cache(void **state)
{
	struct cache *cache;

	now_ms = 1000000;
	assert_int_equal(cache_create(&cache), 0);
	*state = cache;
	return 0;
}

static int close_cache(void **state)
{
	cache_destroy(*state);
	return 0;
}

static struct cache_key key_of(const char *name)
{
	struct cache_key key;

	assert_int_equal(cache_key_make(&key, 'c', name, ""), 0);
	return key;
}

static void put(struct cache *cache, const char *name, int value)
{
	struct cache_key key = key_of(name);

	cache_put(cache, &key, cache_era(cache), &value, sizeof(value));
}

/* The value, or -1 where there is none. */
static int get(struct cache *cache, const char *name)
{
	struct cache_key key = key_of(name);
	int value = -1;

	return cache_get(cache, &key, &value, sizeof(value)) ? value : -1;
}

static void test_keeps_nothing_before_the_first_poll(void **state)
{
	struct cache *cache = *state;

	put(cache, "a", 1);
	assert_int_equal(get(cache, "a"), -1);
	cache_poll(cache, 0);
	assert_int_equal(get(cache, "a"), -1);
	put(cache, "a", 2);
	assert_int_equal(get(cache, "a"), 2);
	put(cache, "a", 3);
	assert_int_equal(get(cache, "a"), 3);
}

static void test_a_moved_counter_empties_it(void **state)
{
	struct cache *cache = *state;

	cache_poll(cache, 7);
	put(cache, "a", 1);
	cache_poll(cache, 7);
	assert_int_equal(get(cache, "a"), 1);
	cache_poll(cache, 8);
	assert_int_equal(get(cache, "a"), -1);
	put(cache, "a", 2);
	assert_int_equal(get(cache, "a"), 2);
	/* Restored from a copy, the counter may be lower too. */
	cache_poll(cache, 3);
	assert_int_equal(get(cache, "a"), -1);
}

static void test_drops_what_was_read_before_an_invalidation(void **state)
{
	struct cache *cache = *state;
	struct cache_key key = key_of("a");
	int value = 1;
	uint64_t era;

	cache_poll(cache, 1);
	era = cache_era(cache);
	cache_poll(cache, 2);
	cache_put(cache, &key, era, &value, sizeof(value));
	assert_int_equal(get(cache, "a"), -1);
	cache_put(cache, &key, cache_era(cache), &value, sizeof(value));
	assert_int_equal(get(cache, "a"), 1);
}

static void test_is_bypassed_when_nobody_polls(void **state)
{
	struct cache *cache = *state;

	cache_poll(cache, 1);
	put(cache, "a", 1);
	now_ms += CACHE_UNPOLLED_MS;
	assert_int_equal(get(cache, "a"), 1);
	now_ms += 1;
	assert_int_equal(get(cache, "a"), -1);
	put(cache, "b", 1);
	/* Polled again, even with the same counter, it starts empty: for a while
	 * nobody looked. */
	cache_poll(cache, 1);
	assert_int_equal(get(cache, "a"), -1);
	assert_int_equal(get(cache, "b"), -1);
	put(cache, "a", 2);
	assert_int_equal(get(cache, "a"), 2);
}

static void test_forgets(void **state)
{
	struct cache *cache = *state;
	struct cache_key key = key_of("a");

	cache_poll(cache, 1);
	put(cache, "a", 1);
	put(cache, "b", 2);
	cache_forget(cache, &key);
	cache_forget(cache, &key);
	assert_int_equal(get(cache, "a"), -1);
	assert_int_equal(get(cache, "b"), 2);
}

static void test_another_size_is_no_hit(void **state)
{
	struct cache *cache = *state;
	struct cache_key key = key_of("a");
	int64_t large = 0;

	cache_poll(cache, 1);
	put(cache, "a", 1);
	assert_false(cache_get(cache, &key, &large, sizeof(large)));
}

static void test_keys_do_not_run_together(void **state)
{
	struct cache *cache = *state;
	struct cache_key key;
	int value = 1;

	cache_poll(cache, 1);
	assert_int_equal(cache_key_make(&key, 'n', "ab", "c"), 0);
	cache_put(cache, &key, cache_era(cache), &value, sizeof(value));
	assert_true(cache_get(cache, &key, &value, sizeof(value)));
	assert_int_equal(cache_key_make(&key, 'n', "a", "bc"), 0);
	assert_false(cache_get(cache, &key, &value, sizeof(value)));
	assert_int_equal(cache_key_make(&key, 'i', "ab", "c"), 0);
	assert_false(cache_get(cache, &key, &value, sizeof(value)));
}

static void test_bounds_keys(void **state)
{
	char long_name[CACHE_KEY_MAX];
	struct cache_key key;

	(void)state;
	memset(long_name, 'a', sizeof(long_name));
	long_name[CACHE_KEY_MAX - 4] = '\0';
	assert_int_equal(cache_key_make(&key, 'c', long_name, "bc"), 0);
	assert_int_equal(cache_key_make(&key, 'c', long_name, "bcd"), ERROR_LIMIT);
}

static void test_bounds_entries(void **state)
{
	struct cache *cache = *state;
	int held = 0;
	char name[32];

	cache_poll(cache, 1);
	for (int i = 0; i < 3 * CACHE_ENTRIES_MAX; i++) {
		(void)snprintf(name, sizeof(name), "n%d", i);
		put(cache, name, i);
		/* What was put last is there, whom else it has cost. */
		assert_int_equal(get(cache, name), i);
	}
	for (int i = 0; i < 3 * CACHE_ENTRIES_MAX; i++) {
		(void)snprintf(name, sizeof(name), "n%d", i);
		held += get(cache, name) == i;
	}
	assert_true(held <= CACHE_ENTRIES_MAX);
	assert_true(held > CACHE_ENTRIES_MAX / 2);
}

/* The longest unused goes first: whom everybody asks for stays. */
static void test_keeps_what_is_used(void **state)
{
	struct cache *cache = *state;
	char name[32];

	cache_poll(cache, 1);
	put(cache, "used", 1);
	for (int i = 0; i < 2 * CACHE_ENTRIES_MAX; i++) {
		(void)snprintf(name, sizeof(name), "n%d", i);
		put(cache, name, i);
		assert_int_equal(get(cache, "used"), 1);
	}
}

struct hammering {
	struct cache *cache;
	unsigned seed;
	int wrong;
};

/* Puts, asks and empties; every key stands for its own number. */
static void *hammer(void *context)
{
	struct hammering *hammering = context;
	unsigned random = hammering->seed;

	for (int i = 0; i < 20000; i++) {
		struct cache_key key;
		int number;
		int value;
		char name[16];

		random = random * 1664525u + 1013904223u;
		number = (int)(random >> 8) % 50;
		(void)snprintf(name, sizeof(name), "n%d", number);
		if (cache_key_make(&key, 'c', name, ""))
			hammering->wrong++;
		if (cache_get(hammering->cache, &key, &value, sizeof(value)) && value != number)
			hammering->wrong++;
		cache_put(hammering->cache, &key, cache_era(hammering->cache), &number,
			sizeof(number));
		if (i % 64 == 0)
			cache_forget(hammering->cache, &key);
	}
	return NULL;
}

/* One thread polls, as the authority's ticker does; the others ask. */
static void test_threads(void **state)
{
	enum { THREADS = 4 };
	struct hammering hammering[THREADS];
	pthread_t threads[THREADS];

	cache_poll(*state, 0);
	for (unsigned i = 0; i < THREADS; i++) {
		hammering[i] = (struct hammering){.cache = *state, .seed = i};
		assert_int_equal(pthread_create(&threads[i], NULL, hammer, &hammering[i]), 0);
	}
	for (int64_t counter = 1; counter < 200; counter++)
		cache_poll(*state, counter);
	for (unsigned i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		assert_int_equal(hammering[i].wrong, 0);
	}
}

#define CACHED(test) cmocka_unit_test_setup_teardown(test, open_cache, close_cache)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CACHED(test_keeps_nothing_before_the_first_poll),
		CACHED(test_a_moved_counter_empties_it),
		CACHED(test_drops_what_was_read_before_an_invalidation),
		CACHED(test_is_bypassed_when_nobody_polls),
		CACHED(test_forgets),
		CACHED(test_another_size_is_no_hit),
		CACHED(test_keys_do_not_run_together),
		CACHED(test_bounds_keys),
		CACHED(test_bounds_entries),
		CACHED(test_keeps_what_is_used),
		CACHED(test_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
