/* SPDX-License-Identifier: Apache-2.0 */
#include "base/histogram.h"

#include <stddef.h>

/* A token takes tens of microseconds; a failure leaves at 250 ms, a little later where the
 * machine is busy, or at the next multiple. */
const int64_t histogram_bounds_ns[HISTOGRAM_BOUNDS] = {
	50 * 1000,
	100 * 1000,
	250 * 1000,
	500 * 1000,
	1000 * 1000,
	2500 * 1000,
	5 * 1000000,
	10 * 1000000,
	25 * 1000000,
	50 * 1000000,
	100 * 1000000,
	250 * 1000000,
	300 * 1000000,
	500 * 1000000,
	1000 * 1000000LL,
	2500 * 1000000LL,
	5000 * 1000000LL,
	10000 * 1000000LL,
};

void histogram_add(struct histogram *histogram, int64_t took_ns)
{
	size_t range = 0;

	if (took_ns < 0)
		took_ns = 0;
	while (range < HISTOGRAM_BOUNDS && took_ns > histogram_bounds_ns[range])
		range++;
	atomic_fetch_add_explicit(&histogram->counts[range], 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&histogram->sum_ns, (uint64_t)took_ns, memory_order_relaxed);
}

void histogram_read(const struct histogram *histogram, struct histogram_sum *sum)
{
	for (size_t i = 0; i <= HISTOGRAM_BOUNDS; i++)
		sum->counts[i] += atomic_load_explicit(&histogram->counts[i], memory_order_relaxed);
	sum->sum_ns += atomic_load_explicit(&histogram->sum_ns, memory_order_relaxed);
}
