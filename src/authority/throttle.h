/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many of something one source may do: send requests, be named in the audit. A
 * source is a number of source.h's; requests over a Unix socket have none. Bounded: the quietest
 * source is forgotten first. Thread-safe.
 */
#ifndef AUTHORITY_THROTTLE_H
#define AUTHORITY_THROTTLE_H

#include <stdbool.h>
#include <stdint.h>

enum {
	THROTTLE_SOURCES_MAX = 16384,
	THROTTLE_BURST_S = 10, /* a source may send this many seconds' worth at once */
};

struct throttle;

/* `per_second` requests of one source; 0: no limit. */
int throttle_create(int64_t per_second, struct throttle **ret_throttle);
void throttle_destroy(struct throttle *throttle);

/* Counts one request at `now_ms` (monotonic). 0: it may go on, as all do of no source
 * (0); otherwise the seconds to wait (at least 1). */
int64_t throttle_take(struct throttle *throttle, uint64_t source, int64_t now_ms);

#endif
