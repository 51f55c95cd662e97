/* SPDX-License-Identifier: Apache-2.0 */
/* The client without blocking: steps, what is sent once only, abandoning, fork, signals. */
#include "peer.h"

#include "base/clock.h"
#include "net/http_curl.h"

#include <dlfcn.h>
#include <netdb.h>
#include <signal.h>
#include <sys/wait.h>

enum { SHORT_MS = 300 };

/* A name that the resolver has no answer for until the test says so. */
static atomic_int names_asked;
static atomic_int names_may_end;
static atomic_int names_ended;

__attribute__((visibility("default"))) int getaddrinfo(const char *name, const char *service,
	const struct addrinfo *hints, struct addrinfo **ret_list)
{
	__typeof__(getaddrinfo) *next;
	void *symbol;

	if (name && !strcmp(name, "slow.invalid")) {
		atomic_fetch_add(&names_asked, 1);
		peer_wait(&names_may_end, 1);
		atomic_fetch_add(&names_ended, 1);
		return EAI_AGAIN;
	}
	symbol = dlsym(RTLD_NEXT, "getaddrinfo");
	memcpy(&next, &symbol, sizeof(symbol));
	return next(name, service, hints, ret_list);
}

static struct http_call call_of(const struct peer *peer, const char *method, char url[64])
{
	(void)snprintf(url, 64, "http://127.0.0.1:%u/", peer->port);
	return (struct http_call){.method = method, .url = url};
}

static void expect_ok(struct http_client *client, const struct peer *peer)
{
	char url[64];
	struct http_call call = call_of(peer, "GET", url);
	struct http_reply reply;
	struct fault fault = {""};

	if (http_client_call(client, &call, &reply, &fault))
		fail_msg("%s", fault.text);
	assert_string_equal(reply.body.data, "ok");
	http_reply_finish(&reply);
}

/* Answers whatever comes, on one connection. */
static void *play_one_connection(void *context)
{
	struct peer *peer = context;
	int fd = accept(peer->listener, NULL, NULL);

	while (peer_read_head(peer, fd))
		peer_say(fd, peer->says ? peer->says : PEER_OK);
	(void)close(fd);
	return NULL;
}

/* The same, once it is told to. */
static void *play_when_told(void *context)
{
	struct peer *peer = context;

	peer_wait(&peer->may_go_on, 1);
	return play_one_connection(peer);
}

static void test_steps(void **state)
{
	struct peer peer = {.says = NULL};
	struct http_client *client = peer_client(NULL);
	char url[64];
	struct http_call call;
	struct http_reply reply;
	struct fault fault = {""};
	int fd = http_client_fd(client);

	(void)state;
	assert_int_equal(http_client_step(client, &reply, &fault), ERROR_INVALID);
	assert_int_equal(http_client_timeout_ms(client), -1);
	peer_start(&peer, play_when_told);
	call = call_of(&peer, "GET", url);
	assert_int_equal(http_client_begin(client, &call, &fault), 0);
	assert_false(http_client_sent(client));
	assert_int_equal(http_client_begin(client, &call, &fault), ERROR_BUSY);
	/* What was given is needed no more. */
	memset(url, 'x', sizeof(url) - 1);
	/* The first step is due at once. */
	assert_int_equal(http_client_timeout_ms(client), 0);
	assert_int_equal(http_client_step(client, &reply, &fault), HTTP_CLIENT_WAIT);
	assert_true(http_client_timeout_ms(client) >= 0);
	atomic_store(&peer.may_go_on, 1);
	assert_int_equal(peer_run(client, NULL, 0, &reply, &fault), 0);
	assert_int_equal(reply.status, 200);
	assert_string_equal(reply.body.data, "ok");
	assert_true(http_client_sent(client));
	assert_int_equal(http_client_fd(client), fd);
	http_reply_finish(&reply);
	assert_int_equal(http_client_step(client, &reply, &fault), ERROR_INVALID);
	/* And once more, on the same connection: the peer takes no other. */
	expect_ok(client, &peer);
	http_client_destroy(client);
	peer_end(&peer);
	assert_int_equal(atomic_load(&peer.requests), 2);
}

/* Answers one request, and ends the connection in the middle of the second. Then the same
 * with those who come again. */
static void *play_ending(void *context)
{
	struct peer *peer = context;
	int fd = accept(peer->listener, NULL, NULL);

	if (peer_read_head(peer, fd))
		peer_say(fd, PEER_OK);
	(void)peer_read_head(peer, fd);
	(void)close(fd);
	return NULL;
}

static void *play_ending_and_again(void *context)
{
	struct peer *peer = context;

	(void)play_ending(peer);
	return play_one_connection(peer);
}

/* libcurl by itself sends it again. */
static void test_what_is_sent_once(void **state)
{
	static const char *const methods[] = {"POST", "PUT", "PATCH", "DELETE"};

	(void)state;
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		struct peer peer = {.says = NULL};
		struct http_client *client = peer_client(NULL);
		char url[64];
		struct http_call call;
		struct http_reply reply;
		struct fault fault = {""};

		peer_start(&peer, play_ending);
		expect_ok(client, &peer);
		call = call_of(&peer, methods[i], url);
		assert_int_equal(
			http_client_call(client, &call, &reply, &fault), ERROR_UNAVAILABLE);
		assert_non_null(strstr(fault.text, "ended before the answer"));
		assert_true(http_client_sent(client));
		(void)pthread_join(peer.thread, NULL);
		assert_int_equal(atomic_load(&peer.requests), 2);
		/* libcurl has connected again, and must have said nothing. */
		if (peer_has_more(&peer)) {
			int fd = accept(peer.listener, NULL, NULL);

			assert_true(wire_closed(fd));
			(void)close(fd);
		}
		http_client_destroy(client);
		(void)close(peer.listener);
	}
}

static void test_what_is_sent_again(void **state)
{
	struct peer peer = {.says = NULL};
	struct http_client *client = peer_client(NULL);

	(void)state;
	peer_start(&peer, play_ending_and_again);
	expect_ok(client, &peer);
	expect_ok(client, &peer);
	http_client_destroy(client);
	peer_end(&peer);
	assert_int_equal(atomic_load(&peer.requests), 3);
}

/* Reads the request and says nothing, until the client has gone. */
static void *play_silent(void *context)
{
	struct peer *peer = context;
	int fd = accept(peer->listener, NULL, NULL);
	bool more = peer_read_head(peer, fd);

	if (more && peer->says)
		peer_say(fd, peer->says);
	while (more && !wire_closed(fd))
		;
	atomic_store(&peer->may_go_on, 1);
	(void)close(fd);
	return NULL;
}

static void test_whether_it_was_sent(void **state)
{
	struct peer peer = {.says = NULL};
	struct http_client *client =
		peer_client(&(struct http_client_options){.total_timeout_ms = SHORT_MS});
	struct http_call nowhere = {.method = "POST", .url = "http://name.invalid/"};
	char url[64];
	struct http_call call;
	struct http_reply reply;
	struct fault fault = {""};
	int unused = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(address);

	(void)state;
	peer_start(&peer, play_silent);
	call = call_of(&peer, "POST", url);
	assert_int_equal(http_client_call(client, &call, &reply, &fault), ERROR_TIMEOUT);
	assert_true(http_client_sent(client));
	peer_end(&peer);
	assert_int_not_equal(http_client_call(client, &nowhere, &reply, &fault), 0);
	assert_false(http_client_sent(client));
	/* Bound, and nobody listens. */
	assert_int_equal(bind(unused, (struct sockaddr *)&address, length), 0);
	assert_int_equal(getsockname(unused, (struct sockaddr *)&address, &length), 0);
	(void)snprintf(url, sizeof(url), "http://127.0.0.1:%u/", ntohs(address.sin_port));
	assert_int_equal(http_client_call(client, &call, &reply, &fault), ERROR_UNAVAILABLE);
	assert_non_null(strstr(fault.text, "Connection refused"));
	assert_false(http_client_sent(client));
	(void)close(unused);
	http_client_destroy(client);
}

static void test_abandon(void **state)
{
	struct peer peer = {.says = NULL};
	struct http_client *client = peer_client(NULL);
	char url[64];
	struct http_call call;
	struct http_reply reply;
	struct fault fault = {""};

	(void)state;
	peer_start(&peer, play_silent);
	call = call_of(&peer, "POST", url);
	http_client_abandon(client);
	/* Before anything. */
	assert_int_equal(http_client_begin(client, &call, &fault), 0);
	http_client_abandon(client);
	assert_false(http_client_sent(client));
	/* With the request sent: the peer sees its end. */
	assert_int_equal(http_client_begin(client, &call, &fault), 0);
	assert_int_equal(peer_run(client, &peer.requests, 1, &reply, &fault), HTTP_CLIENT_WAIT);
	http_client_abandon(client);
	assert_true(http_client_sent(client));
	peer_wait(&peer.may_go_on, 1);
	assert_int_equal(atomic_load(&peer.may_go_on), 1);
	peer_end(&peer);
	/* And the client goes on. */
	peer_start(&peer, play_one_connection);
	expect_ok(client, &peer);
	call = call_of(&peer, "GET", url);
	assert_int_equal(http_client_begin(client, &call, &fault), 0);
	http_client_destroy(client);
	peer_end(&peer);
}

/* Nobody waits for the resolver: neither who abandons, nor who has waited long enough. */
static void test_slow_name(void **state)
{
	static const struct http_call call = {
		.method = "POST", .url = "http://slow.invalid/", .total_timeout_ms = SHORT_MS};
	struct http_client *client = peer_client(NULL);
	struct http_reply reply;
	struct fault fault = {""};

	(void)state;
	assert_int_equal(http_client_begin(client, &call, &fault), 0);
	assert_int_equal(peer_run(client, &names_asked, 1, &reply, &fault), HTTP_CLIENT_WAIT);
	http_client_abandon(client);
	assert_int_equal(http_client_call(client, &call, &reply, &fault), ERROR_TIMEOUT);
	assert_non_null(strstr(fault.text, "slow.invalid"));
	assert_false(http_client_sent(client));
	assert_int_equal(http_client_begin(client, &call, &fault), 0);
	assert_int_equal(peer_run(client, &names_asked, 3, &reply, &fault), HTTP_CLIENT_WAIT);
	http_client_destroy(client);
	assert_int_equal(atomic_load(&names_asked), 3);
	assert_int_equal(atomic_load(&names_ended), 0);
	atomic_store(&names_may_end, 1);
	peer_wait(&names_ended, 3);
}

/* A byte now and then, so that every single wait is short. */
static void *play_dripping(void *context)
{
	struct peer *peer = context;
	int fd = accept(peer->listener, NULL, NULL);
	bool taken = peer_read_head(peer, fd);

	if (taken)
		peer_say(fd, peer->says);
	while (taken) {
		(void)poll(NULL, 0, SHORT_MS / 10);
		taken = wire_send_bytes(fd, "a", 1);
	}
	(void)close(fd);
	return NULL;
}

static void test_total_timeout(void **state)
{
	static const char *const begins[] = {
		"HTTP/1.1 200 OK\r\nContent-Length: 4000\r\n\r\n", "HTTP/1.1 200 OK\r\nA: "};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct peer peer = {.says = begins[i]};
		struct http_client *client = peer_client(NULL);
		char url[64];
		struct http_call call;
		struct http_reply reply;
		struct fault fault = {""};

		peer_start(&peer, play_dripping);
		call = call_of(&peer, "GET", url);
		call.total_timeout_ms = SHORT_MS;
		assert_int_equal(http_client_call(client, &call, &reply, &fault), ERROR_TIMEOUT);
		http_client_destroy(client);
		peer_end(&peer);
	}
}

/* By what the head says: the peer sends nothing of the body, and stays. */
static void test_too_large_at_once(void **state)
{
	struct peer peer = {.says = "HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\n"};
	struct http_client *client = peer_client(NULL);
	char url[64];
	struct http_call call;
	struct http_reply reply;
	struct fault fault = {""};

	(void)state;
	peer_start(&peer, play_silent);
	call = call_of(&peer, "GET", url);
	assert_int_equal(http_client_call(client, &call, &reply, &fault), ERROR_LIMIT);
	assert_non_null(strstr(fault.text, "larger than allowed"));
	peer_end(&peer);
	/* The bound of one call. */
	peer.says = NULL;
	peer_start(&peer, play_one_connection);
	call = call_of(&peer, "GET", url);
	call.max_body = 1;
	assert_int_equal(http_client_call(client, &call, &reply, &fault), ERROR_LIMIT);
	http_client_destroy(client);
	peer_end(&peer);
}

static void test_dates(void **state)
{
	static const struct {
		const char *fields;
		int64_t date_s;
		int64_t retry_after_s;
	} cases[] = {
		{"Date: Sun, 06 Nov 1994 08:49:37 GMT", 784111777, -1},
		{"Date: Sunday, 06-Nov-94 08:49:37 GMT", 784111777, -1},
		{"Date: Sun Nov  6 08:49:37 1994", 784111777, -1},
		{"Date: 784111777", -1, -1},
		{"Date: yesterday", -1, -1},
		{"Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nRetry-After: 120", 784111777, 120},
		/* From the server's own time, wherever ours is. */
		{"Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
		 "Retry-After: Sun, 06 Nov 1994 08:50:37 GMT",
			784111777, 60},
		{"Retry-After: Sun, 06 Nov 1994 08:48:37 GMT\r\n"
		 "Date: Sun, 06 Nov 1994 08:49:37 GMT",
			784111777, 0},
		{"Retry-After: Sun, 06 Nov 1994 08:50:37 GMT", -1, 0},
		{"Retry-After: -5", -1, -1},
		{"Retry-After: 5 minutes", -1, -1},
		{"Retry-After: soon", -1, -1},
		{"Retry-After:", -1, -1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char says[512];
		struct peer peer = {.says = says};
		struct http_client *client = peer_client(NULL);
		char url[64];
		struct http_call call;
		struct http_reply reply;
		struct fault fault = {""};

		(void)snprintf(says, sizeof(says),
			"HTTP/1.1 503 Busy\r\n%s\r\nContent-Length: 0\r\n\r\n", cases[i].fields);
		peer_start(&peer, play_one_connection);
		call = call_of(&peer, "GET", url);
		assert_int_equal(http_client_call(client, &call, &reply, &fault), 0);
		if (reply.date_s != cases[i].date_s ||
			reply.retry_after_s != cases[i].retry_after_s)
			fail_msg("%s: %lld and %lld", cases[i].fields, (long long)reply.date_s,
				(long long)reply.retry_after_s);
		http_reply_finish(&reply);
		http_client_destroy(client);
		peer_end(&peer);
	}
}

/* In a child that ends without cmocka's and the sanitizer's ends. */
static void expect_in_child(void (*does)(struct http_client *client, struct peer *other),
	struct http_client *client, struct peer *other)
{
	pid_t child = fork();
	int status = -1;

	if (!child) {
		does(client, other);
		_exit(0);
	}
	assert_true(child > 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

/* The peer's thread is not in the child, and the parent's goes on serving. */
static void forget_and_call(struct http_client *client, struct peer *other)
{
	struct http_client *own = NULL;
	char url[64];
	struct http_call call = call_of(other, "GET", url);
	struct http_reply reply;

	http_client_forget(client);
	if (http_client_create(NULL, &own, NULL) || http_client_call(own, &call, &reply, NULL))
		_exit(1);
	http_reply_finish(&reply);
	http_client_destroy(own);
}

static void test_fork_between_calls(void **state)
{
	struct peer peer = {.says = NULL};
	struct peer other = {.says = NULL};
	struct http_client *client = peer_client(NULL);

	(void)state;
	peer_start(&peer, play_one_connection);
	peer_start(&other, play_one_connection);
	expect_ok(client, &peer);
	expect_in_child(forget_and_call, client, &other);
	/* The one connection that the peer takes is there still. */
	expect_ok(client, &peer);
	http_client_destroy(client);
	peer_end(&peer);
	peer_end(&other);
	http_client_forget(NULL);
}

static void *play_late(void *context)
{
	struct peer *peer = context;
	int fd = accept(peer->listener, NULL, NULL);

	if (peer_read_head(peer, fd)) {
		peer_wait(&peer->may_go_on, 1);
		peer_say(fd, PEER_OK);
	}
	(void)close(fd);
	return NULL;
}

static void test_fork_in_a_call(void **state)
{
	struct peer peer = {.says = NULL};
	struct peer other = {.says = NULL};
	struct http_client *client = peer_client(NULL);
	char url[64];
	struct http_call call;
	struct http_reply reply;
	struct fault fault = {""};
	struct pollfd waits = {.events = POLLIN};

	(void)state;
	peer_start(&peer, play_late);
	peer_start(&other, play_one_connection);
	call = call_of(&peer, "POST", url);
	assert_int_equal(http_client_begin(client, &call, &fault), 0);
	assert_int_equal(peer_run(client, &peer.requests, 1, &reply, &fault), HTTP_CLIENT_WAIT);
	expect_in_child(forget_and_call, client, &other);
	atomic_store(&peer.may_go_on, 1);
	/* What the child did with its copy of the descriptor, it did to one that both have. */
	waits.fd = http_client_fd(client);
	assert_int_equal(poll(&waits, 1, WIRE_WAIT_MS), 1);
	if (peer_run(client, NULL, 0, &reply, &fault))
		fail_msg("%s", fault.text);
	assert_string_equal(reply.body.data, "ok");
	http_reply_finish(&reply);
	http_client_destroy(client);
	peer_end(&peer);
	peer_end(&other);
}

/* Resets the connection while the body comes. */
static void *play_reset(void *context)
{
	static const struct linger at_once = {1, 0};
	struct peer *peer = context;
	int fd = accept(peer->listener, NULL, NULL);

	(void)peer_read_head(peer, fd);
	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	(void)close(fd);
	return NULL;
}

/* The signal's disposition is the standard one: it would end the test. */
static void test_signals(void **state)
{
	enum { LARGE = 8 * 1024 * 1024 };
	struct peer peer = {.says = NULL};
	struct http_client *client = peer_client(NULL);
	char *body = calloc(1, LARGE);
	char url[64];
	struct http_call call;
	struct http_reply reply;
	struct fault fault = {""};
	struct http_signals signals;
	sigset_t set;

	(void)state;
	peer_start(&peer, play_reset);
	call = call_of(&peer, "POST", url);
	call.body = body;
	call.body_length = LARGE;
	assert_int_equal(http_client_call(client, &call, &reply, &fault), ERROR_UNAVAILABLE);
	peer_end(&peer);
	free(body);
	http_client_destroy(client);
	/* One that does come, as from an older libcurl. */
	http_signals_hold(&signals);
	assert_int_equal(raise(SIGPIPE), 0);
	http_signals_release(&signals);
	assert_int_equal(sigpending(&set), 0);
	assert_int_equal(sigismember(&set, SIGPIPE), 0);
	/* The program's own stays. */
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGPIPE);
	assert_int_equal(sigprocmask(SIG_BLOCK, &set, NULL), 0);
	assert_int_equal(raise(SIGPIPE), 0);
	http_signals_hold(&signals);
	http_signals_release(&signals);
	assert_int_equal(sigpending(&set), 0);
	assert_int_equal(sigismember(&set, SIGPIPE), 1);
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGPIPE);
	assert_int_equal(sigtimedwait(&set, NULL, &(struct timespec){0, 0}), SIGPIPE);
	assert_int_equal(sigprocmask(SIG_UNBLOCK, &set, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_steps),
		cmocka_unit_test(test_what_is_sent_once),
		cmocka_unit_test(test_what_is_sent_again),
		cmocka_unit_test(test_whether_it_was_sent),
		cmocka_unit_test(test_abandon),
		cmocka_unit_test(test_slow_name),
		cmocka_unit_test(test_total_timeout),
		cmocka_unit_test(test_too_large_at_once),
		cmocka_unit_test(test_dates),
		cmocka_unit_test(test_fork_between_calls),
		cmocka_unit_test(test_fork_in_a_call),
		cmocka_unit_test(test_signals),
	};

	return cmocka_run_group_tests_name("http_client_steps", tests, NULL, NULL);
}
