/* SPDX-License-Identifier: Apache-2.0 */
/*
 * adit_client_call(), adit_client_pace() and adit_client_pace_answer() through the public
 * library, against an authority and an API on a real HTTP server of this process.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "fake_api.h"

#include <adit/client.h>

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { THREADS = 8 };

static char folder[64];

static int start(void **state)
{
	(void)state;
	return fake_api_start();
}

static int stop(void **state)
{
	(void)state;
	fake_api_stop();
	return 0;
}

static struct adit_client *open_client(struct adit_client_options *options)
{
	struct adit_client *client;
	char url[128];

	(void)snprintf(url, sizeof(url), "http://%s", world.address);
	assert_int_equal(adit_client_open(url, "external.customer", &client), 0);
	options->size = sizeof(*options);
	assert_int_equal(adit_client_set_options(client, options), 0);
	assert_int_equal(adit_client_credentials_set(client, "plans", "secret"), 0);
	return client;
}

static int get(struct adit_client *client, const char *path, struct adit_answer **ret_answer)
{
	const struct adit_call call = {.size = sizeof(call), .url = fake_api_url(path)};
	int error = adit_client_call(client, &call, ret_answer);

	if (error)
		print_message("# %d: %s\n", error, adit_client_text());
	return error;
}

static void a_request_with_a_token(void **state)
{
	struct adit_client_options options = {0};
	struct adit_client *client = open_client(&options);
	struct adit_answer *answer;
	struct adit_call call = {.size = sizeof(call), .url = fake_api_url("/api/plain")};

	(void)state;
	assert_int_equal(get(client, "/api/plain", &answer), 0);
	assert_int_equal(answer->status, 200);
	assert_string_equal(answer->content_type, "application/json");
	assert_string_equal(answer->body, "{\"fine\":true}");
	assert_int_equal(answer->body_length, 13);
	assert_int_equal(answer->retry_after_s, -1);
	assert_string_equal(world.method, "GET");
	assert_string_equal(world.type, "");
	adit_answer_free(answer);
	call.url = fake_api_url("/api/plain");
	call.method = "PUT";
	call.body = "{1}";
	call.body_length = 3;
	assert_int_equal(adit_client_call(client, &call, &answer), 0);
	adit_answer_free(answer);
	assert_string_equal(world.method, "PUT");
	assert_string_equal(world.type, "application/json");
	assert_string_equal(world.body, "{1}");
	/* A body that is none has no type, libcurl's own included. */
	call.method = "POST";
	call.body_length = 0;
	assert_int_equal(adit_client_call(client, &call, &answer), 0);
	adit_answer_free(answer);
	assert_string_equal(world.method, "POST");
	assert_string_equal(world.type, "");
	call.method = "PUT";
	call.body_length = 3;
	call.content_type = "text/csv";
	assert_int_equal(adit_client_call(client, &call, &answer), 0);
	adit_answer_free(answer);
	assert_string_equal(world.type, "text/csv");
	assert_int_equal(world.tokens, 1);
	adit_answer_free(NULL);
	adit_client_close(client);
}

static void a_401_is_tried_once_more(void **state)
{
	struct adit_client_options options = {0};
	struct adit_client *client = open_client(&options);
	struct adit_answer *answer;

	(void)state;
	world.rejected = 1;
	assert_int_equal(get(client, "/api/plain", &answer), 0);
	assert_int_equal(answer->status, 200);
	adit_answer_free(answer);
	assert_int_equal(world.calls, 2);
	assert_int_equal(world.tokens, 2);
	world.rejected = 1000;
	assert_int_equal(get(client, "/api/plain", &answer), 0);
	assert_int_equal(answer->status, 401);
	adit_answer_free(answer);
	assert_int_equal(world.calls, 4);
	adit_client_close(client);
}

static void cancel_at_401(void *context, const char *text)
{
	if (strstr(text, "the API answered 401"))
		adit_client_cancel(*(struct adit_client **)context);
}

/* Between two requests nothing waits that a cancel could wake. */
static void a_cancel_between_two_tries_counts(void **state)
{
	struct adit_client *client = NULL;
	const struct adit_client_hooks hooks = {
		.size = sizeof(hooks), .context = &client, .log = cancel_at_401};
	struct adit_answer *answer;
	char url[128];

	(void)state;
	(void)snprintf(url, sizeof(url), "http://%s", world.address);
	assert_int_equal(adit_client_open(url, "external.customer", &client), 0);
	assert_int_equal(adit_client_set_hooks(client, &hooks), 0);
	assert_int_equal(adit_client_credentials_set(client, "plans", "secret"), 0);
	world.rejected = 1;
	assert_int_equal(get(client, "/api/plain", &answer), ADIT_ERROR_CANCELLED);
	assert_int_equal(world.calls, 1);
	assert_int_equal(get(client, "/api/plain", &answer), 0);
	assert_int_equal(answer->status, 200);
	adit_answer_free(answer);
	adit_client_close(client);
}

static void a_secret_that_is_not_there_says_so(void **state)
{
	struct adit_client_options options = {0};
	struct adit_client *client = open_client(&options);
	struct adit_client_error error = {.size = sizeof(error)};
	char source[128];

	(void)state;
	(void)snprintf(source, sizeof(source), "file:%s/none", folder);
	assert_int_equal(adit_client_credentials_from(client, "plans", source), ADIT_ERROR_STORAGE);
	assert_int_equal(adit_client_last_error(&error), 0);
	assert_non_null(strstr(error.text, "none"));
	assert_non_null(strstr(error.action, "secret"));
	assert_null(strstr(error.action, "storage"));
	adit_client_close(client);
}

static void nothing_is_followed_and_all_is_bounded(void **state)
{
	struct adit_client_options options = {0};
	struct adit_client *client = open_client(&options);
	struct adit_answer *answer;
	struct adit_call call = {.size = sizeof(call), .answer_max = FAKE_API_LARGE};
	char url[128];

	(void)state;
	assert_int_equal(get(client, "/api/redirect", &answer), 0);
	assert_int_equal(answer->status, 302);
	adit_answer_free(answer);
	assert_int_equal(world.calls, 1);
	(void)snprintf(url, sizeof(url), "%s", fake_api_url("/api/large"));
	call.url = url;
	assert_int_equal(adit_client_call(client, &call, &answer), 0);
	assert_int_equal(answer->body_length, FAKE_API_LARGE);
	adit_answer_free(answer);
	call.answer_max = FAKE_API_LARGE - 1;
	assert_int_equal(adit_client_call(client, &call, &answer), ADIT_ERROR_PROTOCOL);
	assert_non_null(strstr(adit_client_text(), "longer answer"));
	adit_client_close(client);
}

static void what_makes_no_sense_is_refused(void **state)
{
	struct adit_client_options options = {0};
	struct adit_client *client = open_client(&options);
	struct adit_answer *answer;
	struct adit_call call = {.size = sizeof(call), .url = "http://api.example.com/"};

	(void)state;
	assert_int_equal(adit_client_call(client, &call, &answer), ADIT_ERROR_INVALID);
	assert_non_null(strstr(adit_client_text(), "https"));
	call.url = "example";
	assert_int_equal(adit_client_call(client, &call, &answer), ADIT_ERROR_INVALID);
	call.url = NULL;
	assert_int_equal(adit_client_call(client, &call, &answer), ADIT_ERROR_INVALID);
	call.url = fake_api_url("/api/plain");
	call.content_type = "a\r\nX: y";
	assert_int_equal(adit_client_call(client, &call, &answer), ADIT_ERROR_INVALID);
	call.content_type = NULL;
	call.body_length = 1;
	assert_int_equal(adit_client_call(client, &call, &answer), ADIT_ERROR_INVALID);
	call.body_length = 0;
	call.method = "G T";
	assert_int_equal(adit_client_call(client, &call, &answer), ADIT_ERROR_INVALID);
	call.method = "OPTIONS";
	assert_int_equal(adit_client_call(client, &call, &answer), ADIT_ERROR_INVALID);
	assert_non_null(strstr(adit_client_text(), "PATCH"));
	call.method = NULL;
	call.size = 8;
	assert_int_equal(adit_client_call(client, &call, &answer), ADIT_ERROR_INVALID);
	assert_int_equal(adit_client_call(NULL, &call, &answer), ADIT_ERROR_INVALID);
	assert_int_equal(world.calls, 0);
	adit_client_close(client);
}

static void turns_are_counted_and_told(void **state)
{
	struct adit_client_options options = {.requests_per_10_s = 2};
	struct adit_client *client = open_client(&options);
	struct adit_client_error error = {.size = sizeof(error)};
	struct adit_answer *answer;
	char *text;

	(void)state;
	assert_int_equal(adit_client_diagnose(client, &text), 0);
	assert_non_null(strstr(text, "\"turns_left\":{\"10_s\":2,\"minute\":60,\"4_h\":1200}"));
	adit_text_free(text);
	assert_int_equal(adit_client_pace(client, 0), 0);
	assert_int_equal(get(client, "/api/plain", &answer), 0);
	adit_answer_free(answer);
	assert_int_equal(adit_client_pace(client, 5000), ADIT_ERROR_WAIT);
	assert_int_equal(adit_client_last_error(&error), 0);
	assert_true(error.retry_after_s >= 5 && error.retry_after_s <= 11);
	adit_client_close(client);
}

static void told_to_wait_by_the_api(void **state)
{
	struct adit_client_options options = {0};
	struct adit_client *client = open_client(&options);
	struct adit_answer *answer;
	int64_t began_ms;

	(void)state;
	assert_int_equal(get(client, "/api/busy", &answer), 0);
	assert_int_equal(answer->status, 429);
	assert_int_equal(answer->retry_after_s, 1);
	adit_answer_free(answer);
	began_ms = clock_monotonic_ms();
	assert_int_equal(adit_client_pace(client, 0), ADIT_ERROR_WAIT);
	assert_int_equal(adit_client_pace(client, 60000), 0);
	assert_true(clock_monotonic_ms() - began_ms >= 500);
	assert_int_equal(adit_client_pace_answer(client, 200, 100), 0);
	assert_int_equal(adit_client_pace_answer(client, 503, -1), 0);
	assert_int_equal(adit_client_pace(client, 0), 0);
	assert_int_equal(adit_client_pace_answer(client, 503, 100), 0);
	assert_int_equal(adit_client_pace(client, 0), ADIT_ERROR_WAIT);
	adit_client_close(client);
}

struct waiter {
	struct adit_client *client;
	bool calls;
	atomic_int error;
};

static void *wait_for_long(void *context)
{
	struct waiter *waiter = context;
	struct adit_answer *answer;

	waiter->error = waiter->calls ? get(waiter->client, "/api/plain", &answer)
				      : adit_client_pace(waiter->client, 60000);
	return NULL;
}

static void cancelled(bool calls)
{
	struct adit_client_options options = {0};
	struct adit_client *client = open_client(&options);
	struct waiter waiter = {.client = client, .calls = calls, .error = ADIT_AGAIN};
	struct adit_token *token;
	pthread_t thread;

	assert_int_equal(adit_token_get(client, 0, &token), 0);
	adit_token_release(token);
	/* Told before, which concerns nobody later. */
	adit_client_cancel(client);
	assert_int_equal(adit_client_pace(client, 0), 0);
	if (!calls)
		assert_int_equal(adit_client_pace_answer(client, 429, 30), 0);
	world.silent = true;
	assert_int_equal(pthread_create(&thread, NULL, wait_for_long, &waiter), 0);
	/* It may not be there yet: then it has not been told. */
	while (waiter.error == ADIT_AGAIN) {
		adit_client_cancel(client);
		(void)usleep(2000);
	}
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(waiter.error, ADIT_ERROR_CANCELLED);
	adit_client_close(client);
}

static void waiting_can_be_cancelled(void **state)
{
	(void)state;
	cancelled(false);
	cancelled(true);
}

static void *call_often(void *context)
{
	struct waiter *waiter = context;

	for (int i = 0; i < 10 && !waiter->error; i++) {
		struct adit_answer *answer = NULL;
		int error = get(waiter->client, "/api/plain", &answer);

		if (!error && answer->status != 200)
			error = 1;
		adit_answer_free(answer);
		waiter->error = error;
	}
	return NULL;
}

static void threads_share_a_client(void **state)
{
	struct adit_client_options options = {
		.requests_per_10_s = -1, .requests_per_minute = -1, .requests_per_4_h = -1};
	struct adit_client *client = open_client(&options);
	struct waiter waiter = {.client = client};
	pthread_t threads[THREADS];

	(void)state;
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, call_often, &waiter), 0);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_int_equal(waiter.error, 0);
	assert_int_equal(world.calls, THREADS * 10);
	assert_int_equal(world.tokens, 1);
	adit_client_close(client);
}

static void a_child_goes_on(void **state)
{
	struct adit_client_options options = {0};
	struct adit_client *client = open_client(&options);
	struct adit_answer *answer;
	pid_t pid;
	int status;

	(void)state;
	assert_int_equal(get(client, "/api/plain", &answer), 0);
	adit_answer_free(answer);
	pid = fork();
	if (!pid) {
		status = get(client, "/api/plain", &answer) || answer->status != 200;
		_exit(status);
	}
	assert_int_equal(get(client, "/api/plain", &answer), 0);
	adit_answer_free(answer);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(world.calls, 3);
	adit_client_close(client);
}

/* Only where the storage is shared. */
static void clients_of_one_storage_share_turns(void **state)
{
	struct adit_client_options options = {.requests_per_10_s = 3,
		.storage = ADIT_STORAGE_PLAINTEXT,
		.storage_directory = folder};
	struct adit_client *one = open_client(&options);
	struct adit_client *two = open_client(&options);

	(void)state;
	for (int i = 0; i < 3; i++) {
		int error = adit_client_pace(i % 2 ? one : two, 0);

		if (error)
			print_message("# %s\n", adit_client_text());
		assert_int_equal(error, 0);
	}
	assert_int_equal(adit_client_pace(one, 0), ADIT_ERROR_WAIT);
	assert_int_equal(adit_client_pace(two, 0), ADIT_ERROR_WAIT);
	adit_client_close(one);
	adit_client_close(two);
}

/* What was said to a client before it asks concerns nobody. */
static void an_old_cancel_does_not_end_an_entry(void **state)
{
	struct adit_client_options options = {0};
	struct adit_client *client = open_client(&options);
	char source[32];
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	(void)snprintf(source, sizeof(source), "fd:%d", ends[0]);
	adit_client_cancel(client);
	assert_int_equal(write(ends[1], "secret\n", 7), 7);
	assert_int_equal(adit_client_credentials_from(client, "plans", source), 0);
	assert_int_equal(close(ends[0]), 0);
	assert_int_equal(close(ends[1]), 0);
	adit_client_close(client);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_request_with_a_token),
		TEST(a_401_is_tried_once_more),
		TEST(a_cancel_between_two_tries_counts),
		TEST(a_secret_that_is_not_there_says_so),
		TEST(nothing_is_followed_and_all_is_bounded),
		TEST(what_makes_no_sense_is_refused),
		TEST(turns_are_counted_and_told),
		TEST(told_to_wait_by_the_api),
		TEST(waiting_can_be_cancelled),
		TEST(threads_share_a_client),
		TEST(a_child_goes_on),
		TEST(clients_of_one_storage_share_turns),
		TEST(an_old_cancel_does_not_end_an_entry),
	};

	char command[96];
	int failed;

	(void)snprintf(folder, sizeof(folder), "/tmp/adit-call-XXXXXX");
	if (!mkdtemp(folder))
		return 1;
	failed = cmocka_run_group_tests_name("calls of an API", tests, NULL, NULL);
	(void)snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command) || failed;
}
