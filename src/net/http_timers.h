/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deadlines in a heap. Moving one later costs nothing until its old time comes,
 * which makes a deadline for every request cheap. Not thread-safe.
 */
#ifndef NET_HTTP_TIMERS_H
#define NET_HTTP_TIMERS_H

#include <stddef.h>
#include <stdint.h>

struct http_timer {
	int64_t due_ms;	  /* when it really is due */
	int64_t key_ms;	  /* where it stands in the heap: not later than that */
	size_t place_one; /* its place + 1; 0: not in the heap */
};

struct http_timers {
	struct http_timer **heap;
	size_t count;
	size_t size;
};

/* Room for `size` timers: 0 or ERROR_MEMORY. */
int http_timers_init(struct http_timers *timers, size_t size);
void http_timers_finish(struct http_timers *timers);

void http_timers_set(struct http_timers *timers, struct http_timer *timer, int64_t due_ms);
void http_timers_remove(struct http_timers *timers, struct http_timer *timer);

/* A timer that is due, taken out of the heap, or NULL. */
struct http_timer *http_timers_due(struct http_timers *timers, int64_t now_ms);

/* How long to wait for the next one, in ms; -1 if there is none. */
int http_timers_wait_ms(const struct http_timers *timers, int64_t now_ms);

#endif
