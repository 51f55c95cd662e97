/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server that tests talk to: a handler with a behaviour for each path, and
 * what it noted. It runs on the server's threads, so it asserts nothing.
 */
#ifndef TESTS_NET_SERVED_H
#define TESTS_NET_SERVED_H

#include "wire.h"

#include "base/clock.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#define GET_REQUEST "GET / HTTP/1.1\r\nHost: x\r\n\r\n"
#define KEEP_REQUEST "GET /keep HTTP/1.1\r\nHost: x\r\n\r\n"

enum {
	KEPT_MAX = 256,
	LATE_MS = 200,
	BIG_SIZE = 8 * 1024 * 1024,
};

/* `server` is set by served_start(), cleared by served_end(). */
struct served {
	struct http_server *server;
	struct tls_server *tls;
	atomic_bool may_go_on; /* who asked for /stall */
	atomic_int handled;
	atomic_int refused;
	atomic_int refused_status; /* the last one */
	atomic_int kept_count;
	struct http_ticket kept[KEPT_MAX];
	const char *refusal_fields; /* NULL: refusals are answered as the server does */
	pthread_mutex_t lock;
	char *big;
};

static struct served served = {.lock = PTHREAD_MUTEX_INITIALIZER};

static inline void served_answer(struct http_ticket ticket, const char *text)
{
	const struct http_response response = {
		.status = 200,
		.fields = "Content-Type: text/plain\r\n",
		.body = text,
		.body_length = strlen(text),
	};

	http_answer(ticket, &response);
}

static inline void served_keep(struct http_ticket ticket)
{
	(void)pthread_mutex_lock(&served.lock);
	if (atomic_load(&served.kept_count) < KEPT_MAX) {
		served.kept[atomic_load(&served.kept_count)] = ticket;
		atomic_fetch_add(&served.kept_count, 1);
	}
	(void)pthread_mutex_unlock(&served.lock);
}

static inline void served_echo(const struct http_request *request, struct http_ticket ticket)
{
	char text[2048];
	struct http_response response = {
		.status = 200, .fields = "Content-Type: text/plain\r\n", .body = text};
	int shown = request->body_length < 1024 ? (int)request->body_length : 1024;
	int length = snprintf(text, sizeof(text), "%s %s?%s %zu %.*s", request->method,
		request->path, request->query ? request->query : "-", request->body_length, shown,
		request->body);

	response.body_length = (size_t)length;
	response.close = !strcmp(request->path, "/close");
	if (!strcmp(request->path, "/late"))
		response.not_before_ms = request->arrived_at_ms + LATE_MS;
	if (!strncmp(request->path, "/status/", 8))
		response.status = atoi(request->path + 8);
	http_answer(ticket, &response);
}

static inline void served_handle(
	void *context, const struct http_request *request, struct http_ticket ticket)
{
	const struct http_response big = {
		.status = 200, .body = served.big, .body_length = BIG_SIZE};

	(void)context;
	atomic_fetch_add(&served.handled, 1);
	http_mark(ticket, (unsigned char)*request->method);
	if (!strcmp(request->path, "/keep")) {
		served_keep(ticket);
	} else if (!strcmp(request->path, "/big")) {
		http_answer(ticket, &big);
	} else if (!strcmp(request->path, "/release")) {
		served_answer(served.kept[0], "released");
		served_echo(request, ticket);
	} else {
		while (!strcmp(request->path, "/stall") && !atomic_load(&served.may_go_on))
			(void)poll(NULL, 0, 2);
		served_echo(request, ticket);
	}
}

static inline void served_refuse(
	void *context, const struct http_refusal *refusal, struct http_refusal_answer *answer)
{
	(void)context;
	atomic_store(
		&served.refused_status, refusal->reason && refusal->peer ? refusal->status : -1);
	atomic_fetch_add(&served.refused, 1);
	if (!served.refusal_fields)
		return;
	(void)snprintf(answer->fields, sizeof(answer->fields), "%s", served.refusal_fields);
	(void)snprintf(
		answer->body, sizeof(answer->body), "<%d %s>", refusal->status, refusal->reason);
}

/* Unless said otherwise: 127.0.0.1, two loops, the handler above. */
static inline void served_start(struct http_server_options options)
{
	static const char *const loopback[] = {"127.0.0.1:0"};
	struct fault fault = {""};

	atomic_store(&served.may_go_on, false);
	atomic_store(&served.handled, 0);
	atomic_store(&served.refused, 0);
	atomic_store(&served.refused_status, 0);
	atomic_store(&served.kept_count, 0);
	if (!served.big)
		served.big = calloc(1, BIG_SIZE);
	assert_non_null(served.big);
	if (!options.listen) {
		options.listen = loopback;
		options.listen_count = 1;
	}
	options.threads = options.threads ? options.threads : 2;
	options.handler = served_handle;
	options.refused = served_refuse;
#ifdef WIRE_TLS
	if (!options.tls)
		options.tls = served.tls = wire_tls_server();
#endif
	if (http_server_create(&options, &served.server, &fault))
		fail_msg("%s", fault.text);
	assert_int_equal(http_server_start(served.server), 0);
}

static inline void served_end(void)
{
	http_server_stop(served.server, 2000);
	http_server_destroy(served.server);
	served.server = NULL;
#ifdef WIRE_TLS
	tls_server_destroy(served.tls);
	served.tls = NULL;
#endif
	free(served.big);
	served.big = NULL;
}

static inline int served_connect(void)
{
	return wire_connect(served.server);
}

/* Waits until a count of the above is reached. */
static inline void served_wait(const atomic_int *count, int least)
{
	int64_t until_ms = clock_monotonic_ms() + WIRE_WAIT_MS;

	while (atomic_load(count) < least && clock_monotonic_ms() < until_ms)
		(void)poll(NULL, 0, 2);
	assert_true(atomic_load(count) >= least);
}

#endif
