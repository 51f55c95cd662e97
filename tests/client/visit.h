/* SPDX-License-Identifier: Apache-2.0 */
/* Browsers at a loopback redirect, as raw sockets; and its time, which a test moves (link with
 * --wrap=clock_monotonic_ms). */
#ifndef TESTS_CLIENT_VISIT_H
#define TESTS_CLIENT_VISIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "client/loopback.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { WAIT_MS = 20000, PAGE_SIZE = 64 * 1024 };

/* By how much the library's time is ahead. */
static int64_t ahead_ms;

int64_t __real_clock_monotonic_ms(void);
int64_t __wrap_clock_monotonic_ms(void);

int64_t __wrap_clock_monotonic_ms(void)
{
	return __real_clock_monotonic_ms() + ahead_ms;
}

static inline struct loopback *open_loopback(uint16_t port)
{
	struct loopback *loopback = NULL;
	struct fault fault = {""};

	if (loopback_create(port, "/callback", &loopback, &fault))
		fail_msg("%s", fault.text);
	return loopback;
}

static inline uint16_t port_of(const struct loopback *loopback)
{
	const char *uri = loopback_redirect_uri(loopback);
	unsigned port = 0;

	assert_int_equal(sscanf(uri, "http://127.0.0.1:%u/callback", &port), 1);
	assert_in_range(port, 1, 65535);
	return (uint16_t)port;
}

static inline int visit(const struct loopback *loopback)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_port = htons(port_of(loopback)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	return fd;
}

static inline void say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* Whether `fd` has something to read (its end, too) before all is quiet. */
static inline bool run(struct loopback *loopback, int fd)
{
	struct pollfd waits[] = {
		{.fd = loopback_fd(loopback), .events = POLLIN}, {.fd = fd, .events = POLLIN}};

	/* What was sent over loopback is there at once. */
	while (poll(waits, 2, 0) > 0 || loopback_timeout_ms(loopback) == 0) {
		if (waits[1].revents)
			return true;
		assert_int_equal(loopback_step(loopback), 0);
	}
	return false;
}

/* The same, and it has to. */
static inline void run_until(struct loopback *loopback, int fd)
{
	int64_t until_ms = __real_clock_monotonic_ms() + WAIT_MS;

	while (!run(loopback, fd)) {
		assert_true(__real_clock_monotonic_ms() < until_ms);
		(void)poll(NULL, 0, 1);
	}
}

static inline void run_until_query(struct loopback *loopback)
{
	int64_t until_ms = __real_clock_monotonic_ms() + WAIT_MS;

	while (!loopback_query(loopback)) {
		struct pollfd waits = {.fd = loopback_fd(loopback), .events = POLLIN};

		assert_true(__real_clock_monotonic_ms() < until_ms);
		(void)poll(&waits, 1, 10);
		assert_int_equal(loopback_step(loopback), 0);
	}
}

/* The whole answer; static. The connection ends after it. */
static inline const char *answer_to(struct loopback *loopback, int fd)
{
	static char text[PAGE_SIZE];
	size_t length = 0;
	ssize_t got = 1;

	while (got > 0) {
		run_until(loopback, fd);
		got = recv(fd, text + length, sizeof(text) - 1 - length, 0);
		assert_true(got >= 0);
		length += (size_t)got;
	}
	text[length] = '\0';
	(void)close(fd);
	return text;
}

static inline const char *request_to(
	const struct loopback *loopback, const char *method, const char *target)
{
	static char text[8192];

	(void)snprintf(text, sizeof(text),
		"%s %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nUser-Agent: a browser\r\n\r\n", method,
		target, (unsigned)port_of(loopback));
	return text;
}

static inline int ask(struct loopback *loopback, const char *target)
{
	int fd = visit(loopback);

	say(fd, request_to(loopback, "GET", target));
	return fd;
}

static inline void expect_status(const char *answer, int status)
{
	char line[32];

	(void)snprintf(line, sizeof(line), "HTTP/1.1 %d ", status);
	if (strncmp(answer, line, strlen(line)) != 0)
		fail_msg("%.40s, expected %d", answer, status);
}

#endif
