/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sockets that a server listens on: TCP over IPv4 and IPv6 by numeric
 * address, and Unix sockets. Not thread-safe.
 */
#ifndef NET_HTTP_LISTENER_H
#define NET_HTTP_LISTENER_H

#include "base/error.h"
#include "net/http_server.h"

#include <stdbool.h>
#include <sys/socket.h>
#include <sys/types.h>

struct http_listener {
	int fd;				 /* negative: none */
	char address[HTTP_ADDRESS_SIZE]; /* as given, with the port that it got */
	bool is_unix;
	bool is_passed; /* others hold the socket too: it is closed, and not shut down */
	dev_t device;	/* of a Unix socket's file, so that only our own is removed */
	ino_t inode;
};

/* "127.0.0.1:8480", "[::1]:0" (IPv6 alone), "unix:/path", "fd:3" (which becomes the
 * listener's). 0, ERROR_INVALID, ERROR_IO; `fault` names the address. A Unix
 * socket's file that nobody listens on is replaced; its mode is 0660. */
int http_listener_open(struct http_listener *listener, const char *address, struct fault *fault);

/* Accepts no more; those who wait are told so, unless the socket was passed: then they wait
 * for who accepts next. */
void http_listener_shut(struct http_listener *listener);

/* Removes a Unix socket's file. */
void http_listener_unlink(struct http_listener *listener);

/* Unlinks and closes. Accepts one that is closed. */
void http_listener_close(struct http_listener *listener);

#endif
