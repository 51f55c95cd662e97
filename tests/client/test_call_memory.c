/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One allocation after another fails, in the thread that calls an API: whatever it meets, the
 * call fails whole or is as it should be, and the same client calls well when there is memory
 * again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fake_api.h"
#include "short_of_memory.h"

#include <adit/client.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

struct scene {
	const char *directory; /* NULL: memory */
	const char *source;
	struct adit_client *client;
};

static int open_client(struct scene *scene)
{
	const struct adit_client_options options = {.size = sizeof(options),
		.storage = scene->directory ? ADIT_STORAGE_PLAINTEXT : ADIT_STORAGE_MEMORY,
		.storage_directory = scene->directory,
		.requests_per_10_s = -1,
		.requests_per_minute = -1,
		.requests_per_4_h = -1};
	int error = adit_client_open(fake_api_url(""), "external.customer", &scene->client);

	if (!error)
		error = adit_client_set_options(scene->client, &options);
	return error ? error : adit_client_credentials_from(scene->client, "plans", scene->source);
}

static int call(const struct scene *scene)
{
	const struct adit_call call = {.size = sizeof(call),
		.url = fake_api_url("/api/plain"),
		.method = "POST",
		.body = "{}",
		.body_length = 2};
	struct adit_answer *answer = NULL;
	char *text = NULL;
	int error = adit_client_call(scene->client, &call, &answer);

	if (!error) {
		/* 401: there was no memory to reject the token. */
		assert_true(
			answer->status == 200 || (answer->status == 401 && memory_has_failed()));
		if (answer->status == 200)
			assert_string_equal(answer->body, "{\"fine\":true}");
		error = adit_client_diagnose(scene->client, &text);
	}
	adit_answer_free(answer);
	adit_text_free(text);
	return error;
}

static void forget(const char *directory)
{
	char command[96];

	if (!directory)
		return;
	(void)snprintf(command, sizeof(command), "rm -rf %s", directory);
	assert_int_equal(system(command), 0);
}

/* From the opening of the client on: what fails says so. */
static void all_of_it(struct scene *scene)
{
	long at = 0;
	bool done = false;

	while (!done) {
		int error;

		scene->client = NULL;
		/* Every client has to ask for a new token, and again after a 401. */
		world.rejected = world.tokens + 1;
		memory_fail_at(at++);
		error = open_client(scene);
		if (!error)
			error = call(scene);
		done = !memory_has_failed();
		memory_fail_at(-1);
		if (error)
			assert_true(strlen(adit_client_text()) > 0);
		if (done)
			assert_int_equal(error, 0);
		adit_client_close(scene->client);
		/* What failed may have others wait; each begins with nothing. */
		forget(scene->directory);
	}
	print_message("# %ld allocations\n", at);
	assert_in_range(at, 50, 100000);
}

static void from_the_beginning(void **state)
{
	char folder[] = "/tmp/adit-call-memory-XXXXXX";
	char source[64];
	char directory[64];
	FILE *file;

	(void)state;
	assert_non_null(mkdtemp(folder));
	(void)snprintf(source, sizeof(source), "file:%s/secret", folder);
	(void)snprintf(directory, sizeof(directory), "%s/state", folder);
	file = fopen(source + 5, "wxe");
	assert_non_null(file);
	assert_int_equal(fchmod(fileno(file), 0600), 0);
	assert_true(fputs("secret\n", file) >= 0);
	assert_int_equal(fclose(file), 0);
	all_of_it(&(struct scene){.source = source});
	all_of_it(&(struct scene){.source = source, .directory = directory});
	forget(folder);
}

/* A call that failed for want of memory leaves a client that calls well. */
static void a_client_goes_on(void **state)
{
	struct scene scene = {.source = "exec:/bin/hostname"};
	bool done = false;
	long at = 0;

	(void)state;
	assert_int_equal(open_client(&scene), 0);
	while (!done) {
		int error;

		memory_fail_at(at++);
		error = call(&scene);
		done = !memory_has_failed();
		memory_fail_at(-1);
		if (done)
			assert_int_equal(error, 0);
		if (error)
			assert_int_equal(call(&scene), 0);
	}
	print_message("# %ld allocations\n", at);
	adit_client_close(scene.client);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(from_the_beginning, start, stop),
		cmocka_unit_test_setup_teardown(a_client_goes_on, start, stop),
	};

	return cmocka_run_group_tests_name("calls without memory", tests, NULL, NULL);
}
