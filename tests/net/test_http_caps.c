/* SPDX-License-Identifier: Apache-2.0 */
/* Who holds connections, and who gets one all the same. */
#include "served.h"

#include "net/http_sources.h"
#include "net/http_timers.h"

#include <sys/resource.h>

static int64_t get_status(unsigned last)
{
	int fd = wire_connect_from(served.server, last);
	int status = 0;

	if (wire_send_bytes(fd, GET_REQUEST, strlen(GET_REQUEST)))
		status = wire_status_of(fd);
	(void)close(fd);
	return status;
}

static void test_drippers_do_not_stop_others(void **state)
{
	enum { DRIPPERS = 500, GOOD = 10 };
	static int drippers[DRIPPERS];
	struct rlimit limit;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	if (limit.rlim_cur < 800) {
		limit.rlim_cur = 800;
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	}
	served_start((struct http_server_options){
		.max_connections = 100, .max_per_source = 1000, .head_timeout_ms = 60000});
	for (int i = 0; i < DRIPPERS; i++) {
		drippers[i] = served_connect();
		(void)wire_send_bytes(drippers[i], "GET / HT", 8);
	}
	for (int i = 0; i < GOOD; i++)
		assert_int_equal(get_status(1), 200);
	for (int i = 0; i < DRIPPERS; i++)
		(void)close(drippers[i]);
	served_end();
}

static int served_once(unsigned last)
{
	int fd = wire_connect_from(served.server, last);

	wire_send(fd, GET_REQUEST);
	assert_int_equal(wire_status_of(fd), 200);
	return fd;
}

/* Waiting ones go first, the longest waiting before others; then who never sent
 * a whole request, the oldest first; then who began another. */
static void test_order_of_eviction(void **state)
{
	enum { COUNT = 6 };
	int order[COUNT];
	int fds[COUNT];

	(void)state;
	served_start((struct http_server_options){.max_connections = COUNT,
		.threads = 1,
		.idle_timeout_ms = 60000,
		.head_timeout_ms = 60000});
	for (int i = 0; i < 4; i++)
		fds[i] = served_once(1);
	fds[4] = served_connect();
	wire_send(fds[4], "GET");
	fds[5] = served_connect();
	wire_send(fds[5], "GET");
	/* 1 waits less long than 2 from now on; 0 and 3 have begun another, 3 first. */
	wire_send(fds[1], GET_REQUEST);
	assert_int_equal(wire_status_of(fds[1]), 200);
	wire_send(fds[3], GET_REQUEST "GET");
	assert_int_equal(wire_status_of(fds[3]), 200);
	wire_send(fds[0], GET_REQUEST "GET");
	assert_int_equal(wire_status_of(fds[0]), 200);
	memcpy(order, (int[]){2, 1, 4, 5, 3, 0}, sizeof(order));
	for (int i = 0; i < COUNT; i++) {
		int fd = served_connect();

		wire_send(fd, KEEP_REQUEST);
		assert_true(wire_closed(fds[order[i]]));
		(void)close(fds[order[i]]);
		fds[order[i]] = fd;
		served_wait(&served.kept_count, i + 1);
		for (int k = i + 1; k < COUNT; k++)
			assert_true(wire_silent(fds[order[k]], 0));
	}
	/* All are being served: now the newest is turned away. */
	assert_int_not_equal(get_status(1), 200);
	assert_int_equal(atomic_load(&served.refused_status), 503);
	for (int i = 0; i < COUNT; i++)
		served_answer(served.kept[i], "ok");
	for (int i = 0; i < COUNT; i++) {
		assert_int_equal(wire_status_of(fds[i]), 200);
		(void)close(fds[i]);
	}
	served_end();
}

/* Who sends nothing meanwhile gets all of it, in the form of other refusals. */
static void check_turned_away(void)
{
	static const char *const fields[] = {NULL, "Content-Type: x/y\r\n"};
	static const char *const bodies[] = {
		"too many connections of one source\n", "<503 too many connections of one source>"};

	for (size_t i = 0; i < 2; i++) {
		struct wire_reply reply;
		int fd;

		served.refusal_fields = fields[i];
		fd = wire_connect_from(served.server, 2);
		reply = wire_read_reply(fd, true);
		assert_int_equal(reply.status, 503);
		assert_non_null(strstr(reply.head, "\r\nRetry-After: 1\r\nContent-Type: "));
		assert_non_null(strstr(reply.head, fields[i] ? fields[i] : "text/plain"));
		assert_non_null(strstr(reply.head, "\r\nConnection: close\r\n"));
		assert_string_equal(reply.body, bodies[i]);
		assert_true(wire_closed(fd));
		(void)close(fd);
	}
	served.refusal_fields = NULL;
}

/* Before a handshake there is nothing to say that would be understood. */
static void check_turned_away_unheard(void)
{
	int fd = wire_connect_from(served.server, 2);

	assert_true(wire_closed(fd));
	(void)close(fd);
}

static void test_share_of_a_source(void **state)
{
	enum { SHARE = 3 };
	int fds[SHARE];
	int64_t status = 0;

	(void)state;
	served_start((struct http_server_options){.max_per_source = SHARE, .threads = 1});
	for (int i = 0; i < SHARE; i++) {
		fds[i] = wire_connect_from(served.server, 2);
		wire_send(fds[i], KEEP_REQUEST);
	}
	served_wait(&served.kept_count, SHARE);
	assert_int_not_equal(get_status(2), 200);
	assert_int_equal(atomic_load(&served.refused_status), 503);
	if (served.tls)
		check_turned_away_unheard();
	else
		check_turned_away();
	/* Others have their own. */
	assert_int_equal(get_status(1), 200);
	assert_int_equal(get_status(3), 200);
	/* One that ends makes room, as soon as the server has seen it. */
	(void)close(fds[0]);
	served_answer(served.kept[0], "x");
	while (status != 200)
		status = get_status(2);
	for (int i = 1; i < SHARE; i++)
		(void)close(fds[i]);
	served_end();
}

/* It makes room among its own, not among others. */
static void test_source_evicts_its_own(void **state)
{
	int other;
	int own[2];

	(void)state;
	served_start((struct http_server_options){.max_per_source = 2,
		.threads = 1,
		.idle_timeout_ms = 60000,
		.head_timeout_ms = 60000});
	other = served_once(3);
	own[0] = wire_connect_from(served.server, 2);
	wire_send(own[0], "GET");
	own[1] = served_once(2);
	/* The waiting one first, although it is younger. */
	assert_int_equal(get_status(2), 200);
	assert_true(wire_closed(own[1]));
	assert_true(wire_silent(own[0], 0));
	assert_true(wire_silent(other, 0));
	(void)close(own[0]);
	(void)close(own[1]);
	(void)close(other);
	served_end();
}

/* Opens descriptors until there are no more. */
static size_t use_up_descriptors(int *fds, size_t max)
{
	size_t count = 0;

	while (count < max && (fds[count] = dup(STDERR_FILENO)) >= 0)
		count++;
	assert_true(count < max);
	return count;
}

/* The server shares this process's descriptors. */
static void test_no_descriptors_left(void **state)
{
	enum { MAX = 1000 };
	static int fillers[MAX];
	struct rlimit before;
	struct rlimit few;
	const char *preloaded = getenv("LD_PRELOAD");
	size_t count;
	int idle;
	int kept;
	int late;

	(void)state;
	/* It takes the connection out of the queue before it says EMFILE. */
	if (preloaded && strstr(preloaded, "vgpreload")) {
		print_message("# valgrind's own descriptors have other limits\n");
		skip();
	}
	served_start((struct http_server_options){.threads = 1, .idle_timeout_ms = 60000});
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	idle = served_once(1);
	few = before;
	few.rlim_cur = before.rlim_cur < MAX ? before.rlim_cur : MAX;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	count = use_up_descriptors(fillers, MAX);
	/* The one that waits makes room. */
	(void)close(fillers[--count]);
	kept = served_connect();
	wire_send(kept, KEEP_REQUEST);
	assert_true(wire_closed(idle));
	served_wait(&served.kept_count, 1);
	/* Nobody can be spared: the new one is closed, and the loop goes on. */
	(void)close(fillers[--count]);
	late = served_connect();
	assert_true(wire_closed(late));
	served_answer(served.kept[0], "ok");
	assert_int_equal(wire_status_of(kept), 200);
	while (count)
		(void)close(fillers[--count]);
	(void)close(idle);
	(void)close(kept);
	(void)close(late);
	assert_int_equal(get_status(1), 200);
	(void)setrlimit(RLIMIT_NOFILE, &before);
	served_end();
}

#ifndef WIRE_TLS /* test_http_tls.c has one of its own */
/* Connections come and go in numbers; every one is answered. */
static void *call_often(void *context)
{
	atomic_int *succeeded = context;
	char buffer[512];

	for (int i = 0; i < 100; i++) {
		struct sockaddr_in to = {
			.sin_family = AF_INET,
			.sin_port = htons((uint16_t)wire_port(served.server, 0)),
			.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		};
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		ssize_t length = 0;

		if (connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0 &&
			wire_send_bytes(fd, GET_REQUEST, strlen(GET_REQUEST)))
			length = wire_receive(fd, buffer, sizeof(buffer));
		atomic_fetch_add(succeeded, length > 12 && !memcmp(buffer, "HTTP/1.1 200", 12));
		(void)close(fd);
	}
	return NULL;
}

static void test_many_come_and_go(void **state)
{
	pthread_t threads[8];
	atomic_int succeeded = 0;

	(void)state;
	served_start((struct http_server_options){.threads = 4});
	for (size_t i = 0; i < 8; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, call_often, &succeeded), 0);
	for (size_t i = 0; i < 8; i++)
		(void)pthread_join(threads[i], NULL);
	assert_int_equal(atomic_load(&succeeded), 800);
	served_end();
}
#endif

static struct sockaddr_storage peer_of(const char *text)
{
	struct sockaddr_storage peer = {0};

	if (strchr(text, ':')) {
		peer.ss_family = AF_INET6;
		assert_int_equal(
			inet_pton(AF_INET6, text, &((struct sockaddr_in6 *)&peer)->sin6_addr), 1);
	} else {
		peer.ss_family = AF_INET;
		assert_int_equal(
			inet_pton(AF_INET, text, &((struct sockaddr_in *)&peer)->sin_addr), 1);
	}
	return peer;
}

static void check_source(const char *address, const char *text)
{
	struct sockaddr_storage peer = peer_of(address);
	char source[HTTP_SOURCE_SIZE];

	http_source_text(&peer, source);
	assert_string_equal(source, text);
}

static void test_source_text(void **state)
{
	struct sockaddr_storage local = {.ss_family = AF_UNIX};
	char source[HTTP_SOURCE_SIZE];

	(void)state;
	check_source("192.0.2.1", "192.0.2.1");
	check_source("::ffff:192.0.2.1", "192.0.2.1");
	check_source("2001:DB8:0::0:1", "2001:db8::1");
	http_source_text(&local, source);
	assert_string_equal(source, "unix");
	http_source_text(NULL, source);
	assert_string_equal(source, "unknown");
}

static void test_what_one_source_is(void **state)
{
	struct sockaddr_storage v4 = peer_of("192.0.2.1");
	struct sockaddr_storage mapped = peer_of("::ffff:192.0.2.1");
	struct sockaddr_storage other_v4 = peer_of("192.0.2.2");
	struct sockaddr_storage v6 = peer_of("2001:db8:0:1::1");
	struct sockaddr_storage same_64 = peer_of("2001:db8:0:1:ffff::2");
	struct sockaddr_storage other_64 = peer_of("2001:db8:0:2::1");

	(void)state;
	assert_true(http_source_same(&v4, &mapped));
	assert_false(http_source_same(&v4, &other_v4));
	assert_true(http_source_same(&v6, &same_64));
	assert_false(http_source_same(&v6, &other_64));
	assert_false(http_source_same(&v4, &v6));
}

/* Against a plain count: many sources in a small table, so that searches cross. */
static void test_counts_of_sources(void **state)
{
	enum { SOURCES = 60, MAX = 3 };
	struct http_sources sources;
	uint32_t counts[SOURCES] = {0};
	uint32_t random = 1;

	(void)state;
	assert_int_equal(http_sources_init(&sources, SOURCES, MAX), 0);
	for (int i = 0; i < 20000; i++) {
		char text[32];
		size_t source;
		struct sockaddr_storage peer;

		random = random * 1664525u + 1013904223u;
		source = (random >> 8) % SOURCES;
		(void)snprintf(text, sizeof(text), "192.0.2.%zu", source);
		peer = peer_of(text);
		if (random >> 31) {
			bool added = http_sources_add(&sources, &peer);

			assert_int_equal(added, counts[source] < MAX);
			counts[source] += added;
		} else if (counts[source]) {
			http_sources_remove(&sources, &peer);
			counts[source]--;
		}
	}
	http_sources_finish(&sources);
	http_sources_finish(&(struct http_sources){0});
}

/* Against what a search through all finds. */
static void test_timers(void **state)
{
	enum { COUNT = 50 };
	struct http_timer timers[COUNT] = {0};
	bool set[COUNT] = {false};
	struct http_timers heap;
	uint32_t random = 1;
	int64_t now_ms = 0;

	(void)state;
	assert_int_equal(http_timers_init(&heap, COUNT), 0);
	assert_int_equal(http_timers_wait_ms(&heap, 0), -1);
	for (int i = 0; i < 20000; i++) {
		const struct http_timer *due;
		size_t which;

		random = random * 1664525u + 1013904223u;
		which = (random >> 8) % COUNT;
		if (random >> 30) {
			http_timers_set(&heap, &timers[which], now_ms + (random >> 20) % 100);
			set[which] = true;
		} else {
			http_timers_remove(&heap, &timers[which]);
			set[which] = false;
		}
		now_ms += (random >> 16) % 3;
		while ((due = http_timers_due(&heap, now_ms))) {
			which = (size_t)(due - timers);
			assert_true(set[which] && due->due_ms <= now_ms);
			set[which] = false;
		}
		for (size_t k = 0; k < COUNT; k++)
			assert_true(
				!set[k] || (timers[k].due_ms > now_ms &&
						   now_ms + http_timers_wait_ms(&heap, now_ms) <=
							   timers[k].due_ms));
	}
	http_timers_finish(&heap);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_drippers_do_not_stop_others),
		cmocka_unit_test(test_order_of_eviction),
		cmocka_unit_test(test_share_of_a_source),
		cmocka_unit_test(test_source_evicts_its_own),
		cmocka_unit_test(test_no_descriptors_left),
#ifndef WIRE_TLS
		cmocka_unit_test(test_many_come_and_go),
#endif
		cmocka_unit_test(test_source_text),
		cmocka_unit_test(test_what_one_source_is),
		cmocka_unit_test(test_counts_of_sources),
		cmocka_unit_test(test_timers),
	};

	return cmocka_run_group_tests_name("http_caps", tests, NULL, NULL);
}
