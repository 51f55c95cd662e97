/* SPDX-License-Identifier: Apache-2.0 */
/* Where the server listens, and how it stops. */
#include "served.h"

#include <fcntl.h>
#include <sys/stat.h>

static int create_on(const char *address, struct http_server **ret_server, struct fault *fault)
{
	const char *const listen[] = {address};
	const struct http_server_options options = {
		.listen = listen, .listen_count = 1, .threads = 1, .handler = served_handle};

	fault->text[0] = '\0';
	return http_server_create(&options, ret_server, fault);
}

/* A name of a Unix socket has 107 bytes at most. */
#define TEN "0123456789"
static const char long_path[] = "unix:/" TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN "abcdefg";

static void test_addresses_that_are_none(void **state)
{
	static const char *const addresses[] = {"", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x",
		"127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1: 80", "localhost:80", ":80",
		"127.1:80", "256.0.0.1:80", "::1:80", "[::1]", "[::1]80", "[]:80", "[::1:80",
		"[127.0.0.1]:80", "[::1%lo]:80", "unix:", "http://127.0.0.1:80", "127.0.0.1:80/",
		long_path};
	struct http_server *server = NULL;
	struct fault fault;

	(void)state;
	for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
		if (create_on(addresses[i], &server, &fault) != ERROR_INVALID)
			fail_msg("%s was taken for an address", addresses[i]);
		assert_non_null(strstr(fault.text, addresses[i]));
	}
}

static void test_address_in_use(void **state)
{
	struct http_server *server = NULL;
	struct fault fault;

	(void)state;
	served_start((struct http_server_options){0});
	assert_int_equal(
		create_on(http_server_address(served.server, 0), &server, &fault), ERROR_IO);
	assert_non_null(strstr(fault.text, http_server_address(served.server, 0)));
	assert_non_null(strstr(fault.text, "in use"));
	served_end();
}

static void test_no_address(void **state)
{
	struct http_server_options options = {.handler = served_handle};
	struct http_server *server = NULL;
	struct fault fault;

	(void)state;
	assert_int_equal(http_server_create(&options, &server, &fault), ERROR_INVALID);
}

static void test_several_addresses(void **state)
{
	static const char *const listen[] = {"127.0.0.1:0", "127.0.0.1:0"};

	(void)state;
	served_start((struct http_server_options){.listen = listen, .listen_count = 2});
	assert_int_not_equal(wire_port(served.server, 0), wire_port(served.server, 1));
	assert_int_not_equal(wire_port(served.server, 0), 0);
	assert_null(http_server_address(served.server, 2));
	served_end();
}

static void test_ipv6(void **state)
{
	struct sockaddr_in6 to = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	struct http_server *server = NULL;
	struct fault fault;
	int fd;

	(void)state;
	if (create_on("[::1]:0", &server, &fault)) {
		print_message("# no IPv6 here: %s\n", fault.text);
		skip();
	}
	assert_int_equal(http_server_start(server), 0);
	assert_memory_equal(http_server_address(server, 0), "[::1]:", 6);
	to.sin6_port = htons((uint16_t)wire_port(server, 0));
	fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	wire_send(fd, GET_REQUEST);
	assert_int_equal(wire_status_of(fd), 200);
	(void)close(fd);
	http_server_stop(server, 0);
	http_server_destroy(server);
}

struct unix_place {
	char folder[64];
	char path[96];
	char address[104];
};

static struct unix_place unix_place(void)
{
	struct unix_place place = {.folder = "/tmp/adit-http-XXXXXX"};

	assert_non_null(mkdtemp(place.folder));
	(void)snprintf(place.path, sizeof(place.path), "%s/socket", place.folder);
	(void)snprintf(place.address, sizeof(place.address), "unix:%s", place.path);
	return place;
}

static int connect_unix(const struct unix_place *place)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)snprintf(to.sun_path, sizeof(to.sun_path), "%s", place->path);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	return fd;
}

static void test_unix_socket(void **state)
{
	struct unix_place place = unix_place();
	const char *const listen[] = {place.address};
	struct stat status;
	int fds[20];

	(void)state;
	/* One source's share does not bound it. */
	served_start((struct http_server_options){
		.listen = listen, .listen_count = 1, .max_per_source = 1});
	assert_string_equal(http_server_address(served.server, 0), place.address);
	assert_int_equal(lstat(place.path, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0660);
	for (int i = 0; i < 20; i++) {
		fds[i] = connect_unix(&place);
		wire_send(fds[i], GET_REQUEST GET_REQUEST);
	}
	for (int i = 0; i < 20; i++) {
		assert_int_equal(wire_status_of(fds[i]), 200);
		assert_int_equal(wire_status_of(fds[i]), 200);
		(void)close(fds[i]);
	}
	served_end();
	assert_int_not_equal(lstat(place.path, &status), 0);
	assert_int_equal(rmdir(place.folder), 0);
}

static void test_unix_socket_of_the_dead(void **state)
{
	struct unix_place place = unix_place();
	const char *const listen[] = {place.address};
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int dead = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int fd;

	(void)state;
	(void)snprintf(at.sun_path, sizeof(at.sun_path), "%s", place.path);
	assert_int_equal(bind(dead, (struct sockaddr *)&at, sizeof(at)), 0);
	(void)close(dead);
	served_start((struct http_server_options){.listen = listen, .listen_count = 1});
	fd = connect_unix(&place);
	wire_send(fd, GET_REQUEST);
	assert_int_equal(wire_status_of(fd), 200);
	(void)close(fd);
	served_end();
	assert_int_equal(rmdir(place.folder), 0);
}

static void test_unix_socket_of_the_living(void **state)
{
	struct unix_place place = unix_place();
	const char *const listen[] = {place.address};
	struct http_server *second = NULL;
	struct fault fault;
	int fd;

	(void)state;
	served_start((struct http_server_options){.listen = listen, .listen_count = 1});
	assert_int_equal(create_on(place.address, &second, &fault), ERROR_IO);
	assert_non_null(strstr(fault.text, place.path));
	/* The one that failed took nothing away. */
	fd = connect_unix(&place);
	wire_send(fd, GET_REQUEST);
	assert_int_equal(wire_status_of(fd), 200);
	(void)close(fd);
	served_end();
	assert_int_equal(rmdir(place.folder), 0);
}

/* A file that is no socket is somebody's; so is a socket that took our place. */
static void test_files_of_others(void **state)
{
	struct unix_place place = unix_place();
	struct http_server *server = NULL;
	struct stat status;
	struct fault fault;
	int fd = open(place.path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

	(void)state;
	(void)close(fd);
	assert_int_equal(create_on(place.address, &server, &fault), ERROR_IO);
	assert_int_equal(lstat(place.path, &status), 0);
	assert_int_equal(unlink(place.path), 0);
	assert_int_equal(create_on(place.address, &server, &fault), 0);
	assert_int_equal(unlink(place.path), 0);
	fd = open(place.path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	(void)close(fd);
	http_server_destroy(server);
	assert_int_equal(unlink(place.path), 0);
	assert_int_equal(rmdir(place.folder), 0);
}

static void test_never_started(void **state)
{
	struct unix_place place = unix_place();
	struct http_server *server = NULL;
	struct stat status;
	struct fault fault;

	(void)state;
	assert_int_equal(create_on(place.address, &server, &fault), 0);
	http_server_stop(server, 1000);
	http_server_destroy(server);
	assert_int_not_equal(lstat(place.path, &status), 0);
	assert_int_equal(rmdir(place.folder), 0);
}

static void test_started_and_stopped_twice(void **state)
{
	(void)state;
	served_start((struct http_server_options){0});
	assert_int_equal(http_server_start(served.server), ERROR_EXISTS);
	http_server_stop(served.server, 0);
	http_server_stop(served.server, 0);
	served_end();
}

struct stop {
	int drain_ms;
	atomic_int done;
};

static void *stop_server(void *context)
{
	struct stop *stop = context;

	http_server_stop(served.server, stop->drain_ms);
	atomic_store(&stop->done, 1);
	return NULL;
}

static void test_stop_waits_for_what_is_under_way(void **state)
{
	struct stop stop = {.drain_ms = 60000};
	int64_t began_ms = clock_monotonic_ms();
	struct wire_reply reply;
	pthread_t thread;
	int idle;
	int fresh;
	int kept;
	int late;

	(void)state;
	served_start((struct http_server_options){0});
	idle = served_connect();
	wire_send(idle, GET_REQUEST);
	assert_int_equal(wire_status_of(idle), 200);
	fresh = served_connect();
	kept = served_connect();
	wire_send(kept, KEEP_REQUEST);
	late = served_connect();
	wire_send(late, "GET /late HTTP/1.1\r\nHost: x\r\n\r\n");
	served_wait(&served.handled, 3);
	assert_int_equal(pthread_create(&thread, NULL, stop_server, &stop), 0);
	/* Who waits for nothing is closed at once. */
	assert_true(wire_closed(idle));
	assert_true(wire_closed(fresh));
	assert_string_equal(wire_read_reply(late, true).body, "GET /late?- 0 ");
	assert_int_equal(atomic_load(&stop.done), 0);
	served_answer(served.kept[0], "at last");
	reply = wire_read_reply(kept, true);
	assert_string_equal(reply.body, "at last");
	assert_non_null(strstr(reply.head, "Connection: close\r\n"));
	assert_true(wire_closed(kept));
	assert_true(wire_closed(late));
	(void)close(idle);
	(void)close(fresh);
	(void)close(kept);
	(void)close(late);
	(void)pthread_join(thread, NULL);
	assert_true(clock_monotonic_ms() - began_ms < stop.drain_ms);
	served_end();
}

static void test_stop_cuts_what_does_not_end(void **state)
{
	int64_t began_ms;
	int kept;
	int half;

	(void)state;
	served_start((struct http_server_options){0});
	kept = served_connect();
	wire_send(kept, KEEP_REQUEST);
	half = served_connect();
	wire_send(half, "GET / HTTP");
	served_wait(&served.kept_count, 1);
	began_ms = clock_monotonic_ms();
	http_server_stop(served.server, 200);
	assert_true(clock_monotonic_ms() - began_ms >= 200);
	assert_true(wire_closed(kept));
	assert_true(wire_closed(half));
	/* The ticket is harmless while the server is there. */
	served_answer(served.kept[0], "too late");
	(void)close(kept);
	(void)close(half);
	served_end();
}

static void test_nobody_gets_in_after_the_stop(void **state)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)state;
	served_start((struct http_server_options){0});
	to.sin_port = htons((uint16_t)wire_port(served.server, 0));
	http_server_stop(served.server, 0);
	assert_int_not_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	assert_int_equal(errno, ECONNREFUSED);
	(void)close(fd);
	served_end();
}

/* A stop amid traffic: each request has a whole answer or none. */
static void *call_until_closed(void *context)
{
	atomic_int *broken = context;
	struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)wire_port(served.server, 0)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	while (!connect(fd, (struct sockaddr *)&to, sizeof(to))) {
		char reply[512];
		ssize_t length = 0;

		if (wire_send_bytes(fd, GET_REQUEST, strlen(GET_REQUEST)))
			length = wire_receive(fd, reply, sizeof(reply) - 1);
		reply[length > 0 ? length : 0] = '\0';
		atomic_fetch_add(broken, length > 0 && !strstr(reply, "\r\n\r\nGET /?- 0 "));
		(void)close(fd);
		fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	}
	(void)close(fd);
	return NULL;
}

static void test_stop_amid_traffic(void **state)
{
	pthread_t threads[4];
	atomic_int broken = 0;

	(void)state;
	for (int round = 0; round < 5; round++) {
		served_start((struct http_server_options){0});
		for (size_t i = 0; i < 4; i++)
			assert_int_equal(
				pthread_create(&threads[i], NULL, call_until_closed, &broken), 0);
		served_wait(&served.handled, 50);
		http_server_stop(served.server, 5000);
		for (size_t i = 0; i < 4; i++)
			(void)pthread_join(threads[i], NULL);
		served_end();
	}
	assert_int_equal(atomic_load(&broken), 0);
}

/* A listening socket made elsewhere. */
static int listen_elsewhere(char address[32])
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&at, length), 0);
	assert_int_equal(listen(fd, 8), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &length), 0);
	(void)snprintf(address, 32, "127.0.0.1:%u", ntohs(at.sin_port));
	return fd;
}

/* It is served, and it still listens when the server has gone: who waits is not turned away. */
static void test_passed_socket(void **state)
{
	char address[32];
	char target[16];
	const char *const listen[] = {target};
	int passed = listen_elsewhere(address);
	int kept = dup(passed);
	int fd;

	(void)state;
	(void)snprintf(target, sizeof(target), "fd:%d", passed);
	served_start((struct http_server_options){.listen = listen, .listen_count = 1});
	assert_string_equal(http_server_address(served.server, 0), address);
	assert_true(fcntl(passed, F_GETFD) & FD_CLOEXEC);
	fd = served_connect();
	wire_send(fd, GET_REQUEST);
	assert_int_equal(wire_status_of(fd), 200);
	(void)close(fd);
	served_end();
	assert_int_equal(fcntl(passed, F_GETFD), -1);
	(void)snprintf(target, sizeof(target), "fd:%d", kept);
	served_start((struct http_server_options){.listen = listen, .listen_count = 1});
	fd = served_connect();
	wire_send(fd, GET_REQUEST);
	assert_int_equal(wire_status_of(fd), 200);
	(void)close(fd);
	served_end();
}

static void test_passed_descriptors_that_are_none(void **state)
{
	char target[16];
	const char *const targets[] = {
		"fd:", "fd:x", "fd:-1", "fd:3x", "fd:99999999999", "fd:1000", target};
	struct http_server *server = NULL;
	struct fault fault;
	int idle = socket(AF_INET, SOCK_STREAM, 0);

	(void)state;
	(void)snprintf(target, sizeof(target), "fd:%d", idle);
	for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
		if (create_on(targets[i], &server, &fault) != ERROR_INVALID)
			fail_msg("%s was taken", targets[i]);
		assert_non_null(strstr(fault.text, targets[i]));
	}
	(void)close(idle);
}

/* The handler of one loop stands still, and is seen to; then it goes on. */
static void test_stalled(void **state)
{
	int64_t until_ms = clock_monotonic_ms() + WIRE_WAIT_MS;
	int64_t stalled_ms = 1;
	int fd;

	(void)state;
	served_start((struct http_server_options){0});
	assert_int_equal(http_server_stalled_ms(served.server), 0);
	while (http_server_stalled_ms(served.server) && clock_monotonic_ms() < until_ms)
		(void)poll(NULL, 0, 1);
	fd = served_connect();
	wire_send(fd, "GET /stall HTTP/1.1\r\nHost: x\r\n\r\n");
	while (http_server_stalled_ms(served.server) < LATE_MS && clock_monotonic_ms() < until_ms)
		(void)poll(NULL, 0, 5);
	assert_true(http_server_stalled_ms(served.server) >= LATE_MS);
	atomic_store(&served.may_go_on, true);
	assert_int_equal(wire_status_of(fd), 200);
	while (stalled_ms && clock_monotonic_ms() < until_ms) {
		(void)poll(NULL, 0, 1);
		stalled_ms = http_server_stalled_ms(served.server);
	}
	assert_int_equal(stalled_ms, 0);
	(void)close(fd);
	served_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addresses_that_are_none),
		cmocka_unit_test(test_address_in_use),
		cmocka_unit_test(test_no_address),
		cmocka_unit_test(test_several_addresses),
		cmocka_unit_test(test_ipv6),
		cmocka_unit_test(test_unix_socket),
		cmocka_unit_test(test_unix_socket_of_the_dead),
		cmocka_unit_test(test_unix_socket_of_the_living),
		cmocka_unit_test(test_files_of_others),
		cmocka_unit_test(test_never_started),
		cmocka_unit_test(test_started_and_stopped_twice),
		cmocka_unit_test(test_stop_waits_for_what_is_under_way),
		cmocka_unit_test(test_stop_cuts_what_does_not_end),
		cmocka_unit_test(test_nobody_gets_in_after_the_stop),
		cmocka_unit_test(test_stop_amid_traffic),
		cmocka_unit_test(test_passed_socket),
		cmocka_unit_test(test_passed_descriptors_that_are_none),
		cmocka_unit_test(test_stalled),
	};

	return cmocka_run_group_tests_name("http_listen", tests, NULL, NULL);
}
