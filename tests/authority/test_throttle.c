/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "authority/source.h"
#include "authority/throttle.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <string.h>

enum { RATE = 10, BURST = RATE * THROTTLE_BURST_S };

static int open_throttle(void **state)
{
	struct throttle *throttle;

	assert_int_equal(throttle_create(RATE, &throttle), 0);
	*state = throttle;
	return 0;
}

static int close_throttle(void **state)
{
	throttle_destroy(*state);
	return 0;
}

static struct sockaddr_storage peer_of(const char *text)
{
	struct sockaddr_storage peer = {0};
	struct sockaddr_in four = {.sin_family = AF_INET};
	struct sockaddr_in6 six = {.sin6_family = AF_INET6};

	if (strchr(text, ':')) {
		assert_int_equal(inet_pton(AF_INET6, text, &six.sin6_addr), 1);
		memcpy(&peer, &six, sizeof(six));
	} else {
		assert_int_equal(inet_pton(AF_INET, text, &four.sin_addr), 1);
		memcpy(&peer, &four, sizeof(four));
	}
	return peer;
}

static int64_t take(struct throttle *throttle, const char *text, int64_t now_ms)
{
	struct sockaddr_storage peer = peer_of(text);

	return throttle_take(throttle, source_number(&peer), now_ms);
}

/* How many of `tries` go on. */
static int take_many(struct throttle *throttle, const char *text, int64_t now_ms, int tries)
{
	int passed = 0;

	for (int i = 0; i < tries; i++)
		passed += take(throttle, text, now_ms) == 0;
	return passed;
}

static void test_lets_a_burst_through_and_no_more(void **state)
{
	struct throttle *throttle = *state;

	assert_int_equal(take_many(throttle, "192.0.2.1", 5000, BURST + 50), BURST);
	assert_int_equal(take_many(throttle, "192.0.2.2", 5000, BURST), BURST);
}

static void test_refills(void **state)
{
	struct throttle *throttle = *state;

	assert_int_equal(take_many(throttle, "192.0.2.1", 5000, BURST), BURST);
	assert_int_equal(take_many(throttle, "192.0.2.1", 5099, 5), 0);
	assert_int_equal(take_many(throttle, "192.0.2.1", 5100, 5), 1);
	assert_int_equal(take_many(throttle, "192.0.2.1", 6100, 50), RATE);
	assert_int_equal(take_many(throttle, "192.0.2.1", 1000000, 2 * BURST), BURST);
}

/* Refused requests do not fill it: who waits as told gets in. */
static void test_says_how_long_to_wait(void **state)
{
	(void)state;
	for (int64_t rate = 1; rate <= 1000; rate *= 10) {
		struct throttle *throttle;
		int64_t wait_s;

		assert_int_equal(throttle_create(rate, &throttle), 0);
		for (int64_t i = 0; i < rate * THROTTLE_BURST_S; i++)
			assert_int_equal(take(throttle, "192.0.2.1", 5000), 0);
		for (int i = 0; i < 100; i++) {
			wait_s = take(throttle, "192.0.2.1", 5000);
			assert_int_equal(wait_s, 1);
		}
		assert_int_equal(take(throttle, "192.0.2.1", 5000 + wait_s * 1000), 0);
		throttle_destroy(throttle);
	}
}

static void test_a_clock_that_stands_or_goes_back_is_no_refill(void **state)
{
	struct throttle *throttle = *state;

	assert_int_equal(take_many(throttle, "192.0.2.1", 5000, BURST), BURST);
	assert_int_equal(take_many(throttle, "192.0.2.1", 5000, 10), 0);
	assert_true(take(throttle, "192.0.2.1", 4999) > 0);
}

static void test_sources(void **state)
{
	static const struct {
		const char *first;
		const char *second;
		bool same;
	} cases[] = {
		{"192.0.2.1", "192.0.2.2", false},
		{"192.0.2.1", "::ffff:192.0.2.1", true},
		{"::ffff:192.0.2.1", "::ffff:192.0.2.2", false},
		{"2001:db8:1:2::1", "2001:db8:1:2:ffff::9", true},
		{"2001:db8:1:2::1", "2001:db8:1:3::1", false},
		{"::1", "::2", true},
		{"::1", "127.0.0.1", false},
		/* Not even by their bits in either byte order. */
		{"2001:db8:0:80::1", "184.13.1.32", false},
		{"8000:0:c000:201::1", "192.0.2.1", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct throttle *throttle;

		assert_int_equal(throttle_create(RATE, &throttle), 0);
		assert_int_equal(take_many(throttle, cases[i].first, 5000, BURST), BURST);
		assert_int_equal(take(throttle, cases[i].second, 5000) > 0, cases[i].same);
		throttle_destroy(throttle);
	}
}

static void test_a_unix_socket_has_no_source(void **state)
{
	const struct sockaddr_storage peer = {.ss_family = AF_UNIX};

	for (int i = 0; i < 2 * BURST; i++)
		assert_int_equal(throttle_take(*state, source_number(&peer), 5000), 0);
}

static void test_no_limit(void **state)
{
	struct throttle *throttle;

	(void)state;
	assert_int_equal(throttle_create(0, &throttle), 0);
	assert_int_equal(take_many(throttle, "192.0.2.1", 5000, 100000), 100000);
	throttle_destroy(throttle);
}

/* Its memory is bounded, and who floods can't be washed out of it by many others. */
static void test_forgets_the_quietest_first(void **state)
{
	struct throttle *throttle = *state;
	struct sockaddr_storage peer = {0};
	struct sockaddr_in four = {.sin_family = AF_INET};

	assert_int_equal(take_many(throttle, "192.0.2.1", 5000, BURST), BURST);
	for (uint32_t i = 0; i < 10 * THROTTLE_SOURCES_MAX; i++) {
		four.sin_addr.s_addr = htonl(0x0a000000 + i);
		memcpy(&peer, &four, sizeof(four));
		assert_int_equal(throttle_take(throttle, source_number(&peer), 5000), 0);
	}
	assert_true(take(throttle, "192.0.2.1", 5000) > 0);
}

struct flood {
	struct throttle *throttle;
	int64_t now_ms;
	int passed;
};

static void *run_flood(void *context)
{
	struct flood *flood = context;
	struct sockaddr_storage peer = peer_of("192.0.2.1");

	for (int i = 0; i < 2 * BURST; i++)
		flood->passed +=
			throttle_take(flood->throttle, source_number(&peer), flood->now_ms) == 0;
	return NULL;
}

/* Loops that read the time one after the other and count in another order: the
 * whole burst is one source's, whatever their order. */
static void test_threads(void **state)
{
	enum { THREADS = 4 };
	struct flood floods[THREADS];
	pthread_t threads[THREADS];
	int passed = 0;

	for (int i = 0; i < THREADS; i++) {
		floods[i] = (struct flood){.throttle = *state, .now_ms = 5000 + i};
		assert_int_equal(pthread_create(&threads[i], NULL, run_flood, &floods[i]), 0);
	}
	for (int i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		passed += floods[i].passed;
	}
	assert_int_equal(passed, BURST);
}

#define THROTTLED(test) cmocka_unit_test_setup_teardown(test, open_throttle, close_throttle)

int main(void)
{
	const struct CMUnitTest tests[] = {
		THROTTLED(test_lets_a_burst_through_and_no_more),
		THROTTLED(test_refills),
		cmocka_unit_test(test_says_how_long_to_wait),
		THROTTLED(test_a_clock_that_stands_or_goes_back_is_no_refill),
		cmocka_unit_test(test_sources),
		THROTTLED(test_a_unix_socket_has_no_source),
		cmocka_unit_test(test_no_limit),
		THROTTLED(test_forgets_the_quietest_first),
		THROTTLED(test_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
