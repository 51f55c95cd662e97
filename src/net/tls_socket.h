/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The socket under a TLS session: what its last reading and writing said, which
 * TLS itself does not hand on. Not thread-safe.
 */
#ifndef NET_TLS_SOCKET_H
#define NET_TLS_SOCKET_H

#include <stdbool.h>
#include <sys/types.h>

struct tls_socket {
	int fd;		 /* non-blocking; somebody else's */
	bool is_blocked; /* it had nothing, or no room; the caller clears it */
	bool is_drained; /* the last reading got all that was there */
	bool is_at_end;	 /* the peer sends no more */
};

/* As recv() and send(), without signals and interruptions. */
ssize_t tls_socket_read(struct tls_socket *socket, void *bytes, size_t size);
ssize_t tls_socket_write(struct tls_socket *socket, const void *bytes, size_t length);

#endif
