/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/histogram.h"

static void test_bounds_ascend(void **state)
{
	(void)state;
	assert_true(histogram_bounds_ns[0] > 0);
	for (size_t i = 1; i < HISTOGRAM_BOUNDS; i++)
		assert_true(histogram_bounds_ns[i] > histogram_bounds_ns[i - 1]);
}

/* A bound belongs to the range below it: Prometheus' `le`. */
static void test_counts_by_range(void **state)
{
	struct histogram histogram = {0};
	struct histogram_sum sum = {0};
	uint64_t total_ns = 0;

	(void)state;
	for (size_t i = 0; i < HISTOGRAM_BOUNDS; i++) {
		histogram_add(&histogram, histogram_bounds_ns[i]);
		histogram_add(&histogram, histogram_bounds_ns[i] + 1);
		total_ns += 2 * (uint64_t)histogram_bounds_ns[i] + 1;
	}
	histogram_add(&histogram, -5);
	histogram_read(&histogram, &sum);
	assert_int_equal(sum.counts[0], 2);
	for (size_t i = 1; i < HISTOGRAM_BOUNDS; i++)
		assert_int_equal(sum.counts[i], 2);
	assert_int_equal(sum.counts[HISTOGRAM_BOUNDS], 1);
	assert_int_equal(sum.sum_ns, total_ns);
}

static void test_reads_several_together(void **state)
{
	struct histogram one = {0};
	struct histogram other = {0};
	struct histogram_sum sum = {0};

	(void)state;
	histogram_add(&one, 1);
	histogram_add(&other, 2);
	histogram_add(&other, INT64_MAX / 2);
	histogram_read(&one, &sum);
	histogram_read(&other, &sum);
	assert_int_equal(sum.counts[0], 2);
	assert_int_equal(sum.counts[HISTOGRAM_BOUNDS], 1);
	assert_int_equal(sum.sum_ns, 3 + (uint64_t)(INT64_MAX / 2));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bounds_ascend),
		cmocka_unit_test(test_counts_by_range),
		cmocka_unit_test(test_reads_several_together),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
