/* SPDX-License-Identifier: Apache-2.0 */
/* The loopback redirect's listener, by browsers that are raw sockets. */
#include "visit.h"

#include <openssl/evp.h>
#include <sys/resource.h>

enum { REDIRECTS_MAX = 16 };

static const struct loopback_page done = {.title = "You are <signed in>",
	.text = "Go back to \"adit\" & go on.\nThis page can be 'closed'."};

static void test_redirect(void **state)
{
	struct loopback *loopback = open_loopback(0);
	int fd = ask(loopback, "/callback?code=very%20secret&state=x");
	const char *answer;

	(void)state;
	run_until_query(loopback);
	assert_string_equal(loopback_query(loopback), "code=very%20secret&state=x");
	/* The browser waits for what comes of it. */
	assert_false(run(loopback, fd));
	assert_false(loopback_is_answering(loopback));
	assert_int_equal(loopback_answer(loopback, &done), 0);
	assert_null(loopback_query(loopback));
	answer = answer_to(loopback, fd);
	assert_false(loopback_is_answering(loopback));
	expect_status(answer, 200);
	assert_non_null(strstr(answer, "\r\nConnection: close\r\n"));
	assert_non_null(strstr(answer, "\r\nCache-Control: no-store\r\n"));
	assert_non_null(strstr(answer, "\r\nContent-Type: text/html; charset=utf-8\r\n"));
	assert_non_null(strstr(answer, "<title>You are &lt;signed in&gt;</title>"));
	assert_non_null(strstr(answer, "<h1>You are &lt;signed in&gt;</h1>"));
	assert_non_null(strstr(answer, "<p>Go back to &quot;adit&quot; &amp; go on.</p>\n"
				       "<p>This page can be &#39;closed&#39;.</p>\n"));
	assert_null(strstr(answer, "secret"));
	assert_null(strstr(answer, "<script"));
	assert_null(strstr(answer, "http:"));
	loopback_destroy(loopback);
}

static void test_failed_page(void **state)
{
	const struct loopback_page page = {.failed = true, .title = "No", .text = "Not so."};
	struct loopback *loopback = open_loopback(0);
	int fd = ask(loopback, "/callback?error=access_denied");

	(void)state;
	run_until_query(loopback);
	assert_int_equal(loopback_answer(loopback, &page), 0);
	expect_status(answer_to(loopback, fd), 400);
	loopback_destroy(loopback);
}

/* What the policy lets through is what stands in the page. */
static void test_policy(void **state)
{
	struct loopback *loopback = open_loopback(0);
	const char *answer = answer_to(loopback, ask(loopback, "/favicon.ico"));
	const char *style = strstr(answer, "<style>");
	const char *end = strstr(answer, "</style>");
	const char *length = strstr(answer, "Content-Length: ");
	unsigned char digest[32];
	unsigned char text[64] = "";
	char policy[256];

	(void)state;
	assert_non_null(style);
	assert_non_null(end);
	style += strlen("<style>");
	assert_int_equal(
		EVP_Digest(style, (size_t)(end - style), digest, NULL, EVP_sha256(), NULL), 1);
	(void)EVP_EncodeBlock(text, digest, sizeof(digest));
	(void)snprintf(policy, sizeof(policy),
		"\r\nContent-Security-Policy: default-src 'none'; style-src 'sha256-%s'; ", text);
	assert_non_null(strstr(answer, policy));
	assert_non_null(strstr(style - 200, "<meta charset=\"utf-8\">"));
	assert_non_null(strstr(style, "color-scheme:light dark"));
	assert_non_null(length);
	assert_int_equal(
		atoi(length + strlen("Content-Length: ")), strlen(strstr(answer, "\r\n\r\n") + 4));
	loopback_destroy(loopback);
}

static void test_bytes_one_by_one(void **state)
{
	struct loopback *loopback = open_loopback(0);
	int fd = visit(loopback);

	(void)state;
	for (const char *at = request_to(loopback, "GET", "/callback?code=1&state=2"); *at; at++) {
		assert_null(loopback_query(loopback));
		assert_int_equal(send(fd, at, 1, MSG_NOSIGNAL), 1);
		assert_false(run(loopback, fd));
	}
	run_until_query(loopback);
	assert_string_equal(loopback_query(loopback), "code=1&state=2");
	assert_int_equal(loopback_answer(loopback, &done), 0);
	expect_status(answer_to(loopback, fd), 200);
	loopback_destroy(loopback);
}

/* More than there are places for, some with a part of a request; then the one that counts. */
static void test_others_block_nobody(void **state)
{
	enum { OTHERS = 40 };
	struct loopback *loopback = open_loopback(0);
	int others[OTHERS];
	int fd;

	(void)state;
	for (size_t i = 0; i < OTHERS; i++) {
		others[i] = visit(loopback);
		if (i % 2)
			say(others[i], "GET /callback?code=0 HTTP/1.1\r\nHost: ");
		(void)run(loopback, others[i]);
	}
	fd = ask(loopback, "/callback?code=1&state=2");
	run_until_query(loopback);
	for (size_t i = 0; i < OTHERS; i++) {
		int more = visit(loopback);

		(void)run(loopback, more);
		(void)close(more);
	}
	assert_string_equal(loopback_query(loopback), "code=1&state=2");
	assert_int_equal(loopback_answer(loopback, &done), 0);
	expect_status(answer_to(loopback, fd), 200);
	for (size_t i = 0; i < OTHERS; i++)
		(void)close(others[i]);
	loopback_destroy(loopback);
}

static void test_slow_ones_end(void **state)
{
	struct loopback *loopback = open_loopback(0);
	int fd = visit(loopback);
	int waiting;
	char byte;

	(void)state;
	assert_int_equal(loopback_timeout_ms(loopback), -1);
	assert_false(run(loopback, fd));
	assert_in_range(loopback_timeout_ms(loopback), 1, 10000);
	ahead_ms += 5000;
	say(fd, "GET /callback?code=1");
	assert_false(run(loopback, fd));
	/* From its beginning: what comes does not begin it anew. */
	assert_in_range(loopback_timeout_ms(loopback), 1, 5000);
	waiting = ask(loopback, "/callback?code=1");
	run_until_query(loopback);
	ahead_ms += 5000;
	run_until(loopback, fd);
	assert_int_equal(recv(fd, &byte, 1, 0), 0);
	(void)close(fd);
	/* Who waits for a person's outcome has all the time. */
	ahead_ms += 1000 * 1000;
	assert_false(run(loopback, waiting));
	assert_int_equal(loopback_timeout_ms(loopback), -1);
	assert_int_equal(loopback_answer(loopback, &done), 0);
	expect_status(answer_to(loopback, waiting), 200);
	loopback_destroy(loopback);
}

static void test_hosts(void **state)
{
	static const struct {
		const char *host;
		bool with_port;
		int status;
	} cases[] = {
		{"127.0.0.1", true, 0},
		{"localhost", true, 0},
		{"LocalHost", true, 0},
		{"127.0.0.1", false, 421},
		{"localhost", false, 421},
		{"127.0.0.1:1", false, 421},
		{"evil.example", true, 421},
		{"127.0.0.1.evil.example", true, 421},
		{"localhost.evil.example", true, 421},
		{"127.0.0.2", true, 421},
		{"[::1]", true, 421},
		{"0.0.0.0", true, 421},
		{"", false, 400},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct loopback *loopback = open_loopback(0);
		int fd = visit(loopback);
		char request[256];
		char port[16];

		(void)snprintf(port, sizeof(port), ":%u", (unsigned)port_of(loopback));
		(void)snprintf(request, sizeof(request),
			"GET /callback?code=1 HTTP/1.1\r\nHost: %s%s\r\n\r\n", cases[i].host,
			cases[i].with_port ? port : "");
		say(fd, request);
		if (cases[i].status) {
			expect_status(answer_to(loopback, fd), cases[i].status);
			assert_null(loopback_query(loopback));
		} else {
			run_until_query(loopback);
			(void)close(fd);
		}
		loopback_destroy(loopback);
	}
}

static void test_requests_that_are_no_redirect(void **state)
{
	static const struct {
		const char *method;
		const char *target;
		int status;
	} cases[] = {
		{"GET", "/", 404},
		{"GET", "/favicon.ico", 404},
		{"GET", "/callback/", 404},
		{"GET", "//callback?code=1", 404},
		{"GET", "/CALLBACK?code=1", 404},
		{"GET", "/%63allback?code=1", 404},
		{"GET", "/callback/../callback?code=1", 404},
		{"GET", "/callback", 400},
		{"GET", "/callback?", 400},
		{"POST", "/callback?code=1", 405},
		{"HEAD", "/callback?code=1", 405},
		{"OPTIONS", "/callback?code=1", 405},
		{"GET", "http://127.0.0.1/callback?code=1", 400},
		{"GET", "/callback?code=<script>", 400},
	};
	struct loopback *loopback = open_loopback(0);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int fd = visit(loopback);
		const char *answer;

		say(fd, request_to(loopback, cases[i].method, cases[i].target));
		answer = answer_to(loopback, fd);
		expect_status(answer, cases[i].status);
		assert_null(strstr(answer, "script"));
		if (cases[i].status == 405)
			assert_non_null(strstr(answer, "\r\nAllow: GET\r\n"));
		assert_null(loopback_query(loopback));
	}
	loopback_destroy(loopback);
}

static void test_bytes_that_are_no_request(void **state)
{
	static const char client_hello[] = "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";
	struct loopback *loopback = open_loopback(0);
	char large[32 * 1024];
	int fd = visit(loopback);

	(void)state;
	say(fd, client_hello);
	say(fd, "\r\n\r\n");
	expect_status(answer_to(loopback, fd), 400);
	(void)memset(large, 'a', sizeof(large));
	memcpy(large, "GET /callback?", strlen("GET /callback?"));
	memcpy(large + 6000, " HTTP/1.1\r\n\r\n", strlen(" HTTP/1.1\r\n\r\n") + 1);
	fd = visit(loopback);
	say(fd, large);
	expect_status(answer_to(loopback, fd), 414);
	(void)memset(large, 'a', sizeof(large));
	memcpy(large, "GET / HTTP/1.1\r\nA:", strlen("GET / HTTP/1.1\r\nA:"));
	large[sizeof(large) - 1] = '\0';
	fd = visit(loopback);
	say(fd, large);
	expect_status(answer_to(loopback, fd), 431);
	/* A body has no place there. */
	fd = visit(loopback);
	say(fd, "POST /callback HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello");
	expect_status(answer_to(loopback, fd), 413);
	loopback_destroy(loopback);
}

static void test_doubled(void **state)
{
	struct loopback *loopback = open_loopback(0);
	int fds[REDIRECTS_MAX];
	const char *answer;
	size_t served = 0;
	int other;

	(void)state;
	for (size_t i = 0; i < REDIRECTS_MAX; i++)
		fds[i] = ask(loopback, "/callback?code=1&state=2");
	run_until_query(loopback);
	/* Another, meanwhile, which has to wait its turn: it may be the right one. */
	other = ask(loopback, "/callback?code=3&state=4");
	assert_false(run(loopback, other));
	assert_string_equal(loopback_query(loopback), "code=1&state=2");
	assert_int_equal(loopback_answer(loopback, &done), 0);
	for (size_t i = 0; i < REDIRECTS_MAX; i++) {
		answer = answer_to(loopback, fds[i]);
		if (!strncmp(answer, "HTTP/1.1 200 ", strlen("HTTP/1.1 200 ")))
			served++;
		else
			expect_status(answer, 503);
	}
	assert_in_range(served, 4, REDIRECTS_MAX);
	assert_string_equal(loopback_query(loopback), "code=3&state=4");
	assert_int_equal(loopback_answer(loopback, &done), 0);
	expect_status(answer_to(loopback, other), 200);
	assert_null(loopback_query(loopback));
	/* Loaded again: what it was answered, and nothing is handed out. */
	answer = answer_to(loopback, ask(loopback, "/callback?code=3&state=4"));
	expect_status(answer, 200);
	assert_non_null(strstr(answer, done.text + strlen(done.text) - 1));
	assert_null(loopback_query(loopback));
	/* The first one was somebody else's: the right one may still come. */
	fds[0] = ask(loopback, "/callback?code=5&state=6");
	run_until_query(loopback);
	assert_string_equal(loopback_query(loopback), "code=5&state=6");
	assert_int_equal(loopback_answer(loopback, &done), 0);
	expect_status(answer_to(loopback, fds[0]), 200);
	loopback_destroy(loopback);
}

/* Many who send something, and wait their turn, leave a place to those who come after. */
static void test_crowd(void **state)
{
	enum { BEFORE = 14, BESIDE = 3, TURNS_MAX = BEFORE + BESIDE };
	struct loopback *loopback = open_loopback(0);
	int fds[BEFORE + BESIDE];
	int right;

	(void)state;
	for (size_t i = 0; i < BEFORE; i++) {
		char target[64];

		(void)snprintf(target, sizeof(target), "/callback?code=%zu", i);
		fds[i] = ask(loopback, target);
		assert_false(run(loopback, fds[i]));
	}
	/* These are accepted in one step. */
	right = ask(loopback, "/callback?code=right");
	for (size_t i = BEFORE; i < BEFORE + BESIDE; i++)
		fds[i] = ask(loopback, "/callback?code=beside");
	assert_false(run(loopback, right));
	for (int i = 0; i < TURNS_MAX && strcmp(loopback_query(loopback), "code=right") != 0; i++)
		assert_int_equal(loopback_answer(loopback, &done), 0);
	assert_string_equal(loopback_query(loopback), "code=right");
	assert_int_equal(loopback_answer(loopback, &done), 0);
	expect_status(answer_to(loopback, right), 200);
	for (size_t i = 0; i < BEFORE + BESIDE; i++)
		(void)close(fds[i]);
	loopback_destroy(loopback);
}

static void test_given_up(void **state)
{
	struct loopback *loopback = open_loopback(0);
	struct loopback *other = open_loopback(0);
	int fd = ask(loopback, "/callback?code=1");
	const char *answer;

	(void)state;
	run_until_query(loopback);
	loopback_destroy(loopback);
	answer = answer_to(other, fd);
	expect_status(answer, 400);
	assert_non_null(strstr(answer, "given up"));
	/* A child says nothing. */
	fd = ask(other, "/callback?code=1");
	run_until_query(other);
	loopback_forget(other);
	other = open_loopback(0);
	assert_string_equal(answer_to(other, fd), "");
	loopback_destroy(other);
	loopback_destroy(NULL);
	loopback_forget(NULL);
}

static void test_browser_that_goes(void **state)
{
	static const struct linger at_once = {1, 0};
	struct loopback *loopback = open_loopback(0);
	int fd = ask(loopback, "/callback?code=1");
	int other = visit(loopback);

	(void)state;
	run_until_query(loopback);
	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	(void)close(fd);
	(void)run(loopback, other);
	assert_string_equal(loopback_query(loopback), "code=1");
	assert_int_equal(loopback_answer(loopback, &done), 0);
	assert_false(loopback_is_answering(loopback));
	(void)close(other);
	loopback_destroy(loopback);
}

static void test_ports(void **state)
{
	struct loopback *loopback = open_loopback(0);
	struct loopback *other = NULL;
	struct fault fault = {""};
	uint16_t port = port_of(loopback);
	int fd;

	(void)state;
	assert_int_equal(loopback_create(port, "/callback", &other, &fault), ERROR_BUSY);
	assert_non_null(strstr(fault.text, "127.0.0.1 port"));
	assert_null(other);
	/* A second sign-in at the same one, with the first one's connection hardly over. */
	fd = ask(loopback, "/callback?code=1");
	run_until_query(loopback);
	assert_int_equal(loopback_answer(loopback, &done), 0);
	loopback_destroy(loopback);
	loopback = open_loopback(port);
	assert_int_equal(port_of(loopback), port);
	(void)close(fd);
	loopback_destroy(loopback);
}

static void test_paths(void **state)
{
	static const char *const bad[] = {
		"", "callback", "/a b", "/a?b", "/a#b", "/a%20", "/\"", "/\r\nX: y", "http://x/"};
	struct loopback *loopback = NULL;
	struct fault fault = {""};
	char large[300];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(loopback_create(0, bad[i], &loopback, &fault), ERROR_INVALID);
	memset(large, 'a', sizeof(large) - 1);
	large[0] = '/';
	large[sizeof(large) - 1] = '\0';
	assert_int_equal(loopback_create(0, large, &loopback, &fault), ERROR_INVALID);
	assert_null(loopback);
	assert_int_equal(loopback_create(0, "/", &loopback, &fault), 0);
	loopback_destroy(loopback);
}

/* It must neither spin nor stay deaf. */
static void test_no_descriptors(void **state)
{
	struct loopback *loopback = open_loopback(0);
	int fd = ask(loopback, "/callback?code=1");
	struct pollfd waits = {.fd = loopback_fd(loopback), .events = POLLIN};
	const char *preloaded = getenv("LD_PRELOAD");
	struct rlimit limit;
	struct rlimit less;

	(void)state;
	if (preloaded && strstr(preloaded, "vgpreload")) {
		print_message("# valgrind's own descriptors have other limits\n");
		(void)close(fd);
		loopback_destroy(loopback);
		skip();
	}
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	less = limit;
	less.rlim_cur = (rlim_t)fd + 1;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &less), 0);
	assert_int_equal(poll(&waits, 1, WAIT_MS), 1);
	assert_int_equal(loopback_step(loopback), 0);
	assert_int_equal(poll(&waits, 1, 0), 0);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_in_range(loopback_timeout_ms(loopback), 0, 200);
	ahead_ms += 200;
	run_until_query(loopback);
	(void)close(fd);
	loopback_destroy(loopback);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_redirect),
		cmocka_unit_test(test_failed_page),
		cmocka_unit_test(test_policy),
		cmocka_unit_test(test_bytes_one_by_one),
		cmocka_unit_test(test_others_block_nobody),
		cmocka_unit_test(test_slow_ones_end),
		cmocka_unit_test(test_hosts),
		cmocka_unit_test(test_requests_that_are_no_redirect),
		cmocka_unit_test(test_bytes_that_are_no_request),
		cmocka_unit_test(test_doubled),
		cmocka_unit_test(test_crowd),
		cmocka_unit_test(test_given_up),
		cmocka_unit_test(test_browser_that_goes),
		cmocka_unit_test(test_ports),
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_no_descriptors),
	};

	return cmocka_run_group_tests_name("loopback", tests, NULL, NULL);
}
