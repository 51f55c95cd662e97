/* SPDX-License-Identifier: Apache-2.0 */
#include "served.h"

#include "malformed_requests.h"
#include "net/http_loop.h"

static void test_request_and_answer(void **state)
{
	struct wire_reply reply;
	int fd;

	(void)state;
	served_start((struct http_server_options){.server_header = "adit"});
	fd = served_connect();
	wire_send(fd, "POST /a%20b?x=%41 HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello");
	reply = wire_read_reply(fd, true);
	assert_int_equal(reply.status, 200);
	assert_string_equal(reply.body, "POST /a b?x=%41 5 hello");
	assert_ptr_equal(strstr(reply.head, "HTTP/1.1 200 OK\r\nDate: "), reply.head);
	assert_non_null(strstr(reply.head, " GMT\r\nServer: adit\r\nContent-Type: text/plain\r\n"));
	assert_null(strstr(reply.head, "Connection:"));
	wire_send(fd, GET_REQUEST);
	assert_int_equal(wire_status_of(fd), 200);
	(void)close(fd);
	served_end();
}

static void test_date(void **state)
{
	struct wire_reply reply;
	struct tm parts = {0};
	const char *end;
	int fd;

	(void)state;
	served_start((struct http_server_options){0});
	fd = served_connect();
	wire_send(fd, GET_REQUEST);
	reply = wire_read_reply(fd, true);
	end = strptime(strstr(reply.head, "Date: "), "Date: %a, %d %b %Y %H:%M:%S GMT", &parts);
	assert_non_null(end);
	assert_memory_equal(end, "\r\n", 2);
	assert_true(llabs((long long)timegm(&parts) - clock_now_s(NULL)) < WIRE_WAIT_MS / 1000);
	assert_null(strstr(reply.head, "Server:"));
	(void)close(fd);
	served_end();
}

/* In order, however many come at once: more than a buffer, more than a round. */
static void test_pipelined(void **state)
{
	enum { COUNT = 500 };
	char *text = calloc(COUNT, 64);
	size_t length = 0;
	int fd;

	(void)state;
	assert_non_null(text);
	served_start((struct http_server_options){0});
	fd = served_connect();
	for (int i = 0; i < COUNT; i++)
		length += (size_t)snprintf(text + length, 64,
			"POST /%d HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nb", i);
	wire_send(fd, text);
	for (int i = 0; i < COUNT; i++) {
		struct wire_reply reply = wire_read_reply(fd, true);
		char expected[64];

		(void)snprintf(expected, sizeof(expected), "POST /%d?- 1 b", i);
		assert_string_equal(reply.body, expected);
	}
	assert_int_equal(atomic_load(&served.handled), COUNT);
	(void)close(fd);
	free(text);
	served_end();
}

static void test_head(void **state)
{
	struct wire_reply reply;
	int fd;

	(void)state;
	served_start((struct http_server_options){0});
	fd = served_connect();
	wire_send(fd, "HEAD /abc HTTP/1.1\r\nHost: x\r\n\r\n" GET_REQUEST);
	reply = wire_read_reply(fd, false);
	assert_int_equal(reply.status, 200);
	assert_non_null(strstr(reply.head, "Content-Length: 14\r\n"));
	/* Nothing lies between it and the next one. */
	reply = wire_read_reply(fd, true);
	assert_string_equal(reply.body, "GET /?- 0 ");
	/* A refusal has no body either. */
	wire_send(fd, "HEAD /abc HTTP/1.1\r\n\r\n");
	reply = wire_read_reply(fd, false);
	assert_int_equal(reply.status, 400);
	assert_true(wire_closed(fd));
	(void)close(fd);
	served_end();
}

static void test_statuses_without_length(void **state)
{
	static const char *const statuses[] = {"204", "304"};
	int fd;

	(void)state;
	served_start((struct http_server_options){0});
	fd = served_connect();
	for (size_t i = 0; i < 2; i++) {
		char text[128];
		struct wire_reply reply;

		(void)snprintf(text, sizeof(text),
			"GET /status/%s HTTP/1.1\r\nHost: x\r\n\r\n" GET_REQUEST, statuses[i]);
		wire_send(fd, text);
		reply = wire_read_reply(fd, true);
		assert_int_equal(reply.status, strtol(statuses[i], NULL, 10));
		assert_null(strstr(reply.head, "Content-Length"));
		assert_int_equal(wire_status_of(fd), 200);
	}
	(void)close(fd);
	served_end();
}

/* 1xx is not the handler's to say; anything else that is no status is a fault. */
static void test_statuses_that_are_none(void **state)
{
	static const char *const paths[] = {"100", "0", "1000", "x"};
	int fd;

	(void)state;
	served_start((struct http_server_options){0});
	fd = served_connect();
	for (size_t i = 0; i < 4; i++) {
		char text[128];

		(void)snprintf(text, sizeof(text),
			"GET /status/%s HTTP/1.1\r\nHost: x\r\n\r\n" GET_REQUEST, paths[i]);
		wire_send(fd, text);
		assert_int_equal(wire_status_of(fd), 500);
		assert_int_equal(wire_status_of(fd), 200);
	}
	(void)close(fd);
	served_end();
}

static void test_http_1_0(void **state)
{
	struct wire_reply reply;
	int fd;

	(void)state;
	served_start((struct http_server_options){0});
	fd = served_connect();
	wire_send(fd, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
	reply = wire_read_reply(fd, true);
	assert_int_equal(reply.status, 200);
	assert_non_null(strstr(reply.head, "Connection: keep-alive\r\n"));
	wire_send(fd, "GET / HTTP/1.0\r\n\r\n");
	reply = wire_read_reply(fd, true);
	assert_int_equal(reply.status, 200);
	assert_non_null(strstr(reply.head, "Connection: close\r\n"));
	assert_true(wire_closed(fd));
	(void)close(fd);
	served_end();
}

static void test_close(void **state)
{
	static const char *const requests[] = {
		"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
		"GET /close HTTP/1.1\r\nHost: x\r\n\r\n",
		/* What comes after it is not looked at, and does not hurt the answer. */
		"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" GET_REQUEST,
		"GET /close HTTP/1.1\r\nHost: x\r\n\r\n" GET_REQUEST,
	};

	(void)state;
	served_start((struct http_server_options){0});
	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		int fd = served_connect();
		struct wire_reply reply;

		wire_send(fd, requests[i]);
		reply = wire_read_reply(fd, true);
		assert_int_equal(reply.status, 200);
		assert_non_null(strstr(reply.head, "Connection: close\r\n"));
		assert_true(wire_closed(fd));
		assert_int_equal(atomic_load(&served.handled), i + 1);
		(void)close(fd);
	}
	served_end();
}

static void test_expect(void **state)
{
	struct wire_reply reply;
	int fd;

	(void)state;
	served_start((struct http_server_options){0});
	fd = served_connect();
	wire_send(fd, "POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
		      "Content-Length: 2\r\n\r\n");
	reply = wire_read_reply(fd, false);
	assert_string_equal(reply.head, "HTTP/1.1 100 Continue\r\n\r\n");
	wire_send(fd, "ab");
	reply = wire_read_reply(fd, true);
	assert_string_equal(reply.body, "POST /?- 2 ab");
	wire_send(fd, "POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
		      "Transfer-Encoding: chunked\r\n\r\n");
	assert_int_equal(wire_read_reply(fd, false).status, 100);
	wire_send(fd, "2\r\nab\r\n0\r\n\r\n");
	assert_string_equal(wire_read_reply(fd, true).body, "POST /?- 2 ab");
	/* No 100 to who sent the body already, nor where the answer is a refusal. */
	wire_send(fd, "POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
		      "Content-Length: 2\r\n\r\nab");
	assert_int_equal(wire_status_of(fd), 200);
	wire_send(fd, "POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
		      "Content-Length: 65537\r\n\r\n");
	assert_int_equal(wire_status_of(fd), 413);
	assert_true(wire_closed(fd));
	(void)close(fd);
	served_end();
}

/* Each with a request behind it that must not be seen: that is what smuggling is. */
static void test_malformed(void **state)
{
	static const char smuggled[] = "\r\n\r\n" GET_REQUEST GET_REQUEST;

	(void)state;
	served_start((struct http_server_options){0});
	for (size_t i = 0; i < MALFORMED_REQUEST_COUNT; i++) {
		const struct malformed_request *bad = &malformed_requests[i];
		int fd = served_connect();
		bool sent = wire_send_bytes(fd, bad->before, bad->before_length);
		struct wire_reply reply;

		for (size_t k = 0; sent && k < bad->count; k++)
			sent = wire_send_bytes(fd, bad->filler, strlen(bad->filler));
		if (sent && wire_send_bytes(fd, bad->after, strlen(bad->after)))
			(void)wire_send_bytes(fd, smuggled, sizeof(smuggled) - 1);
		reply = wire_read_reply(fd, true);
		if (reply.status != bad->status || !strstr(reply.head, "Connection: close\r\n"))
			fail_msg("%s: %d, expected %d", bad->name, reply.status, bad->status);
		if (!wire_closed(fd) || atomic_load(&served.handled))
			fail_msg("%s: a request came through", bad->name);
		assert_int_equal(atomic_load(&served.refused_status), bad->status);
		(void)close(fd);
	}
	assert_int_equal(atomic_load(&served.refused), MALFORMED_REQUEST_COUNT);
	served_end();
}

/* Answers are tokens: what was sent is not kept until another is written over it. */
static void check_wiped(const char *request, bool read)
{
	struct wire_reply reply = {0};
	const struct buf *out;
	size_t used;
	int fd;

	served_start((struct http_server_options){.threads = 1});
	fd = served_connect();
	wire_send(fd, request);
	served_wait(&served.handled, 1);
	if (read)
		reply = wire_read_reply(fd, true);
	assert_int_equal(reply.status, read ? 200 : 0);
	(void)close(fd);
	http_server_stop(served.server, 2000);
	out = &served.server->loops[0].out;
	used = strlen(reply.head) + strlen(reply.body);
	/* What is larger is given back. */
	assert_true(read ? out->cap > used : !out->data);
	for (size_t i = 0; i < used; i++)
		assert_int_equal(out->data[i], 0);
	served_end();
}

static void test_an_answer_is_wiped(void **state)
{
	(void)state;
	check_wiped("GET /secret HTTP/1.1\r\nHost: x\r\n\r\n", true);
	check_wiped("GET /close HTTP/1.1\r\nHost: x\r\n\r\n", true);
	/* More than the socket takes. */
	check_wiped("GET /big HTTP/1.1\r\nHost: x\r\n\r\n", false);
}

/* Who sends all of a large body before reading gets the answer, and no reset. */
static void test_refusal_reaches_who_still_sends(void **state)
{
	enum { BODY = 512 * 1024 };
	static const char body[BODY];

	(void)state;
	served_start((struct http_server_options){0});
	for (int i = 0; i < 5; i++) {
		int fd = served_connect();
		char *text;

		wire_send(fd, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 524288\r\n\r\n");
		assert_true(wire_send_bytes(fd, body, sizeof(body)));
		text = wire_read_all(fd);
		assert_ptr_equal(strstr(text, "HTTP/1.1 413 Content Too Large\r\n"), text);
		assert_non_null(strstr(text, "\r\n\r\nbody too large\n"));
		free(text);
		(void)close(fd);
	}
	assert_int_equal(atomic_load(&served.handled), 0);
	served_end();
}

static void test_largest_body(void **state)
{
	static char body[64 * 1024];
	int fd;

	(void)state;
	memset(body, 'a', sizeof(body));
	served_start((struct http_server_options){0});
	fd = served_connect();
	for (int i = 0; i < 3; i++) {
		struct wire_reply reply;

		wire_send(fd, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 65536\r\n\r\n");
		assert_true(wire_send_bytes(fd, body, sizeof(body)));
		reply = wire_read_reply(fd, true);
		assert_int_equal(reply.status, 200);
		assert_memory_equal(reply.body, "POST /?- 65536 aaa", 18);
	}
	(void)close(fd);
	served_end();
}

static void test_peer_that_sends_no_more(void **state)
{
	char *text;
	int fd;

	(void)state;
	served_start((struct http_server_options){0});
	fd = served_connect();
	wire_send(fd, "GET /late HTTP/1.1\r\nHost: x\r\n\r\n" GET_REQUEST);
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	text = wire_read_all(fd);
	assert_non_null(strstr(text, "GET /late?- 0 HTTP/1.1 200 OK\r\n"));
	assert_non_null(strstr(text, "\r\n\r\nGET /?- 0 "));
	free(text);
	(void)close(fd);
	served_end();
}

static void test_big_answer(void **state)
{
	size_t total = 0;
	ssize_t length = 1;
	char *bytes = malloc(WIRE_SIZE);
	int fd;

	(void)state;
	assert_non_null(bytes);
	served_start((struct http_server_options){0});
	fd = served_connect();
	wire_send(fd, "GET /big HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
	while (length > 0) {
		length = wire_receive(fd, bytes, WIRE_SIZE);
		assert_true(length >= 0);
		total += (size_t)length;
	}
	assert_true(total > BIG_SIZE && total < BIG_SIZE + 1000);
	free(bytes);
	(void)close(fd);
	served_end();
}

static void *answer_kept(void *context)
{
	static const char *const texts[] = {"0", "1", "2", "3"};
	size_t first = (size_t)(uintptr_t)context;

	for (size_t i = first; i < 64; i += 4)
		served_answer(served.kept[i], texts[first]);
	for (size_t i = first; i < 64; i += 4)
		served_answer(served.kept[i], "twice");
	return NULL;
}

static void test_answers_from_other_threads(void **state)
{
	pthread_t threads[4];
	int fds[64];
	int counts[4] = {0};

	(void)state;
	served_start((struct http_server_options){0});
	for (size_t i = 0; i < 64; i++) {
		fds[i] = served_connect();
		wire_send(fds[i], KEEP_REQUEST);
	}
	served_wait(&served.kept_count, 64);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(
			pthread_create(&threads[i], NULL, answer_kept, (void *)(uintptr_t)i), 0);
	for (size_t i = 0; i < 4; i++)
		(void)pthread_join(threads[i], NULL);
	for (size_t i = 0; i < 64; i++) {
		struct wire_reply reply = wire_read_reply(fds[i], true);

		assert_int_equal(reply.status, 200);
		assert_in_range(reply.body[0], '0', '3');
		counts[reply.body[0] - '0']++;
		wire_send(fds[i], GET_REQUEST);
		assert_string_equal(wire_read_reply(fds[i], true).body, "GET /?- 0 ");
		(void)close(fds[i]);
	}
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(counts[i], 16);
	served_end();
}

/* One connection at a time takes one request at a time. */
static void test_next_request_waits(void **state)
{
	int fd;

	(void)state;
	served_start((struct http_server_options){0});
	fd = served_connect();
	wire_send(fd, KEEP_REQUEST GET_REQUEST);
	served_wait(&served.kept_count, 1);
	assert_true(wire_silent(fd, 50));
	assert_int_equal(atomic_load(&served.handled), 1);
	served_answer(served.kept[0], "kept");
	assert_string_equal(wire_read_reply(fd, true).body, "kept");
	assert_string_equal(wire_read_reply(fd, true).body, "GET /?- 0 ");
	(void)close(fd);
	served_end();
}

/* A ticket is worth one answer, on its own request. */
static void test_spent_ticket(void **state)
{
	int fd;

	(void)state;
	served_start((struct http_server_options){0});
	fd = served_connect();
	wire_send(fd, KEEP_REQUEST);
	served_wait(&served.kept_count, 1);
	served_answer(served.kept[0], "first");
	assert_string_equal(wire_read_reply(fd, true).body, "first");
	wire_send(fd, KEEP_REQUEST);
	served_wait(&served.kept_count, 2);
	served_answer(served.kept[0], "again");
	assert_true(wire_silent(fd, 50));
	served_answer(served.kept[1], "second");
	assert_string_equal(wire_read_reply(fd, true).body, "second");
	(void)close(fd);
	served_end();
}

/* The next connection has the same slot: there is only one. */
static void test_ticket_of_a_connection_that_has_gone(void **state)
{
	const struct linger reset = {.l_onoff = 1, .l_linger = 0};
	struct wire_reply reply = {0};
	int fd;

	(void)state;
	served_start((struct http_server_options){.max_connections = 1, .threads = 1});
	fd = served_connect();
	wire_send(fd, KEEP_REQUEST);
	served_wait(&served.kept_count, 1);
	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	(void)close(fd);
	/* Until the server has noticed, it turns others away. */
	while (reply.status != 200) {
		fd = served_connect();
		if (wire_send_bytes(fd, GET_REQUEST, strlen(GET_REQUEST)))
			reply = wire_read_reply(fd, true);
		if (reply.status != 200)
			(void)close(fd);
	}
	wire_send(fd, KEEP_REQUEST);
	served_wait(&served.kept_count, 2);
	assert_int_equal(served.kept[0].slot, served.kept[1].slot);
	served_answer(served.kept[0], "to nobody");
	assert_true(wire_silent(fd, 50));
	served_answer(served.kept[1], "right");
	assert_string_equal(wire_read_reply(fd, true).body, "right");
	(void)close(fd);
	served_end();
}

static void test_tickets_of_nobody(void **state)
{
	struct http_ticket ticket = {0};
	int fd;

	(void)state;
	served_start((struct http_server_options){0});
	served_answer(ticket, "x");
	ticket.server = served.server;
	served_answer(ticket, "x");
	ticket.slot = UINT32_MAX;
	served_answer(ticket, "x");
	ticket.loop = UINT32_MAX;
	served_answer(ticket, "x");
	fd = served_connect();
	wire_send(fd, GET_REQUEST);
	assert_int_equal(wire_status_of(fd), 200);
	(void)close(fd);
	served_end();
}

/* One handler answers another connection's request, on the loop of both. */
static void test_answer_of_another_on_the_same_loop(void **state)
{
	int waiting;
	int other;

	(void)state;
	served_start((struct http_server_options){.threads = 1});
	waiting = served_connect();
	wire_send(waiting, KEEP_REQUEST GET_REQUEST);
	served_wait(&served.kept_count, 1);
	other = served_connect();
	wire_send(other, "GET /release HTTP/1.1\r\nHost: x\r\n\r\n");
	assert_string_equal(wire_read_reply(other, true).body, "GET /release?- 0 ");
	assert_string_equal(wire_read_reply(waiting, true).body, "released");
	assert_string_equal(wire_read_reply(waiting, true).body, "GET /?- 0 ");
	(void)close(waiting);
	(void)close(other);
	served_end();
}

static void test_null_is_accepted(void **state)
{
	(void)state;
	http_server_destroy(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_request_and_answer),
		cmocka_unit_test(test_date),
		cmocka_unit_test(test_pipelined),
		cmocka_unit_test(test_head),
		cmocka_unit_test(test_statuses_without_length),
		cmocka_unit_test(test_statuses_that_are_none),
		cmocka_unit_test(test_http_1_0),
		cmocka_unit_test(test_close),
		cmocka_unit_test(test_expect),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_an_answer_is_wiped),
		cmocka_unit_test(test_refusal_reaches_who_still_sends),
		cmocka_unit_test(test_largest_body),
		cmocka_unit_test(test_peer_that_sends_no_more),
		cmocka_unit_test(test_big_answer),
		cmocka_unit_test(test_answers_from_other_threads),
		cmocka_unit_test(test_next_request_waits),
		cmocka_unit_test(test_spent_ticket),
		cmocka_unit_test(test_ticket_of_a_connection_that_has_gone),
		cmocka_unit_test(test_tickets_of_nobody),
		cmocka_unit_test(test_answer_of_another_on_the_same_loop),
		cmocka_unit_test(test_null_is_accepted),
	};

	return cmocka_run_group_tests_name("http_server", tests, NULL, NULL);
}
