/* SPDX-License-Identifier: Apache-2.0 */
#include "issuer/jwks_cache.h"

#include "codec/uri.h"
#include "issuer/discovery.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* A set lives as long as the cache or a lease points to it. */
struct jwks_set {
	atomic_uint owners;
	struct jwks *jwks;
};

struct jwks_cache {
	char *authority;
	char *ca_file;
	int timeout_ms;
	const struct clock *clock;
	struct http_client *client; /* of the thread that fetches */

	pthread_mutex_t mutex; /* over what follows */
	pthread_cond_t fetched;
	bool fetching;
	uint64_t fetches; /* how many have ended */
	struct jwks_set *set;
	int64_t fresh_until_ms;
	int64_t fetched_at_ms;
	int64_t fetched_at_monotonic_ms;
	int64_t tried_at_ms;	       /* the last fetch, however it ended */
	int64_t unknown_at_ms;	       /* the last fetch for an unknown key */
	int64_t tried_at_monotonic_ms; /* the first set is not waited for on a set clock */
	int error;		       /* of the last fetch */
	struct fault fault;
};

/* What one fetch brought. */
struct outcome {
	struct jwks_set *set;
	int64_t age_ms;
	int error;
	struct fault fault;
};

int jwks_cache_create(const struct jwks_cache_options *options, struct jwks_cache **ret_cache,
	struct fault *fault)
{
	struct jwks_cache *cache = NULL;
	struct buf url;
	size_t length;
	int error;

	buf_init(&url, URI_MAX);
	error = metadata_append_url(&url, options->authority, fault);
	buf_finish(&url);
	if (error)
		return error;
	cache = calloc(1, sizeof(*cache));
	if (!cache)
		return ERROR_MEMORY;
	/* What tokens say in `iss` is compared without the slash, so the document is, too. */
	length = strlen(options->authority);
	cache->authority =
		strndup(options->authority, length - (options->authority[length - 1] == '/'));
	cache->ca_file = options->ca_file ? strdup(options->ca_file) : NULL;
	cache->timeout_ms = options->timeout_ms ? options->timeout_ms : 5000;
	cache->clock = options->clock;
	if (!cache->authority || (options->ca_file && !cache->ca_file)) {
		free(cache->authority);
		free(cache->ca_file);
		free(cache);
		return ERROR_MEMORY;
	}
	(void)pthread_mutex_init(&cache->mutex, NULL);
	(void)pthread_cond_init(&cache->fetched, NULL);
	*ret_cache = cache;
	return 0;
}

static void release_set(struct jwks_set *set)
{
	if (!set || atomic_fetch_sub(&set->owners, 1) > 1)
		return;
	jwks_destroy(set->jwks);
	free(set);
}

void jwks_cache_destroy(struct jwks_cache *cache)
{
	if (!cache)
		return;
	release_set(cache->set);
	http_client_destroy(cache->client);
	(void)pthread_cond_destroy(&cache->fetched);
	(void)pthread_mutex_destroy(&cache->mutex);
	free(cache->authority);
	free(cache->ca_file);
	free(cache);
}

void jwks_lease_release(struct jwks_lease *lease)
{
	if (!lease)
		return;
	release_set(lease->set);
	*lease = (struct jwks_lease){0};
}

static int open_client(struct jwks_cache *cache, struct fault *fault)
{
	/* Two calls share the time that one fetch may take. */
	const struct http_client_options options = {
		.connect_timeout_ms = cache->timeout_ms / 2 + 1,
		.total_timeout_ms = cache->timeout_ms / 2 + 1,
		.max_body = JWKS_TEXT_MAX,
		.ca_file = cache->ca_file,
	};

	return cache->client ? 0 : http_client_create(&options, &cache->client, fault);
}

static int64_t age_of(const struct http_reply *reply)
{
	int64_t age_s = reply->max_age_s;

	if (age_s < 0)
		age_s = JWKS_CACHE_AGE_S;
	else if (age_s < JWKS_CACHE_AGE_LEAST_S)
		age_s = JWKS_CACHE_AGE_LEAST_S;
	else if (age_s > JWKS_CACHE_AGE_MOST_S)
		age_s = JWKS_CACHE_AGE_MOST_S;
	return age_s * 1000;
}

static int read_set(const struct http_reply *reply, struct outcome *outcome)
{
	struct jwks_set *set = calloc(1, sizeof(*set));
	int error;

	if (!set)
		return ERROR_MEMORY;
	error = jwks_parse(reply->body.data ? reply->body.data : "", reply->body.len, &set->jwks);
	if (error) {
		free(set);
		return error;
	}
	atomic_init(&set->owners, 1);
	outcome->set = set;
	outcome->age_ms = age_of(reply);
	return 0;
}

/* The discovery document is asked for each time: it may name another place. */
static int fetch_keys(struct jwks_cache *cache, struct outcome *outcome)
{
	struct metadata metadata;
	struct http_reply reply;
	int error = open_client(cache, &outcome->fault);

	if (error)
		return error;
	error = discovery_fetch(cache->client, cache->authority, &metadata, &outcome->fault);
	if (error)
		return error;
	error = discovery_get(cache->client, metadata.jwks_uri, &reply, &outcome->fault);
	if (!error) {
		error = read_set(&reply, outcome);
		if (error)
			fault_set(&outcome->fault, "%.300s: no key set can be read there: %s",
				metadata.jwks_uri, error_text(error));
		http_reply_finish(&reply);
	}
	metadata_finish(&metadata);
	return error;
}

/* Called and returns with the lock held, and lets go of it meanwhile. */
static void fetch(struct jwks_cache *cache)
{
	struct outcome outcome = {0};
	int64_t now_ms;

	cache->fetching = true;
	(void)pthread_mutex_unlock(&cache->mutex);
	outcome.error = fetch_keys(cache, &outcome);
	(void)pthread_mutex_lock(&cache->mutex);
	now_ms = clock_now_ms(cache->clock);
	cache->tried_at_ms = now_ms;
	cache->tried_at_monotonic_ms = clock_monotonic_ms();
	cache->error = outcome.error;
	cache->fault = outcome.fault;
	if (!outcome.error) {
		release_set(cache->set);
		cache->set = outcome.set;
		cache->fetched_at_ms = now_ms;
		cache->fetched_at_monotonic_ms = cache->tried_at_monotonic_ms;
		cache->fresh_until_ms = now_ms + outcome.age_ms;
	}
	cache->fetching = false;
	cache->fetches++;
	(void)pthread_cond_broadcast(&cache->fetched);
}

/* Whoever names keys that nobody has must not hold every thread for as long as a
 * silent authority takes to be given up: with a set there is an end to waiting.
 * Whether the fetch has ended. */
static bool await_fetch(struct jwks_cache *cache)
{
	int64_t end_ms = clock_monotonic_ms() + JWKS_CACHE_WAIT_MS;
	const struct timespec end = {
		.tv_sec = end_ms / 1000, .tv_nsec = (long)(end_ms % 1000) * 1000000};
	uint64_t fetches = cache->fetches;
	int waited = 0;

	while (cache->fetches == fetches && !waited)
		waited = cache->set ? pthread_cond_clockwait(
					      &cache->fetched, &cache->mutex, CLOCK_MONOTONIC, &end)
				    : pthread_cond_wait(&cache->fetched, &cache->mutex);
	return cache->fetches != fetches;
}

/* A clock that went back proves nothing about freshness, so it makes a fetch due. */
static bool has_passed(int64_t since_ms, int64_t duration_ms, int64_t now_ms)
{
	return !since_ms || now_ms < since_ms || now_ms - since_ms >= duration_ms;
}

/* A key that was withdrawn while the authority was silent must not serve for ever.
 * By both clocks, since one may be put back. */
static void drop_stale(struct jwks_cache *cache)
{
	const int64_t most_ms = (int64_t)JWKS_CACHE_STALE_S * 1000;

	if (!cache->set ||
		(clock_now_ms(cache->clock) - cache->fetched_at_ms <= most_ms &&
			clock_monotonic_ms() - cache->fetched_at_monotonic_ms <= most_ms))
		return;
	release_set(cache->set);
	cache->set = NULL;
	/* What is asked for now has not been tried yet. */
	cache->tried_at_monotonic_ms = 0;
}

static bool is_due(const struct jwks_cache *cache, int64_t now_ms)
{
	if (!cache->set)
		return !cache->tried_at_monotonic_ms ||
		       clock_monotonic_ms() - cache->tried_at_monotonic_ms >=
			       JWKS_CACHE_FIRST_PAUSE_MS;
	if (now_ms >= cache->fetched_at_ms && now_ms < cache->fresh_until_ms)
		return false;
	return has_passed(cache->tried_at_ms, JWKS_CACHE_PAUSE_S * 1000, now_ms);
}

struct wanted {
	const char *kid;
	enum jose_alg alg;
};

static int look_up(
	struct jwks_cache *cache, const struct wanted *wanted, struct jwks_lease *ret_lease)
{
	const struct crypto_key *key;

	if (!cache->set)
		return ERROR_UNAVAILABLE;
	key = jwks_find(cache->set->jwks, wanted->kid, wanted->alg);
	if (!key)
		return cache->error ? ERROR_UNAVAILABLE : ERROR_NOT_FOUND;
	(void)atomic_fetch_add(&cache->set->owners, 1);
	*ret_lease = (struct jwks_lease){cache->set, key};
	return 0;
}

/* Looks again for a key that was not found, after a fetch if one may be made. */
static int find_unknown(struct jwks_cache *cache, const struct wanted *wanted, bool fetched,
	struct jwks_lease *ret_lease)
{
	int64_t now_ms = clock_now_ms(cache->clock);

	if (cache->fetching)
		return await_fetch(cache) ? look_up(cache, wanted, ret_lease) : ERROR_UNAVAILABLE;
	if (has_passed(cache->unknown_at_ms, JWKS_CACHE_PAUSE_S * 1000, now_ms)) {
		cache->unknown_at_ms = now_ms;
		if (!fetched)
			fetch(cache);
	}
	return look_up(cache, wanted, ret_lease);
}

int jwks_cache_find(struct jwks_cache *cache, const char *kid, enum jose_alg alg,
	struct jwks_lease *ret_lease, struct fault *fault)
{
	const struct wanted wanted = {kid, alg};
	bool fetched = false;
	int error;

	(void)pthread_mutex_lock(&cache->mutex);
	drop_stale(cache);
	if (cache->fetching && !cache->set) {
		(void)await_fetch(cache);
	} else if (!cache->fetching && is_due(cache, clock_now_ms(cache->clock))) {
		fetch(cache);
		fetched = true;
	}
	error = look_up(cache, &wanted, ret_lease);
	if (error && cache->set)
		error = find_unknown(cache, &wanted, fetched, ret_lease);
	if (fault && cache->error)
		*fault = cache->fault;
	else if (fault && error == ERROR_UNAVAILABLE)
		fault_set(fault, "%.300s: does not answer yet", cache->authority);
	(void)pthread_mutex_unlock(&cache->mutex);
	return error;
}
