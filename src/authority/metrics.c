/* SPDX-License-Identifier: Apache-2.0 */
#include "authority/metrics.h"

#include "base/error.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum {
	NAMES_MAX = 96, /* values of one label */
	NAME_SIZE = 40,
	CODE_OTHER = 0, /* its place in codes[] */
	OUTCOMES = 2,	/* granted, refused */
};

static const char *const endpoint_names[METRICS_ENDPOINTS] = {
	[METRICS_NONE] = "none",
	[METRICS_TOKEN] = "token",
	[METRICS_REVOCATION] = "revocation",
	[METRICS_INTROSPECTION] = "introspection",
	[METRICS_USERINFO] = "userinfo",
	[METRICS_DISCOVERY] = "discovery",
	[METRICS_JWKS] = "jwks",
	[METRICS_HEALTHZ] = "healthz",
	[METRICS_READYZ] = "readyz",
	[METRICS_OTHER] = "other",
};

static const char *const outcome_names[OUTCOMES] = {"granted", "refused"};

/* Statuses that the authority answers with. */
static const struct {
	int status;
	const char *text;
} codes[] = {
	{CODE_OTHER, "other"},
	{200, "200"},
	{204, "204"},
	{304, "304"},
	{400, "400"},
	{401, "401"},
	{403, "403"},
	{404, "404"},
	{405, "405"},
	{408, "408"},
	{413, "413"},
	{414, "414"},
	{415, "415"},
	{417, "417"},
	{429, "429"},
	{431, "431"},
	{500, "500"},
	{501, "501"},
	{503, "503"},
	{505, "505"},
};

enum { CODES = sizeof(codes) / sizeof(codes[0]) };

/* docs/logging.md has them all. Those that are here are there from the start, at 0: a first
 * one is seen as an increase. */
static const char *const reasons[] = {"shape", "client_authentication", "malformed_authorization",
	"no_client_id", "unknown_client", "client_disabled", "wrong_client_secret",
	"assertion_type", "assertion_malformed", "assertion_without_keys", "assertion_key",
	"assertion_signature", "assertion_typ", "assertion_issuer", "assertion_audience",
	"assertion_times", "assertion_without_jti", "assertion_replayed", "grant_type",
	"grant_not_allowed", "no_token", "no_resource", "access_token", "no_service_user", "scope",
	"unknown_user", "wrong_password", "too_many_attempts_pair", "too_many_attempts_account",
	"too_many_attempts_source", "too_many_attempts_consecutive", "too_many_attempts_secret",
	"credential_ended", "no_live_credential", "grant_disabled", "user_disabled",
	"site_disabled", "removed_meanwhile", "no_refresh_token", "not_sealed_here",
	"another_client", "older_epoch", "expired", "idle_too_long", "bound_to_a_key",
	"grant_ended", "replay", "state_lost", "revoked_before", "queue_full", "fault", NULL};
static const char *const grant_types[] = {"password", "refresh_token", "client_credentials", NULL};

/* What one loop of the server counts: nobody else writes it. */
struct shard {
	_Alignas(64) _Atomic uint64_t requests[METRICS_ENDPOINTS][CODES];
	_Atomic uint64_t unanswered[METRICS_ENDPOINTS];
	struct histogram durations[METRICS_ENDPOINTS][OUTCOMES];
};

/* A counter for each value of a label; a name stays once it is there. */
struct named_counts {
	pthread_mutex_t lock;	/* of who adds a name */
	_Atomic size_t used;	/* names that may be read */
	_Atomic uint64_t other; /* of names for which there was no room */
	char names[NAMES_MAX][NAME_SIZE];
	_Atomic uint64_t counts[NAMES_MAX];
};

struct metrics {
	unsigned shard_count;
	struct shard *shards;
	struct named_counts denied;
	struct named_counts issued;
	_Atomic uint64_t swept;
};

static size_t find_name(const struct named_counts *named, const char *name, size_t from, size_t end)
{
	while (from < end && strcmp(named->names[from], name) != 0)
		from++;
	return from;
}

/* Its place, or NAMES_MAX where there is no room. */
static size_t add_name(struct named_counts *named, const char *name, size_t searched)
{
	size_t end;
	size_t at;

	(void)pthread_mutex_lock(&named->lock);
	end = atomic_load(&named->used);
	at = find_name(named, name, searched, end);
	if (at == end) {
		if (end == NAMES_MAX || strlen(name) >= NAME_SIZE) {
			at = NAMES_MAX;
		} else {
			(void)strcpy(named->names[at], name); /* NOLINT: it fits */
			atomic_store(&named->used, end + 1);
		}
	}
	(void)pthread_mutex_unlock(&named->lock);
	return at;
}

static void count_name(struct named_counts *named, const char *name)
{
	size_t end = atomic_load(&named->used);
	size_t at = find_name(named, name, 0, end);

	if (at == end)
		at = add_name(named, name, end);
	atomic_fetch_add_explicit(
		at < NAMES_MAX ? &named->counts[at] : &named->other, 1, memory_order_relaxed);
}

static void init_names(struct named_counts *named, const char *const *names)
{
	(void)pthread_mutex_init(&named->lock, NULL);
	for (; *names; names++)
		(void)add_name(named, *names, 0);
}

int metrics_create(unsigned loops, struct metrics **ret_metrics)
{
	struct metrics *metrics = calloc(1, sizeof(*metrics));
	size_t size = loops * sizeof(struct shard);

	if (!metrics)
		return ERROR_MEMORY;
	metrics->shards = aligned_alloc(_Alignof(struct shard), size);
	if (!metrics->shards) {
		free(metrics);
		return ERROR_MEMORY;
	}
	memset(metrics->shards, 0, size);
	metrics->shard_count = loops;
	init_names(&metrics->denied, reasons);
	init_names(&metrics->issued, grant_types);
	*ret_metrics = metrics;
	return 0;
}

void metrics_destroy(struct metrics *metrics)
{
	if (!metrics)
		return;
	(void)pthread_mutex_destroy(&metrics->denied.lock);
	(void)pthread_mutex_destroy(&metrics->issued.lock);
	free(metrics->shards);
	free(metrics);
}

static size_t find_code(int status)
{
	for (size_t i = 1; i < CODES; i++)
		if (codes[i].status == status)
			return i;
	return CODE_OTHER;
}

/* Nobody else adds to what is this loop's own: no locked instruction is needed. */
static void count_own(_Atomic uint64_t *count)
{
	atomic_store_explicit(
		count, atomic_load_explicit(count, memory_order_relaxed) + 1, memory_order_relaxed);
}

void metrics_request(struct metrics *metrics, const struct http_outcome *outcome)
{
	unsigned endpoint = outcome->mark < METRICS_ENDPOINTS ? outcome->mark : METRICS_OTHER;
	struct shard *shard;

	if (!metrics || outcome->loop >= metrics->shard_count)
		return;
	shard = &metrics->shards[outcome->loop];
	if (!outcome->status) {
		count_own(&shard->unanswered[endpoint]);
		return;
	}
	count_own(&shard->requests[endpoint][find_code(outcome->status)]);
	histogram_add(&shard->durations[endpoint][outcome->status >= 400], outcome->took_ns);
}

void metrics_denied(struct metrics *metrics, const char *reason)
{
	if (metrics)
		count_name(&metrics->denied, reason);
}

void metrics_issued(struct metrics *metrics, const char *grant_type)
{
	if (metrics)
		count_name(&metrics->issued, grant_type);
}

void metrics_swept(struct metrics *metrics, int64_t families)
{
	if (metrics && families > 0)
		atomic_fetch_add(&metrics->swept, (uint64_t)families);
}

/* --- writing ------------------------------------------------------------- */

static uint64_t sum_requests(const struct metrics *metrics, size_t endpoint, size_t code)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < metrics->shard_count; i++)
		sum += atomic_load_explicit(
			&metrics->shards[i].requests[endpoint][code], memory_order_relaxed);
	return sum;
}

/* 200 of every endpoint, so that each is there, and whatever else there was. */
static void write_requests(const struct metrics *metrics, struct exposition *exposition)
{
	static const struct exposition_family family = {"adit_http_requests_total", "counter",
		"Requests answered.", {"endpoint", "code", NULL}};

	exposition_begin(exposition, &family);
	for (size_t endpoint = 0; endpoint < METRICS_ENDPOINTS; endpoint++)
		for (size_t code = 0; code < CODES; code++) {
			uint64_t sum = sum_requests(metrics, endpoint, code);

			if (sum || (endpoint != METRICS_NONE && codes[code].status == 200))
				exposition_count(exposition,
					EXPOSITION_LABELS(
						endpoint_names[endpoint], codes[code].text),
					sum);
		}
}

static void write_unanswered(const struct metrics *metrics, struct exposition *exposition)
{
	static const struct exposition_family family = {"adit_http_requests_unanswered_total",
		"counter", "Requests whose connection had gone before their answer was written.",
		{"endpoint", NULL}};

	exposition_begin(exposition, &family);
	for (size_t endpoint = 0; endpoint < METRICS_ENDPOINTS; endpoint++) {
		uint64_t sum = 0;

		for (unsigned i = 0; i < metrics->shard_count; i++)
			sum += atomic_load_explicit(
				&metrics->shards[i].unanswered[endpoint], memory_order_relaxed);
		exposition_count(exposition, EXPOSITION_LABELS(endpoint_names[endpoint]), sum);
	}
}

/* Without those that the server refused by itself: they never arrived whole. */
static void write_durations(const struct metrics *metrics, struct exposition *exposition)
{
	static const struct exposition_family family = {"adit_http_request_duration_seconds",
		"histogram", "From a request's last byte to its answer's.",
		{"endpoint", "outcome", NULL}};

	exposition_begin(exposition, &family);
	for (size_t endpoint = METRICS_NONE + 1; endpoint < METRICS_ENDPOINTS; endpoint++)
		for (size_t outcome = 0; outcome < OUTCOMES; outcome++) {
			struct histogram_sum sum = {0};

			for (unsigned i = 0; i < metrics->shard_count; i++)
				histogram_read(
					&metrics->shards[i].durations[endpoint][outcome], &sum);
			exposition_histogram(exposition,
				EXPOSITION_LABELS(endpoint_names[endpoint], outcome_names[outcome]),
				&sum);
		}
}

static void write_names(const struct named_counts *named, struct exposition *exposition,
	const struct exposition_family *family)
{
	size_t used = atomic_load(&named->used);
	uint64_t other = atomic_load_explicit(&named->other, memory_order_relaxed);

	exposition_begin(exposition, family);
	for (size_t i = 0; i < used; i++)
		exposition_count(exposition, EXPOSITION_LABELS(named->names[i]),
			atomic_load_explicit(&named->counts[i], memory_order_relaxed));
	if (other)
		exposition_count(exposition, EXPOSITION_LABELS("other"), other);
}

void metrics_write(const struct metrics *metrics, struct exposition *exposition)
{
	static const struct exposition_family issued = {"adit_tokens_issued_total", "counter",
		"Token requests that were granted.", {"grant_type", NULL}};
	static const struct exposition_family denied = {"adit_token_denials_total", "counter",
		"Refused requests to the token, revocation and introspection endpoints, by the "
		"log's reason.",
		{"reason", NULL}};
	static const struct exposition_family swept = {"adit_families_swept_total", "counter",
		"Expired refresh token families that were removed.", {NULL}};

	write_requests(metrics, exposition);
	write_unanswered(metrics, exposition);
	write_durations(metrics, exposition);
	write_names(&metrics->issued, exposition, &issued);
	write_names(&metrics->denied, exposition, &denied);
	exposition_begin(exposition, &swept);
	exposition_count(exposition, EXPOSITION_NO_LABELS, atomic_load(&metrics->swept));
}
