/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads, children and signals around one client, through the public library, against an
 * authority on a real HTTP server of this process.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "child.h"
#include "net/http_server.h"

#include <adit/client.h>

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	THREADS = 4,
	FORKS = 20,
	CALL_MS = 2000,
	REQUEST_MS = 1000,
	STEPS_MAX = 100,
	PATIENCE_MS = 60000,
};

/* One thread of the server alone writes to it. */
static struct {
	struct http_server *server;
	char address[64];
	atomic_int tokens;
	atomic_int discoveries;
	atomic_bool silent; /* at the token endpoint */
	atomic_bool says_nothing;
} world;

static char folder[64];

static void serve(void *context, const struct http_request *request, struct http_ticket ticket)
{
	bool is_discovery = strstr(request->path, "openid-configuration") != NULL;
	char text[512];
	struct http_response response = {
		.status = 200, .fields = "Content-Type: application/json\r\n", .body = text};

	(void)context;
	if (is_discovery) {
		world.discoveries++;
		(void)snprintf(text, sizeof(text),
			"{\"issuer\":\"http://%s\",\"jwks_uri\":\"http://%s/jwks\","
			"\"token_endpoint\":\"http://%s/token\"}",
			world.address, world.address, world.address);
	} else {
		world.tokens++;
		(void)snprintf(text, sizeof(text),
			"{\"access_token\":\"token-%d\",\"token_type\":\"Bearer\","
			"\"expires_in\":3600}",
			(int)world.tokens);
	}
	response.body_length = strlen(text);
	if (!world.says_nothing && (is_discovery || !world.silent))
		http_answer(ticket, &response);
}

static int start(void **state)
{
	static const char *const listen[] = {"127.0.0.1:0"};
	const struct http_server_options options = {
		.listen = listen, .listen_count = 1, .threads = 1, .handler = serve};

	(void)state;
	memset(&world, 0, sizeof(world));
	if (http_server_create(&options, &world.server, NULL))
		return -1;
	(void)snprintf(
		world.address, sizeof(world.address), "%s", http_server_address(world.server, 0));
	return http_server_start(world.server);
}

static int stop(void **state)
{
	(void)state;
	http_server_stop(world.server, 0);
	http_server_destroy(world.server);
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

static void get_token(struct adit_client *client)
{
	struct adit_token *token;
	int error = adit_token_get(client, 0, &token);

	if (error)
		print_message("# %d: %s\n", error, adit_client_text());
	assert_int_equal(error, 0);
	adit_token_release(token);
}

struct asker {
	struct adit_client *client;
	bool discovers;
	atomic_long thread_id;
	atomic_int error;
	int64_t took_ms;
	pthread_t thread;
};

static void *ask(void *context)
{
	struct asker *asker = context;
	int64_t began_ms = clock_monotonic_ms();
	struct adit_token *token;
	int error;

	asker->thread_id = syscall(SYS_gettid);
	if (asker->discovers) {
		error = adit_client_discover(asker->client);
	} else {
		error = adit_token_get(asker->client, 0, &token);
		if (!error)
			adit_token_release(token);
	}
	asker->took_ms = clock_monotonic_ms() - began_ms;
	asker->error = error;
	return NULL;
}

static void begin(struct asker *asker)
{
	asker->error = ADIT_AGAIN;
	assert_int_equal(pthread_create(&asker->thread, NULL, ask, asker), 0);
}

static void await_count(const atomic_int *count, int least)
{
	int64_t until_ms = clock_monotonic_ms() + PATIENCE_MS;

	while (*count < least && clock_monotonic_ms() < until_ms)
		(void)usleep(1000);
	assert_true(*count >= least);
}

/* Whether the kernel has the thread wait for another one. */
static bool waits_for_a_thread(long thread_id)
{
	char path[64];
	char text[32] = "";
	int fd;
	ssize_t got;

	(void)snprintf(path, sizeof(path), "/proc/self/task/%ld/syscall", thread_id);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		print_message("# %s can't be read\n", path);
		skip();
	}
	got = read(fd, text, sizeof(text) - 1);
	(void)close(fd);
	return got > 0 && strtol(text, NULL, 10) == SYS_futex;
}

static void cancelling_reaches_those_who_wait(void **state)
{
	struct adit_client_options options = {0};
	struct adit_client *client = open_client(&options);
	struct asker works = {.client = client};
	struct asker waits = {.client = client, .discovers = true};
	int64_t until_ms = clock_monotonic_ms() + PATIENCE_MS;

	(void)state;
	world.silent = true;
	begin(&works);
	await_count(&world.tokens, 1);
	begin(&waits);
	while (!waits.thread_id || !waits_for_a_thread(waits.thread_id)) {
		assert_true(clock_monotonic_ms() < until_ms);
		(void)usleep(1000);
	}
	adit_client_cancel(client);
	assert_int_equal(pthread_join(works.thread, NULL), 0);
	assert_int_equal(pthread_join(waits.thread, NULL), 0);
	assert_int_equal(works.error, ADIT_ERROR_CANCELLED);
	assert_int_equal(waits.error, ADIT_ERROR_CANCELLED);
	assert_int_equal(world.discoveries, 1);
	adit_client_close(client);
}

static void waiting_for_a_thread_is_part_of_the_time(void **state)
{
	struct adit_client_options options = {.call_timeout_ms = CALL_MS};
	struct adit_client *client = open_client(&options);
	struct asker works = {.client = client};
	struct asker waits = {.client = client, .discovers = true};

	(void)state;
	world.silent = true;
	begin(&works);
	await_count(&world.tokens, 1);
	world.says_nothing = true;
	begin(&waits);
	assert_int_equal(pthread_join(works.thread, NULL), 0);
	assert_int_equal(pthread_join(waits.thread, NULL), 0);
	assert_int_equal(works.error, ADIT_ERROR_TIMEOUT);
	assert_int_equal(waits.error, ADIT_ERROR_TIMEOUT);
	print_message("# %d ms\n", (int)waits.took_ms);
	assert_true(waits.took_ms < CALL_MS * 3 / 2);
	adit_client_close(client);
}

/* Of a child: all its threads see at once that it was forked. */
static void *get_at_once(void *context)
{
	struct asker *asker = context;
	struct adit_token *token;

	while (!asker->thread_id)
		;
	asker->error = adit_token_get(asker->client, 0, &token);
	if (!asker->error)
		adit_token_release(token);
	return NULL;
}

static int in_child(struct adit_client *client)
{
	struct asker askers[THREADS];
	int failed = 0;

	for (int i = 0; i < THREADS; i++) {
		askers[i] = (struct asker){.client = client};
		if (pthread_create(&askers[i].thread, NULL, get_at_once, &askers[i]))
			return 1;
	}
	for (int i = 0; i < THREADS; i++)
		askers[i].thread_id = 1;
	for (int i = 0; i < THREADS; i++) {
		(void)pthread_join(askers[i].thread, NULL);
		failed |= askers[i].error;
	}
	return failed != 0;
}

static void threads_of_a_child_share_its_client(void **state)
{
	struct adit_client_options options = {0};
	struct adit_client *client = open_client(&options);

	(void)state;
#if defined(__SANITIZE_THREAD__)
	print_message("# ThreadSanitizer lets no child have threads\n");
	adit_client_close(client);
	skip();
#endif
	get_token(client);
	for (int i = 0; i < FORKS; i++) {
		pid_t pid = fork();
		int status;

		if (!pid)
			child_end(in_child(client));
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
	}
	assert_int_equal(world.tokens, 1);
	adit_client_close(client);
}

static void a_child_goes_on_while_its_parent_asks(void **state)
{
	struct adit_client_options options = {.storage = ADIT_STORAGE_PLAINTEXT,
		.storage_directory = folder,
		.request_timeout_ms = REQUEST_MS,
		.account = "parent"};
	struct adit_client *client = open_client(&options);
	struct asker asker = {.client = client};
	int status;
	pid_t pid;

	(void)state;
	world.silent = true;
	begin(&asker);
	await_count(&world.tokens, 1);
	world.silent = false;
	/* It has the account's lock, a connection and a request under way. */
	pid = fork();
	if (!pid) {
		struct adit_token *token;

		status = adit_token_get(client, 0, &token);
		if (!status)
			adit_token_release(token);
		/* Told to wait by what its parent met is as well. */
		child_end(status && status != ADIT_ERROR_WAIT);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(pthread_join(asker.thread, NULL), 0);
	assert_int_equal(asker.error, ADIT_ERROR_TIMEOUT);
	adit_client_close(client);
}

static int step_to_end(struct adit_client *client, int *ret_steps)
{
	struct adit_wait wait = {.size = sizeof(wait)};
	int result = adit_client_step(client, &wait);

	for (*ret_steps = 1; result == ADIT_AGAIN; ++*ret_steps) {
		struct pollfd pollfd = {.fd = wait.fd, .events = wait.events};

		(void)poll(&pollfd, 1, wait.timeout_ms);
		result = adit_client_step(client, &wait);
	}
	return result;
}

/* Steps until the token is asked for. */
static void step_to_token(struct adit_client *client)
{
	struct adit_wait wait = {.size = sizeof(wait)};

	assert_int_equal(adit_client_start(client, ADIT_OPERATION_TOKEN, 0), 0);
	while (!world.tokens) {
		assert_int_equal(adit_client_step(client, &wait), ADIT_AGAIN);
		(void)usleep(1000);
	}
}

static int step_in_child(struct adit_client *client)
{
	struct adit_wait wait = {.size = sizeof(wait)};
	struct adit_token *token;

	if (adit_client_step(client, &wait) != ADIT_ERROR_INVALID)
		return 1;
	world.silent = false;
	if (adit_token_get(client, 0, &token))
		return 2;
	adit_token_release(token);
	return 0;
}

static void a_child_does_not_step_what_its_parent_began(void **state)
{
	struct adit_client_options options = {.request_timeout_ms = REQUEST_MS};
	struct adit_client *client = open_client(&options);
	int steps;
	int status;
	pid_t pid;

	(void)state;
	world.silent = true;
	step_to_token(client);
	world.silent = false;
	pid = fork();
	if (!pid)
		child_end(step_in_child(client));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(world.tokens, 2);
	/* The first request is never answered. */
	assert_int_equal(step_to_end(client, &steps), ADIT_ERROR_TIMEOUT);
	adit_client_close(client);
}

/* It shares the descriptor that wakes whoever is cancelled. */
static void what_a_child_cancels_wakes_its_parent_once(void **state)
{
	struct adit_client_options options = {.request_timeout_ms = REQUEST_MS};
	struct adit_client *client = open_client(&options);
	int steps;
	int status;
	pid_t pid;

	(void)state;
	world.silent = true;
	step_to_token(client);
	pid = fork();
	if (!pid) {
		adit_client_cancel(client);
		child_end(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(step_to_end(client, &steps), ADIT_ERROR_TIMEOUT);
	print_message("# %d steps\n", steps);
	assert_true(steps < STEPS_MAX);
	adit_client_close(client);
}

static struct adit_client *interrupted_client;

static void interrupt(int number)
{
	(void)number;
	adit_client_cancel(interrupted_client);
}

static void a_signal_ends_the_wait_for_the_lock(void **state)
{
	struct adit_client_options options = {
		.storage = ADIT_STORAGE_PLAINTEXT, .storage_directory = folder};
	struct adit_client *holds = open_client(&options);
	struct adit_client *waits = open_client(&options);
	struct asker asker = {.client = waits};
	const struct sigaction action = {.sa_handler = interrupt};
	struct sigaction before;

	(void)state;
	world.silent = true;
	step_to_token(holds);
	interrupted_client = waits;
	assert_int_equal(sigaction(SIGUSR1, &action, &before), 0);
	begin(&asker);
	/* It may not be there yet: then it has not been told. */
	while (asker.error == ADIT_AGAIN) {
		(void)pthread_kill(asker.thread, SIGUSR1);
		(void)usleep(2000);
	}
	assert_int_equal(pthread_join(asker.thread, NULL), 0);
	assert_int_equal(asker.error, ADIT_ERROR_CANCELLED);
	assert_int_equal(sigaction(SIGUSR1, &before, NULL), 0);
	assert_int_equal(world.tokens, 1);
	adit_client_close(holds);
	adit_client_close(waits);
}

/* What a program says that was built with a newer library. */
static void what_is_newer_is_refused(void **state)
{
	struct adit_client_options options = {0};
	struct adit_client *client = open_client(&options);
	struct adit_answer *answer;
	struct {
		struct adit_call call;
		const char *newer;
	} call = {.call = {.size = sizeof(call), .url = "http://127.0.0.1:1/"}, .newer = "x"};
	struct {
		struct adit_client_options options;
		int newer;
	} more = {
		.options = {.size = sizeof(more), .storage_directory = "/nonexistent"}, .newer = 1};
	char *text;

	(void)state;
	assert_int_equal(adit_client_call(client, &call.call, &answer), ADIT_ERROR_INVALID);
	assert_int_equal(adit_accounts(&more.options, &text), ADIT_ERROR_INVALID);
	more.newer = 0;
	assert_int_equal(adit_accounts(&more.options, &text), 0);
	assert_string_equal(text, "[]");
	adit_text_free(text);
	adit_client_close(client);
}

/* --- hooks ----------------------------------------------------------------------- */

struct reentrant {
	struct adit_client *client;
	bool inside;
	int calls;
};

static void read_clock(void *context, int64_t *ret_wall_ms, int64_t *ret_monotonic_ms)
{
	struct reentrant *reentrant = context;
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	*ret_wall_ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
	*ret_monotonic_ms = clock_boottime_ms();
	if (!reentrant->client || reentrant->inside)
		return;
	reentrant->inside = true;
	reentrant->calls++;
	get_token(reentrant->client);
	reentrant->inside = false;
}

static void hooks_are_called_without_a_lock(void **state)
{
	struct reentrant reentrant = {0};
	const struct adit_client_hooks hooks = {
		.size = sizeof(hooks), .context = &reentrant, .clock = read_clock};
	struct adit_client *client;
	char url[128];

	(void)state;
	(void)snprintf(url, sizeof(url), "http://%s", world.address);
	assert_int_equal(adit_client_open(url, "external.customer", &client), 0);
	assert_int_equal(adit_client_set_hooks(client, &hooks), 0);
	assert_int_equal(adit_client_credentials_set(client, "plans", "secret"), 0);
	get_token(client);
	reentrant.client = client;
	(void)alarm(PATIENCE_MS / 1000);
	get_token(client);
	(void)alarm(0);
	assert_true(reentrant.calls > 0);
	reentrant.client = NULL;
	adit_client_close(client);
}

static void only_what_there_is_is_started(void **state)
{
	struct adit_client_options options = {0};
	struct adit_client *client = open_client(&options);
	struct adit_wait wait = {.size = sizeof(wait)};
	struct adit_token *token;

	(void)state;
	assert_int_equal(adit_client_start(client, ADIT_OPERATION_LOGIN, 0), ADIT_ERROR_INVALID);
	assert_int_equal(adit_client_start(client, ADIT_OPERATION_LOGIN, 3), ADIT_ERROR_INVALID);
	assert_int_equal(adit_client_start(client, (enum adit_operation)6, 0), ADIT_ERROR_INVALID);
	assert_int_equal(adit_client_step(client, &wait), ADIT_ERROR_INVALID);
	/* Closed in the middle. */
	world.says_nothing = true;
	assert_int_equal(adit_client_start(client, ADIT_OPERATION_TOKEN, 0), 0);
	assert_int_equal(adit_client_step(client, &wait), ADIT_AGAIN);
	assert_int_equal(adit_client_start(client, ADIT_OPERATION_TOKEN, 0), ADIT_ERROR_INVALID);
	/* Nobody would step meanwhile. */
	assert_int_equal(adit_client_discover(client), ADIT_ERROR_INVALID);
	assert_int_equal(adit_token_get(client, 0, &token), ADIT_ERROR_INVALID);
	adit_client_close(client);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(cancelling_reaches_those_who_wait),
		TEST(waiting_for_a_thread_is_part_of_the_time),
		TEST(threads_of_a_child_share_its_client),
		TEST(a_child_goes_on_while_its_parent_asks),
		TEST(a_child_does_not_step_what_its_parent_began),
		TEST(what_a_child_cancels_wakes_its_parent_once),
		TEST(a_signal_ends_the_wait_for_the_lock),
		TEST(hooks_are_called_without_a_lock),
		TEST(what_is_newer_is_refused),
		TEST(only_what_there_is_is_started),
	};
	char command[96];
	int failed;

	(void)snprintf(folder, sizeof(folder), "/tmp/adit-threads-XXXXXX");
	if (!mkdtemp(folder))
		return 1;
	failed = cmocka_run_group_tests_name("threads of a client", tests, NULL, NULL);
	(void)snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command) || failed;
}
