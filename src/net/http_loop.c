/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_loop.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/secret.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
	EVENTS_MAX = 64,   /* a round */
	LAST_ACCEPTS = 64, /* rounds, when stopping */
	OUT_MAX = 256 * 1024 * 1024,
};

/* In the upper half of an event's number, where others have a slot. */
static const uint32_t listener_mark = UINT32_MAX - 1;
static const uint32_t wake_mark = UINT32_MAX;

static int watch(const struct http_loop *loop, int fd, uint32_t events, uint64_t number)
{
	struct epoll_event event = {.events = events, .data.u64 = number};

	return epoll_ctl(loop->epoll, EPOLL_CTL_ADD, fd, &event) ? ERROR_IO : 0;
}

static int open_descriptors(struct http_loop *loop)
{
	const struct http_server *server = loop->server;
	int error;

	loop->epoll = epoll_create1(EPOLL_CLOEXEC);
	loop->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	loop->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (loop->epoll < 0 || loop->wake < 0 || loop->spare < 0)
		return ERROR_IO;
	error = watch(loop, loop->wake, EPOLLIN, (uint64_t)wake_mark << 32);
	for (size_t i = 0; !error && i < server->listener_count; i++)
		error = watch(loop, server->listeners[i].fd, EPOLLIN | EPOLLEXCLUSIVE,
			(uint64_t)listener_mark << 32 | i);
	return error;
}

int http_loop_init(struct http_loop *loop, struct http_server *server, uint32_t index)
{
	uint32_t count = (uint32_t)(server->max_connections / server->loop_count);

	*loop = (struct http_loop){
		.server = server,
		.index = index,
		.epoll = -1,
		.wake = -1,
		.spare = -1,
		.now_ms = clock_monotonic_ms(),
		.date_s = -1,
		.slot_count = count,
		.free_count = count,
	};
	loop->ready_end = &loop->ready;
	loop->mail_end = &loop->mail;
	buf_init(&loop->out, OUT_MAX);
	if (pthread_mutex_init(&loop->lock, NULL))
		return ERROR_MEMORY;
	loop->slots = calloc(count, sizeof(*loop->slots));
	loop->free_slots = calloc(count, sizeof(*loop->free_slots));
	if (!loop->slots || !loop->free_slots || http_timers_init(&loop->timers, count))
		return ERROR_MEMORY;
	for (uint32_t i = 0; i < count; i++)
		loop->free_slots[i] = count - 1 - i;
	return open_descriptors(loop);
}

static void close_descriptor(int fd)
{
	if (fd >= 0)
		(void)close(fd);
}

static void free_message(struct http_message *message)
{
	const struct http_response *response = &message->response;
	size_t fields = response->fields ? strlen(response->fields) + 1 : 0;
	size_t body = response->body ? response->body_length : 0;

	memory_wipe(message->bytes, fields + body);
	free(message);
}

/* Only one whose thread has ended, or never started; accepts a zeroed one. */
void http_loop_finish(struct http_loop *loop)
{
	if (!loop->server)
		return;
	while (loop->mail) {
		struct http_message *message = loop->mail;

		loop->mail = message->next;
		close_descriptor(message->fd);
		free_message(message);
	}
	close_descriptor(loop->epoll);
	close_descriptor(loop->wake);
	close_descriptor(loop->spare);
	buf_finish(&loop->out);
	http_timers_finish(&loop->timers);
	free(loop->slots);
	free(loop->free_slots);
	(void)pthread_mutex_destroy(&loop->lock);
	loop->server = NULL;
}

void http_loop_wake(struct http_loop *loop)
{
	const uint64_t one = 1;

	/* It fails only when the counter is full, and then the loop is awake. */
	if (write(loop->wake, &one, sizeof(one)) < 0)
		return;
}

void http_loop_post(struct http_loop *loop, struct http_message *message)
{
	bool first;

	message->next = NULL;
	(void)pthread_mutex_lock(&loop->lock);
	first = !loop->mail;
	*loop->mail_end = message;
	loop->mail_end = &message->next;
	(void)pthread_mutex_unlock(&loop->lock);
	if (first)
		http_loop_wake(loop);
}

void http_loop_ready(struct http_loop *loop, struct http_connection *connection)
{
	if (connection->is_ready)
		return;
	connection->is_ready = true;
	connection->next_ready = NULL;
	*loop->ready_end = connection;
	loop->ready_end = &connection->next_ready;
}

void http_loop_list(
	struct http_loop *loop, struct http_connection *connection, enum http_list_kind kind)
{
	struct http_list *list = &loop->lists[connection->list % HTTP_LIST_COUNT];

	if (connection->list != HTTP_LIST_NONE) {
		*(connection->previous ? &connection->previous->next : &list->first) =
			connection->next;
		*(connection->next ? &connection->next->previous : &list->last) =
			connection->previous;
	}
	connection->list = kind;
	connection->next = NULL;
	connection->previous = NULL;
	if (kind == HTTP_LIST_NONE)
		return;
	list = &loop->lists[kind];
	connection->previous = list->last;
	*(list->last ? &list->last->next : &list->first) = connection;
	list->last = connection;
}

static void take_message(struct http_loop *loop, const struct http_message *message)
{
	const struct http_ticket *ticket = &message->ticket;
	struct http_connection *connection;

	if (message->fd >= 0) {
		http_adopt(loop, message->fd, &message->peer);
		return;
	}
	connection = loop->slots[ticket->slot].connection;
	if (!connection || loop->slots[ticket->slot].generation != ticket->generation)
		return;
	http_connection_answer(loop, connection, &message->response);
	http_connection_run(loop, connection);
}

static void take_mail(struct http_loop *loop)
{
	struct http_message *message;
	uint64_t count;

	if (read(loop->wake, &count, sizeof(count)) < 0)
		return;
	(void)pthread_mutex_lock(&loop->lock);
	message = loop->mail;
	loop->mail = NULL;
	loop->mail_end = &loop->mail;
	(void)pthread_mutex_unlock(&loop->lock);
	while (message) {
		struct http_message *next = message->next;

		take_message(loop, message);
		free_message(message);
		message = next;
	}
}

/* An event may be older than the close of its connection in this same round. */
static void take_event(struct http_loop *loop, const struct epoll_event *event)
{
	uint32_t slot = (uint32_t)(event->data.u64 >> 32);
	uint32_t serial = (uint32_t)event->data.u64;
	struct http_connection *connection;

	if (slot == wake_mark) {
		take_mail(loop);
	} else if (slot == listener_mark) {
		(void)http_accept(loop, &loop->server->listeners[serial]);
	} else {
		connection = loop->slots[slot].connection;
		if (connection && connection->serial == serial)
			http_connection_event(loop, connection, event->events);
	}
}

static void run_ready(struct http_loop *loop)
{
	struct http_connection *connection = loop->ready;

	loop->ready = NULL;
	loop->ready_end = &loop->ready;
	while (connection) {
		struct http_connection *next = connection->next_ready;

		connection->is_ready = false;
		http_connection_run(loop, connection);
		connection = next;
	}
}

/* Frees the closed ones that nothing names any more. */
static void bury(struct http_loop *loop)
{
	struct http_connection **link = &loop->closed;

	while (*link) {
		struct http_connection *connection = *link;

		if (connection->is_ready) {
			link = &connection->next;
			continue;
		}
		*link = connection->next;
		http_reader_finish(&connection->reader);
		buf_finish(&connection->out);
		buf_finish(&connection->fields);
		free(connection);
	}
}

/* The last loop that leaves turns the listeners off: until then none is lost. */
static void begin_drain(struct http_loop *loop)
{
	struct http_server *server = loop->server;

	for (size_t i = 0; i < server->listener_count; i++) {
		int rounds = 0;

		while (http_accept(loop, &server->listeners[i]) && rounds++ < LAST_ACCEPTS)
			;
		(void)epoll_ctl(loop->epoll, EPOLL_CTL_DEL, server->listeners[i].fd, NULL);
	}
	if (atomic_fetch_sub(&server->accepting, 1) == 1)
		for (size_t i = 0; i < server->listener_count; i++)
			http_listener_shut(&server->listeners[i]);
	loop->draining = true;
	for (uint32_t i = 0; i < loop->slot_count; i++) {
		struct http_connection *connection = loop->slots[i].connection;

		/* A request that is on its way is read; who sends nothing is closed. */
		if (connection && connection->phase == HTTP_PHASE_IDLE) {
			connection->readable = true;
			http_connection_run(loop, connection);
		}
	}
}

static bool drained(const struct http_loop *loop)
{
	return loop->draining &&
	       (!atomic_load(&loop->count) || loop->now_ms >= loop->server->drain_ends_at_ms);
}

static int wait_ms(const struct http_loop *loop)
{
	int wait = http_timers_wait_ms(&loop->timers, loop->now_ms);

	if (loop->ready)
		return 0;
	if (loop->draining) {
		int64_t left_ms = loop->server->drain_ends_at_ms - loop->now_ms;

		if (left_ms < 0)
			left_ms = 0;
		if (wait < 0 || left_ms < wait)
			wait = (int)left_ms;
	}
	return wait;
}

static void run_timers(struct http_loop *loop)
{
	struct http_timer *timer;

	while ((timer = http_timers_due(&loop->timers, loop->now_ms)))
		http_connection_expire(loop, (struct http_connection *)timer);
}

void *http_loop_run(void *context)
{
	struct http_loop *loop = context;
	struct epoll_event events[EVENTS_MAX];

	atomic_store(&loop->thread, pthread_self());
	while (!drained(loop)) {
		int count = epoll_wait(loop->epoll, events, EVENTS_MAX, wait_ms(loop));

		loop->now_ms = clock_monotonic_ms();
		atomic_store_explicit(&loop->asked_ms, 0, memory_order_relaxed);
		for (int i = 0; i < count; i++)
			take_event(loop, &events[i]);
		run_ready(loop);
		run_timers(loop);
		if (!loop->draining && atomic_load(&loop->server->stopping))
			begin_drain(loop);
		bury(loop);
	}
	for (uint32_t i = 0; i < loop->slot_count; i++)
		if (loop->slots[i].connection)
			http_connection_close(loop, loop->slots[i].connection);
	run_ready(loop);
	bury(loop);
	return NULL;
}
