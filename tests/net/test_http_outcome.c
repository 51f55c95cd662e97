/* SPDX-License-Identifier: Apache-2.0 */
/* What the server tells of each request's end, and of its connections. */
#include "served.h"

enum { OUTCOMES_MAX = 64 };

static struct {
	pthread_mutex_t lock;
	atomic_int count;
	struct http_outcome list[OUTCOMES_MAX];
} told = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void note(void *context, const struct http_outcome *outcome)
{
	(void)context;
	(void)pthread_mutex_lock(&told.lock);
	if (atomic_load(&told.count) < OUTCOMES_MAX)
		told.list[atomic_load(&told.count)] = *outcome;
	atomic_fetch_add(&told.count, 1);
	(void)pthread_mutex_unlock(&told.lock);
}

static void start(struct http_server_options options)
{
	atomic_store(&told.count, 0);
	options.ended = note;
	options.threads = 1;
	served_start(options);
}

/* The newest. */
static struct http_outcome wait_for(int count)
{
	struct http_outcome outcome;

	served_wait(&told.count, count);
	assert_int_equal(atomic_load(&told.count), count);
	(void)pthread_mutex_lock(&told.lock);
	outcome = told.list[count - 1];
	(void)pthread_mutex_unlock(&told.lock);
	assert_int_equal(outcome.loop, 0);
	assert_true(outcome.took_ns >= 0);
	return outcome;
}

static void test_answers(void **state)
{
	struct http_outcome outcome;
	int fd;

	(void)state;
	start((struct http_server_options){0});
	fd = served_connect();
	wire_send(fd, GET_REQUEST);
	assert_int_equal(wire_status_of(fd), 200);
	outcome = wait_for(1);
	assert_int_equal(outcome.status, 200);
	assert_int_equal(outcome.mark, 'G');
	wire_send(fd, "POST /status/404 HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
	assert_int_equal(wire_status_of(fd), 404);
	outcome = wait_for(2);
	assert_int_equal(outcome.status, 404);
	assert_int_equal(outcome.mark, 'P');
	wire_send(fd, "GET /late HTTP/1.1\r\nHost: x\r\n\r\n");
	assert_int_equal(wire_status_of(fd), 200);
	assert_true(wait_for(3).took_ns >= (LATE_MS - 1) * INT64_C(1000000));
	(void)close(fd);
	served_end();
	assert_int_equal(atomic_load(&told.count), 3);
}

/* The mark of the request before it is not its own. */
static void test_refusals(void **state)
{
	struct http_outcome outcome;
	int fd;

	(void)state;
	start((struct http_server_options){.answer_timeout_ms = 50});
	fd = served_connect();
	wire_send(fd, GET_REQUEST "GET / HTTP/1.1\r\n\r\n");
	assert_int_equal(wire_status_of(fd), 200);
	assert_int_equal(wire_status_of(fd), 400);
	outcome = wait_for(2);
	assert_int_equal(outcome.status, 400);
	assert_int_equal(outcome.mark, 0);
	(void)close(fd);
	fd = served_connect();
	wire_send(fd, KEEP_REQUEST);
	assert_int_equal(wire_status_of(fd), 503);
	outcome = wait_for(3);
	assert_int_equal(outcome.status, 503);
	assert_int_equal(outcome.mark, 'G');
	assert_true(outcome.took_ns >= 49 * INT64_C(1000000));
	(void)close(fd);
	served_end();
	assert_int_equal(atomic_load(&told.count), 3);
}

/* One that leaves before its answer, or does not take it. */
static void test_unanswered(void **state)
{
	const struct linger reset = {.l_onoff = 1};
	int fd;

	(void)state;
	start((struct http_server_options){.write_timeout_ms = 100});
	fd = served_connect();
	wire_send(fd, KEEP_REQUEST);
	served_wait(&served.kept_count, 1);
	/* One that only sends no more may still read. */
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)), 0);
	(void)close(fd);
	assert_int_equal(wait_for(1).status, 0);
	served_answer(served.kept[0], "too late");
	fd = served_connect();
	wire_send(fd, "GET /big HTTP/1.1\r\nHost: x\r\n\r\n");
	assert_int_equal(wait_for(2).status, 0);
	(void)close(fd);
	/* No request, no outcome. */
	fd = served_connect();
	wire_send(fd, "GET / HT");
	(void)close(fd);
	served_end();
	assert_int_equal(atomic_load(&told.count), 2);
}

/* A connection is uncounted after it was closed. */
static struct http_statistics wait_for_open(uint64_t open)
{
	int64_t until_ms = clock_monotonic_ms() + WIRE_WAIT_MS;
	struct http_statistics statistics;

	do {
		http_server_statistics(served.server, &statistics);
		(void)poll(NULL, 0, 2);
	} while (statistics.open != open && clock_monotonic_ms() < until_ms);
	assert_int_equal(statistics.open, open);
	return statistics;
}

static void test_connections(void **state)
{
	struct http_statistics statistics;
	int fds[4];

	(void)state;
	start((struct http_server_options){.max_connections = 2});
	http_server_statistics(served.server, &statistics);
	assert_int_equal(statistics.open + statistics.accepted + statistics.evicted, 0);
	for (int i = 0; i < 2; i++) {
		fds[i] = served_connect();
		wire_send(fds[i], KEEP_REQUEST);
		served_wait(&served.kept_count, i + 1);
	}
	/* Both are at work: nobody can be spared. */
	fds[2] = served_connect();
	assert_int_equal(wire_status_of(fds[2]), 503);
	statistics = wait_for_open(2);
	assert_int_equal(statistics.accepted, 2);
	assert_int_equal(statistics.turned_away, 1);
	assert_int_equal(statistics.evicted, 0);
	served_answer(served.kept[0], "done");
	assert_int_equal(wire_status_of(fds[0]), 200);
	fds[3] = served_connect();
	wire_send(fds[3], GET_REQUEST);
	assert_int_equal(wire_status_of(fds[3]), 200);
	statistics = wait_for_open(2);
	assert_int_equal(statistics.accepted, 3);
	assert_int_equal(statistics.evicted, 1);
	for (int i = 0; i < 4; i++)
		(void)close(fds[i]);
	served_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_unanswered),
		cmocka_unit_test(test_connections),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
