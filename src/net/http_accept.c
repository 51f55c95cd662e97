/* SPDX-License-Identifier: Apache-2.0 */
/*
 * New connections: which loop takes them, and who makes room at the caps.
 * Refusing the newest would let those who only hold connections win.
 */
#include "base/error.h"
#include "net/http_loop.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum {
	ACCEPT_MAX = 16, /* at once */
	UNEVEN_MAX = 4,	 /* connections that a loop has more than another before it gives away */
	TURNED_AWAY_HEAD_MAX = 128,
	ADDED_FIELDS_MAX = 1024,
	SEARCH_MAX = 512, /* connections looked at for one of the same source */
};

/* Closes one that can be spared, of that source (NULL: of any). */
static bool evict(struct http_loop *loop, const struct sockaddr_storage *source)
{
	for (int kind = 0; kind < HTTP_LIST_COUNT; kind++) {
		struct http_connection *connection = loop->lists[kind].first;

		for (int i = 0; connection && i < SEARCH_MAX; i++) {
			if (!source || http_source_same(source, &connection->peer))
				break;
			connection = i + 1 < SEARCH_MAX ? connection->next : NULL;
		}
		if (connection) {
			atomic_fetch_add_explicit(&loop->evicted, 1, memory_order_relaxed);
			http_connection_close(loop, connection);
			return true;
		}
	}
	return false;
}

static void turn_away(
	struct http_loop *loop, int fd, const struct sockaddr_storage *peer, const char *reason)
{
	const struct http_refusal refusal = {503, reason, peer};
	struct http_refusal_answer answer = {.body = ""};
	char text[sizeof(answer) + TURNED_AWAY_HEAD_MAX];
	int length;

	atomic_fetch_add_explicit(&loop->turned_away, 1, memory_order_relaxed);
	atomic_fetch_sub(&loop->count, 1);
	http_refusal_compose(loop->server, &refusal, &answer);
	/* A client that waits for TLS would not understand it. */
	if (http_server_is_secure(loop->server, peer)) {
		(void)close(fd);
		return;
	}
	length = snprintf(text, sizeof(text),
		"HTTP/1.1 503 %s\r\nRetry-After: 1\r\n%sContent-Length: %zu\r\n"
		"Connection: close\r\n\r\n%s",
		http_status_text(503), answer.fields, strlen(answer.body), answer.body);
	/* Best effort: nothing waits for whether it arrives. */
	if (send(fd, text, (size_t)length, MSG_NOSIGNAL) > 0)
		(void)shutdown(fd, SHUT_WR);
	(void)close(fd);
}

static bool add_source(struct http_loop *loop, const struct sockaddr_storage *peer)
{
	struct http_sources *sources = &loop->server->sources;

	if (http_sources_add(sources, peer))
		return true;
	return evict(loop, peer) && http_sources_add(sources, peer);
}

static struct http_connection *create_connection(
	struct http_loop *loop, int fd, const struct sockaddr_storage *peer)
{
	struct http_connection *connection = calloc(1, sizeof(*connection));
	struct http_slot *slot;

	if (!connection)
		return NULL;
	connection->fd = fd;
	connection->slot = loop->free_slots[--loop->free_count];
	connection->peer = *peer;
	connection->is_secure = http_server_is_secure(loop->server, peer);
	connection->list = HTTP_LIST_NONE;
	http_reader_init(&connection->reader, loop->server->options.max_body);
	buf_init(&connection->out, SIZE_MAX / 4);
	buf_init(&connection->fields, ADDED_FIELDS_MAX);
	slot = &loop->slots[connection->slot];
	slot->connection = connection;
	connection->serial = (uint32_t)++slot->generation;
	return connection;
}

void http_adopt(struct http_loop *loop, int fd, const struct sockaddr_storage *peer)
{
	struct http_connection *connection;
	struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP | EPOLLET};

	if (!loop->free_count && !evict(loop, NULL)) {
		turn_away(loop, fd, peer, "too many connections");
		return;
	}
	if (!add_source(loop, peer)) {
		turn_away(loop, fd, peer, "too many connections of one source");
		return;
	}
	connection = create_connection(loop, fd, peer);
	if (!connection) {
		http_sources_remove(&loop->server->sources, peer);
		turn_away(loop, fd, peer, "out of memory");
		return;
	}
	atomic_fetch_add_explicit(&loop->accepted, 1, memory_order_relaxed);
	http_loop_list(loop, connection, HTTP_LIST_FRESH);
	http_timers_set(&loop->timers, &connection->timer,
		loop->now_ms + loop->server->options.idle_timeout_ms);
	event.data.u64 = (uint64_t)connection->slot << 32 | connection->serial;
	if (epoll_ctl(loop->epoll, EPOLL_CTL_ADD, fd, &event)) {
		http_connection_close(loop, connection);
	} else if (loop->draining) {
		connection->readable = true;
		http_connection_run(loop, connection);
	}
}

/* The one with the fewest connections, if this one has clearly more. */
static struct http_loop *choose_loop(struct http_loop *loop)
{
	struct http_server *server = loop->server;
	unsigned own = atomic_load_explicit(&loop->count, memory_order_relaxed);
	unsigned least = own;
	struct http_loop *chosen = loop;

	if (atomic_load(&server->stopping))
		return loop;
	for (uint32_t i = 0; i < server->loop_count; i++) {
		unsigned count =
			atomic_load_explicit(&server->loops[i].count, memory_order_relaxed);

		if (count < least) {
			least = count;
			chosen = &server->loops[i];
		}
	}
	return own - least > UNEVEN_MAX || own >= loop->slot_count ? chosen : loop;
}

static void place(struct http_loop *loop, int fd, const struct sockaddr_storage *peer)
{
	struct http_loop *chosen = choose_loop(loop);
	struct http_message *message = NULL;

	if (chosen != loop)
		message = calloc(1, sizeof(*message));
	if (!message)
		chosen = loop;
	/* Before it is there: the next one is placed by this count, and a loop that
	 * stops waits for it. */
	atomic_fetch_add(&chosen->count, 1);
	if (!message) {
		http_adopt(loop, fd, peer);
		return;
	}
	message->fd = fd;
	message->peer = *peer;
	http_loop_post(chosen, message);
}

/* No descriptor is left: one that can be spared goes, or else the one that
 * waits is told so by a close. Otherwise the loop would spin. Whether anybody
 * waited. */
static bool relieve(struct http_loop *loop, const struct http_listener *listener)
{
	struct pollfd waits = {.fd = listener->fd, .events = POLLIN};
	int fd;

	/* accept4() wants a descriptor before it looks whether anybody waits. */
	if (poll(&waits, 1, 0) != 1)
		return false;
	if (evict(loop, NULL))
		return true;
	if (loop->spare >= 0)
		(void)close(loop->spare);
	fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd >= 0) {
		atomic_fetch_add_explicit(&loop->turned_away, 1, memory_order_relaxed);
		(void)close(fd);
	}
	loop->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
	return true;
}

bool http_accept(struct http_loop *loop, const struct http_listener *listener)
{
	for (int i = 0; i < ACCEPT_MAX; i++) {
		struct sockaddr_storage peer = {0};
		socklen_t length = sizeof(peer);
		int fd = accept4(listener->fd, (struct sockaddr *)&peer, &length,
			SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0) {
			if (listener->is_unix)
				peer.ss_family = AF_UNIX;
			place(loop, fd, &peer);
		} else if (errno == EMFILE || errno == ENFILE) {
			return relieve(loop, listener);
		} else if (errno != EINTR && errno != ECONNABORTED) {
			return false;
		}
	}
	return true;
}
