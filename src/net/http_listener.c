/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum {
	BACKLOG = 1024,
	UNIX_MODE = 0660,
	PORT_DIGITS = 5,
};

union socket_address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	struct sockaddr_un local;
};

static int parse_port(const char *text, uint16_t *ret_port)
{
	unsigned port = 0;
	size_t length = strlen(text);

	if (!length || length > PORT_DIGITS)
		return ERROR_INVALID;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return ERROR_INVALID;
		port = port * 10 + (unsigned)(*text - '0');
	}
	if (port > UINT16_MAX)
		return ERROR_INVALID;
	*ret_port = htons((uint16_t)port);
	return 0;
}

/* Splits off the port; a host in brackets is IPv6. */
static int parse_tcp(const char *text, union socket_address *ret_address, socklen_t *ret_length)
{
	char host[INET6_ADDRSTRLEN];
	const char *colon = strrchr(text, ':');
	bool v6 = text[0] == '[';
	size_t length = colon ? (size_t)(colon - text) : 0;
	uint16_t port;

	if (v6) {
		text++;
		length = length >= 2 && text[length - 2] == ']' ? length - 2 : 0;
	}
	if (!length || length >= sizeof(host) || parse_port(colon + 1, &port))
		return ERROR_INVALID;
	memcpy(host, text, length);
	host[length] = '\0';
	memset(ret_address, 0, sizeof(*ret_address));
	if (v6) {
		ret_address->v6.sin6_family = AF_INET6;
		ret_address->v6.sin6_port = port;
		*ret_length = sizeof(ret_address->v6);
		return inet_pton(AF_INET6, host, &ret_address->v6.sin6_addr) == 1 ? 0
										  : ERROR_INVALID;
	}
	ret_address->v4.sin_family = AF_INET;
	ret_address->v4.sin_port = port;
	*ret_length = sizeof(ret_address->v4);
	return inet_pton(AF_INET, host, &ret_address->v4.sin_addr) == 1 ? 0 : ERROR_INVALID;
}

static int parse_unix(const char *path, union socket_address *ret_address, socklen_t *ret_length)
{
	size_t length = strlen(path);

	if (!length || length >= sizeof(ret_address->local.sun_path))
		return ERROR_INVALID;
	memset(ret_address, 0, sizeof(*ret_address));
	ret_address->local.sun_family = AF_UNIX;
	memcpy(ret_address->local.sun_path, path, length + 1);
	*ret_length = sizeof(ret_address->local);
	return 0;
}

static int fail(struct http_listener *listener, const char *address, struct fault *fault)
{
	int number = errno;

	fault_set(fault, "can't listen on %s: %s", address, strerror(number));
	if (listener->fd >= 0)
		(void)close(listener->fd);
	listener->fd = -1;
	errno = number;
	return ERROR_IO;
}

/* A file that a dead server left: a socket that nobody answers at. */
static bool is_stale(const union socket_address *address, socklen_t length)
{
	struct stat status;
	bool stale = false;
	int fd;

	if (lstat(address->local.sun_path, &status) || !S_ISSOCK(status.st_mode))
		return false;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return false;
	stale = connect(fd, &address->any, length) && errno == ECONNREFUSED;
	(void)close(fd);
	return stale;
}

static int open_unix(struct http_listener *listener, const char *given,
	const union socket_address *address, socklen_t length, struct fault *fault)
{
	const char *path = address->local.sun_path;
	struct stat status;

	listener->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (listener->fd < 0)
		return fail(listener, given, fault);
	if (is_stale(address, length))
		(void)unlink(path);
	/* The file gets the socket's mode less the umask: it is never wider than
	 * this, not even for a moment. */
	if (fchmod(listener->fd, UNIX_MODE) || bind(listener->fd, &address->any, length))
		return fail(listener, given, fault);
	if (lstat(path, &status) || !S_ISSOCK(status.st_mode))
		return fail(listener, given, fault);
	listener->device = status.st_dev;
	listener->inode = status.st_ino;
	if (chmod(path, UNIX_MODE) || listen(listener->fd, BACKLOG)) {
		int number = errno;

		http_listener_unlink(listener);
		errno = number;
		return fail(listener, given, fault);
	}
	return 0;
}

static void name_tcp(char name[HTTP_ADDRESS_SIZE], const union socket_address *address)
{
	char host[INET6_ADDRSTRLEN] = "";
	bool v6 = address->any.sa_family == AF_INET6;
	const void *bytes = v6 ? (const void *)&address->v6.sin6_addr : &address->v4.sin_addr;

	(void)inet_ntop(address->any.sa_family, bytes, host, sizeof(host));
	(void)snprintf(name, HTTP_ADDRESS_SIZE, v6 ? "[%s]:%u" : "%s:%u", host,
		ntohs(v6 ? address->v6.sin6_port : address->v4.sin_port));
}

static int open_tcp(struct http_listener *listener, const char *given,
	union socket_address *address, socklen_t length, struct fault *fault)
{
	const int on = 1;

	listener->fd = socket(
		address->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP);
	if (listener->fd < 0)
		return fail(listener, given, fault);
	/* Connections inherit TCP_NODELAY. */
	if (setsockopt(listener->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
		setsockopt(listener->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)))
		return fail(listener, given, fault);
	if (address->any.sa_family == AF_INET6 &&
		setsockopt(listener->fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)))
		return fail(listener, given, fault);
	if (bind(listener->fd, &address->any, length) || listen(listener->fd, BACKLOG) ||
		getsockname(listener->fd, &address->any, &length))
		return fail(listener, given, fault);
	name_tcp(listener->address, address);
	return 0;
}

static bool socket_option_is(int fd, int option, int wanted)
{
	int value = 0;
	socklen_t length = sizeof(value);

	return !getsockopt(fd, SOL_SOCKET, option, &value, &length) && value == wanted;
}

int http_listen_address(int fd, char ret_address[HTTP_ADDRESS_SIZE])
{
	union socket_address address;
	socklen_t length = sizeof(address);

	memset(&address, 0, sizeof(address));
	if (!socket_option_is(fd, SO_TYPE, SOCK_STREAM) ||
		!socket_option_is(fd, SO_ACCEPTCONN, 1) || getsockname(fd, &address.any, &length))
		return ERROR_INVALID;
	if (address.any.sa_family == AF_INET || address.any.sa_family == AF_INET6)
		name_tcp(ret_address, &address);
	else if (address.any.sa_family == AF_UNIX && address.local.sun_path[0])
		(void)snprintf(ret_address, HTTP_ADDRESS_SIZE, "unix:%.*s",
			(int)sizeof(address.local.sun_path), address.local.sun_path);
	else
		return ERROR_INVALID;
	return 0;
}

/* "fd:3". Its mode, if it is a Unix socket's, is that of who made it. */
static int open_passed(struct http_listener *listener, const char *given, struct fault *fault)
{
	const int on = 1;
	char *end = NULL;
	long number = strtol(given + 3, &end, 10);
	int flags;

	*listener = (struct http_listener){.fd = -1, .is_passed = true};
	if (given[3] < '0' || given[3] > '9' || *end || number > INT32_MAX ||
		http_listen_address((int)number, listener->address)) {
		fault_set(fault, "can't listen on %s: it is no listening stream socket", given);
		return ERROR_INVALID;
	}
	listener->fd = (int)number;
	listener->is_unix = !strncmp(listener->address, "unix:", 5);
	flags = fcntl(listener->fd, F_GETFL);
	if (flags < 0 || fcntl(listener->fd, F_SETFL, flags | O_NONBLOCK) ||
		fcntl(listener->fd, F_SETFD, FD_CLOEXEC))
		return fail(listener, given, fault);
	if (!listener->is_unix &&
		setsockopt(listener->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)))
		return fail(listener, given, fault);
	return 0;
}

int http_listener_open(struct http_listener *listener, const char *address, struct fault *fault)
{
	union socket_address parsed;
	socklen_t length = 0;
	bool is_unix = strncmp(address, "unix:", 5) == 0;
	int error;

	if (!strncmp(address, "fd:", 3))
		return open_passed(listener, address, fault);
	error = is_unix ? parse_unix(address + 5, &parsed, &length)
			: parse_tcp(address, &parsed, &length);
	*listener = (struct http_listener){.fd = -1, .is_unix = is_unix};
	if (error || strlen(address) >= sizeof(listener->address)) {
		fault_set(fault,
			"can't listen on %s: expected 127.0.0.1:PORT, [::1]:PORT or unix:/PATH",
			address);
		return ERROR_INVALID;
	}
	(void)snprintf(listener->address, sizeof(listener->address), "%s", address);
	if (is_unix)
		return open_unix(listener, address, &parsed, length, fault);
	return open_tcp(listener, address, &parsed, length, fault);
}

void http_listener_shut(struct http_listener *listener)
{
	if (listener->fd >= 0 && !listener->is_passed)
		(void)shutdown(listener->fd, SHUT_RDWR);
}

void http_listener_unlink(struct http_listener *listener)
{
	const char *path = listener->address + 5;
	struct stat status;

	if (!listener->is_unix || !listener->inode || lstat(path, &status))
		return;
	if (status.st_dev == listener->device && status.st_ino == listener->inode)
		(void)unlink(path);
	listener->inode = 0;
}

void http_listener_close(struct http_listener *listener)
{
	if (listener->fd < 0)
		return;
	http_listener_unlink(listener);
	(void)close(listener->fd);
	listener->fd = -1;
}
