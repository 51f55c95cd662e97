/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One connection's way: read a request, hand it over, write the answer, again
 * (RFC 9112, 9). Sockets are read and written here alone.
 */
#include "base/clock.h"
#include "base/error.h"
#include "base/secret.h"
#include "net/http_loop.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	ROUND_STEPS = 32, /* then it is another connection's turn */
	LINGER_MS = 2000,
	LINGER_BYTES = 1024 * 1024,  /* read and thrown away at most */
	KEPT_OUT_BYTES = 128 * 1024, /* a larger answer's memory is given back */
};

static ssize_t receive(struct http_connection *connection, void *bytes, size_t size)
{
	if (connection->tls && connection->phase != HTTP_PHASE_LINGER)
		return tls_receive(connection->tls, bytes, size);
	return recv(connection->fd, bytes, size, 0);
}

static ssize_t transmit(struct http_connection *connection, const void *bytes, size_t length)
{
	if (connection->tls)
		return tls_transmit(connection->tls, bytes, length);
	return send(connection->fd, bytes, length, MSG_NOSIGNAL);
}

static void set_deadline(struct http_loop *loop, struct http_connection *connection, int64_t in_ms)
{
	http_timers_set(&loop->timers, &connection->timer, loop->now_ms + in_ms);
}

/* What answers hold, such as tokens, does not lie there until another is written. */
static void empty_loop_buffer(struct http_loop *loop, struct http_connection *connection)
{
	if (!connection->answer_in_loop)
		return;
	connection->answer_in_loop = false;
	if (loop->out.cap > KEPT_OUT_BYTES) {
		buf_finish(&loop->out);
		return;
	}
	if (loop->out.len)
		memory_wipe(loop->out.data, loop->out.len);
	buf_reset(&loop->out);
}

/* From here on a request is under way whose outcome will be told. */
static void begin_request(const struct http_loop *loop, struct http_connection *connection)
{
	if (!loop->server->options.ended)
		return;
	connection->unended = true;
	connection->mark = 0;
	connection->status = 0;
	connection->arrived_ns = clock_monotonic_ns();
}

static void end_request(
	const struct http_loop *loop, struct http_connection *connection, int status)
{
	const struct http_server_options *options = &loop->server->options;

	if (!connection->unended)
		return;
	connection->unended = false;
	options->ended(
		options->context, &(const struct http_outcome){
					  .loop = loop->index,
					  .mark = connection->mark,
					  .status = status,
					  .took_ns = clock_monotonic_ns() - connection->arrived_ns,
				  });
}

void http_connection_close(struct http_loop *loop, struct http_connection *connection)
{
	struct http_slot *slot = &loop->slots[connection->slot];

	if (connection->phase == HTTP_PHASE_CLOSED)
		return;
	end_request(loop, connection, 0);
	empty_loop_buffer(loop, connection);
	http_timers_remove(&loop->timers, &connection->timer);
	http_loop_list(loop, connection, HTTP_LIST_NONE);
	connection->phase = HTTP_PHASE_CLOSED;
	tls_session_destroy(connection->tls);
	connection->tls = NULL;
	(void)close(connection->fd);
	slot->connection = NULL;
	slot->generation++;
	loop->free_slots[loop->free_count++] = connection->slot;
	http_sources_remove(&loop->server->sources, &connection->peer);
	atomic_fetch_sub(&loop->count, 1);
	connection->next = loop->closed;
	loop->closed = connection;
}

/* With a reset, so that the kernel does not go on offering what was not taken. */
static void cut(struct http_loop *loop, struct http_connection *connection)
{
	const struct linger none = {.l_onoff = 1, .l_linger = 0};

	(void)setsockopt(connection->fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
	http_connection_close(loop, connection);
}

/* Waits for bytes in one of the phases up to HTTP_PHASE_BODY. */
static void await(struct http_loop *loop, struct http_connection *connection, enum http_phase phase)
{
	const struct http_server_options *options = &loop->server->options;

	connection->phase = phase;
	if (phase == HTTP_PHASE_IDLE)
		set_deadline(loop, connection, options->idle_timeout_ms);
	else if (phase == HTTP_PHASE_HEAD)
		set_deadline(loop, connection, options->head_timeout_ms);
	else
		set_deadline(loop, connection, options->body_timeout_ms);
	if (connection->served)
		http_loop_list(loop, connection,
			phase == HTTP_PHASE_IDLE ? HTTP_LIST_IDLE : HTTP_LIST_PARTIAL);
}

static enum http_phase reader_phase(const struct http_reader *reader)
{
	if (!http_reader_begun(reader))
		return HTTP_PHASE_IDLE;
	if (reader->state < HTTP_READER_BODY)
		return HTTP_PHASE_HEAD;
	return reader->bytes.len > reader->body ? HTTP_PHASE_BODY : HTTP_PHASE_BODY_AWAIT;
}

/* All that was there is read: a deadline starts where a part begins, and only there. */
static void settle(struct http_loop *loop, struct http_connection *connection)
{
	enum http_phase phase = reader_phase(&connection->reader);

	if (loop->draining && phase == HTTP_PHASE_IDLE)
		http_connection_close(loop, connection);
	else if (phase > connection->phase)
		await(loop, connection, phase);
}

/* No more is sent; what still comes is read and forgotten for a while. */
static void linger(struct http_loop *loop, struct http_connection *connection)
{
	if (connection->tls)
		tls_end(connection->tls);
	(void)shutdown(connection->fd, SHUT_WR);
	connection->phase = HTTP_PHASE_LINGER;
	connection->readable = true;
	set_deadline(loop, connection, LINGER_MS);
	http_loop_list(loop, connection, HTTP_LIST_IDLE);
}

/* Whether the connection goes on. */
static bool end_answer(struct http_loop *loop, struct http_connection *connection)
{
	end_request(loop, connection, connection->status);
	buf_finish(&connection->out);
	empty_loop_buffer(loop, connection);
	if (!connection->close && !loop->draining) {
		await(loop, connection, HTTP_PHASE_IDLE);
		return true;
	}
	/* Bytes that were not read would make the close a reset, and the reset
	 * could overtake the answer (RFC 9112, 9.6). */
	if (!connection->linger && !connection->readable &&
		!http_reader_begun(&connection->reader) && !loop->draining) {
		http_connection_close(loop, connection);
		return false;
	}
	linger(loop, connection);
	return true;
}

static void watch_writable(struct http_loop *loop, struct http_connection *connection)
{
	struct epoll_event event = {
		.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
		.data.u64 = (uint64_t)connection->slot << 32 | connection->serial,
	};

	if (connection->watches_writable)
		return;
	connection->watches_writable = true;
	if (epoll_ctl(loop->epoll, EPOLL_CTL_MOD, connection->fd, &event))
		http_connection_close(loop, connection);
}

/* The socket takes no more now: what is left waits in the connection's own memory. */
static bool park(struct http_loop *loop, struct http_connection *connection)
{
	if (connection->answer_in_loop) {
		if (buf_append(&connection->out, loop->out.data + connection->sent,
			    loop->out.len - connection->sent)) {
			http_connection_close(loop, connection);
			return false;
		}
		empty_loop_buffer(loop, connection);
		connection->sent = 0;
	}
	watch_writable(loop, connection);
	return false;
}

static bool flush(struct http_loop *loop, struct http_connection *connection)
{
	const struct buf *out = connection->answer_in_loop ? &loop->out : &connection->out;

	while (connection->sent < out->len) {
		ssize_t length = transmit(
			connection, out->data + connection->sent, out->len - connection->sent);

		if (length >= 0) {
			connection->sent += (size_t)length;
		} else if (errno == EAGAIN) {
			return park(loop, connection);
		} else if (errno != EINTR) {
			http_connection_close(loop, connection);
			return false;
		}
	}
	return end_answer(loop, connection);
}

void http_connection_answer(struct http_loop *loop, struct http_connection *connection,
	const struct http_response *response)
{
	bool later = response->not_before_ms > loop->now_ms;
	struct buf *out;
	int error;

	if (connection->phase != HTTP_PHASE_HANDLER)
		return;
	if (!connection->close && (response->close || loop->draining)) {
		connection->close = true;
		connection->linger = true;
	}
	connection->answer_in_loop = loop->current == connection && !later;
	connection->status = response->status;
	connection->sent = 0;
	out = connection->answer_in_loop ? &loop->out : &connection->out;
	error = http_response_write(loop, connection, response, out);
	buf_finish(&connection->fields);
	if (error) {
		http_connection_close(loop, connection);
	} else if (later) {
		connection->phase = HTTP_PHASE_DELAY;
		http_timers_set(&loop->timers, &connection->timer, response->not_before_ms);
	} else {
		connection->phase = HTTP_PHASE_WRITE;
		set_deadline(loop, connection, loop->server->options.write_timeout_ms);
	}
}

/* The server's own answer; the connection ends after it. */
static void refuse(
	struct http_loop *loop, struct http_connection *connection, int status, const char *reason)
{
	const struct http_refusal refusal = {status, reason, &connection->peer};
	struct http_refusal_answer answer;
	struct http_response response = {
		.status = status, .fields = answer.fields, .body = answer.body};

	http_loop_list(loop, connection, HTTP_LIST_NONE);
	if (connection->phase != HTTP_PHASE_HANDLER) {
		connection->is_head = connection->reader.is_head;
		begin_request(loop, connection);
	}
	connection->phase = HTTP_PHASE_HANDLER;
	connection->close = true;
	connection->linger = true;
	http_refusal_compose(loop->server, &refusal, &answer);
	response.body_length = strlen(answer.body);
	http_connection_answer(loop, connection, &response);
}

static bool handle(struct http_loop *loop, struct http_connection *connection)
{
	const struct http_server_options *options = &loop->server->options;
	const struct http_ticket ticket = {
		.server = loop->server,
		.loop = loop->index,
		.slot = connection->slot,
		.generation = ++loop->slots[connection->slot].generation,
	};
	struct http_field fields[HTTP_FIELDS_MAX];
	struct http_request request = {.peer = &connection->peer};

	loop->now_ms = clock_monotonic_ms();
	request.arrived_at_ms = loop->now_ms;
	begin_request(loop, connection);
	http_reader_request(&connection->reader, fields, &request);
	connection->is_head = connection->reader.is_head;
	connection->is_http10 = connection->reader.is_http10;
	connection->close = connection->reader.close;
	connection->linger = false;
	connection->served = true;
	connection->phase = HTTP_PHASE_HANDLER;
	http_loop_list(loop, connection, HTTP_LIST_NONE);
	set_deadline(loop, connection, options->answer_timeout_ms);
	loop->current = connection;
	options->handler(options->context, &request, ticket);
	loop->current = NULL;
	http_reader_next(&connection->reader);
	return connection->phase == HTTP_PHASE_WRITE && flush(loop, connection);
}

/* 25 bytes into a socket whose last answer has gone: if they do not fit, it is broken. */
static bool say_continue(struct http_loop *loop, struct http_connection *connection)
{
	static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
	ssize_t length = transmit(connection, text, sizeof(text) - 1);

	if (length == (ssize_t)sizeof(text) - 1)
		return true;
	http_connection_close(loop, connection);
	return false;
}

static bool may_have_more(const struct http_connection *connection, ssize_t length, size_t size)
{
	return connection->tls ? tls_has_more(connection->tls) : (size_t)length == size;
}

/* Nothing can be read now. TLS may have to write first: then EPOLLOUT says `readable`. */
static void wait_for_socket(struct http_loop *loop, struct http_connection *connection)
{
	connection->readable = false;
	if (connection->tls && tls_wants_write(connection->tls))
		watch_writable(loop, connection);
}

static bool fill(struct http_loop *loop, struct http_connection *connection)
{
	char *bytes;
	size_t size;
	ssize_t length;

	if (!connection->readable) {
		settle(loop, connection);
		return false;
	}
	if (http_reader_space(&connection->reader, &bytes, &size)) {
		refuse(loop, connection, 503, "out of memory");
		return true;
	}
	length = receive(connection, bytes, size);
	if (length > 0) {
		http_reader_add(&connection->reader, (size_t)length);
		/* Edge-triggered: what comes after a short read is told. */
		connection->readable = connection->ended || may_have_more(connection, length, size);
		return true;
	}
	if (length < 0 && errno == EINTR)
		return true;
	if (length < 0 && errno == EAGAIN) {
		wait_for_socket(loop, connection);
		return true;
	}
	http_connection_close(loop, connection);
	return false;
}

static bool read_on(struct http_loop *loop, struct http_connection *connection)
{
	struct http_reader *reader = &connection->reader;

	switch (http_reader_step(reader)) {
	case HTTP_WHOLE:
		return handle(loop, connection);
	case HTTP_REFUSED:
		refuse(loop, connection, reader->status, reader->reason);
		return true;
	case HTTP_CONTINUE:
		return say_continue(loop, connection);
	case HTTP_MORE:
	default:
		return fill(loop, connection);
	}
}

static bool discard(struct http_loop *loop, struct http_connection *connection)
{
	char bytes[4096];
	ssize_t length;

	if (!connection->readable)
		return false;
	length = receive(connection, bytes, sizeof(bytes));
	if (length < 0 && errno == EAGAIN) {
		connection->readable = false;
		return false;
	}
	if (length < 0 && errno == EINTR)
		return true;
	if (length > 0)
		connection->discarded += (size_t)length;
	if (length > 0 && connection->discarded < LINGER_BYTES)
		return true;
	http_connection_close(loop, connection);
	return false;
}

/* The first byte has come. Who speaks plain HTTP here is told so, in the clear; what is
 * neither is TLS's to refuse. */
static bool begin_tls(struct http_loop *loop, struct http_connection *connection)
{
	unsigned char first = 0;
	ssize_t length;

	if (!connection->readable) {
		settle(loop, connection);
		return false;
	}
	length = recv(connection->fd, &first, 1, MSG_PEEK);
	if (length < 0 && errno == EAGAIN)
		connection->readable = false;
	if (length < 0 && (errno == EAGAIN || errno == EINTR))
		return true;
	if (length == 1 && ((first >= 'A' && first <= 'Z') || (first >= 'a' && first <= 'z'))) {
		connection->is_secure = false;
		refuse(loop, connection, 400, "plain HTTP was sent where TLS is spoken: use https");
		return true;
	}
	if (length <= 0 ||
		tls_session_create(loop->server->options.tls, connection->fd, &connection->tls)) {
		http_connection_close(loop, connection);
		return false;
	}
	connection->phase = HTTP_PHASE_HANDSHAKE;
	set_deadline(loop, connection, loop->server->options.head_timeout_ms);
	return true;
}

static void tell_of_handshake(
	struct http_loop *loop, struct http_connection *connection, const char *reason)
{
	const struct http_server_options *options = &loop->server->options;

	if (options->handshake_failed)
		options->handshake_failed(options->context, reason, &connection->peer);
}

/* Whether there is more to do at once. */
static bool shake(struct http_loop *loop, struct http_connection *connection)
{
	const char *reason = NULL;
	int error;

	if (!connection->readable)
		return false;
	error = tls_handshake(connection->tls, &reason);
	if (!error) {
		await(loop, connection, HTTP_PHASE_IDLE);
		return true;
	}
	if (error != ERROR_BUSY) {
		/* The alert that says why must not be lost to a reset. */
		tell_of_handshake(loop, connection, reason);
		linger(loop, connection);
		return true;
	}
	if (tls_is_blocked(connection->tls))
		wait_for_socket(loop, connection);
	return !tls_is_blocked(connection->tls);
}

static bool step(struct http_loop *loop, struct http_connection *connection)
{
	switch (connection->phase) {
	case HTTP_PHASE_IDLE:
		if (connection->is_secure && !connection->tls)
			return begin_tls(loop, connection);
		return read_on(loop, connection);
	case HTTP_PHASE_HEAD:
	case HTTP_PHASE_BODY_AWAIT:
	case HTTP_PHASE_BODY:
		return read_on(loop, connection);
	case HTTP_PHASE_HANDSHAKE:
		return shake(loop, connection);
	case HTTP_PHASE_WRITE:
		return flush(loop, connection);
	case HTTP_PHASE_LINGER:
		return discard(loop, connection);
	case HTTP_PHASE_HANDLER:
	case HTTP_PHASE_DELAY:
	case HTTP_PHASE_CLOSED:
	default:
		return false;
	}
}

void http_connection_run(struct http_loop *loop, struct http_connection *connection)
{
	for (int i = 0; i < ROUND_STEPS; i++)
		if (!step(loop, connection))
			return;
	http_loop_ready(loop, connection);
}

void http_connection_event(
	struct http_loop *loop, struct http_connection *connection, uint32_t events)
{
	if (events & (EPOLLERR | EPOLLHUP)) {
		http_connection_close(loop, connection);
		return;
	}
	if (events & (EPOLLIN | EPOLLRDHUP) || (events & EPOLLOUT && connection->tls))
		connection->readable = true;
	if (connection->readable && connection->tls)
		tls_wake(connection->tls);
	if (events & EPOLLRDHUP)
		connection->ended = true;
	http_connection_run(loop, connection);
}

void http_connection_expire(struct http_loop *loop, struct http_connection *connection)
{
	switch (connection->phase) {
	case HTTP_PHASE_HEAD:
	case HTTP_PHASE_BODY_AWAIT:
	case HTTP_PHASE_BODY:
		refuse(loop, connection, 408, "request too slow");
		break;
	case HTTP_PHASE_HANDLER:
		refuse(loop, connection, 503, "no answer in time");
		break;
	case HTTP_PHASE_HANDSHAKE:
		tell_of_handshake(loop, connection, "too slow");
		http_connection_close(loop, connection);
		return;
	case HTTP_PHASE_DELAY:
		connection->phase = HTTP_PHASE_WRITE;
		set_deadline(loop, connection, loop->server->options.write_timeout_ms);
		break;
	case HTTP_PHASE_WRITE:
		cut(loop, connection);
		return;
	case HTTP_PHASE_IDLE:
	case HTTP_PHASE_LINGER:
	case HTTP_PHASE_CLOSED:
	default:
		http_connection_close(loop, connection);
		return;
	}
	http_connection_run(loop, connection);
}
