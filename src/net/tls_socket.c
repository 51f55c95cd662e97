/* SPDX-License-Identifier: Apache-2.0 */
#include "net/tls_socket.h"

#include <errno.h>
#include <sys/socket.h>

ssize_t tls_socket_read(struct tls_socket *socket, void *bytes, size_t size)
{
	ssize_t length;

	do
		length = recv(socket->fd, bytes, size, 0);
	while (length < 0 && errno == EINTR);
	socket->is_drained = length < (ssize_t)size;
	if (length == 0)
		socket->is_at_end = true;
	if (length < 0 && errno == EAGAIN)
		socket->is_blocked = true;
	return length;
}

ssize_t tls_socket_write(struct tls_socket *socket, const void *bytes, size_t length)
{
	ssize_t sent;

	do
		sent = send(socket->fd, bytes, length, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	if (sent < 0 && errno == EAGAIN)
		socket->is_blocked = true;
	return sent;
}
