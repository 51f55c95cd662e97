/* SPDX-License-Identifier: Apache-2.0 */
/* A peer of the HTTP client whose connections a test's own thread plays. */
#ifndef TESTS_NET_PEER_H
#define TESTS_NET_PEER_H

#include "wire.h"

#include "net/http_client.h"

#include <pthread.h>
#include <stdatomic.h>

#define PEER_OK "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

struct peer {
	int listener;
	unsigned port;
	pthread_t thread;
	atomic_int requests; /* heads that it has read */
	atomic_int may_go_on;
	const char *says; /* for a play to use */
};

static inline void peer_start(struct peer *peer, void *(*play)(void *peer))
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(address);

	atomic_store(&peer->requests, 0);
	atomic_store(&peer->may_go_on, 0);
	peer->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(peer->listener, (struct sockaddr *)&address, length), 0);
	assert_int_equal(listen(peer->listener, 4), 0);
	assert_int_equal(getsockname(peer->listener, (struct sockaddr *)&address, &length), 0);
	peer->port = ntohs(address.sin_port);
	assert_int_equal(pthread_create(&peer->thread, NULL, play, peer), 0);
}

/* Whether somebody has connected whom no play has accepted. */
static inline bool peer_has_more(const struct peer *peer)
{
	struct pollfd waits = {.fd = peer->listener, .events = POLLIN};

	return poll(&waits, 1, 0) == 1;
}

static inline void peer_end(struct peer *peer)
{
	(void)pthread_join(peer->thread, NULL);
	(void)close(peer->listener);
}

/* Reads to the end of a head (a small body comes with it or is left); asserts nothing, as
 * all that runs in a play. */
static inline bool peer_read_head(struct peer *peer, int fd)
{
	char text[4096] = "";
	size_t length = 0;

	while (!strstr(text, "\r\n\r\n") && length < sizeof(text) - 1) {
		ssize_t got = wire_receive(fd, text + length, sizeof(text) - 1 - length);

		if (got <= 0)
			return false;
		length += (size_t)got;
		text[length] = '\0';
	}
	atomic_fetch_add(&peer->requests, 1);
	return true;
}

static inline void peer_say(int fd, const char *text)
{
	(void)wire_send_bytes(fd, text, strlen(text));
}

static inline void peer_wait(const atomic_int *count, int least)
{
	for (int i = 0; i < WIRE_WAIT_MS / 2 && atomic_load(count) < least; i++)
		(void)poll(NULL, 0, 2);
}

static inline struct http_client *peer_client(const struct http_client_options *options)
{
	struct http_client *client = NULL;
	struct fault fault = {""};

	if (http_client_create(options, &client, &fault))
		fail_msg("%s", fault.text);
	return client;
}

/* Steps until the call has ended, or until `count` has reached `least` (NULL: no such thing). */
static inline int peer_run(struct http_client *client, const atomic_int *count, int least,
	struct http_reply *ret_reply, struct fault *fault)
{
	int error = HTTP_CLIENT_WAIT;

	while (error == HTTP_CLIENT_WAIT && !(count && atomic_load(count) >= least)) {
		struct pollfd waits = {.fd = http_client_fd(client), .events = POLLIN};
		int timeout_ms = http_client_timeout_ms(client);

		/* The count changes without the descriptor's knowing. */
		if (count && (timeout_ms < 0 || timeout_ms > 10))
			timeout_ms = 10;
		(void)poll(&waits, 1, timeout_ms);
		error = http_client_step(client, ret_reply, fault);
	}
	return error;
}

#endif
