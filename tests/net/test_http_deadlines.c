/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deadlines are for the whole of a part, however it drips. Only the least that a
 * wait must take is asserted: the most is the machine's business.
 */
#include "served.h"

enum {
#ifdef WIRE_TLS
	SHORT_MS = 1000, /* the handshake is under it, too, and slow under valgrind */
#else
	SHORT_MS = 300,
#endif
	DRIP_MS = 20,
	LONG_MS = 60000, /* a deadline that must not be the one that fires */
};

static const struct http_server_options long_deadlines = {
	.head_timeout_ms = LONG_MS,
	.body_timeout_ms = LONG_MS,
	.idle_timeout_ms = LONG_MS,
	.write_timeout_ms = LONG_MS,
	.answer_timeout_ms = LONG_MS,
};

/* Drips until the server has said something or ended it; how long that took
 * since `began_ms`. */
static int64_t drip(int fd, int64_t began_ms, const char *first, const char *text)
{
	wire_send(fd, first);
	while (wire_silent(fd, DRIP_MS)) {
		assert_true(clock_monotonic_ms() - began_ms < WIRE_WAIT_MS);
		if (!wire_send_bytes(fd, text, strlen(text)))
			break;
	}
	return clock_monotonic_ms() - began_ms;
}

static void check_dripper(struct http_server_options options, const char *first, const char *text)
{
	int64_t began_ms;
	int fd;

	served_start(options);
	began_ms = clock_monotonic_ms();
	fd = served_connect(); /* a handshake has part of the same time */
	assert_true(drip(fd, began_ms, first, text) >= SHORT_MS);
	assert_int_equal(wire_status_of(fd), 408);
	assert_true(wire_closed(fd));
	assert_int_equal(atomic_load(&served.refused_status), 408);
	assert_int_equal(atomic_load(&served.refused), 1);
	(void)close(fd);
	served_end();
}

static void test_head_that_drips(void **state)
{
	struct http_server_options options = long_deadlines;

	(void)state;
	options.head_timeout_ms = SHORT_MS;
	check_dripper(options, "G", "E");
	check_dripper(options, "GET / HTTP/1.1\r\n", "A: b\r\n");
	check_dripper(options, "GET / HTTP/1.1\r\nHost: x\r\nA: ", "b");
}

static void test_body_that_drips(void **state)
{
	struct http_server_options options = long_deadlines;

	(void)state;
	options.body_timeout_ms = SHORT_MS;
	check_dripper(options, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n\r\n", "a");
	check_dripper(options, "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
		"1\r\na\r\n");
	check_dripper(options,
		"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n",
		"A: b\r\n");
}

static void test_body_that_never_begins(void **state)
{
	struct http_server_options options = long_deadlines;

	(void)state;
	options.body_timeout_ms = SHORT_MS;
	check_dripper(options, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\n", "");
}

/* The second request on a connection has the same deadlines as the first. */
static void test_second_head_that_drips(void **state)
{
	struct http_server_options options = long_deadlines;
	int fd;

	(void)state;
	options.head_timeout_ms = SHORT_MS;
	served_start(options);
	fd = served_connect();
	wire_send(fd, GET_REQUEST);
	assert_int_equal(wire_status_of(fd), 200);
	assert_true(drip(fd, clock_monotonic_ms(), "GET", "X") >= SHORT_MS);
	assert_int_equal(wire_status_of(fd), 408);
	(void)close(fd);
	served_end();
}

/* Who says nothing is told nothing. */
static void test_idle(void **state)
{
	struct http_server_options options = long_deadlines;
	int64_t began_ms;
	int status = 0;
	int fd;

	(void)state;
	options.idle_timeout_ms = SHORT_MS;
	served_start(options);
	began_ms = clock_monotonic_ms();
	fd = served_connect();
	assert_true(wire_closed(fd));
	assert_true(clock_monotonic_ms() - began_ms >= SHORT_MS);
	/* This machine may be too slow to ask before it is closed. */
	while (status != 200) {
		(void)close(fd);
		fd = served_connect();
		began_ms = clock_monotonic_ms();
		if (wire_send_bytes(fd, GET_REQUEST, strlen(GET_REQUEST)))
			status = wire_status_of(fd);
	}
	assert_true(wire_closed(fd));
	assert_true(clock_monotonic_ms() - began_ms >= SHORT_MS);
	assert_int_equal(atomic_load(&served.refused), 0);
	(void)close(fd);
	served_end();
}

/* A byte now and then does not keep an answer going. */
static void test_answer_that_is_taken_slowly(void **state)
{
	struct http_server_options options = long_deadlines;
	const int small = 4096;
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int64_t began_ms = clock_monotonic_ms();
	ssize_t length = 1;
	size_t total = 0;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)state;
	options.write_timeout_ms = SHORT_MS;
	served_start(options);
	to.sin_port = htons((uint16_t)wire_port(served.server, 0));
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	(void)wire_tls_connect(fd);
	wire_send(fd, "GET /big HTTP/1.1\r\nHost: x\r\n\r\n");
	while (length > 0) {
		char byte;

		length = wire_receive(fd, &byte, 1);
		total += length > 0;
		(void)poll(NULL, 0, clock_monotonic_ms() - began_ms < 2 * SHORT_MS ? DRIP_MS : 0);
	}
	assert_true(length < 0 && errno == ECONNRESET);
	assert_true(total < BIG_SIZE);
	assert_true(clock_monotonic_ms() - began_ms >= SHORT_MS);
	(void)close(fd);
	served_end();
}

static void test_handler_that_does_not_answer(void **state)
{
	struct http_server_options options = long_deadlines;
	struct wire_reply reply;
	int fd;

	(void)state;
	options.answer_timeout_ms = SHORT_MS;
	served_start(options);
	fd = served_connect();
	wire_send(fd, KEEP_REQUEST);
	reply = wire_read_reply(fd, true);
	assert_int_equal(reply.status, 503);
	assert_string_equal(reply.body, "no answer in time\n");
	assert_int_equal(atomic_load(&served.refused_status), 503);
	served_answer(served.kept[0], "too late");
	assert_true(wire_closed(fd));
	(void)close(fd);
	served_end();
}

static void test_no_answer_in_the_users_form(void **state)
{
	struct http_server_options options = long_deadlines;
	struct wire_reply reply;
	int fd;

	(void)state;
	options.answer_timeout_ms = SHORT_MS;
	served.refusal_fields = "Content-Type: x/y\r\n";
	served_start(options);
	fd = served_connect();
	wire_send(fd, KEEP_REQUEST);
	reply = wire_read_reply(fd, true);
	assert_non_null(strstr(reply.head, "\r\nContent-Type: x/y\r\n"));
	assert_string_equal(reply.body, "<503 no answer in time>");
	(void)close(fd);
	served.refusal_fields = NULL;
	served_end();
}

static void test_answer_at_a_set_time(void **state)
{
	int64_t began_ms;
	int late;
	int fd;

	(void)state;
	served_start((struct http_server_options){.threads = 1});
	began_ms = clock_monotonic_ms();
	late = served_connect();
	wire_send(late, "GET /late HTTP/1.1\r\nHost: x\r\n\r\n" GET_REQUEST);
	/* Nobody else waits for it. */
	fd = served_connect();
	wire_send(fd, GET_REQUEST);
	assert_int_equal(wire_status_of(fd), 200);
	assert_string_equal(wire_read_reply(late, true).body, "GET /late?- 0 ");
	assert_true(clock_monotonic_ms() - began_ms >= LATE_MS);
	assert_string_equal(wire_read_reply(late, true).body, "GET /?- 0 ");
	(void)close(late);
	(void)close(fd);
	served_end();
}

static void test_answer_at_a_set_time_from_another_thread(void **state)
{
	struct http_response response = {.status = 200, .body = "late", .body_length = 4};
	int64_t due_ms;
	int fds[3];

	(void)state;
	served_start((struct http_server_options){0});
	for (int i = 0; i < 3; i++) {
		fds[i] = served_connect();
		wire_send(fds[i], KEEP_REQUEST);
		served_wait(&served.kept_count, i + 1);
	}
	/* In an order that is not theirs; one is due already. */
	due_ms = clock_monotonic_ms() + LATE_MS;
	response.not_before_ms = due_ms;
	http_answer(served.kept[0], &response);
	response.not_before_ms = due_ms - LATE_MS / 2;
	http_answer(served.kept[1], &response);
	response.not_before_ms = 1;
	http_answer(served.kept[2], &response);
	assert_string_equal(wire_read_reply(fds[2], true).body, "late");
	assert_string_equal(wire_read_reply(fds[1], true).body, "late");
	assert_true(clock_monotonic_ms() >= due_ms - LATE_MS / 2);
	assert_string_equal(wire_read_reply(fds[0], true).body, "late");
	assert_true(clock_monotonic_ms() >= due_ms);
	for (int i = 0; i < 3; i++)
		(void)close(fds[i]);
	served_end();
}

/* It goes before its answer is due; the loop must not mind. */
static void test_peer_that_does_not_wait(void **state)
{
	int fd;

	(void)state;
	served_start((struct http_server_options){.threads = 1});
	for (int i = 0; i < 20; i++) {
		fd = served_connect();
		wire_send(fd, "GET /late HTTP/1.1\r\nHost: x\r\n\r\n");
		served_wait(&served.handled, i + 1);
		(void)close(fd);
	}
	(void)poll(NULL, 0, LATE_MS);
	fd = served_connect();
	wire_send(fd, GET_REQUEST);
	assert_int_equal(wire_status_of(fd), 200);
	(void)close(fd);
	served_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_head_that_drips),
		cmocka_unit_test(test_body_that_drips),
		cmocka_unit_test(test_body_that_never_begins),
		cmocka_unit_test(test_second_head_that_drips),
		cmocka_unit_test(test_idle),
		cmocka_unit_test(test_answer_that_is_taken_slowly),
		cmocka_unit_test(test_handler_that_does_not_answer),
		cmocka_unit_test(test_no_answer_in_the_users_form),
		cmocka_unit_test(test_answer_at_a_set_time),
		cmocka_unit_test(test_answer_at_a_set_time_from_another_thread),
		cmocka_unit_test(test_peer_that_does_not_wait),
	};

	return cmocka_run_group_tests_name("http_deadlines", tests, NULL, NULL);
}
