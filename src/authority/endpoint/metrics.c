/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /metrics, on its own listener: what the parts of a running authority say of themselves, in
 * Prometheus' text format. docs/metrics.md lists every metric.
 */
#include "authority/metrics.h"
#include "authority/endpoint.h"
#include "authority/reminder.h"
#include "authority/respond.h"
#include "base/process.h"
#include "net/tls.h"
#include "oauth/error.h"

#include <string.h>

enum {
	PAGE_MAX = 1024 * 1024,
	STATES = 3,
};

static void write_one_count(
	struct exposition *exposition, const struct exposition_family *family, uint64_t value)
{
	exposition_begin(exposition, family);
	exposition_count(exposition, EXPOSITION_NO_LABELS, value);
}

static void write_one_seconds(
	struct exposition *exposition, const struct exposition_family *family, double value)
{
	exposition_begin(exposition, family);
	exposition_seconds(exposition, EXPOSITION_NO_LABELS, value);
}

static void write_build(struct exposition *exposition)
{
	static const struct exposition_family family = {
		"adit_build_info", "gauge", "1; the version is its label.", {"version", NULL}};

	exposition_begin(exposition, &family);
	exposition_count(exposition, EXPOSITION_LABELS(ADIT_VERSION), 1);
}

static void write_connections(const struct authority *authority, struct exposition *exposition)
{
	static const struct exposition_family open = {
		"adit_http_connections", "gauge", "Open connections.", {NULL}};
	static const struct exposition_family accepted = {"adit_http_connections_accepted_total",
		"counter", "Connections that were taken.", {NULL}};
	static const struct exposition_family evicted = {"adit_http_connections_evicted_total",
		"counter", "Connections closed to make room for others.", {NULL}};
	static const struct exposition_family refused = {"adit_http_connections_refused_total",
		"counter", "Connections turned away because there was no room.", {NULL}};
	struct http_statistics statistics = {0};

	if (authority->server)
		http_server_statistics(authority->server, &statistics);
	write_one_count(exposition, &open, statistics.open);
	write_one_count(exposition, &accepted, statistics.accepted);
	write_one_count(exposition, &evicted, statistics.evicted);
	write_one_count(exposition, &refused, statistics.turned_away);
}

static void write_store(struct authority *authority, struct exposition *exposition)
{
	static const struct exposition_family up = {"adit_store_up", "gauge",
		"1 while the store can be read and its last write went well.", {NULL}};
	static const struct exposition_family waiting = {"adit_store_writes_waiting", "gauge",
		"Writes in the queue of the store's writer.", {NULL}};
	static const struct exposition_family limit = {"adit_store_writes_waiting_limit", "gauge",
		"Writes that may wait; further ones are answered queue_full.", {NULL}};
	static const struct exposition_family writes = {
		"adit_store_writes_total", "counter", "Writes done, failed ones too.", {NULL}};
	static const struct exposition_family transactions = {
		"adit_store_transaction_duration_seconds", "histogram",
		"A transaction of the writer's, with all writes in it, from its begin to the end "
		"of its commit.",
		{NULL}};
	struct store_statistics statistics;

	store_statistics(authority->store, &statistics);
	write_one_count(exposition, &up, store_ping(authority->store) == 0);
	write_one_count(exposition, &waiting, statistics.waiting);
	write_one_count(exposition, &limit, statistics.waiting_max);
	write_one_count(exposition, &writes, statistics.answered);
	exposition_begin(exposition, &transactions);
	exposition_histogram(exposition, EXPOSITION_NO_LABELS, &statistics.transactions);
}

static void write_cache(const struct authority *authority, struct exposition *exposition)
{
	static const struct exposition_family hits = {
		"adit_cache_hits_total", "counter", "Answers out of memory.", {NULL}};
	static const struct exposition_family misses = {"adit_cache_misses_total", "counter",
		"Questions that the store had to answer.", {NULL}};
	static const struct exposition_family evictions = {"adit_cache_evictions_total", "counter",
		"Records that gave their place to others.", {NULL}};
	static const struct exposition_family emptied = {"adit_cache_invalidations_total",
		"counter", "How often the whole cache was emptied because the store had changed.",
		{NULL}};
	static const struct exposition_family records = {
		"adit_cache_records", "gauge", "Records held, outdated ones too.", {NULL}};
	static const struct exposition_family limit = {
		"adit_cache_records_limit", "gauge", "Records that may be held.", {NULL}};
	struct cache_statistics statistics;

	cache_statistics(authority->cache, &statistics);
	write_one_count(exposition, &hits, statistics.hits);
	write_one_count(exposition, &misses, statistics.misses);
	write_one_count(exposition, &evictions, statistics.evictions);
	write_one_count(exposition, &emptied, statistics.emptied);
	write_one_count(exposition, &records, statistics.records);
	write_one_count(exposition, &limit, CACHE_ENTRIES_MAX);
}

static void write_passwords(const struct authority *authority, struct exposition *exposition)
{
	static const struct exposition_family waiting = {"adit_password_queue_waiting", "gauge",
		"Chosen passwords that wait to be hashed.", {"pair", NULL}};
	static const struct exposition_family limit = {"adit_password_queue_waiting_limit", "gauge",
		"Chosen passwords that may wait.", {NULL}};
	static const struct exposition_family threads = {
		"adit_password_queue_threads", "gauge", "Threads that hash them.", {NULL}};
	static const struct exposition_family hashed = {"adit_passwords_hashed_total", "counter",
		"Chosen passwords hashed, those hashed anew too.", {NULL}};
	struct password_queue_state state;

	password_queue_state(authority->passwords, &state);
	exposition_begin(exposition, &waiting);
	exposition_count(exposition, EXPOSITION_LABELS("trusted"), state.waiting_trusted);
	exposition_count(
		exposition, EXPOSITION_LABELS("other"), state.waiting - state.waiting_trusted);
	write_one_count(exposition, &limit, state.places);
	write_one_count(exposition, &threads, state.threads);
	write_one_count(exposition, &hashed, state.hashed);
}

static void write_audit(const struct authority *authority, struct exposition *exposition)
{
	static const struct exposition_family up = {"adit_audit_up", "gauge",
		"1 while the audit takes entries; while it does not, nothing is issued.", {NULL}};
	static const struct exposition_family waiting = {"adit_audit_waiting_bytes", "gauge",
		"Bytes of the audit that wait to be written.", {NULL}};
	static const struct exposition_family limit = {"adit_audit_waiting_bytes_limit", "gauge",
		"Bytes of the audit that may wait.", {NULL}};
	uint64_t bytes = 0;

	if (!authority->audit)
		return;
	write_one_count(exposition, &up, audit_state(authority->audit, &bytes) == 0);
	write_one_count(exposition, &waiting, bytes);
	write_one_count(exposition, &limit, AUDIT_PENDING_MAX);
}

static void write_certificate(const struct authority *authority, struct exposition *exposition)
{
	static const struct exposition_family family = {"adit_tls_certificate_remaining_seconds",
		"gauge", "Until the server's own certificate ends; negative after it.", {NULL}};
	int64_t now_s = clock_now_s(authority->clock);
	struct tls_state state;

	if (!authority->settings.tls)
		return;
	tls_server_state(authority->settings.tls, NULL, now_s, &state);
	exposition_begin(exposition, &family);
	exposition_number(exposition, EXPOSITION_NO_LABELS, state.not_after - now_s);
}

static void write_last_uses(const struct authority *authority, struct exposition *exposition)
{
	static const struct exposition_family waiting = {"adit_last_uses_waiting", "gauge",
		"Last uses that are not in the store yet.", {NULL}};
	static const struct exposition_family dropped = {"adit_last_uses_dropped_total", "counter",
		"Last uses for which there was no room until the next writing.", {NULL}};
	struct last_uses_state state;

	last_uses_state(authority->last_uses, &state);
	write_one_count(exposition, &waiting, state.waiting);
	write_one_count(exposition, &dropped, state.dropped);
}

static void write_reminders(const struct authority *authority, struct exposition *exposition)
{
	static const struct exposition_family family = {"adit_credentials_expiring", "gauge",
		"Owners whose password or secret ends within 14 days.", {"owner", NULL}};
	struct reminder_counts counts;

	if (reminder_count(authority->store, clock_now_s(authority->clock), &counts))
		return;
	exposition_begin(exposition, &family);
	exposition_count(exposition, EXPOSITION_LABELS("service_user"), counts.service_users);
	exposition_count(exposition, EXPOSITION_LABELS("client"), counts.clients);
}

/* --- keys ---------------------------------------------------------------- */

/* Those of one purpose and algorithm. */
struct key_group {
	const char *purpose;
	const char *alg; /* "": they have none */
	const struct keyring_key *keys;
	size_t count;
	enum jose_alg wanted;
};

static const char *const state_names[STATES] = {"next", "active", "retired"};

enum key_figure { KEY_COUNT, KEY_AGE, KEY_NEXT_CHANGE };

/* The newest in that state, or NULL, and how many there are. */
static const struct keyring_key *find_key(
	const struct key_group *group, const char *state, int64_t now_s, int64_t *ret_count)
{
	const struct keyring_key *newest = NULL;
	int64_t count = 0;

	for (size_t i = 0; i < group->count; i++) {
		const struct keyring_key *key = &group->keys[i];

		if ((*group->alg && key->alg != group->wanted) ||
			strcmp(keyring_state(key->published_at, key->activates_at, key->retires_at,
				       key->gone_at, now_s),
				state) != 0)
			continue;
		newest = key;
		count++;
	}
	*ret_count = count;
	return newest;
}

/* When the key enters its next state; 0: nobody has said. */
static int64_t next_change(const struct keyring_key *key, int64_t now_s)
{
	if (key->activates_at > now_s)
		return key->activates_at;
	return key->retires_at > now_s || !key->retires_at ? key->retires_at : key->gone_at;
}

static void write_group(struct exposition *exposition, const struct key_group *group,
	enum key_figure figure, int64_t now_s)
{
	for (size_t i = 0; i < STATES; i++) {
		const char *const labels[] = {group->purpose, group->alg, state_names[i], NULL};
		int64_t count = 0;
		const struct keyring_key *key = find_key(group, state_names[i], now_s, &count);

		if (figure == KEY_COUNT)
			exposition_number(exposition, labels, count);
		else if (key && figure == KEY_AGE)
			exposition_number(exposition, labels, now_s - key->created_at);
		else if (key && next_change(key, now_s))
			exposition_number(exposition, labels, next_change(key, now_s) - now_s);
	}
}

static void write_keys(const struct authority *authority, struct exposition *exposition)
{
	static const struct exposition_family families[] = {
		[KEY_COUNT] = {"adit_keys", "gauge", "Keys that have not gone.",
			{"purpose", "alg", "state", NULL}},
		[KEY_AGE] = {"adit_key_age_seconds", "gauge",
			"Since the newest key in that state was made.",
			{"purpose", "alg", "state", NULL}},
		[KEY_NEXT_CHANGE] = {"adit_key_next_change_seconds", "gauge",
			"Until the newest key in that state enters its next one; missing while no "
			"time is set.",
			{"purpose", "alg", "state", NULL}},
	};
	struct keyring_snapshot *snapshot = keyring_acquire(authority->keyring);
	int64_t now_s = clock_now_s(authority->clock);
	const struct key_group groups[] = {
		{"signing", "ES256", snapshot->signing, snapshot->signing_count, JOSE_ES256},
		{"signing", "RS256", snapshot->signing, snapshot->signing_count, JOSE_RS256},
		{"sealing", "", snapshot->sealing, snapshot->sealing_count, 0},
		{"pepper", "", snapshot->peppers, snapshot->pepper_count, 0},
	};

	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
		exposition_begin(exposition, &families[i]);
		for (size_t j = 0; j < sizeof(groups) / sizeof(groups[0]); j++)
			write_group(exposition, &groups[j], (enum key_figure)i, now_s);
	}
	keyring_release(snapshot);
}

/* --- the process --------------------------------------------------------- */

/* The names that every Prometheus client library gives them. */
static void write_process(struct exposition *exposition)
{
	static const struct exposition_family cpu = {"process_cpu_seconds_total", "counter",
		"CPU time, user and system, in seconds.", {NULL}};
	static const struct exposition_family resident = {
		"process_resident_memory_bytes", "gauge", "Resident memory, in bytes.", {NULL}};
	static const struct exposition_family virtual = {
		"process_virtual_memory_bytes", "gauge", "Virtual memory, in bytes.", {NULL}};
	static const struct exposition_family descriptors = {
		"process_open_fds", "gauge", "Open file descriptors.", {NULL}};
	static const struct exposition_family descriptors_max = {
		"process_max_fds", "gauge", "File descriptors that may be open.", {NULL}};
	static const struct exposition_family threads = {
		"process_threads", "gauge", "Threads.", {NULL}};
	static const struct exposition_family started = {"process_start_time_seconds", "gauge",
		"When the process was started, in Unix time.", {NULL}};
	struct process_figures figures;

	if (process_read(&figures))
		return;
	write_one_seconds(exposition, &cpu, figures.cpu_s);
	write_one_count(exposition, &resident, (uint64_t)figures.resident_bytes);
	write_one_count(exposition, &virtual, (uint64_t)figures.virtual_bytes);
	write_one_count(exposition, &descriptors, (uint64_t)figures.descriptors);
	write_one_count(exposition, &descriptors_max, (uint64_t)figures.descriptors_max);
	write_one_count(exposition, &threads, (uint64_t)figures.threads);
	write_one_seconds(exposition, &started, figures.started_at_s);
}

void endpoint_metrics(
	struct authority *authority, const struct http_request *request, struct http_ticket ticket)
{
	struct buf page;
	struct exposition exposition = {.buf = &page};

	(void)request;
	buf_init(&page, PAGE_MAX);
	write_build(&exposition);
	metrics_write(authority->metrics, &exposition);
	write_connections(authority, &exposition);
	write_store(authority, &exposition);
	write_cache(authority, &exposition);
	write_passwords(authority, &exposition);
	write_audit(authority, &exposition);
	write_certificate(authority, &exposition);
	write_last_uses(authority, &exposition);
	write_reminders(authority, &exposition);
	write_keys(authority, &exposition);
	write_process(&exposition);
	if (buf_status(&page))
		respond_error_anew(ticket, &(struct error_reply){.status = 503,
						   .error = OAUTH_SERVER_ERROR,
						   .description = "out of memory",
						   .retry_after_s = 5});
	else
		respond_exposition(ticket, page.data, page.len);
	buf_finish(&page);
}
