/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long something took, counted in ranges of time. Thread-safe and without locks: what is
 * read while others add may lack their last additions.
 */
#ifndef BASE_HISTOGRAM_H
#define BASE_HISTOGRAM_H

#include <stdatomic.h>
#include <stdint.h>

enum { HISTOGRAM_BOUNDS = 18 };

/* Nanoseconds, ascending: range i has what took no more than bound i, and more than the one
 * before it; the last range, number HISTOGRAM_BOUNDS, has all the rest. */
extern const int64_t histogram_bounds_ns[HISTOGRAM_BOUNDS];

/* Zeroed before the first use. */
struct histogram {
	_Atomic uint64_t counts[HISTOGRAM_BOUNDS + 1];
	_Atomic uint64_t sum_ns;
};

void histogram_add(struct histogram *histogram, int64_t took_ns);

/* What several histograms hold together: read into a zeroed one, one by one. */
struct histogram_sum {
	uint64_t counts[HISTOGRAM_BOUNDS + 1];
	uint64_t sum_ns;
};
void histogram_read(const struct histogram *histogram, struct histogram_sum *sum);

#endif
