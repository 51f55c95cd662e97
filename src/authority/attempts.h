/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may try a password or a client's secret once more (2-decisions, 7). Failures
 * are counted for each pair of account and source, for each account, for each source
 * and for the network that an IPv6 source lies in. Windows slide: a limit holds in
 * every stretch of its length, however requests fall.
 *
 * All state is memory of a fixed size; the quietest is forgotten first. Only what
 * must outlive a restart is told to the caller, who stores it. No time is read and
 * nothing is written here. Thread-safe; every decision counts in the same step.
 */
#ifndef AUTHORITY_ATTEMPTS_H
#define AUTHORITY_ATTEMPTS_H

#include "base/secret.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	ATTEMPTS_PER_ACCOUNT = 10, /* failures within ATTEMPTS_WINDOW_MS */
	ATTEMPTS_PER_PAIR = 5,	   /* likewise, at the limit of 10 for the account */
	ATTEMPTS_WINDOW_MS = 600 * 1000,
	/* Accounts failed within ATTEMPTS_SOURCE_WINDOW_MS. One counts again after as many
	 * failures as a pair may have, so a source has at most 20 times 5. */
	ATTEMPTS_PER_SOURCE = 20,
	ATTEMPTS_PER_NETWORK = 80, /* of a /48 */
	ATTEMPTS_SOURCE_WINDOW_MS = 3600 * 1000,
	/* Of a chosen password: after these, only pairs that have succeeded. */
	ATTEMPTS_CONSECUTIVE = 100,
	ATTEMPTS_CONSECUTIVE_STEP = 10,	    /* it is told in such steps */
	ATTEMPTS_CONSECUTIVE_WAIT_S = 3600, /* what the client is told then */
	ATTEMPTS_REPEAT_MS = 2000,
	ATTEMPTS_TRUST_S = 30 * 86400, /* a pair that succeeded is trusted so long */
	ATTEMPTS_STORE_S = 86400,      /* and is told of again after this */

	ATTEMPTS_PAIRS_MAX = 16384,
	ATTEMPTS_ACCOUNTS_MAX = 16384,
	ATTEMPTS_SOURCES_MAX = 8192,
	ATTEMPTS_NETWORKS_MAX = 2048,
	ATTEMPTS_TRUSTED_MAX = 65536,
};

struct attempts;

/* `secret_key` is the data directory's: what is derived from it is the same after a
 * restart. `per_account`, from 1 to ATTEMPTS_PER_ACCOUNT; the others go with it. 0:
 * nothing is limited. */
int attempts_create(
	const struct secret *secret_key, int64_t per_account, struct attempts **ret_attempts);
void attempts_destroy(struct attempts *attempts);

enum attempt_kind {
	ATTEMPT_USER,	/* `account` is the id of the user that was found */
	ATTEMPT_NAME,	/* nobody was: it is the name as typed */
	ATTEMPT_CLIENT, /* it is the client's id, there or not */
};

/* What was sent. Texts are borrowed for the call, and may be NULL. */
struct attempt_sent {
	enum attempt_kind kind;
	const char *account;
	uint64_t source; /* source_number(); 0: not known. Then it is no pair. */
	const char *client_id;
	const char *secret;
	bool chosen; /* not of the generated form */
};

/* Whether it counts for a source, and when its account failed there before. */
struct attempt_unit {
	bool counted;
	int64_t before_ms;
};

/* One attempt on its way; begin with zeroes. */
struct attempt {
	uint64_t pair;
	uint64_t account;
	uint64_t source;
	uint64_t network;
	int64_t counted_at_ms; /* 0: it counts for nothing */
	bool in_account;
	struct attempt_unit in_source;
	struct attempt_unit in_network;
	bool chosen;
	/* Where `changed`, `failures` (in steps) is to be stored for `account`. */
	bool changed;
	int64_t failures;
};

enum attempt_verdict {
	ATTEMPT_MAY,
	ATTEMPT_OVER_PAIR,
	ATTEMPT_OVER_ACCOUNT,
	ATTEMPT_OVER_SOURCE,
	ATTEMPT_OVER_CONSECUTIVE,
};

/* Whether it may be evaluated; if so it is counted as a failure, for good unless
 * attempts_succeed() or attempts_return() follows. Otherwise `ret_wait_s` is how long
 * to wait (at least 1). One repeat of the one before, within ATTEMPTS_REPEAT_MS, may
 * without being counted. A generated password is evaluated first, and is asked about
 * here when it was wrong. 0 or ERROR_CRYPTO. */
int attempts_take(struct attempts *attempts, const struct attempt_sent *sent, int64_t now_ms,
	struct attempt *attempt, enum attempt_verdict *ret_verdict, int64_t *ret_wait_s);

/* It was right: its pair is cleared and trusted, and what it counted is taken back.
 * `ret_store`: whether the pair is to be stored, with attempt->pair. */
int attempts_succeed(struct attempts *attempts, const struct attempt_sent *sent, int64_t now_ms,
	struct attempt *attempt, bool *ret_store);

/* It was not evaluated after all. */
void attempts_return(struct attempts *attempts, struct attempt *attempt);

/* Whether the pair has succeeded within ATTEMPTS_TRUST_S. */
bool attempts_is_trusted(
	struct attempts *attempts, const struct attempt_sent *sent, int64_t now_ms);

/* The number that a user's failures are stored under: 0, ERROR_CRYPTO or ERROR_MEMORY. */
int attempts_account(const struct secret *secret_key, const char *user_id, uint64_t *ret_account);

/* What was stored before. */
void attempts_load_pair(struct attempts *attempts, uint64_t pair, int64_t succeeded_at_s);
void attempts_load_failures(
	struct attempts *attempts, uint64_t account, int64_t failures, int64_t now_ms);

/* Forgets all that counts against an account, also in its pairs. */
void attempts_forget(struct attempts *attempts, uint64_t account);

#endif
