/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Failures within windows that slide: of one account or pair, by their times; of one
 * source, by the accounts that failed there. For attempts.c, under its lock. Times are
 * milliseconds since the epoch; 0 is free.
 */
#ifndef AUTHORITY_ATTEMPT_WINDOWS_H
#define AUTHORITY_ATTEMPT_WINDOWS_H

#include <stddef.h>
#include <stdint.h>

/* How long until fewer than `limit` of the times are within ATTEMPTS_WINDOW_MS; 0: now. */
int64_t times_wait(const int64_t *times, size_t count, size_t limit, int64_t now_ms);
/* In the place of one that is over, or of the oldest. */
void times_add(int64_t *times, size_t count, int64_t now_ms);
/* One of that time, where there is one. */
void times_remove(int64_t *times, size_t count, int64_t at_ms);
/* The more failures the higher, then the later; `more` are added to them. */
int64_t times_rank(const int64_t *times, size_t count, int64_t more, int64_t now_ms);

/* An account that failed, up to as many times as a pair may. */
struct unit {
	uint32_t account;
	uint32_t failures;
	int64_t last_at;
};

struct units {
	struct unit *list; /* NULL: nothing failed there */
	size_t count;
	size_t limit;
};

/* How long until the account may fail there; `room`: as many as count for one. 0: now. */
int64_t units_wait(const struct units *units, uint32_t account, size_t room, int64_t now_ms);
/* Returns when the unit that it counts in had failed before; 0: it is a new one. */
int64_t units_add(const struct units *units, uint32_t account, size_t room, int64_t now_ms);
/* Undoes units_add() at that time, where the unit is still there. */
void units_remove(const struct units *units, uint32_t account, int64_t at_ms, int64_t before_ms);
int64_t units_rank(const struct unit *list, size_t count, int64_t now_ms);

#endif
