/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fake_authority.h"
#include "issuer/jwks_cache.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum { THREADS = 8 };

static const int64_t start_ms = 1800000000000;

struct fixture {
	struct fake_authority authority;
	struct crypto_key *key;
	struct crypto_key *other;
	struct clock clock;
	struct jwks_cache *cache;
};

static int set_up(void **state)
{
	static struct fixture fixture;
	struct jwks_cache_options options = {.clock = &fixture.clock};

	if (fake_authority_start(&fixture.authority) ||
		crypto_key_generate(JOSE_ES256, &fixture.key) ||
		crypto_key_generate(JOSE_ES256, &fixture.other))
		return -1;
	fake_authority_add_key(&fixture.authority, fixture.key, "k1");
	clock_init(&fixture.clock);
	clock_set_ms(&fixture.clock, start_ms);
	options.authority = fixture.authority.url;
	*state = &fixture;
	return jwks_cache_create(&options, &fixture.cache, NULL);
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	jwks_cache_destroy(fixture->cache);
	fake_authority_stop(&fixture->authority);
	crypto_key_destroy(fixture->key);
	crypto_key_destroy(fixture->other);
	return 0;
}

static int find(struct fixture *fixture, const char *kid)
{
	struct jwks_lease lease;
	int error = jwks_cache_find(fixture->cache, kid, JOSE_ES256, &lease, NULL);

	if (!error)
		jwks_lease_release(&lease);
	return error;
}

static void go_on(struct fixture *fixture, int64_t seconds)
{
	clock_set_ms(&fixture->clock, clock_now_ms(&fixture->clock) + seconds * 1000);
}

static void test_fetches_once_while_fresh(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(fake_authority_jwks_count(&fixture->authority), 0);
	for (int i = 0; i < 100; i++)
		assert_int_equal(find(fixture, "k1"), 0);
	assert_int_equal(find(fixture, NULL), 0);
	go_on(fixture, JWKS_CACHE_AGE_S - 1);
	assert_int_equal(find(fixture, "k1"), 0);
	assert_int_equal(fake_authority_jwks_count(&fixture->authority), 1);
	go_on(fixture, 1);
	assert_int_equal(find(fixture, "k1"), 0);
	assert_int_equal(fake_authority_jwks_count(&fixture->authority), 2);
}

/* Requirement 53. */
static void test_unknown_key_fetches_once_a_minute(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(find(fixture, "k1"), 0);
	for (int i = 0; i < 50; i++)
		assert_int_equal(find(fixture, "k2"), ERROR_NOT_FOUND);
	assert_int_equal(fake_authority_jwks_count(&fixture->authority), 2);
	go_on(fixture, JWKS_CACHE_PAUSE_S - 1);
	fake_authority_add_key(&fixture->authority, fixture->other, "k2");
	assert_int_equal(find(fixture, "k2"), ERROR_NOT_FOUND);
	assert_int_equal(fake_authority_jwks_count(&fixture->authority), 2);
	go_on(fixture, 1);
	assert_int_equal(find(fixture, "k2"), 0);
	assert_int_equal(find(fixture, "k1"), 0);
	assert_int_equal(find(fixture, "k3"), ERROR_NOT_FOUND);
	assert_int_equal(fake_authority_jwks_count(&fixture->authority), 3);
}

static void test_an_unknown_key_at_first_fetches_once(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(find(fixture, "k2"), ERROR_NOT_FOUND);
	assert_int_equal(find(fixture, "k3"), ERROR_NOT_FOUND);
	assert_int_equal(fake_authority_jwks_count(&fixture->authority), 1);
}

static void test_key_of_another_algorithm_is_unknown(void **state)
{
	struct fixture *fixture = *state;
	struct jwks_lease lease;

	assert_int_equal(
		jwks_cache_find(fixture->cache, "k1", JOSE_RS256, &lease, NULL), ERROR_NOT_FOUND);
}

static void test_max_age_counts_within_bounds(void **state)
{
	struct fixture *fixture = *state;

	fake_authority_set_max_age(&fixture->authority, 600);
	assert_int_equal(find(fixture, "k1"), 0);
	go_on(fixture, 599);
	assert_int_equal(find(fixture, "k1"), 0);
	assert_int_equal(fake_authority_jwks_count(&fixture->authority), 1);
	go_on(fixture, 1);
	fake_authority_set_max_age(&fixture->authority, 0);
	assert_int_equal(find(fixture, "k1"), 0);
	assert_int_equal(fake_authority_jwks_count(&fixture->authority), 2);
	go_on(fixture, JWKS_CACHE_AGE_LEAST_S - 1);
	assert_int_equal(find(fixture, "k1"), 0);
	assert_int_equal(fake_authority_jwks_count(&fixture->authority), 2);
	go_on(fixture, 1);
	fake_authority_set_max_age(&fixture->authority, 1000000);
	assert_int_equal(find(fixture, "k1"), 0);
	go_on(fixture, JWKS_CACHE_AGE_MOST_S - 1);
	assert_int_equal(find(fixture, "k1"), 0);
	assert_int_equal(fake_authority_jwks_count(&fixture->authority), 3);
	go_on(fixture, 1);
	assert_int_equal(find(fixture, "k1"), 0);
	assert_int_equal(fake_authority_jwks_count(&fixture->authority), 4);
}

static void test_last_set_serves_while_the_authority_is_silent(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(find(fixture, "k1"), 0);
	fake_authority_stop(&fixture->authority);
	for (int i = 0; i < JWKS_CACHE_STALE_S; i += 3600) {
		go_on(fixture, 3600);
		assert_int_equal(find(fixture, "k1"), 0);
		/* Whether there is such a key can't be told now. */
		assert_int_equal(find(fixture, "k2"), ERROR_UNAVAILABLE);
	}
}

/* Requirement 55: what an authority withdrew while it could not be heard. */
static void test_last_set_ends_a_day_after_it_was_fetched(void **state)
{
	struct fixture *fixture = *state;
	struct jwks_lease lease;
	struct fault fault = {0};

	assert_int_equal(JWKS_CACHE_STALE_S, 86400);
	assert_int_equal(find(fixture, "k1"), 0);
	fake_authority_set_status(&fixture->authority, 500);
	go_on(fixture, JWKS_CACHE_STALE_S);
	assert_int_equal(find(fixture, "k1"), 0);
	go_on(fixture, 1);
	assert_int_equal(jwks_cache_find(fixture->cache, "k1", JOSE_ES256, &lease, &fault),
		ERROR_UNAVAILABLE);
	assert_non_null(strstr(fault.text, "answered 500"));
	/* A clock that is put back makes it no younger. */
	go_on(fixture, -86400);
	assert_int_equal(find(fixture, "k1"), ERROR_UNAVAILABLE);
	assert_int_equal(find(fixture, "k2"), ERROR_UNAVAILABLE);
}

static void test_a_set_that_ended_is_fetched_at_once(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(find(fixture, "k1"), 0);
	go_on(fixture, (int64_t)30 * 86400);
	assert_int_equal(find(fixture, "k1"), 0);
	assert_int_equal(fake_authority_jwks_count(&fixture->authority), 2);
}

static void test_a_broken_answer_is_tried_again_after_a_pause(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(find(fixture, "k1"), 0);
	fake_authority_set_status(&fixture->authority, 500);
	go_on(fixture, JWKS_CACHE_AGE_S);
	for (int i = 0; i < 10; i++)
		assert_int_equal(find(fixture, "k1"), 0);
	fake_authority_set_status(&fixture->authority, 200);
	assert_int_equal(find(fixture, "k1"), 0);
	assert_int_equal(fake_authority_jwks_count(&fixture->authority), 1);
	go_on(fixture, JWKS_CACHE_PAUSE_S);
	assert_int_equal(find(fixture, "k1"), 0);
	assert_int_equal(fake_authority_jwks_count(&fixture->authority), 2);
}

static void test_a_set_that_is_none_changes_nothing(void **state)
{
	static const char *const bad[] = {
		"", "{}", "[]", "{\"keys\":[{\"kty\":\"EC\"}]}", "<html>"};
	struct fixture *fixture = *state;

	assert_int_equal(find(fixture, "k1"), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		fake_authority_set_jwks(&fixture->authority, bad[i]);
		go_on(fixture, JWKS_CACHE_AGE_S);
		assert_int_equal(find(fixture, "k1"), 0);
		assert_int_equal(fake_authority_jwks_count(&fixture->authority), (int)i + 2);
	}
}

static void test_a_withdrawn_key_is_gone(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(find(fixture, "k1"), 0);
	fake_authority_set_jwks(&fixture->authority, "{\"keys\":[]}");
	go_on(fixture, JWKS_CACHE_AGE_S);
	assert_int_equal(find(fixture, "k1"), ERROR_NOT_FOUND);
}

static void test_a_clock_that_goes_back_fetches(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(find(fixture, "k1"), 0);
	go_on(fixture, -86400);
	assert_int_equal(find(fixture, "k1"), 0);
	assert_int_equal(fake_authority_jwks_count(&fixture->authority), 2);
}

static void test_starts_before_the_authority(void **state)
{
	struct fixture *fixture = *state;
	const struct timespec pause = {0, 100000000};
	int error = ERROR_UNAVAILABLE;

	fake_authority_set_status(&fixture->authority, 503);
	assert_int_equal(find(fixture, "k1"), ERROR_UNAVAILABLE);
	fake_authority_set_status(&fixture->authority, 200);
	/* The clock of the test stands still; tries are a real time apart. */
	for (int i = 0; i < 300 && error; i++) {
		(void)nanosleep(&pause, NULL);
		error = find(fixture, "k1");
	}
	assert_int_equal(error, 0);
}

/* Requirement 52. */
static void test_another_issuer_is_refused_by_name(void **state)
{
	struct fixture *fixture = *state;
	struct jwks_lease lease;
	struct fault fault = {0};

	fake_authority_call_itself(&fixture->authority, "https://elsewhere.example.com");
	assert_int_equal(jwks_cache_find(fixture->cache, "k1", JOSE_ES256, &lease, &fault),
		ERROR_UNAVAILABLE);
	assert_non_null(strstr(fault.text, "\"https://elsewhere.example.com\""));
	assert_non_null(strstr(fault.text, fixture->authority.url));
	assert_int_equal(fake_authority_jwks_count(&fixture->authority), 0);
}

static void test_redirects_are_not_followed(void **state)
{
	struct fixture *fixture = *state;
	struct jwks_lease lease;
	struct fault fault = {0};

	fake_authority_set_status(&fixture->authority, 302);
	assert_int_equal(jwks_cache_find(fixture->cache, "k1", JOSE_ES256, &lease, &fault),
		ERROR_UNAVAILABLE);
	assert_non_null(strstr(fault.text, "302"));
}

static void test_a_lease_outlives_its_set(void **state)
{
	struct fixture *fixture = *state;
	unsigned char signature[CRYPTO_SIGNATURE_MAX];
	struct crypto_signer *signer;
	struct jwks_lease lease;
	size_t length;

	assert_int_equal(crypto_signer_create(fixture->key, &signer), 0);
	assert_int_equal(crypto_signer_sign(signer, "text", 4, signature, &length), 0);
	crypto_signer_destroy(signer);
	assert_int_equal(jwks_cache_find(fixture->cache, "k1", JOSE_ES256, &lease, NULL), 0);
	fake_authority_set_jwks(&fixture->authority, "{\"keys\":[]}");
	go_on(fixture, JWKS_CACHE_AGE_S);
	assert_int_equal(find(fixture, "k1"), ERROR_NOT_FOUND);
	assert_int_equal(crypto_verify(lease.key, "text", 4, signature, length), 0);
	jwks_lease_release(&lease);
	assert_null(lease.set);
	jwks_lease_release(&lease);
	jwks_lease_release(NULL);
}

static void *find_often(void *context)
{
	struct fixture *fixture = context;
	int found = 0;

	for (int i = 0; i < 200; i++)
		found += !find(fixture, i % 10 ? "k1" : "unknown");
	return (void *)(intptr_t)found;
}

static void test_threads_share_one_fetch(void **state)
{
	struct fixture *fixture = *state;
	pthread_t threads[THREADS];

	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, find_often, fixture), 0);
	for (int i = 0; i < THREADS; i++) {
		void *found;

		assert_int_equal(pthread_join(threads[i], &found), 0);
		assert_int_equal((intptr_t)found, 180);
	}
	/* The first, and at most one for the unknown key. */
	assert_in_range(fake_authority_jwks_count(&fixture->authority), 1, 2);
}

static void *find_unknown(void *context)
{
	return (void *)(intptr_t)find(context, "unknown");
}

/* One that takes questions and never answers holds back nobody who has a key. */
static void test_a_silent_authority_holds_few(void **state)
{
	struct fixture *fixture = *state;
	pthread_t threads[THREADS];

	assert_int_equal(find(fixture, "k1"), 0);
	fake_authority_fall_silent(&fixture->authority);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, find_unknown, fixture), 0);
	for (int i = 0; i < 100; i++)
		assert_int_equal(find(fixture, "k1"), 0);
	for (int i = 0; i < THREADS; i++) {
		void *result;

		assert_int_equal(pthread_join(threads[i], &result), 0);
		assert_int_equal((intptr_t)result, ERROR_UNAVAILABLE);
	}
	assert_int_equal(find(fixture, "k1"), 0);
}

static void test_refuses_an_unsafe_authority(void **state)
{
	const struct jwks_cache_options options = {.authority = "http://login.example.com"};
	struct jwks_cache *cache;
	struct fault fault = {0};

	(void)state;
	assert_int_equal(jwks_cache_create(&options, &cache, &fault), ERROR_INVALID);
	assert_non_null(strstr(fault.text, "http://login.example.com"));
	jwks_cache_destroy(NULL);
}

#define WITH_AUTHORITY(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_AUTHORITY(test_fetches_once_while_fresh),
		WITH_AUTHORITY(test_unknown_key_fetches_once_a_minute),
		WITH_AUTHORITY(test_an_unknown_key_at_first_fetches_once),
		WITH_AUTHORITY(test_key_of_another_algorithm_is_unknown),
		WITH_AUTHORITY(test_max_age_counts_within_bounds),
		WITH_AUTHORITY(test_last_set_serves_while_the_authority_is_silent),
		WITH_AUTHORITY(test_last_set_ends_a_day_after_it_was_fetched),
		WITH_AUTHORITY(test_a_set_that_ended_is_fetched_at_once),
		WITH_AUTHORITY(test_a_broken_answer_is_tried_again_after_a_pause),
		WITH_AUTHORITY(test_a_set_that_is_none_changes_nothing),
		WITH_AUTHORITY(test_a_withdrawn_key_is_gone),
		WITH_AUTHORITY(test_a_clock_that_goes_back_fetches),
		WITH_AUTHORITY(test_starts_before_the_authority),
		WITH_AUTHORITY(test_another_issuer_is_refused_by_name),
		WITH_AUTHORITY(test_redirects_are_not_followed),
		WITH_AUTHORITY(test_a_lease_outlives_its_set),
		WITH_AUTHORITY(test_threads_share_one_fetch),
		WITH_AUTHORITY(test_a_silent_authority_holds_few),
		cmocka_unit_test(test_refuses_an_unsafe_authority),
	};

	return cmocka_run_group_tests_name("issuer jwks cache", tests, NULL, NULL);
}
