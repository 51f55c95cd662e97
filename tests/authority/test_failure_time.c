/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When failures leave: the time must not say what was looked up, nor how long that
 * took, whatever the load.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "scene.h"

#include "authority/route.h"

#include <stdio.h>
#include <string.h>

enum {
	ARRIVED_AT_MS = 1000123, /* no multiple of anything */
	STEP_MS = 250,
};

/* The answer that went to the server, and what the clock says when it does: by the
 * linker's --wrap. */
static struct {
	int count;
	int status;
	int64_t not_before_ms;
} answer;
static _Atomic int64_t now_ms = ARRIVED_AT_MS;

void __wrap_http_answer(struct http_ticket ticket, const struct http_response *response);
void __wrap_http_answer(struct http_ticket ticket, const struct http_response *response)
{
	(void)ticket;
	answer.count++;
	answer.status = response->status;
	answer.not_before_ms = response->not_before_ms;
}

int64_t __wrap_clock_monotonic_ms(void);
int64_t __wrap_clock_monotonic_ms(void)
{
	return now_ms;
}

static struct authority *open_authority(struct scene *scene, int64_t failure_ms)
{
	struct authority_settings settings;

	authority_settings_init(&settings);
	settings.threads = 1;
	settings.failure_ms = failure_ms;
	return create_authority(scene, &settings);
}

/* A request that came `spent_ms` before it is decided: when its answer leaves, from
 * its arrival on; negative: at once. */
static int64_t leaves_after(
	struct scene *scene, struct authority *authority, const char *body, int64_t spent_ms)
{
	const struct http_request request = token_request(body, ARRIVED_AT_MS);
	int before = answer.count;

	now_ms = ARRIVED_AT_MS + spent_ms;
	route_request(authority, &request, (struct http_ticket){0});
	/* A grant is recorded by another thread, which answers then. */
	store_settle(scene->store);
	assert_int_equal(answer.count, before + 1);
	return answer.not_before_ms ? answer.not_before_ms - ARRIVED_AT_MS : -1;
}

#define PASSWORD_GRANT "grant_type=password&client_id=external.customer"

/* The next multiple of 250 ms after the arrival, not after the decision: who is
 * known for 10 ms and who is looked for during 240 leave together. */
static void test_wrong_credentials_leave_in_step(void **state)
{
	static const struct {
		int64_t spent_ms;
		int64_t leaves_ms;
	} cases[] = {{0, 250}, {1, 250}, {10, 250}, {240, 250}, {249, 250}, {250, 500}, {251, 500},
		{499, 500}, {500, 750}, {9999, 10000}, {10000, 10250}};
	static const char *const ways[] = {
		PASSWORD_GRANT "&username=nobody&password=x",
		PASSWORD_GRANT "&username=north-reader&password=x",
		PASSWORD_GRANT "&username=north-reader",
		PASSWORD_GRANT,
		"grant_type=refresh_token&client_id=external.customer&refresh_token=adr_x",
	};
	struct scene *scene = *state;
	struct store_service_user user;
	char password[GENERATED_PASSWORD_SIZE];
	struct authority *authority;
	int slowed = 0;

	add_user(scene, &user, password);
	authority = open_authority(scene, STEP_MS);
	for (size_t way = 0; way < sizeof(ways) / sizeof(ways[0]); way++) {
		for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
			int64_t leaves_ms =
				leaves_after(scene, authority, ways[way], cases[i].spent_ms);

			/* Too many of them leave as the first ones do. */
			assert_true(answer.status == 400 || answer.status == 429);
			slowed += answer.status == 429;
			if (leaves_ms != cases[i].leaves_ms)
				fail_msg("%s: decided after %d ms, leaves after %d", ways[way],
					(int)cases[i].spent_ms, (int)leaves_ms);
		}
	}
	assert_true(slowed > 0);
	authority_destroy(authority);
}

/* A right password need not wait, nor what says nothing about a user. */
static void test_the_rest_leaves_at_once(void **state)
{
	struct scene *scene = *state;
	struct store_service_user user;
	char password[GENERATED_PASSWORD_SIZE];
	char body[512];
	struct authority *authority;

	add_user(scene, &user, password);
	authority = open_authority(scene, STEP_MS);
	(void)snprintf(
		body, sizeof(body), PASSWORD_GRANT "&username=north-reader&password=%s", password);
	for (int64_t spent_ms = 0; spent_ms < 600; spent_ms += 200) {
		assert_int_equal(leaves_after(scene, authority, body, spent_ms), -1);
		assert_int_equal(answer.status, 200);
		assert_int_equal(leaves_after(scene, authority,
					 "grant_type=x&client_id=external.customer", spent_ms),
			-1);
		assert_int_equal(answer.status, 400);
	}
	authority_destroy(authority);
}

static void test_without_a_step(void **state)
{
	struct scene *scene = *state;
	struct authority *authority = open_authority(scene, 0);

	assert_int_equal(leaves_after(scene, authority, PASSWORD_GRANT "&username=nobody", 7), -1);
	authority_destroy(authority);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(test_wrong_credentials_leave_in_step),
		SCENE(test_the_rest_leaves_at_once),
		SCENE(test_without_a_step),
	};

	return cmocka_run_group_tests_name("authority failure time", tests, NULL, NULL);
}
