/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_timers.h"

#include "base/error.h"

#include <limits.h>
#include <stdlib.h>

int http_timers_init(struct http_timers *timers, size_t size)
{
	*timers = (struct http_timers){.size = size};
	timers->heap = calloc(size, sizeof(struct http_timer *));
	return timers->heap ? 0 : ERROR_MEMORY;
}

void http_timers_finish(struct http_timers *timers)
{
	free(timers->heap);
	*timers = (struct http_timers){0};
}

static void put(struct http_timers *timers, size_t place, struct http_timer *timer)
{
	timers->heap[place] = timer;
	timer->place_one = place + 1;
}

static void rise(struct http_timers *timers, size_t place)
{
	struct http_timer *timer = timers->heap[place];

	while (place > 0) {
		size_t parent = (place - 1) / 2;

		if (timers->heap[parent]->key_ms <= timer->key_ms)
			break;
		put(timers, place, timers->heap[parent]);
		place = parent;
	}
	put(timers, place, timer);
}

static void sink(struct http_timers *timers, size_t place)
{
	struct http_timer *timer = timers->heap[place];

	for (;;) {
		size_t child = place * 2 + 1;

		if (child >= timers->count)
			break;
		if (child + 1 < timers->count &&
			timers->heap[child + 1]->key_ms < timers->heap[child]->key_ms)
			child++;
		if (timers->heap[child]->key_ms >= timer->key_ms)
			break;
		put(timers, place, timers->heap[child]);
		place = child;
	}
	put(timers, place, timer);
}

void http_timers_set(struct http_timers *timers, struct http_timer *timer, int64_t due_ms)
{
	timer->due_ms = due_ms;
	if (timer->place_one && timer->key_ms <= due_ms)
		return;
	timer->key_ms = due_ms;
	if (!timer->place_one)
		put(timers, timers->count++, timer);
	rise(timers, timer->place_one - 1);
}

void http_timers_remove(struct http_timers *timers, struct http_timer *timer)
{
	size_t place = timer->place_one - 1;
	struct http_timer *last;

	if (!timer->place_one)
		return;
	timer->place_one = 0;
	last = timers->heap[--timers->count];
	if (last == timer)
		return;
	put(timers, place, last);
	rise(timers, place);
	sink(timers, last->place_one - 1);
}

struct http_timer *http_timers_due(struct http_timers *timers, int64_t now_ms)
{
	while (timers->count && timers->heap[0]->key_ms <= now_ms) {
		struct http_timer *timer = timers->heap[0];

		if (timer->due_ms <= now_ms) {
			http_timers_remove(timers, timer);
			return timer;
		}
		timer->key_ms = timer->due_ms;
		sink(timers, 0);
	}
	return NULL;
}

int http_timers_wait_ms(const struct http_timers *timers, int64_t now_ms)
{
	int64_t wait_ms;

	if (!timers->count)
		return -1;
	wait_ms = timers->heap[0]->key_ms - now_ms;
	if (wait_ms < 0)
		return 0;
	return wait_ms > INT_MAX ? INT_MAX : (int)wait_ms;
}
