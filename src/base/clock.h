/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where every part of Adit reads the time. Wall time comes from the system,
 * from a file (so that a test can move a running process through time) or from
 * a number that a test sets. Thread-safe.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include "base/error.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

enum {
	CLOCK_FILE_DIGITS = 20, /* how long the number in a clock file is */
};

struct clock {
	_Atomic int64_t set_ms; /* what clock_set_ms() said; 0: not set */
	const char *file;	/* mapped clock file, or NULL */
};

/* The system's wall time. A zeroed struct clock is the same. */
void clock_init(struct clock *clock);

/* Wall time is what stands in the file at each reading: Unix time in
 * milliseconds, 20 decimal digits with leading zeros, written in place.
 * 0, ERROR_IO, ERROR_INVALID; `fault` says which. For tests and `aditd dev`. */
int clock_init_file(struct clock *clock, const char *path, struct fault *fault);

void clock_finish(struct clock *clock);

/* From now on the wall time is this, until it is set again. */
void clock_set_ms(struct clock *clock, int64_t now_ms);

/* Wall time since the epoch. `clock` may be NULL: the system's. */
int64_t clock_now_ms(const struct clock *clock);
int64_t clock_now_s(const struct clock *clock);

/* A time that only goes forward, for deadlines; never the test's. */
int64_t clock_monotonic_ms(void);
int64_t clock_monotonic_ns(void);

/* The same, which also goes on while the machine sleeps: for what outlives a process. Starts
 * anew with each boot. */
int64_t clock_boottime_ms(void);

/* CPU time of the calling thread. */
int64_t clock_thread_cpu_ns(void);

#endif
