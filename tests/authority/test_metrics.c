/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "authority/metrics.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	PAGE_MAX = 1024 * 1024,
	THREADS = 4,
	ROUNDS = 20000,
};

static char *page_of(const struct metrics *metrics)
{
	struct buf buf;
	struct exposition exposition = {.buf = &buf};

	buf_init(&buf, PAGE_MAX);
	metrics_write(metrics, &exposition);
	assert_int_equal(buf_status(&buf), 0);
	return buf_take(&buf);
}

static void assert_line(const struct metrics *metrics, const char *line)
{
	char *page = page_of(metrics);
	char wanted[256];

	(void)snprintf(wanted, sizeof(wanted), "\n%s\n", line);
	if (!strstr(page, wanted))
		fail_msg("no line %s in:\n%s", line, page);
	free(page);
}

static void test_without_metrics_nothing_happens(void **state)
{
	const struct http_outcome outcome = {.status = 200};

	(void)state;
	metrics_request(NULL, &outcome);
	metrics_denied(NULL, "replay");
	metrics_issued(NULL, "password");
	metrics_swept(NULL, 3);
	metrics_destroy(NULL);
}

static void test_requests_of_all_loops(void **state)
{
	struct metrics *metrics = NULL;

	(void)state;
	assert_int_equal(metrics_create(2, &metrics), 0);
	for (uint32_t loop = 0; loop < 3; loop++) {
		/* The third is no loop of this server's. */
		const struct http_outcome outcomes[] = {
			{.loop = loop, .mark = METRICS_TOKEN, .status = 200, .took_ns = 40000},
			{.loop = loop, .mark = METRICS_TOKEN, .status = 400, .took_ns = 250100000},
			{.loop = loop, .mark = METRICS_TOKEN, .status = 0},
			{.loop = loop, .mark = METRICS_JWKS, .status = 299},
			{.loop = loop, .mark = 4711, .status = 404},
			{.loop = loop, .status = 431},
		};

		for (size_t i = 0; i < sizeof(outcomes) / sizeof(outcomes[0]); i++)
			metrics_request(metrics, &outcomes[i]);
	}
	assert_line(metrics, "adit_http_requests_total{endpoint=\"token\",code=\"200\"} 2");
	assert_line(metrics, "adit_http_requests_total{endpoint=\"token\",code=\"400\"} 2");
	assert_line(metrics, "adit_http_requests_unanswered_total{endpoint=\"token\"} 2");
	assert_line(metrics, "adit_http_requests_total{endpoint=\"jwks\",code=\"other\"} 2");
	assert_line(metrics, "adit_http_requests_total{endpoint=\"other\",code=\"404\"} 2");
	assert_line(metrics, "adit_http_requests_total{endpoint=\"none\",code=\"431\"} 2");
	assert_line(metrics, "adit_http_request_duration_seconds_bucket{endpoint=\"token\","
			     "outcome=\"granted\",le=\"5e-05\"} 2");
	assert_line(metrics, "adit_http_request_duration_seconds_bucket{endpoint=\"token\","
			     "outcome=\"refused\",le=\"0.25\"} 0");
	assert_line(metrics, "adit_http_request_duration_seconds_bucket{endpoint=\"token\","
			     "outcome=\"refused\",le=\"0.3\"} 2");
	metrics_destroy(metrics);
}

/* A name may come in memory that goes; there is an end to new ones. */
static void test_names_are_bounded(void **state)
{
	struct metrics *metrics = NULL;
	char name[64];

	(void)state;
	assert_int_equal(metrics_create(1, &metrics), 0);
	assert_line(metrics, "adit_token_denials_total{reason=\"replay\"} 0");
	metrics_denied(metrics, "replay");
	for (int i = 0; i < 1000; i++) {
		(void)snprintf(name, sizeof(name), "reason_%d", i);
		metrics_denied(metrics, name);
	}
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	metrics_denied(metrics, name);
	assert_line(metrics, "adit_token_denials_total{reason=\"replay\"} 1");
	assert_line(metrics, "adit_token_denials_total{reason=\"reason_0\"} 1");
	{
		char *page = page_of(metrics);
		size_t lines = 0;
		long long sum = 0;

		for (const char *at = page; (at = strstr(at, "\nadit_token_denials_total{"));
			at++) {
			lines++;
			sum += strtoll(strchr(at, '}') + 1, NULL, 10);
		}
		assert_true(lines <= 97);
		assert_int_equal(sum, 1002);
		free(page);
	}
	metrics_destroy(metrics);
}

static void *count_many(void *context)
{
	struct metrics *metrics = context;
	char name[32];

	for (int i = 0; i < ROUNDS; i++) {
		(void)snprintf(name, sizeof(name), "reason_%d", i % 8);
		metrics_denied(metrics, name);
		metrics_issued(metrics, "password");
		metrics_swept(metrics, 2);
	}
	return NULL;
}

static void test_many_threads_lose_nothing(void **state)
{
	struct metrics *metrics = NULL;
	pthread_t threads[THREADS];

	(void)state;
	assert_int_equal(metrics_create(1, &metrics), 0);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, count_many, metrics), 0);
	for (int i = 0; i < 20; i++)
		free(page_of(metrics));
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_line(metrics, "adit_token_denials_total{reason=\"reason_0\"} 10000");
	assert_line(metrics, "adit_token_denials_total{reason=\"reason_7\"} 10000");
	assert_line(metrics, "adit_tokens_issued_total{grant_type=\"password\"} 80000");
	assert_line(metrics, "adit_families_swept_total 160000");
	metrics_destroy(metrics);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_without_metrics_nothing_happens),
		cmocka_unit_test(test_requests_of_all_loops),
		cmocka_unit_test(test_names_are_bounded),
		cmocka_unit_test(test_many_threads_lose_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
