/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What uses which Service User, from where, with which password or secret. A token only
 * notes it in memory; the ticker has the store write it, without waiting, once a minute at
 * most, so a process that is killed loses at most a minute. Bounded: what finds no room
 * before the next writing is not noted. Thread-safe.
 */
#ifndef AUTHORITY_LAST_USE_H
#define AUTHORITY_LAST_USE_H

#include "base/log.h"
#include "store/store.h"

enum {
	LAST_USES_MAX = 8192, /* different ones between two writings */
	LAST_USE_EVERY_S = 60,
};

struct last_uses;

/* Both are borrowed. */
int last_uses_create(struct store *store, const struct log *log, struct last_uses **ret_last_uses);
/* Accepts NULL. Nothing of it may be under way in the store: store_settle(). */
void last_uses_destroy(struct last_uses *uses);

struct last_use_note {
	const char *user_id; /* NULL: only the secret was used */
	const char *client_id;
	const char *source;
	const char *grant_type;	   /* NULL with a NULL user_id */
	const char *credential_id; /* NULL or "": none */
	const char *secret_id;
	int64_t at_s;
};
void last_uses_note(struct last_uses *uses, const struct last_use_note *note);

/* For the ticker: writes what is due. */
void last_uses_tick(struct last_uses *uses, int64_t now_s);

/* At the end, when nothing is noted any more: writes all, and waits for it. */
void last_uses_finish(struct last_uses *uses);

struct last_uses_state {
	uint64_t waiting;
	uint64_t dropped; /* since the start */
};
void last_uses_state(struct last_uses *uses, struct last_uses_state *ret_state);

#endif
