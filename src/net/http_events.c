/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_events.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	EVENTS_AT_ONCE = 8,
	ROUNDS_MAX = 8, /* of one step */
};

static int watch_socket(CURL *easy, curl_socket_t fd, int what, void *context, void *socket)
{
	struct http_events *events = context;
	struct epoll_event event = {.data.fd = fd};

	(void)easy;
	(void)socket;
	if (what == CURL_POLL_REMOVE) {
		(void)epoll_ctl(events->epoll, EPOLL_CTL_DEL, fd, NULL);
		return 0;
	}
	if (what == CURL_POLL_IN || what == CURL_POLL_INOUT)
		event.events |= EPOLLIN;
	if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT)
		event.events |= EPOLLOUT;
	if (epoll_ctl(events->epoll, EPOLL_CTL_MOD, fd, &event) &&
		(errno != ENOENT || epoll_ctl(events->epoll, EPOLL_CTL_ADD, fd, &event)))
		events->failed = true;
	return 0;
}

static int set_timer(CURLM *multi, long timeout_ms, void *context)
{
	struct http_events *events = context;

	(void)multi;
	events->due_ms = timeout_ms < 0 ? -1 : clock_monotonic_ms() + timeout_ms;
	return 0;
}

/* libcurl itself lets programs that are run inherit its sockets. */
static curl_socket_t open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct http_events *events = context;
	int fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);

	(void)purpose;
	if (fd < 0)
		return CURL_SOCKET_BAD;
	if (events->socket_count < HTTP_EVENTS_SOCKETS)
		events->sockets[events->socket_count++] = fd;
	return fd;
}

static int close_socket(void *context, curl_socket_t fd)
{
	struct http_events *events = context;

	for (int i = 0; i < events->socket_count; i++) {
		if (events->sockets[i] != fd)
			continue;
		events->sockets[i] = events->sockets[--events->socket_count];
		break;
	}
	/* A child that has not parted with it yet holds it too, and then closing it is not
	 * enough. */
	(void)epoll_ctl(events->epoll, EPOLL_CTL_DEL, fd, NULL);
	return close(fd);
}

int http_events_init(struct http_events *events, const struct http_curl *curl)
{
	CURLMcode code;

	*events = (struct http_events){.curl = curl, .due_ms = -1};
	events->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (events->epoll < 0)
		return ERROR_IO;
	events->multi = curl->multi_init();
	if (!events->multi)
		return ERROR_MEMORY;
	code = curl->multi_setopt(events->multi, CURLMOPT_SOCKETFUNCTION, watch_socket);
	if (!code)
		code = curl->multi_setopt(events->multi, CURLMOPT_SOCKETDATA, events);
	if (!code)
		code = curl->multi_setopt(events->multi, CURLMOPT_TIMERFUNCTION, set_timer);
	if (!code)
		code = curl->multi_setopt(events->multi, CURLMOPT_TIMERDATA, events);
	if (!code)
		code = curl->multi_setopt(
			events->multi, CURLMOPT_MAXCONNECTS, (long)HTTP_EVENTS_KEPT);
	return code ? ERROR_MEMORY : 0;
}

void http_events_finish(struct http_events *events)
{
	if (!events->curl)
		return;
	if (events->multi)
		(void)events->curl->multi_cleanup(events->multi);
	if (events->epoll >= 0)
		(void)close(events->epoll);
	*events = (struct http_events){.epoll = -1, .due_ms = -1};
}

bool http_events_part(struct http_events *events)
{
	/* What libcurl says at the end of a connection, TLS's close_notify, goes here. */
	int nowhere = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool parted = nowhere >= 0;

	/* The epoll instance is the parent's as well: what is removed from it, is for both. */
	(void)close(events->epoll);
	events->epoll = -1;
	for (int i = 0; i < events->socket_count; i++) {
		if (nowhere >= 0 && dup3(nowhere, events->sockets[i], O_CLOEXEC) >= 0)
			continue;
		(void)close(events->sockets[i]);
		parted = false;
	}
	if (nowhere >= 0)
		(void)close(nowhere);
	return parted;
}

CURLcode http_events_watch(struct http_events *events, CURL *easy)
{
	const struct http_curl *curl = events->curl;
	CURLcode code = curl->easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);

	/* What there was no room for before is no fault of these. */
	events->failed = false;
	if (!code)
		code = curl->easy_setopt(easy, CURLOPT_OPENSOCKETDATA, events);
	if (!code)
		code = curl->easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, close_socket);
	if (!code)
		code = curl->easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, events);
	return code;
}

int http_events_timeout_ms(const struct http_events *events)
{
	int64_t left_ms;

	if (events->due_ms < 0)
		return -1;
	left_ms = events->due_ms - clock_monotonic_ms();
	if (left_ms > INT_MAX)
		return INT_MAX;
	return left_ms > 0 ? (int)left_ms : 0;
}

/* `ret_running`: how many transfers have not ended. */
static CURLMcode tell(struct http_events *events, const struct epoll_event *event, int *ret_running)
{
	int what = 0;

	if (event->events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP))
		what |= CURL_CSELECT_IN;
	if (event->events & EPOLLOUT)
		what |= CURL_CSELECT_OUT;
	if (event->events & EPOLLERR)
		what |= CURL_CSELECT_ERR;
	return events->curl->multi_socket_action(events->multi, event->data.fd, what, ret_running);
}

int http_events_step(struct http_events *events)
{
	struct epoll_event ready[EVENTS_AT_ONCE];
	CURLMcode code = CURLM_OK;
	bool idle = false;
	int running = 1;

	for (int round = 0; !code && running && !idle && round < ROUNDS_MAX; round++) {
		int count = epoll_wait(events->epoll, ready, EVENTS_AT_ONCE, 0);

		for (int i = 0; !code && i < count; i++)
			code = tell(events, &ready[i], &running);
		idle = count <= 0;
		if (!code && http_events_timeout_ms(events) == 0) {
			events->due_ms = -1;
			code = events->curl->multi_socket_action(
				events->multi, CURL_SOCKET_TIMEOUT, 0, &running);
			idle = false;
		}
	}
	if (code == CURLM_OUT_OF_MEMORY)
		return ERROR_MEMORY;
	return code || events->failed ? ERROR_IO : 0;
}
