/* SPDX-License-Identifier: Apache-2.0 */
/* Clocks that jump, reboots, and an authority whose clock is another. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/error.h"
#include "client/moment.h"
#include "codec/http_date.h"

#include <string.h>

enum {
	HOUR_MS = 3600000,
	BOOT_MS = 5000000,
};

/* 2026-11-22 00:00:00 UTC */
static const int64_t then_ms = INT64_C(1795305600000);
#define THEN_DATE "Sun, 22 Nov 2026 00:00:00 GMT"

struct host {
	int64_t wall_ms;
	int64_t boot_ms;
	struct client_clock clock;
};

static void read_host(void *context, int64_t *ret_wall_ms, int64_t *ret_monotonic_ms)
{
	const struct host *host = context;

	*ret_wall_ms = host->wall_ms;
	*ret_monotonic_ms = host->boot_ms;
}

static void start(struct host *host)
{
	*host = (struct host){.wall_ms = then_ms, .boot_ms = BOOT_MS};
	client_clock_init(&host->clock, read_host, host);
}

/* Another process of the same host, or of the next boot. */
static void restart(struct host *host)
{
	client_clock_init(&host->clock, read_host, host);
}

static void reboot(struct host *host)
{
	restart(host);
	host->clock.boot_id[0] = host->clock.boot_id[0] == 'f' ? 'e' : 'f';
	host->boot_ms = 1000;
}

static void pass(struct host *host, int64_t ms)
{
	host->wall_ms += ms;
	host->boot_ms += ms;
}

static void test_date(void **state)
{
	static const struct {
		const char *text;
		int64_t seconds;
	} dates[] = {
		{"Thu, 01 Jan 1970 00:00:00 GMT", 0},
		{"Sun, 06 Nov 1994 08:49:37 GMT", 784111777},
		{"Tue, 29 Feb 2000 23:59:59 GMT", 951868799},
		{THEN_DATE, 1795305600},
		{"Sat, 31 Dec 2016 23:59:60 GMT", 1483228800},
		{"Fri, 31 Dec 9999 23:59:59 GMT", INT64_C(253402300799)},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(dates) / sizeof(dates[0]); i++) {
		int64_t seconds = -1;

		assert_int_equal(http_date_parse(dates[i].text, &seconds), 0);
		assert_int_equal(seconds, dates[i].seconds);
	}
}

static void test_what_is_no_date(void **state)
{
	static const char *const texts[] = {
		"",
		"Sun, 06 Nov 1994 08:49:37",
		"Sun, 06 Nov 1994 08:49:37 GMT ",
		" Sun, 06 Nov 1994 08:49:37 GMT",
		"Sun, 06 Nov 1994 08:49:37 UTC",
		"Sun, 6 Nov 1994 08:49:37 GMT",
		"Sun, 06 nov 1994 08:49:37 GMT",
		"Xyz, 06 Nov 1994 08:49:37 GMT",
		"Sun, 00 Nov 1994 08:49:37 GMT",
		"Sun, 31 Nov 1994 08:49:37 GMT",
		"Sun, 29 Feb 1900 08:49:37 GMT",
		"Sun, 29 Feb 2023 08:49:37 GMT",
		"Sun, 06 Nov 1969 08:49:37 GMT",
		"Sun, 06 Nov 1994 24:00:00 GMT",
		"Sun, 06 Nov 1994 08:60:37 GMT",
		"Sun, 06 Nov 1994 08:49:61 GMT",
		"Sunday, 06-Nov-94 08:49:37 GMT",
		"Sun Nov  6 08:49:37 1994",
		"Sun, -6 Nov 1994 08:49:37 GMT",
		"Sun, 06 Nov +994 08:49:37 GMT",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		int64_t seconds = 7;

		assert_int_equal(http_date_parse(texts[i], &seconds), ERROR_INVALID);
		assert_int_equal(seconds, 7);
	}
}

static void test_the_systems_clocks(void **state)
{
	struct client_clock clock;
	struct moment now;

	(void)state;
	client_clock_init(&clock, NULL, NULL);
	now = moment_now(&clock);
	assert_int_equal(strlen(clock.boot_id), 36);
	assert_string_equal(now.boot_id, clock.boot_id);
	assert_in_range(now.unix_ms, clock_now_ms(NULL) - 60000, clock_now_ms(NULL));
	assert_in_range(now.boot_ms, clock_boottime_ms() - 60000, clock_boottime_ms());
	assert_true(clock_boottime_ms() >= clock_monotonic_ms() - 1);
	assert_true(moment_is_set(&now));
	assert_in_range(moment_since_ms(&clock, &now), 0, 60000);
}

static void test_a_zeroed_moment_is_none(void **state)
{
	const struct moment none = {0};
	struct host host;

	(void)state;
	start(&host);
	assert_false(moment_is_set(&none));
	assert_int_equal(moment_since_ms(&host.clock, &none), INT64_MAX);
	assert_int_equal(moment_until_ms(&host.clock, &none, HOUR_MS), 0);
	assert_int_equal(moment_left_ms(&host.clock, &none, HOUR_MS), 0);
}

/* Whoever sets the wall clock changes nothing. */
static void test_a_jump_within_a_boot(void **state)
{
	static const int64_t jumps[] = {
		0, HOUR_MS, -HOUR_MS, INT64_C(1) << 45, -(INT64_C(1) << 45)};
	struct host host;

	(void)state;
	for (size_t i = 0; i < sizeof(jumps) / sizeof(jumps[0]); i++) {
		struct moment began;
		struct moment end;

		start(&host);
		began = moment_now(&host.clock);
		end = moment_after(&host.clock, HOUR_MS);
		pass(&host, HOUR_MS / 2);
		host.wall_ms += jumps[i];
		restart(&host);
		assert_int_equal(moment_since_ms(&host.clock, &began), HOUR_MS / 2);
		assert_int_equal(moment_until_ms(&host.clock, &end, HOUR_MS), HOUR_MS / 2);
		assert_int_equal(moment_left_ms(&host.clock, &began, HOUR_MS), HOUR_MS / 2);
		pass(&host, HOUR_MS / 2);
		assert_int_equal(moment_until_ms(&host.clock, &end, HOUR_MS), 0);
		assert_int_equal(moment_left_ms(&host.clock, &began, HOUR_MS), 0);
	}
}

static void test_a_reboot(void **state)
{
	struct host host;
	struct moment began;
	struct moment end;

	(void)state;
	start(&host);
	began = moment_now(&host.clock);
	end = moment_after(&host.clock, HOUR_MS);
	host.wall_ms += HOUR_MS / 4;
	reboot(&host);
	assert_int_equal(moment_since_ms(&host.clock, &began), HOUR_MS / 4);
	assert_int_equal(moment_until_ms(&host.clock, &end, HOUR_MS), HOUR_MS * 3 / 4);
	assert_int_equal(moment_left_ms(&host.clock, &began, HOUR_MS), HOUR_MS * 3 / 4);
}

/* A machine without a battery begins in 1970: nothing of before is trusted, and nothing is
 * waited for. */
static void test_a_reboot_into_the_past(void **state)
{
	struct host host;
	struct moment began;
	struct moment end;

	(void)state;
	start(&host);
	began = moment_now(&host.clock);
	end = moment_after(&host.clock, HOUR_MS);
	host.wall_ms = 1000;
	reboot(&host);
	assert_int_equal(moment_since_ms(&host.clock, &began), INT64_MAX);
	assert_int_equal(moment_left_ms(&host.clock, &began, HOUR_MS), 0);
	assert_int_equal(moment_until_ms(&host.clock, &end, HOUR_MS), 0);
}

/* A reboot and a little correction of the clock. */
static void test_a_reboot_with_a_second_back(void **state)
{
	struct host host;
	struct moment began;

	(void)state;
	start(&host);
	began = moment_now(&host.clock);
	host.wall_ms -= 1000;
	reboot(&host);
	assert_int_equal(moment_since_ms(&host.clock, &began), 0);
	assert_int_equal(moment_left_ms(&host.clock, &began, HOUR_MS), HOUR_MS);
}

/* Containers of one boot with clocks of their own (time_namespaces(7)). */
static void test_a_boot_clock_that_is_behind(void **state)
{
	struct host host;
	struct moment began;

	(void)state;
	start(&host);
	began = moment_now(&host.clock);
	host.boot_ms -= BOOT_MS / 2;
	host.wall_ms += 60000;
	restart(&host);
	assert_int_equal(moment_since_ms(&host.clock, &began), 60000);
	host.wall_ms -= HOUR_MS;
	assert_int_equal(moment_since_ms(&host.clock, &began), INT64_MAX);
}

static void test_the_authoritys_clock_is_learnt(void **state)
{
	struct host host;

	(void)state;
	start(&host);
	host.wall_ms = then_ms - 3 * HOUR_MS;
	pass(&host, 400);
	assert_true(client_clock_learn(&host.clock, THEN_DATE, BOOT_MS));
	assert_true(host.clock.skew_known);
	assert_int_equal(host.clock.skew_ms, 3 * HOUR_MS + 500 + 200 - 400);
	assert_int_equal(client_clock_unix_ms(&host.clock), then_ms + 700);
	/* Known once, it stays right when the wall clock jumps. */
	host.wall_ms += 7 * HOUR_MS;
	pass(&host, HOUR_MS);
	assert_int_equal(client_clock_unix_ms(&host.clock), then_ms + 700 + HOUR_MS);
}

static void test_what_is_not_learnt_from(void **state)
{
	struct host host;

	(void)state;
	start(&host);
	assert_false(client_clock_learn(&host.clock, "yesterday", BOOT_MS));
	assert_false(client_clock_learn(&host.clock, "", BOOT_MS));
	assert_false(client_clock_learn(&host.clock, THEN_DATE, BOOT_MS + 1));
	pass(&host, 61000);
	assert_false(client_clock_learn(&host.clock, THEN_DATE, BOOT_MS));
	assert_false(host.clock.skew_known);
	assert_int_equal(client_clock_unix_ms(&host.clock), host.wall_ms);
}

/* The clock was wrong all the time, and the machine was started anew: the skew that an
 * earlier process saw makes the moment right; without it the token would seem dead. */
static void test_a_skew_outlives_a_reboot(void **state)
{
	struct host host;
	struct moment began;
	struct client_clock before;

	(void)state;
	start(&host);
	host.wall_ms = then_ms - 24 * HOUR_MS;
	assert_true(client_clock_learn(&host.clock, THEN_DATE, BOOT_MS));
	began = moment_now(&host.clock);
	assert_int_equal(began.unix_ms, then_ms + 500);
	before = host.clock;
	host.wall_ms += 60000;
	reboot(&host);
	assert_int_equal(moment_since_ms(&host.clock, &began), INT64_MAX);
	client_clock_restore(&host.clock, before.skew_ms, &before.anchor);
	assert_int_equal(moment_since_ms(&host.clock, &began), 60000);
	assert_int_equal(moment_left_ms(&host.clock, &began, HOUR_MS), HOUR_MS - 60000);
}

/* What this process saw itself is not replaced by what was stored. */
static void test_a_restored_skew_is_the_weaker(void **state)
{
	const struct moment old = {.boot_id = "another", .boot_ms = 5, .unix_ms = 5};
	struct host host;

	(void)state;
	start(&host);
	assert_true(client_clock_learn(&host.clock, THEN_DATE, BOOT_MS));
	client_clock_restore(&host.clock, -HOUR_MS, &old);
	assert_int_equal(host.clock.skew_ms, 500);
	assert_string_equal(host.clock.anchor.boot_id, host.clock.boot_id);
}

static void test_numbers_that_no_clock_has(void **state)
{
	struct host host;
	struct moment odd = {.boot_ms = INT64_MIN, .unix_ms = INT64_MAX};

	(void)state;
	start(&host);
	host.wall_ms = INT64_MAX;
	host.boot_ms = INT64_MAX;
	(void)moment_after(&host.clock, INT64_MAX);
	(void)moment_since_ms(&host.clock, &odd);
	(void)moment_until_ms(&host.clock, &odd, INT64_MAX);
	memcpy(odd.boot_id, host.clock.boot_id, sizeof(odd.boot_id));
	(void)moment_since_ms(&host.clock, &odd);
	(void)moment_left_ms(&host.clock, &odd, INT64_MAX);
	host.wall_ms = INT64_MIN;
	host.boot_ms = INT64_MIN;
	assert_int_equal(client_clock_unix_ms(&host.clock), 0);
	client_clock_restore(&host.clock, INT64_MIN, &odd);
	assert_false(host.clock.skew_known);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_date),
		cmocka_unit_test(test_what_is_no_date),
		cmocka_unit_test(test_the_systems_clocks),
		cmocka_unit_test(test_a_zeroed_moment_is_none),
		cmocka_unit_test(test_a_jump_within_a_boot),
		cmocka_unit_test(test_a_reboot),
		cmocka_unit_test(test_a_reboot_into_the_past),
		cmocka_unit_test(test_a_reboot_with_a_second_back),
		cmocka_unit_test(test_a_boot_clock_that_is_behind),
		cmocka_unit_test(test_the_authoritys_clock_is_learnt),
		cmocka_unit_test(test_what_is_not_learnt_from),
		cmocka_unit_test(test_a_skew_outlives_a_reboot),
		cmocka_unit_test(test_a_restored_skew_is_the_weaker),
		cmocka_unit_test(test_numbers_that_no_clock_has),
	};

	return cmocka_run_group_tests_name("client moment", tests, NULL, NULL);
}
