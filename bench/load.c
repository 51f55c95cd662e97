/* SPDX-License-Identifier: Apache-2.0 */
#include "load.h"

#include "base/clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define CLIENT "client_id=external.customer"

enum {
	BODY_MAX = 4096,
	REQUEST_MAX = BODY_MAX + 512,
	ANSWER_MAX = 16384,
	TOKEN_MAX = 2049,
};

struct connection {
	int fd;
	char refresh_token[TOKEN_MAX];
	char answer[ANSWER_MAX];
	size_t length; /* of what came of the answer */
};

struct load {
	struct load_plan plan;
	int epoll;
	struct connection connections[LOAD_CONNECTIONS];
	struct load_order order;
	int64_t sent;
	struct load_outcome outcome;
};

static void fail(const char *what)
{
	perror(what);
	_exit(1);
}

void load_send(int fd, const void *bytes, size_t length)
{
	const char *next = bytes;

	while (length) {
		ssize_t done = write(fd, next, length);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			fail("write");
		next += done;
		length -= (size_t)done;
	}
}

void load_receive(int fd, void *bytes, size_t length)
{
	char *next = bytes;

	while (length) {
		ssize_t done = read(fd, next, length);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			fail("read");
		next += done;
		length -= (size_t)done;
	}
}

static void connect_one(struct load *load, struct connection *connection)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(load->plan.port)};
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
	int on = 1;

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	connection->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connection->fd < 0 ||
		connect(connection->fd, (struct sockaddr *)&address, sizeof(address)))
		fail("connect");
	(void)setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (epoll_ctl(load->epoll, EPOLL_CTL_ADD, connection->fd, &event))
		fail("epoll_ctl");
}

/* What stands between `before` and the next '"', in the connection's answer. */
static bool find_value(const char *answer, const char *before, char *ret_text, size_t size)
{
	const char *found = strstr(answer, before);
	size_t length;

	if (!found)
		return false;
	found += strlen(before);
	length = strcspn(found, "\"");
	if (length >= size)
		return false;
	memcpy(ret_text, found, length);
	ret_text[length] = '\0';
	return true;
}

static int compose_body(const struct load *load, size_t index, char body[BODY_MAX])
{
	const struct connection *connection = &load->connections[index];

	if (load->order.kind == LOAD_REFRESH && *connection->refresh_token)
		return snprintf(body, BODY_MAX,
			"grant_type=refresh_token&" CLIENT "&refresh_token=%s",
			connection->refresh_token);
	return snprintf(body, BODY_MAX,
		"grant_type=password&" CLIENT "&username=%s&password=%s&scope=cosmos%%20"
		"offline_access",
		load->plan.usernames[index], load->plan.passwords[index]);
}

static int compose_request(const struct load *load, size_t index, char request[REQUEST_MAX])
{
	static const char fields[] = "Host: 127.0.0.1\r\nUser-Agent: bench\r\n"
				     "Accept: application/json\r\n";
	char body[BODY_MAX];
	int length;

	if (load->order.kind == LOAD_HEALTH)
		return snprintf(request, REQUEST_MAX, "GET /healthz HTTP/1.1\r\n%s\r\n", fields);
	length = compose_body(load, index, body);
	return snprintf(request, REQUEST_MAX,
		"POST /identity/connect/token HTTP/1.1\r\n%s"
		"Content-Type: application/x-www-form-urlencoded\r\n"
		"Content-Length: %d\r\n\r\n%s",
		fields, length, body);
}

static void send_request(struct load *load, struct connection *connection)
{
	char request[REQUEST_MAX];
	int length = compose_request(load, (size_t)(connection - load->connections), request);

	load_send(connection->fd, request, (size_t)length);
	connection->length = 0;
	load->sent++;
}

/* Whether the whole answer is there. */
static bool is_whole(const struct connection *connection)
{
	const char *end = strstr(connection->answer, "\r\n\r\n");
	const char *field = strcasestr(connection->answer, "\r\nContent-Length: ");

	if (!end || !field)
		return false;
	return (size_t)(end + 4 - connection->answer) + strtoul(field + 18, NULL, 10) <=
	       connection->length;
}

static bool is_good(const struct load *load, struct connection *connection)
{
	if (strncmp(connection->answer, "HTTP/1.1 200 ", 13) != 0)
		return false;
	return load->order.kind == LOAD_HEALTH ||
	       (strstr(connection->answer, "\"access_token\":\"eyJ") &&
		       find_value(connection->answer, "\"refresh_token\":\"",
			       connection->refresh_token, sizeof(connection->refresh_token)));
}

static void take_answer(struct load *load, struct connection *connection)
{
	if (is_good(load, connection))
		load->outcome.answered++;
	else if (load->outcome.failed++ == 0)
		(void)fprintf(stderr, "an answer that is none:\n%s\n", connection->answer);
}

static void read_some(struct load *load, struct connection *connection)
{
	ssize_t got = recv(connection->fd, connection->answer + connection->length,
		sizeof(connection->answer) - 1 - connection->length, MSG_DONTWAIT);

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got <= 0)
		fail("the authority closed a connection");
	connection->length += (size_t)got;
	connection->answer[connection->length] = '\0';
	if (!is_whole(connection))
		return;
	take_answer(load, connection);
	if (load->sent < load->order.requests)
		send_request(load, connection);
}

static void run_order(struct load *load)
{
	int64_t began_ns = clock_monotonic_ns();
	struct epoll_event events[LOAD_CONNECTIONS];

	load->outcome = (struct load_outcome){0};
	load->sent = 0;
	for (size_t i = 0; i < LOAD_CONNECTIONS && load->sent < load->order.requests; i++)
		send_request(load, &load->connections[i]);
	while (load->outcome.answered + load->outcome.failed < load->order.requests) {
		int count = epoll_wait(load->epoll, events, LOAD_CONNECTIONS, 10000);

		if (count == 0)
			fail("no answer for ten seconds");
		for (int i = 0; i < count; i++)
			read_some(load, events[i].data.ptr);
	}
	load->outcome.wall_ns = clock_monotonic_ns() - began_ns;
}

void load_run(int fd)
{
	struct load *load = calloc(1, sizeof(*load));

	if (!load)
		fail("calloc");
	(void)prctl(PR_SET_NAME, "bench-load");
	load_receive(fd, &load->plan, sizeof(load->plan));
	load->epoll = epoll_create1(EPOLL_CLOEXEC);
	for (size_t i = 0; i < LOAD_CONNECTIONS; i++)
		connect_one(load, &load->connections[i]);
	for (;;) {
		load_receive(fd, &load->order, sizeof(load->order));
		if (!load->order.requests)
			_exit(0);
		run_order(load);
		load_send(fd, &load->outcome, sizeof(load->outcome));
	}
}
