/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything that a running authority consists of. Made once, shared by every
 * request; what changes in it is thread-safe by itself.
 */
#ifndef AUTHORITY_CONTEXT_H
#define AUTHORITY_CONTEXT_H

#include "authority/attempts.h"
#include "authority/audit.h"
#include "authority/cache.h"
#include "authority/catalog.h"
#include "authority/forwarded.h"
#include "authority/keyring.h"
#include "authority/last_use.h"
#include "authority/metrics.h"
#include "authority/password_queue.h"
#include "authority/throttle.h"
#include "base/log.h"
#include "net/http_server.h"
#include "store/store.h"

#include <pthread.h>

enum {
	AUTHORITY_REFUSALS_PER_SECOND = 2,
	AUTHORITY_WORKERS_MAX = 64,
	AUTHORITY_HEADER_SIZE = 512, /* of an encoded JWS header, with the NUL */
};

/* Lifetimes and limits: the contract's defaults (authority_settings_init()). */
struct authority_settings {
	int64_t access_ttl_s;
	int64_t refresh_idle_s;
	int64_t refresh_absolute_s;
	int64_t refresh_grace_s;       /* a redeemed refresh token repeats this long */
	int64_t failure_ms;	       /* failures leave at multiples of this after arrival */
	int64_t flood_per_second;      /* requests of one source; 0: no limit */
	int64_t attempts_per_account;  /* attempts_create()'s per_account */
	struct proxies proxies;	       /* that say where a request comes from */
	bool sources_hidden;	       /* behind a proxy that does not: every peer is it */
	size_t connections_per_source; /* 0: the server's default */
	unsigned threads;	       /* 0: one per core */
	unsigned password_threads;     /* 0: as password_queue_create() has it */
	const char *metrics;	       /* where /metrics is served; NULL: nowhere; borrowed */
	struct tls_server *tls;	       /* of TCP connections; borrowed; NULL: plain HTTP */
	unsigned measure_one_in; /* for bench: CPU time of one signature in so many; 0: none */
};

/* What one loop of the server, or one thread of the password queue, keeps to itself: a signer
 * prepared per algorithm. */
struct worker {
	struct {
		char kid[STORE_ID_SIZE];
		char header[AUTHORITY_HEADER_SIZE];
		struct crypto_signer *signer;
	} signers[JOSE_EDDSA + 1];
	unsigned signature_turn; /* the next three are for bench */
	int64_t signature_ns;
	int64_t signature_count;
};

struct authority {
	struct authority_settings settings;
	const struct clock *clock; /* borrowed, as log and store are */
	const struct log *log;
	struct store *store;
	struct audit *audit; /* borrowed; NULL: none, as in `aditd dev` */
	struct store_authority self;
	const char *issuer_path;      /* "" or "/identity": of self.issuer */
	pthread_mutex_t catalog_lock; /* guards which catalog it is */
	struct catalog *catalog;
	struct keyring *keyring;
	struct cache *cache;
	struct throttle *throttle; /* requests of a source */
	struct throttle *refusals; /* of those that were refused, what the audit names apart */
	struct attempts *attempts;
	int64_t unlock_ordinal; /* of the last account that was unlocked */
	unsigned worker_count;
	struct worker workers[AUTHORITY_WORKERS_MAX];
	struct password_queue *passwords;
	struct worker password_workers[PASSWORD_QUEUE_THREADS_MAX];
	_Atomic bool imported_exists; /* some Service User has an imported password */
	_Atomic bool imported_others; /* and some hash of these costs something else than ours */
	struct last_uses *last_uses;
	struct http_server *server;
	struct metrics *metrics; /* NULL: nothing is counted */
	struct http_server *metrics_server;
	int64_t keys_counter;	  /* the change counter at the last reading of the keys */
	const char *tick_failure; /* what the last tick failed at; NULL: at nothing */
	int64_t tick_failure_told_ms;
	bool outdated; /* a newer Adit has upgraded the data: this process must end */
	_Atomic int64_t sweep_due_ms; /* monotonic */
	int64_t remind_due_s;
	struct log_seldom floods;
	struct log_seldom handshakes; /* that failed */
};

void authority_settings_init(struct authority_settings *settings);

/* What an authority is made of; all borrowed, and all outlive it. */
struct authority_parts {
	struct store *store;
	struct audit *audit; /* NULL: none, or set before authority_start() */
	const struct clock *clock;
	const struct log *log;
	const struct secret *secret_key;
	const struct authority_settings *settings;
};

/* Opens the keys, makes those that are missing, and composes the discovery
 * document. */
int authority_create(
	const struct authority_parts *parts, struct authority **ret_authority, struct fault *fault);
void authority_destroy(struct authority *authority);

/* Listens and serves, `listen_count` addresses. */
int authority_start(struct authority *authority, const char *const *listen, size_t listen_count,
	struct fault *fault);
void authority_stop(struct authority *authority, int drain_ms);

/* To be called four times a second: sees what other processes changed, and tidies. Once
 * authority->outdated is set, nothing more may be answered. */
void authority_tick(struct authority *authority);

/* Whether requests can be answered: the store answers, and the audit takes entries. */
bool authority_is_ready(struct authority *authority);

/* For how long a part of it has not gone on: an event loop or the store's writer. To be
 * called now and then, while it serves. */
int64_t authority_stalled_ms(struct authority *authority);

/* The catalog of now; each acquire is released. */
struct catalog *authority_catalog(struct authority *authority);

/* Through the cache: 0, ERROR_NOT_FOUND, ERROR_UNAVAILABLE, ERROR_MEMORY. */
int authority_client(
	struct authority *authority, const char *client_id, struct store_client *ret_client);
int authority_subject_by_username(struct authority *authority, const char *username,
	const char *client_id, struct store_subject *ret_subject);
int authority_subject_by_id(struct authority *authority, const char *user_id, const char *client_id,
	struct store_subject *ret_subject);
/* Why the user is not let in by this client, as the log has it: "user_disabled",
 * "site_disabled", "grant_disabled"; or NULL: it is. */
const char *authority_subject_denial(const struct store_subject *subject);

/* Forgets what the cache holds of a Service User at a client. */
void authority_forget_subject(
	struct authority *authority, const struct store_subject *subject, const char *client_id);

#endif
