/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server to test against, and raw connections to it. Every wait ends after
 * WIRE_WAIT_MS at the latest, which is far more than a slow machine needs.
 */
#ifndef TESTS_NET_WIRE_H
#define TESTS_NET_WIRE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "net/http_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum {
	WIRE_WAIT_MS = 20000,
	WIRE_SIZE = 512 * 1024,
};

/* In wire_tls.h: for a server that speaks TLS. */
#ifdef WIRE_TLS
static inline int wire_tls_connect(int fd);
static inline ssize_t wire_tls_receive(int fd, void *bytes, size_t size);
static inline ssize_t wire_tls_send(int fd, const void *bytes, size_t length);
static inline bool wire_tls_has(int fd);
#else
static inline int wire_tls_connect(int fd)
{
	return fd;
}

static inline ssize_t wire_tls_receive(int fd, void *bytes, size_t size)
{
	return recv(fd, bytes, size, 0);
}

static inline ssize_t wire_tls_send(int fd, const void *bytes, size_t length)
{
	return send(fd, bytes, length, MSG_NOSIGNAL);
}

static inline bool wire_tls_has(int fd)
{
	(void)fd;
	return false;
}
#endif

static inline int wire_port(const struct http_server *server, size_t index)
{
	const char *address = http_server_address(server, index);

	assert_non_null(address);
	assert_non_null(strrchr(address, ':'));
	return atoi(strrchr(address, ':') + 1);
}

/* From 127.0.0.`last`, so that a test can be several sources. */
static inline int wire_connect_from(const struct http_server *server, unsigned last)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)wire_port(server, 0)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	struct sockaddr_in from = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(0x7f000000u + last),
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&from, sizeof(from)), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	return wire_tls_connect(fd);
}

static inline int wire_connect(const struct http_server *server)
{
	return wire_connect_from(server, 1);
}

/* Whether all of it went out: a server may have closed already. */
static inline bool wire_send_bytes(int fd, const void *bytes, size_t length)
{
	const char *at = bytes;

	while (length) {
		ssize_t sent = wire_tls_send(fd, at, length);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent <= 0)
			return false;
		at += sent;
		length -= (size_t)sent;
	}
	return true;
}

static inline void wire_send(int fd, const char *text)
{
	assert_true(wire_send_bytes(fd, text, strlen(text)));
}

/* As recv(), but waits; -1 also after WIRE_WAIT_MS. */
static inline ssize_t wire_receive(int fd, void *bytes, size_t size)
{
	struct pollfd waits = {.fd = fd, .events = POLLIN};

	if (!wire_tls_has(fd) && poll(&waits, 1, WIRE_WAIT_MS) != 1) {
		errno = ETIMEDOUT;
		return -1;
	}
	return wire_tls_receive(fd, bytes, size);
}

/* Whether nothing comes for so long, and the connection stays. */
static inline bool wire_silent(int fd, int for_ms)
{
	struct pollfd waits = {.fd = fd, .events = POLLIN};

	return !wire_tls_has(fd) && poll(&waits, 1, for_ms) == 0;
}

/* Whether the peer ends the connection without another byte. */
static inline bool wire_closed(int fd)
{
	char byte;
	ssize_t length = wire_receive(fd, &byte, 1);

	return length == 0 || (length < 0 && errno == ECONNRESET);
}

/* All that comes until the end, NUL-terminated; to be freed. */
static inline char *wire_read_all(int fd)
{
	char *text = malloc(WIRE_SIZE);
	size_t length = 0;
	ssize_t got = 1;

	assert_non_null(text);
	while (got > 0 && length < WIRE_SIZE - 1) {
		got = wire_receive(fd, text + length, WIRE_SIZE - 1 - length);
		if (got < 0)
			assert_int_not_equal(errno, ETIMEDOUT);
		length += got > 0 ? (size_t)got : 0;
	}
	text[length] = '\0';
	return text;
}

struct wire_reply {
	int status; /* 0: the connection ended before a head */
	char head[4096];
	char body[4096];
};

/* One reply, byte by byte, so that nothing of the next one is taken. */
static inline struct wire_reply wire_read_reply(int fd, bool has_body)
{
	struct wire_reply reply = {0};
	size_t length = 0;
	const char *field;
	size_t body;

	while (!strstr(reply.head, "\r\n\r\n")) {
		assert_true(length < sizeof(reply.head) - 1);
		if (wire_receive(fd, reply.head + length, 1) != 1) {
			assert_int_not_equal(errno, ETIMEDOUT);
			return reply;
		}
		length++;
	}
	reply.status = atoi(reply.head + strlen("HTTP/1.1 "));
	field = strstr(reply.head, "Content-Length: ");
	body = field && has_body ? (size_t)atoi(field + strlen("Content-Length: ")) : 0;
	assert_true(body < sizeof(reply.body));
	for (size_t i = 0; i < body; i++)
		assert_int_equal(wire_receive(fd, reply.body + i, 1), 1);
	return reply;
}

static inline int wire_status_of(int fd)
{
	return wire_read_reply(fd, true).status;
}

#ifdef WIRE_TLS
#include "wire_tls.h"
#endif

#endif
