/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every allocation of the server and the client fails once, in turn: nothing may
 * crash or leak, and the server must serve the next connection.
 */
#include "served.h"

#include "net/http_client.h"

enum { ALLOCATIONS_MAX = 1000, ANSWER_MS = 200 };

static atomic_int until_failure; /* 0: none fails */
static atomic_bool has_failed;

static bool fails(void)
{
	if (!atomic_load(&until_failure) || atomic_fetch_sub(&until_failure, 1) != 1)
		return false;
	atomic_store(&has_failed, true);
	return true;
}

/* The linker gives these to what is linked statically (--wrap). */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
char *__real_strdup(const char *text);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
char *__wrap_strdup(const char *text);

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	return fails() ? NULL : __real_calloc(count, size);
}

char *__wrap_strdup(const char *text)
{
	return fails() ? NULL : __real_strdup(text);
}

static void arm(int allocation)
{
	atomic_store(&has_failed, false);
	atomic_store(&until_failure, allocation);
}

/* Whatever comes, or nothing: no more than the end of the connection. */
static int try_request(int fd, const char *text)
{
	return wire_send_bytes(fd, text, strlen(text)) ? wire_status_of(fd) : 0;
}

static void use_server(void)
{
	int fd = served_connect();

	(void)try_request(fd, "POST /a%20b HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nab");
	(void)close(fd);
	fd = served_connect();
	(void)try_request(fd, "GET / HTTP/1.2\r\n\r\n");
	(void)close(fd);
	fd = served_connect();
	if (wire_send_bytes(fd, KEEP_REQUEST, strlen(KEEP_REQUEST))) {
		while (wire_silent(fd, 1) && !atomic_load(&served.kept_count))
			;
		if (atomic_load(&served.kept_count))
			served_answer(served.kept[0], "kept");
		(void)wire_status_of(fd);
	}
	(void)close(fd);
}

static int create(struct fault *fault)
{
	static const char *const listen[] = {"127.0.0.1:0"};
	const struct http_server_options options = {
		.listen = listen,
		.listen_count = 1,
		.threads = 2,
		.max_connections = 64,
		.answer_timeout_ms = ANSWER_MS,
		.server_header = "adit",
		.handler = served_handle,
		.refused = served_refuse,
	};

	atomic_store(&served.kept_count, 0);
	return http_server_create(&options, &served.server, fault);
}

static void test_server(void **state)
{
	int allocation = 1;

	(void)state;
	do {
		struct fault fault = {""};
		int error;
		int fd;

		arm(allocation);
		error = create(&fault);
		if (error) {
			assert_int_equal(error, ERROR_MEMORY);
			assert_int_not_equal(fault.text[0], '\0');
			continue;
		}
		assert_int_equal(http_server_start(served.server), 0);
		use_server();
		atomic_store(&until_failure, 0);
		fd = served_connect();
		assert_int_equal(try_request(fd, GET_REQUEST), 200);
		(void)close(fd);
		served_end();
	} while (atomic_load(&has_failed) && ++allocation < ALLOCATIONS_MAX);
	/* At least what creating takes and each of the three connections. */
	assert_in_range(allocation, 12, ALLOCATIONS_MAX - 1);
}

static void test_client(void **state)
{
	char url[64];
	const struct http_call call = {.method = "GET", .url = url};
	int allocation = 1;

	(void)state;
	assert_int_equal(create(NULL), 0);
	assert_int_equal(http_server_start(served.server), 0);
	(void)snprintf(url, sizeof(url), "http://%s/", http_server_address(served.server, 0));
	do {
		const struct http_client_options options = {.ca_file = "/nowhere"};
		struct http_client *client = NULL;
		struct http_reply reply = {0};
		struct fault fault = {""};
		int error;

		arm(allocation);
		error = http_client_create(&options, &client, &fault);
		if (!error)
			error = http_client_call(client, &call, &reply, &fault);
		/* The server's share of the failures shows as a refusal or an end. */
		assert_true(!error || error == ERROR_MEMORY || error == ERROR_UNAVAILABLE);
		assert_true(error || reply.status == 200 || reply.status == 503);
		http_reply_finish(&reply);
		http_client_destroy(client);
	} while (atomic_load(&has_failed) && ++allocation < ALLOCATIONS_MAX);
	atomic_store(&until_failure, 0);
	assert_in_range(allocation, 4, ALLOCATIONS_MAX - 1);
	served_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_server),
		cmocka_unit_test(test_client),
	};

	return cmocka_run_group_tests_name("http_torture", tests, NULL, NULL);
}
