/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/exposition.h"

#include "base/error.h"

#include <string.h>

static const struct exposition_family plain = {"adit_x", "gauge", "What x is.", {NULL}};
static const struct exposition_family labelled = {
	"adit_y_total", "counter", "What y is.", {"one", "two", NULL}};
static const struct exposition_family timed = {
	"adit_z_seconds", "histogram", "What z is.", {"one", NULL}};

static void test_numbers(void **state)
{
	char bytes[512];
	struct buf buf;
	struct exposition exposition = {.buf = &buf};

	(void)state;
	buf_init_fixed(&buf, bytes, sizeof(bytes));
	exposition_begin(&exposition, &plain);
	exposition_number(&exposition, EXPOSITION_NO_LABELS, -3);
	exposition_count(&exposition, EXPOSITION_NO_LABELS, UINT64_MAX);
	exposition_seconds(&exposition, EXPOSITION_NO_LABELS, 0.25);
	assert_string_equal(bytes, "# HELP adit_x What x is.\n"
				   "# TYPE adit_x gauge\n"
				   "adit_x -3\n"
				   "adit_x 18446744073709551615\n"
				   "adit_x 0.25\n");
	assert_int_equal(buf_status(&buf), 0);
}

static void test_labels_are_escaped(void **state)
{
	char bytes[512];
	struct buf buf;
	struct exposition exposition = {.buf = &buf};

	(void)state;
	buf_init_fixed(&buf, bytes, sizeof(bytes));
	exposition_begin(&exposition, &labelled);
	exposition_count(&exposition, EXPOSITION_LABELS("a\"b", "c\\d\ne"), 1);
	exposition_count(&exposition, EXPOSITION_LABELS("", "\xc3\xa9"), 2);
	assert_string_equal(bytes, "# HELP adit_y_total What y is.\n"
				   "# TYPE adit_y_total counter\n"
				   "adit_y_total{one=\"a\\\"b\",two=\"c\\\\d\\ne\"} 1\n"
				   "adit_y_total{one=\"\",two=\"\xc3\xa9\"} 2\n");
}

static void test_histogram(void **state)
{
	struct histogram_sum sum = {.sum_ns = 1500000000};
	char bytes[4096];
	struct buf buf;
	struct exposition exposition = {.buf = &buf};

	(void)state;
	sum.counts[0] = 1;
	sum.counts[2] = 2;
	sum.counts[HISTOGRAM_BOUNDS] = 4;
	buf_init_fixed(&buf, bytes, sizeof(bytes));
	exposition_begin(&exposition, &timed);
	exposition_histogram(&exposition, EXPOSITION_LABELS("v"), &sum);
	assert_non_null(strstr(bytes, "\nadit_z_seconds_bucket{one=\"v\",le=\"5e-05\"} 1\n"
				      "adit_z_seconds_bucket{one=\"v\",le=\"0.0001\"} 1\n"
				      "adit_z_seconds_bucket{one=\"v\",le=\"0.00025\"} 3\n"));
	assert_non_null(strstr(bytes, "{one=\"v\",le=\"10\"} 3\n"
				      "adit_z_seconds_bucket{one=\"v\",le=\"+Inf\"} 7\n"
				      "adit_z_seconds_sum{one=\"v\"} 1.5\n"
				      "adit_z_seconds_count{one=\"v\"} 7\n"));
	buf_reset(&buf);
	exposition_begin(&exposition, &plain);
	exposition_histogram(&exposition, EXPOSITION_NO_LABELS, &sum);
	assert_non_null(strstr(bytes, "\nadit_x_bucket{le=\"5e-05\"} 1\n"));
	assert_non_null(strstr(bytes, "\nadit_x_count 7\n"));
}

static void test_what_does_not_fit(void **state)
{
	char bytes[64];
	struct buf buf;
	struct exposition exposition = {.buf = &buf};

	(void)state;
	buf_init_fixed(&buf, bytes, sizeof(bytes));
	exposition_begin(&exposition, &plain);
	exposition_number(&exposition, EXPOSITION_NO_LABELS, 123456789012);
	assert_int_equal(buf_status(&buf), ERROR_LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_labels_are_escaped),
		cmocka_unit_test(test_histogram),
		cmocka_unit_test(test_what_does_not_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
