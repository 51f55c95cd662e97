/* SPDX-License-Identifier: Apache-2.0 */
#include "base/systemd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum {
	MESSAGE_SIZE = 1024,
	SOCKETS_MAX = 64,
};

bool systemd_is_told(void)
{
	return getenv("NOTIFY_SOCKET") != NULL;
}

/* A path, or '@' and an abstract name. */
static int parse_address(const char *text, struct sockaddr_un *ret_address, socklen_t *ret_length)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t length = strlen(text);

	if ((text[0] != '/' && text[0] != '@') || !text[1] || length >= sizeof(address.sun_path))
		return ERROR_INVALID;
	memcpy(address.sun_path, text, length);
	if (text[0] == '@')
		address.sun_path[0] = '\0';
	*ret_address = address;
	*ret_length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
	return 0;
}

void systemd_notify(const char *format, ...)
{
	const char *name = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address;
	socklen_t length;
	char message[MESSAGE_SIZE];
	va_list arguments;
	int written;
	int fd;

	if (!name || parse_address(name, &address, &length))
		return;
	va_start(arguments, format);
	written = vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	if (written < 0 || written >= MESSAGE_SIZE)
		return;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return;
	(void)sendto(
		fd, message, (size_t)written, MSG_NOSIGNAL, (struct sockaddr *)&address, length);
	(void)close(fd);
}

/* A whole number from 1 to `most`; 0: there is none, or something else. */
static int64_t number_of(const char *name, int64_t most)
{
	const char *text = getenv(name);
	char *end = NULL;
	long long number;

	if (!text || *text < '0' || *text > '9')
		return 0;
	errno = 0;
	number = strtoll(text, &end, 10);
	return errno || *end || number < 1 || number > most ? 0 : number;
}

int systemd_sockets(size_t *ret_count, struct fault *fault)
{
	size_t count = 0;

	if (getenv("LISTEN_FDS") && number_of("LISTEN_PID", INT32_MAX) == getpid()) {
		count = (size_t)number_of("LISTEN_FDS", SOCKETS_MAX);
		if (!count) {
			fault_set(fault, "LISTEN_FDS is not a number from 1 to %d", SOCKETS_MAX);
			return ERROR_INVALID;
		}
	}
	for (size_t i = 0; i < count; i++)
		if (fcntl(SYSTEMD_FIRST_SOCKET + (int)i, F_SETFD, FD_CLOEXEC)) {
			fault_set(fault, "LISTEN_FDS is %zu, and descriptor %zu is not open", count,
				SYSTEMD_FIRST_SOCKET + i);
			return ERROR_INVALID;
		}
	*ret_count = count;
	return 0;
}

int64_t systemd_watchdog_ms(void)
{
	if (getenv("WATCHDOG_PID") && number_of("WATCHDOG_PID", INT32_MAX) != getpid())
		return 0;
	return number_of("WATCHDOG_USEC", INT64_MAX) / 1000;
}
