/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose turn it is at an API that limits requests per subject: so many in 10 s, in a minute
 * and in 4 hours, each a window that slides. Turns are reserved in the order in which they
 * are asked for, at the earliest time that all windows allow, and PACE_MARGIN_MS later where
 * that is later than now: a request may be on its way longer than the one that its window
 * opens for, and the API counts arrivals.
 *
 * The processes of a host share a file. A turn that its process did not live to use is lost,
 * which only costs that turn. Another boot, a file that is damaged or removed begin with
 * nothing: what is then too much gets a 429, and that makes all wait (pace_hold()).
 * Times are CLOCK_BOOTTIME's. Thread-safe; waits for nobody longer than a moment.
 */
#ifndef CLIENT_PACE_H
#define CLIENT_PACE_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	PACE_WINDOWS = 3,
	PACE_MARGIN_MS = 250,
	PACE_REQUESTS_MAX = 8192, /* in a window; more than that is as good as this */
	PACE_HOLD_MAX_S = 4 * 60 * 60,
	PACE_FORMAT_VERSION = 1,
};

extern const int64_t pace_window_ms[PACE_WINDOWS];

struct pace_options {
	int requests[PACE_WINDOWS]; /* in 10 s, 60 s, 4 h. 0: 20, 60, 1,200; -1: no limit */
	const char *boot_id;

	/* Opens the file for reading and writing, and makes it where it is absent; called for
	 * each turn, so that a child that was forked has a lock of its own. NULL: turns are
	 * kept in memory. 0, or a negative number, which is passed on. */
	int (*open_file)(void *context, int *ret_fd, struct fault *fault);
	void *context;
};

struct pace;

struct pace_turn {
	int64_t at_ms;
	uint64_t number;
	uint64_t generation;
};

/* 0, ERROR_INVALID, ERROR_MEMORY. The caller destroys it. */
int pace_create(const struct pace_options *options, struct pace **ret_pace);
void pace_destroy(struct pace *pace);

/* In a child of fork(): what other threads of the parent held is nobody's. */
void pace_notice_fork(struct pace *pace);

/* Reserves the next turn, at most `limit_ms` from now. 0; ERROR_BUSY: it would be later, and
 * nothing was reserved: then too ret_turn->at_ms says when; ERROR_IO; ERROR_VERSION: the file
 * is a newer program's; what open_file() returns. */
int pace_take(struct pace *pace, int64_t now_ms, int64_t limit_ms, struct pace_turn *ret_turn,
	struct fault *fault);

/* To be asked when the turn has come: whether it still stands. It does not after a
 * pace_hold() in the meantime; then another one has to be taken. As pace_take(). */
int pace_look(
	struct pace *pace, const struct pace_turn *turn, bool *ret_stands, struct fault *fault);

/* Gives an unused turn back, which helps where it is the last one: those who came after it
 * keep their times. */
void pace_give_back(struct pace *pace, const struct pace_turn *turn);

/* The API said to wait: every turn that has not come yet is void, and the next one is after
 * so many seconds, of which a hold has PACE_HOLD_MAX_S at most. As pace_take(). */
int pace_hold(struct pace *pace, int64_t now_ms, int64_t seconds, struct fault *fault);

/* How many turns there are at once in each window; -1: no limit. As pace_take(). */
int pace_left(struct pace *pace, int64_t now_ms, int ret_left[PACE_WINDOWS], struct fault *fault);

#endif
