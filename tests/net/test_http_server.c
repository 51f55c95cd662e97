/* SPDX-License-Identifier: Apache-2.0 */
#include "wire.h"

#include "base/clock.h"

#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>

static const char get_request[] = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

/* What handlers note, and what tests read. */
static atomic_int handled;
static atomic_int refused_status;
static pthread_mutex_t kept_lock = PTHREAD_MUTEX_INITIALIZER;
static struct http_ticket kept[64];
static atomic_int kept_count;

static void answer_text(struct http_ticket ticket, const char *text)
{
	const struct http_response response = {
		.status = 200,
		.fields = "Content-Type: text/plain\r\n",
		.body = text,
		.body_length = strlen(text),
	};

	http_answer(ticket, &response);
}

/* By path: /keep keeps the ticket, /big answers much, others echo. */
static void handle(void *context, const struct http_request *request, struct http_ticket ticket)
{
	static char big[2 * 1024 * 1024];
	struct http_response response = {.status = 200, .body = big, .body_length = sizeof(big)};
	char text[2048];

	(void)context;
	atomic_fetch_add(&handled, 1);
	if (!strcmp(request->path, "/keep")) {
		(void)pthread_mutex_lock(&kept_lock);
		kept[kept_count] = ticket;
		atomic_fetch_add(&kept_count, 1);
		(void)pthread_mutex_unlock(&kept_lock);
		return;
	}
	if (!strcmp(request->path, "/big")) {
		http_answer(ticket, &response);
		return;
	}
	if (!strcmp(request->path, "/late"))
		response.not_before_ms = request->arrived_at_ms + 300;
	(void)snprintf(text, sizeof(text), "%s %s?%s %.*s", request->method, request->path,
		request->query ? request->query : "-",
		(int)(request->body_length < 1024 ? request->body_length : 1024), request->body);
	response.body = text;
	response.body_length = strlen(text);
	response.close = !strcmp(request->path, "/close");
	http_answer(ticket, &response);
}

static void note_refusal(
	void *context, int status, const char *reason, const struct sockaddr_storage *peer)
{
	(void)context;
	atomic_store(&refused_status, reason && peer ? status : -1);
}

static void wait_for(const atomic_int *count, int least)
{
	int64_t until_ms = clock_monotonic_ms() + WIRE_WAIT_MS;

	while (atomic_load(count) < least && clock_monotonic_ms() < until_ms)
		(void)poll(NULL, 0, 2);
	assert_true(atomic_load(count) >= least);
}

static struct http_server *start(struct http_server_options options)
{
	static const char *const loopback[] = {"127.0.0.1:0"};
	struct http_server *server = NULL;
	struct fault fault = {""};

	atomic_store(&handled, 0);
	atomic_store(&kept_count, 0);
	atomic_store(&refused_status, 0);
	if (!options.listen) {
		options.listen = loopback;
		options.listen_count = 1;
	}
	if (!options.threads)
		options.threads = 2;
	if (!options.handler)
		options.handler = handle;
	options.refused = note_refusal;
	if (http_server_create(&options, &server, &fault))
		fail_msg("%s", fault.text);
	assert_int_equal(http_server_start(server), 0);
	return server;
}

static void end(struct http_server *server)
{
	http_server_stop(server, 2000);
	http_server_destroy(server);
}

static void *answer_kept(void *context)
{
	(void)context;
	answer_text(kept[0], "kept");
	return NULL;
}

static void test_answer_from_another_thread(void **state)
{
	struct http_server *server = start((struct http_server_options){0});
	int fd = wire_connect(server);
	struct wire_reply reply;
	pthread_t thread;

	(void)state;
	wire_send(fd, "GET /keep HTTP/1.1\r\nHost: x\r\n\r\nGET /next HTTP/1.1\r\nHost: x\r\n\r\n");
	wait_for(&kept_count, 1);
	assert_true(wire_silent(fd, 50));
	assert_int_equal(atomic_load(&handled), 1);
	assert_int_equal(pthread_create(&thread, NULL, answer_kept, NULL), 0);
	(void)pthread_join(thread, NULL);
	reply = wire_read_reply(fd, true);
	assert_string_equal(reply.body, "kept");
	reply = wire_read_reply(fd, true);
	assert_string_equal(reply.body, "GET /next?- ");
	(void)close(fd);
	end(server);
}

static void test_request_and_answer(void **state)
{
	struct http_server *server = start((struct http_server_options){.server_header = "adit"});
	int fd = wire_connect(server);
	struct wire_reply reply;

	(void)state;
	wire_send(fd, "POST /a%20b?x=%41 HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello");
	reply = wire_read_reply(fd, true);
	assert_int_equal(reply.status, 200);
	assert_string_equal(reply.body, "POST /a b?x=%41 hello");
	assert_non_null(strstr(reply.head, "HTTP/1.1 200 OK\r\nDate: "));
	assert_non_null(strstr(reply.head, " GMT\r\n"));
	assert_non_null(strstr(reply.head, "Server: adit\r\n"));
	assert_null(strstr(reply.head, "Connection:"));
	wire_send(fd, get_request);
	assert_int_equal(wire_status_of(fd), 200);
	(void)close(fd);
	end(server);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_request_and_answer),
		cmocka_unit_test(test_answer_from_another_thread),
	};

	return cmocka_run_group_tests_name("http_server", tests, NULL, NULL);
}
