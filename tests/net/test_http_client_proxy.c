/* SPDX-License-Identifier: Apache-2.0 */
/* Which calls go through a proxy: a small one that connects all names to one peer. */
#include "peer_tls.h"

#include <signal.h>

struct proxy {
	struct peer peer;
	_Atomic(const char *) answer; /* in place of a connection; NULL: it connects */
	unsigned to_port;
	char asked[256]; /* the first line, once peer.requests is not 0 */
};

struct scene {
	struct tls_peer authority;
	struct proxy proxy;
	char proxy_url[64];
};

/* Bytes both ways, until either end has gone. */
static void relay(int one, int other)
{
	struct pollfd waits[] = {{.fd = one, .events = POLLIN}, {.fd = other, .events = POLLIN}};
	char bytes[4096];

	for (;;) {
		if (poll(waits, 2, WIRE_WAIT_MS) <= 0)
			return;
		for (size_t i = 0; i < 2; i++) {
			ssize_t got =
				waits[i].revents ? recv(waits[i].fd, bytes, sizeof(bytes), 0) : -2;

			if (got != -2 &&
				(got <= 0 || !wire_send_bytes(waits[1 - i].fd, bytes, (size_t)got)))
				return;
		}
	}
}

static void *play_proxy(void *context)
{
	struct proxy *proxy = context;
	struct sockaddr_in to = {.sin_family = AF_INET,
		.sin_port = htons((uint16_t)proxy->to_port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = accept(proxy->peer.listener, NULL, NULL);
	int onward = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const char *answer;
	ssize_t length = fd < 0 ? -1 : wire_receive(fd, proxy->asked, sizeof(proxy->asked) - 1);

	proxy->asked[length > 0 ? length : 0] = '\0';
	proxy->asked[strcspn(proxy->asked, "\r")] = '\0';
	atomic_fetch_add(&proxy->peer.requests, length > 0);
	answer = atomic_load(&proxy->answer);
	if (length > 0 && answer)
		peer_say(fd, answer);
	else if (length > 0 && !connect(onward, (struct sockaddr *)&to, sizeof(to))) {
		peer_say(fd, "HTTP/1.1 200 Connected\r\nRetry-After: 99\r\n\r\n");
		relay(fd, onward);
	}
	(void)close(onward);
	(void)close(fd);
	return NULL;
}

static int make_scene(void **state)
{
	struct scene *scene = calloc(1, sizeof(*scene));

	if (!scene)
		return -1;
	tls_peer_init(&scene->authority);
	peer_start(&scene->authority.peer, tls_peer_play);
	scene->proxy.to_port = scene->authority.peer.port;
	peer_start(&scene->proxy.peer, play_proxy);
	(void)snprintf(scene->proxy_url, sizeof(scene->proxy_url), "http://127.0.0.1:%u",
		scene->proxy.peer.port);
	*state = scene;
	return 0;
}

/* Whoever still waits for a connection gets none. */
static int end_scene(void **state)
{
	struct scene *scene = *state;

	(void)shutdown(scene->proxy.peer.listener, SHUT_RDWR);
	(void)shutdown(scene->authority.peer.listener, SHUT_RDWR);
	peer_end(&scene->proxy.peer);
	peer_end(&scene->authority.peer);
	tls_peer_finish(&scene->authority);
	free(scene);
	(void)unsetenv("https_proxy");
	(void)unsetenv("no_proxy");
	return 0;
}

static int ask(struct scene *scene, const char *proxy, const char *url, bool *ret_sent,
	struct fault *fault)
{
	const struct http_client_options options = {
		.ca_file = scene->authority.files.certificates, .proxy = proxy};
	const struct http_call call = {.method = "POST", .url = url};
	struct http_client *client = peer_client(&options);
	struct http_reply reply;
	int error;

	fault->text[0] = '\0';
	error = http_client_call(client, &call, &reply, fault);
	if (!error) {
		assert_int_equal(reply.status, 200);
		/* Nothing of what the proxy said. */
		assert_int_equal(reply.retry_after_s, -1);
		http_reply_finish(&reply);
	}
	*ret_sent = http_client_sent(client);
	http_client_destroy(client);
	return error;
}

static void expect_proxied(struct scene *scene, const char *proxy)
{
	struct fault fault;
	bool sent;

	if (ask(scene, proxy, "https://" AUTHORITY_NAME "/token?x=y", &sent, &fault))
		fail_msg("%s", fault.text);
	assert_true(sent);
	assert_int_equal(atomic_load(&scene->proxy.peer.requests), 1);
	assert_string_equal(scene->proxy.asked, "CONNECT " AUTHORITY_NAME ":443 HTTP/1.1");
}

static void expect_not_proxied(struct scene *scene, const char *proxy)
{
	struct fault fault;
	bool sent;

	/* There is no such name, but for the proxy. */
	assert_int_not_equal(ask(scene, proxy, "https://" AUTHORITY_NAME "/", &sent, &fault), 0);
	assert_false(sent);
	assert_false(peer_has_more(&scene->proxy.peer));
	assert_int_equal(atomic_load(&scene->proxy.peer.requests), 0);
}

static void test_named(void **state)
{
	struct scene *scene = *state;

	/* What was named counts, whatever the environment excepts. */
	(void)setenv("https_proxy", "http://127.0.0.1:1", 1);
	(void)setenv("no_proxy", AUTHORITY_NAME, 1);
	expect_proxied(scene, scene->proxy_url);
}

static void test_of_the_environment(void **state)
{
	struct scene *scene = *state;

	(void)setenv("https_proxy", scene->proxy_url, 1);
	expect_proxied(scene, NULL);
}

static void test_none(void **state)
{
	struct scene *scene = *state;

	(void)setenv("https_proxy", scene->proxy_url, 1);
	expect_not_proxied(scene, "");
}

static void test_excepted_by_the_environment(void **state)
{
	struct scene *scene = *state;

	(void)setenv("https_proxy", scene->proxy_url, 1);
	(void)setenv("no_proxy", "example.com," AUTHORITY_NAME, 1);
	expect_not_proxied(scene, NULL);
}

static void test_not_for_loopback(void **state)
{
	struct scene *scene = *state;
	char url[64];
	struct fault fault;
	bool sent;

	(void)snprintf(url, sizeof(url), "https://127.0.0.1:%u/", scene->authority.peer.port);
	if (ask(scene, scene->proxy_url, url, &sent, &fault))
		fail_msg("%s", fault.text);
	assert_false(peer_has_more(&scene->proxy.peer));
	assert_int_equal(atomic_load(&scene->proxy.peer.requests), 0);
}

static void test_not_for_plain_http(void **state)
{
	struct scene *scene = *state;
	struct fault fault;
	bool sent;

	assert_int_not_equal(
		ask(scene, scene->proxy_url, "http://" AUTHORITY_NAME "/", &sent, &fault), 0);
	assert_false(sent);
	assert_false(peer_has_more(&scene->proxy.peer));
	assert_int_equal(atomic_load(&scene->proxy.peer.requests), 0);
}

static void test_that_refuses(void **state)
{
	struct scene *scene = *state;
	struct fault fault;
	bool sent;

	atomic_store(&scene->proxy.answer,
		"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n");
	assert_int_equal(ask(scene, scene->proxy_url, "https://" AUTHORITY_NAME "/secret?secret",
				 &sent, &fault),
		ERROR_UNAVAILABLE);
	assert_false(sent);
	assert_non_null(strstr(fault.text, "407"));
	assert_null(strstr(fault.text, "secret"));
}

static void test_that_is_not_there(void **state)
{
	static const char *const none[] = {"http://127.0.0.1:1", "http://proxy.invalid:3128"};
	struct scene *scene = *state;
	struct fault fault;
	bool sent;

	for (size_t i = 0; i < 2; i++) {
		int error = ask(scene, none[i], "https://" AUTHORITY_NAME "/", &sent, &fault);

		/* A resolver that does not answer is waited for. */
		if (error != ERROR_UNAVAILABLE && (i == 0 || error != ERROR_TIMEOUT))
			fail_msg("%d (%s)", error, fault.text);
		assert_false(sent);
	}
	/* Of the environment's, nothing is told: it may have a password. */
	(void)setenv("https_proxy", "http://user:hunter2@proxy.invalid:99999999", 1);
	assert_int_not_equal(ask(scene, NULL, "https://" AUTHORITY_NAME "/", &sent, &fault), 0);
	assert_null(strstr(fault.text, "hunter2"));
	assert_false(sent);
	(void)setenv("https_proxy", "ftp://user:hunter2@127.0.0.1:1", 1);
	assert_int_not_equal(ask(scene, NULL, "https://" AUTHORITY_NAME "/", &sent, &fault), 0);
	assert_non_null(strstr(fault.text, "proxy"));
	assert_null(strstr(fault.text, "hunter2"));
	assert_false(sent);
}

static void test_that_is_none(void **state)
{
	static const char *const none[] = {"127.0.0.1:3128", "socks5://127.0.0.1:1",
		"http://user:hunter2@127.0.0.1:1", "http://127.0.0.1:1/path", "http://"};
	struct http_client *client = NULL;
	struct fault fault;

	(void)state;
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		const struct http_client_options options = {.proxy = none[i]};

		assert_int_equal(http_client_create(&options, &client, &fault), ERROR_INVALID);
		assert_non_null(strstr(fault.text, "http://HOST:PORT"));
		assert_null(strstr(fault.text, "hunter2"));
		assert_null(client);
	}
}

#define SCENE_TEST(body) cmocka_unit_test_setup_teardown(body, make_scene, end_scene)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE_TEST(test_named),
		SCENE_TEST(test_of_the_environment),
		SCENE_TEST(test_none),
		SCENE_TEST(test_excepted_by_the_environment),
		SCENE_TEST(test_not_for_loopback),
		SCENE_TEST(test_not_for_plain_http),
		SCENE_TEST(test_that_refuses),
		SCENE_TEST(test_that_is_not_there),
		cmocka_unit_test(test_that_is_none),
	};

	/* The peer writes to connections that the client has ended. */
	(void)signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests_name("http_client_proxy", tests, NULL, NULL);
}
