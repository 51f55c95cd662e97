/* SPDX-License-Identifier: Apache-2.0 */
#include "authority/context.h"

#include "authority/attempts_store.h"
#include "authority/endpoint.h"
#include "authority/password_hash.h"
#include "authority/reminder.h"
#include "authority/respond.h"
#include "authority/route.h"
#include "codec/uri.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	SWEEP_EVERY_MS = 60000,
	FAILURE_TOLD_EVERY_MS = 60000,
	SWEEP_MOST = 200, /* families, or assertions, removed in one transaction */
	METRICS_CONNECTIONS_MAX = 16,
	METRICS_BODY_MAX = 1024,
	REMIND_AGAIN_S = 60,
};

void authority_settings_init(struct authority_settings *settings)
{
	*settings = (struct authority_settings){
		.access_ttl_s = 3600,
		.refresh_idle_s = (int64_t)15 * 86400,
		.refresh_absolute_s = (int64_t)30 * 86400,
		.refresh_grace_s = 60,
		.failure_ms = 250,
		.flood_per_second = 100,
		.attempts_per_account = ATTEMPTS_PER_ACCOUNT,
	};
}

/* An RSA key takes long to make, so it is made when a resource first wants it. */
static int make_missing_keys(struct authority *authority, const struct catalog *catalog)
{
	for (size_t i = 0; i < catalog->scope_count; i++) {
		struct keyring_new_key wanted = {.purpose = "signing", .first = true};
		struct keyring_snapshot *snapshot;
		bool missing;
		int error;

		if (!*catalog->scopes[i].resource ||
			jose_alg_parse(catalog->scopes[i].alg, &wanted.alg))
			continue;
		snapshot = keyring_acquire(authority->keyring);
		missing = !keyring_signing_key(snapshot, wanted.alg, clock_now_s(authority->clock));
		keyring_release(snapshot);
		error = missing ? keyring_add(authority->keyring, &wanted, NULL) : 0;
		if (error && error != ERROR_REFUSED)
			return error;
	}
	return 0;
}

/* The keys first: a scope must not be asked for before its tokens can be signed. On
 * an error the old catalog stays. */
static int read_catalog(struct authority *authority)
{
	struct catalog *catalog = NULL;
	struct catalog *old;
	int error = catalog_create(authority->store, &catalog);

	if (!error)
		error = make_missing_keys(authority, catalog);
	if (!error)
		error = discovery_compose(authority, catalog);
	if (error) {
		catalog_release(catalog);
		return error;
	}
	(void)pthread_mutex_lock(&authority->catalog_lock);
	old = authority->catalog;
	authority->catalog = catalog;
	(void)pthread_mutex_unlock(&authority->catalog_lock);
	catalog_release(old);
	return 0;
}

struct catalog *authority_catalog(struct authority *authority)
{
	struct catalog *catalog;

	(void)pthread_mutex_lock(&authority->catalog_lock);
	catalog = authority->catalog;
	catalog_retain(catalog);
	(void)pthread_mutex_unlock(&authority->catalog_lock);
	return catalog;
}

/* Where nobody has an imported password none is ever hashed. */
static int read_imported(struct authority *authority)
{
	struct store_imported imported = {0};
	int error = store_imported_find(authority->store, PASSWORD_HASH_OURS, &imported);

	if (!error) {
		atomic_store(&authority->imported_exists, imported.exists);
		atomic_store(&authority->imported_others, imported.others);
	}
	return error;
}

static unsigned count_threads(unsigned wanted)
{
	long cores = wanted ? (long)wanted : sysconf(_SC_NPROCESSORS_ONLN);

	if (cores < 1)
		return 1;
	return cores > AUTHORITY_WORKERS_MAX ? AUTHORITY_WORKERS_MAX : (unsigned)cores;
}

static int open_parts(struct authority *authority, const struct authority_parts *parts)
{
	struct uri uri = {0};
	int error = store_authority_get(parts->store, &authority->self);

	/* Before the keys and scopes are read: what changes meanwhile is read again. */
	if (!error)
		error = store_change_counter(parts->store, &authority->keys_counter);
	if (!error)
		error = uri_parse(authority->self.issuer, &uri);
	if (!error)
		authority->issuer_path =
			authority->self.issuer + strlen(authority->self.issuer) - uri.path_length;
	if (!error)
		error = keyring_create(
			parts->store, parts->clock, parts->secret_key, &authority->keyring);
	if (!error)
		error = read_catalog(authority);
	/* Where that can't be stored now, the tick does it. */
	if (!error)
		(void)keyring_publish(authority->keyring);
	if (!error)
		error = cache_create(&authority->cache);
	if (!error)
		error = throttle_create(authority->settings.flood_per_second, &authority->throttle);
	if (!error) /* Where sources are not to be told apart, neither are they here. */
		error = throttle_create(
			authority->settings.flood_per_second ? AUTHORITY_REFUSALS_PER_SECOND : 0,
			&authority->refusals);
	if (!error)
		error = attempts_create(parts->secret_key, authority->settings.attempts_per_account,
			&authority->attempts);
	if (!error)
		error = attempts_read(authority->attempts, parts->store, parts->clock,
			&authority->unlock_ordinal);
	if (!error)
		error = read_imported(authority);
	if (!error)
		error = password_queue_create(authority->store,
			authority->settings.password_threads, &authority->passwords);
	if (!error)
		error = last_uses_create(authority->store, authority->log, &authority->last_uses);
	if (!error && authority->settings.metrics)
		error = metrics_create(authority->worker_count, &authority->metrics);
	return error;
}

int authority_create(
	const struct authority_parts *parts, struct authority **ret_authority, struct fault *fault)
{
	struct authority *authority = calloc(1, sizeof(*authority));
	int error;

	if (!authority) {
		fault_set(fault, "out of memory");
		return ERROR_MEMORY;
	}
	(void)pthread_mutex_init(&authority->catalog_lock, NULL);
	authority->settings = *parts->settings;
	authority->clock = parts->clock;
	authority->log = parts->log;
	authority->store = parts->store;
	authority->audit = parts->audit;
	authority->worker_count = count_threads(authority->settings.threads);
	error = open_parts(authority, parts);
	if (error == ERROR_REFUSED)
		fault_set(fault, "the secret key does not open this data directory's keys; put "
				 "back the one that was made with it");
	else if (error)
		fault_set(fault, "the authority can't be opened: %s", error_text(error));
	if (error)
		authority_destroy(authority);
	else
		*ret_authority = authority;
	return error;
}

static void finish_workers(struct worker *workers, size_t count)
{
	for (size_t i = 0; i < count; i++)
		for (size_t alg = 0; alg <= JOSE_EDDSA; alg++)
			crypto_signer_destroy(workers[i].signers[alg].signer);
}

void authority_destroy(struct authority *authority)
{
	if (!authority)
		return;
	http_server_destroy(authority->metrics_server);
	password_queue_destroy(authority->passwords);
	http_server_destroy(authority->server);
	/* What the store has under way still calls back. */
	store_settle(authority->store);
	metrics_destroy(authority->metrics);
	last_uses_destroy(authority->last_uses);
	finish_workers(authority->workers, AUTHORITY_WORKERS_MAX);
	finish_workers(authority->password_workers, PASSWORD_QUEUE_THREADS_MAX);
	attempts_destroy(authority->attempts);
	throttle_destroy(authority->throttle);
	throttle_destroy(authority->refusals);
	cache_destroy(authority->cache);
	keyring_destroy(authority->keyring);
	catalog_release(authority->catalog);
	(void)pthread_mutex_destroy(&authority->catalog_lock);
	free(authority);
}

static void handle(void *context, const struct http_request *request, struct http_ticket ticket)
{
	route_request(context, request, ticket);
}

static void refused(
	void *context, const struct http_refusal *refusal, struct http_refusal_answer *answer)
{
	struct authority *authority = context;
	char correlation_id[CORRELATION_ID_LENGTH + 1];
	const char *id = correlation_id_make(correlation_id) ? NULL : correlation_id;
	char source[HTTP_SOURCE_SIZE];

	http_source_text(refusal->peer, source);
	LOG_EVENT(authority->log, LOG_LEVEL_INFO, "request_refused", log_text("correlation_id", id),
		log_number("status", refusal->status), log_text("reason", refusal->reason),
		log_text("source", source));
	respond_refusal(refusal, id, answer);
}

static void ended(void *context, const struct http_outcome *outcome)
{
	struct authority *authority = context;

	metrics_request(authority->metrics, outcome);
}

static void handle_metrics(
	void *context, const struct http_request *request, struct http_ticket ticket)
{
	route_metrics(context, request, ticket);
}

/* A thread and connections of its own: who scrapes, and how slowly, is nothing to the
 * authority's clients. */
static int start_metrics(struct authority *authority, struct fault *fault)
{
	struct http_server_options options = {
		.listen = &authority->settings.metrics,
		.listen_count = 1,
		.threads = 1,
		.max_connections = METRICS_CONNECTIONS_MAX,
		.max_body = METRICS_BODY_MAX,
		.handler = handle_metrics,
		.refused = refused,
		.context = authority,
	};
	int error = http_server_create(&options, &authority->metrics_server, fault);

	if (error)
		return error;
	error = http_server_start(authority->metrics_server);
	if (error) {
		fault_set(fault, "the thread of /metrics can't be started: %s", error_text(error));
		return error;
	}
	LOG_EVENT(authority->log, LOG_LEVEL_INFO, "metrics_listening",
		log_text("address", http_server_address(authority->metrics_server, 0)));
	return 0;
}

/* One line a second at most: port scanners are many. */
static void handshake_failed(void *context, const char *reason, const struct sockaddr_storage *peer)
{
	struct authority *authority = context;
	char source[HTTP_SOURCE_SIZE];
	int64_t count;

	if (!log_seldom_due(&authority->handshakes, clock_monotonic_ms(), &count))
		return;
	http_source_text(peer, source);
	LOG_EVENT(authority->log, LOG_LEVEL_INFO, "tls_handshake_failed",
		log_text("reason", reason), log_text("source", source), log_number("count", count));
}

int authority_start(struct authority *authority, const char *const *listen, size_t listen_count,
	struct fault *fault)
{
	struct http_server_options options = {
		.listen = listen,
		.listen_count = listen_count,
		.threads = authority->worker_count,
		.handler = handle,
		.refused = refused,
		.ended = authority->metrics ? ended : NULL,
		.handshake_failed = handshake_failed,
		.tls = authority->settings.tls,
		.max_per_source = authority->settings.connections_per_source,
		.context = authority,
	};
	int error = http_server_create(&options, &authority->server, fault);

	if (error)
		return error;
	if (authority->metrics) {
		error = start_metrics(authority, fault);
		if (error)
			return error;
	}
	authority_tick(authority);
	error = http_server_start(authority->server);
	if (error) {
		fault_set(fault, "the server's threads can't be started: %s", error_text(error));
		return error;
	}
	for (size_t i = 0; i < listen_count; i++)
		LOG_EVENT(authority->log, LOG_LEVEL_INFO, "listening",
			log_text("address", http_server_address(authority->server, i)),
			log_text("scheme", http_server_scheme(authority->server, i)),
			log_text("issuer", authority->self.issuer));
	return 0;
}

void authority_stop(struct authority *authority, int drain_ms)
{
	if (authority->server)
		http_server_stop(authority->server, drain_ms);
	/* What it still has to answer may yet be written. */
	password_queue_stop(authority->passwords);
	if (authority->metrics_server)
		http_server_stop(authority->metrics_server, 0);
	/* What the store and the audit still have to answer names this authority. */
	store_settle(authority->store);
	if (authority->audit)
		audit_settle(authority->audit);
	last_uses_finish(authority->last_uses);
}

/* Four ticks a second would fill the log: a failure is told when it begins, and
 * once a minute while it lasts. */
static void tick_failed(struct authority *authority, const char *what, int error)
{
	int64_t now_ms = clock_monotonic_ms();

	if (authority->tick_failure == what && now_ms < authority->tick_failure_told_ms)
		return;
	authority->tick_failure = what;
	authority->tick_failure_told_ms = now_ms + FAILURE_TOLD_EVERY_MS;
	LOG_EVENT(authority->log, LOG_LEVEL_ERROR, "tick_failed", log_text("what", what),
		log_text("reason", error_text(error)));
}

static void swept(void *context, int error, int64_t removed)
{
	struct authority *authority = context;

	if (error)
		LOG_EVENT(authority->log, LOG_LEVEL_ERROR, "sweep_failed",
			log_text("reason", error_text(error)));
	/* As many as it may: there are more, so the next tick goes on. */
	else if (removed == SWEEP_MOST)
		atomic_store(&authority->sweep_due_ms, 0);
}

static void families_swept(void *context, int error, int64_t removed)
{
	const struct authority *authority = context;

	metrics_swept(authority->metrics, removed);
	swept(context, error, removed);
}

/* Does not wait for the store's writing: that must not stop the polling. */
static void sweep(struct authority *authority)
{
	int64_t now_ms = clock_monotonic_ms();
	int error;

	if (now_ms < atomic_load(&authority->sweep_due_ms))
		return;
	atomic_store(&authority->sweep_due_ms, now_ms + SWEEP_EVERY_MS);
	error = store_family_sweep(authority->store, SWEEP_MOST, families_swept, authority);
	if (!error)
		error = store_client_assertion_sweep(
			authority->store, SWEEP_MOST, swept, authority);
	if (!error)
		error = store_trusted_pair_sweep(
			authority->store, ATTEMPTS_TRUST_S, SWEEP_MOST, swept, authority);
	if (error)
		swept(authority, error, 0);
}

/* At the start and once a day, by the wall clock. */
static void remind(struct authority *authority)
{
	int64_t now_s = clock_now_s(authority->clock);
	int error;

	if (now_s < authority->remind_due_s && authority->remind_due_s - now_s <= REMINDER_DAY_S)
		return;
	error = reminder_log(authority->store, authority->log, now_s);
	authority->remind_due_s = now_s + (error ? REMIND_AGAIN_S : REMINDER_DAY_S);
	if (error)
		tick_failed(authority, "looking for passwords that expire soon", error);
}

static int read_changed(struct authority *authority)
{
	int error = keyring_reload(authority->keyring);

	if (!error)
		error = read_catalog(authority);
	if (!error)
		error = read_imported(authority);
	return error ? error
		     : attempts_read_unlocked(
			       authority->attempts, authority->store, &authority->unlock_ordinal);
}

/* The keys before what names them: a Service User's password may be under a new
 * pepper. Where they can't be read the cache stays unpolled, and is bypassed after
 * five seconds; the next tick tries again. */
void authority_tick(struct authority *authority)
{
	int64_t counter = 0;
	int error = store_change_counter(authority->store, &counter);

	if (error == ERROR_VERSION && !authority->outdated) {
		authority->outdated = true;
		LOG_EVENT(authority->log, LOG_LEVEL_ERROR, "data_upgraded",
			log_text("advice", "start the version that upgraded the data"));
	}
	if (error) {
		tick_failed(authority, "polling the store", error);
		return;
	}
	if (counter != authority->keys_counter)
		error = read_changed(authority);
	else
		error = keyring_reload_if_due(authority->keyring);
	if (error) {
		tick_failed(authority, "reading the keys and scopes", error);
		return;
	}
	authority->keys_counter = counter;
	error = keyring_publish(authority->keyring);
	if (error)
		tick_failed(authority, "publishing a signing key", error);
	else
		authority->tick_failure = NULL;
	cache_poll(authority->cache, counter);
	sweep(authority);
	last_uses_tick(authority->last_uses, clock_now_s(authority->clock));
	remind(authority);
}

bool authority_is_ready(struct authority *authority)
{
	uint64_t waiting = 0;

	return store_ping(authority->store) == 0 &&
	       (!authority->audit || audit_state(authority->audit, &waiting) == 0);
}

int64_t authority_stalled_ms(struct authority *authority)
{
	int64_t loops_ms = http_server_stalled_ms(authority->server);
	struct store_statistics statistics;

	store_statistics(authority->store, &statistics);
	return loops_ms > statistics.stalled_ms ? loops_ms : statistics.stalled_ms;
}

int authority_client(
	struct authority *authority, const char *client_id, struct store_client *ret_client)
{
	struct cache_key key;
	bool cacheable = !cache_key_make(&key, 'c', client_id, "");
	uint64_t era = cache_era(authority->cache);
	int error;

	if (cacheable && cache_get(authority->cache, &key, ret_client, sizeof(*ret_client)))
		return 0;
	error = store_client_get(authority->store, client_id, ret_client);
	if (!error && cacheable)
		cache_put(authority->cache, &key, era, ret_client, sizeof(*ret_client));
	return error;
}

static int find_subject(struct authority *authority, char kind, const char *name,
	const char *client_id, struct store_subject *ret_subject)
{
	struct cache_key key;
	bool cacheable = !cache_key_make(&key, kind, name, client_id);
	uint64_t era = cache_era(authority->cache);
	int error;

	if (cacheable && cache_get(authority->cache, &key, ret_subject, sizeof(*ret_subject)))
		return 0;
	if (kind == 'n')
		error = store_subject_by_username(authority->store, name, client_id, ret_subject);
	else
		error = store_subject_by_id(authority->store, name, client_id, ret_subject);
	if (!error && cacheable)
		cache_put(authority->cache, &key, era, ret_subject, sizeof(*ret_subject));
	return error;
}

int authority_subject_by_username(struct authority *authority, const char *username,
	const char *client_id, struct store_subject *ret_subject)
{
	return find_subject(authority, 'n', username, client_id, ret_subject);
}

int authority_subject_by_id(struct authority *authority, const char *user_id, const char *client_id,
	struct store_subject *ret_subject)
{
	return find_subject(authority, 'i', user_id, client_id, ret_subject);
}

const char *authority_subject_denial(const struct store_subject *subject)
{
	if (subject->user.disabled_at)
		return "user_disabled";
	if (subject->user.site_disabled)
		return "site_disabled";
	return subject->grant.disabled ? "grant_disabled" : NULL;
}

void authority_forget_subject(
	struct authority *authority, const struct store_subject *subject, const char *client_id)
{
	struct cache_key key;

	if (!cache_key_make(&key, 'n', subject->user.username, client_id))
		cache_forget(authority->cache, &key);
	if (!cache_key_make(&key, 'i', subject->user.id, client_id))
		cache_forget(authority->cache, &key);
}
