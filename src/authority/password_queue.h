/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The only place where a slow hash is computed for a request: a bounded queue before
 * a few threads (2-decisions, 2), so that guesses neither stop the loops nor fill the
 * memory. Half of the places are for pairs of account and source that have succeeded.
 * Thread-safe.
 */
#ifndef AUTHORITY_PASSWORD_QUEUE_H
#define AUTHORITY_PASSWORD_QUEUE_H

#include "store/store.h"

#include <stdbool.h>

enum {
	PASSWORD_QUEUE_THREADS_MAX = 64,
	PASSWORD_QUEUE_PLACES = 32, /* for each thread; Argon2id takes some 12 to 30 ms */
};

struct password_queue;

/* `threads` 0: one less than there are cores, and at least one. The store is told of
 * hashes that were made anew, and outlives the queue. 0, ERROR_MEMORY or
 * ERROR_UNAVAILABLE (no thread). */
int password_queue_create(struct store *store, unsigned threads, struct password_queue **ret_queue);
/* Ends the threads; what still waits is answered with ERROR_UNAVAILABLE, without
 * hashing. Nothing may be submitted any more. May be called again; accepts NULL. */
void password_queue_stop(struct password_queue *queue);
/* Stops it, where that was not done. Accepts NULL. */
void password_queue_destroy(struct password_queue *queue);

/* How the check of a password went. */
struct password_verdict {
	int error;	  /* 0: it is right; ERROR_REFUSED: it is not; else it can't be told */
	unsigned thread;  /* which of the queue's, from 0: `done` runs there */
	int64_t began_ms; /* clock_monotonic_ms() when its turn came; 0: it never did */
};

struct password_check {
	const char *password;			/* as submitted; copied */
	const struct store_credential *against; /* imported, copied; NULL: none, and the same
						   work is done */
	bool trusted;				/* this pair of account and source has succeeded */
	/* Called once, on a thread of the queue; must not block. A right password whose hash
	 * is not of our kind is hashed anew after it. */
	void (*done)(void *context, const struct password_verdict *verdict);
	void *context;
};

/* 0: `done` will be called. ERROR_BUSY: every place that it may take is taken.
 * ERROR_LIMIT: longer than PASSWORD_MAX. ERROR_MEMORY. ERROR_UNAVAILABLE: stopped. */
int password_queue_submit(struct password_queue *queue, const struct password_check *check);

/* For tests and metrics. */
struct password_queue_state {
	unsigned threads;
	size_t places;
	size_t waiting;
	size_t waiting_trusted; /* of these */
	uint64_t hashed;	/* since the start, those made anew included */
};
void password_queue_state(struct password_queue *queue, struct password_queue_state *ret_state);

#endif
