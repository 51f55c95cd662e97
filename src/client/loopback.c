/* SPDX-License-Identifier: Apache-2.0 */
#include "client/loopback.h"

#include "base/clock.h"
#include "base/secret.h"
#include "client/loopback_page.h"
#include "client/loopback_request.h"
#include "net/http_reader.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	VISITORS_MAX = 16,
	WAITING_MAX = 4, /* of them, for the outcome */
	ACCEPTS_AT_ONCE = 4,
	READS_AT_ONCE = 4,	/* of one visitor, 4 KiB each or so */
	REQUEST_MS = 10 * 1000, /* a whole request, from connecting on */
	ANSWER_MS = 5 * 1000,
	LINGER_MS = 1000, /* so that an answer is not lost to a reset */
	PAUSE_MS = 200,	  /* where no more can be accepted */
	PATH_SIZE = 200,
	OUT_MAX = LOOPBACK_PAGE_MAX + 2048,
};

enum phase { PHASE_NONE, PHASE_LINGER, PHASE_READ, PHASE_HELD, PHASE_ANSWER, PHASE_WAIT };

/* A connection. Browsers open some that they may use later: none keeps others out. */
struct visitor {
	enum phase phase;
	int fd;
	uint64_t number; /* in the order in which they came */
	int64_t ends_ms; /* of the phase; of PHASE_WAIT there is no end */
	struct http_reader reader;
	struct buf out; /* of PHASE_HELD: the query that it came with */
	size_t sent;
};

struct loopback {
	int epoll;
	int listener;
	int64_t resumes_ms; /* when the listener is looked at again; 0: it is */
	uint16_t port;
	char path[PATH_SIZE];
	char redirect_uri[PATH_SIZE + 32];
	struct buf query;  /* of the redirect that is looked at, or was last; may be empty */
	bool is_answered;  /* it was */
	struct buf answer; /* what it was answered */
	uint64_t visits;
	struct visitor visitors[VISITORS_MAX];
};

static bool is_path(const char *path)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				      "0123456789-._~/";

	return path[0] == '/' && strlen(path) < PATH_SIZE && !path[strspn(path, allowed)];
}

static int watch(struct loopback *loopback, int fd, uint32_t what, uint64_t index)
{
	struct epoll_event event = {.events = what, .data.u64 = index};

	if (!epoll_ctl(loopback->epoll, EPOLL_CTL_MOD, fd, &event) ||
		(errno == ENOENT && !epoll_ctl(loopback->epoll, EPOLL_CTL_ADD, fd, &event)))
		return 0;
	return ERROR_IO;
}

static int open_listener(struct loopback *loopback, uint16_t port, struct fault *fault)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t length = sizeof(address);
	int yes = 1;

	loopback->epoll = epoll_create1(EPOLL_CLOEXEC);
	loopback->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	/* Connections of the last sign-in may still be ending there. */
	if (loopback->epoll >= 0 && loopback->listener >= 0 &&
		!setsockopt(loopback->listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) &&
		!bind(loopback->listener, (struct sockaddr *)&address, length) &&
		!listen(loopback->listener, VISITORS_MAX) &&
		!getsockname(loopback->listener, (struct sockaddr *)&address, &length) &&
		!watch(loopback, loopback->listener, EPOLLIN, VISITORS_MAX)) {
		loopback->port = ntohs(address.sin_port);
		return 0;
	}
	fault_set(fault, "can't listen on 127.0.0.1 port %u for the end of the sign-in: %s",
		(unsigned)port, strerror(errno));
	return errno == EADDRINUSE ? ERROR_BUSY : ERROR_IO;
}

int loopback_create(
	uint16_t port, const char *path, struct loopback **ret_loopback, struct fault *fault)
{
	struct loopback *loopback;
	int error;

	if (!is_path(path)) {
		fault_set(fault,
			"the redirect's path must begin with '/' and be of letters, digits and "
			"-._~/");
		return ERROR_INVALID;
	}
	loopback = calloc(1, sizeof(*loopback));
	if (!loopback)
		return ERROR_MEMORY;
	loopback->epoll = loopback->listener = -1;
	for (size_t i = 0; i < VISITORS_MAX; i++)
		loopback->visitors[i].fd = -1;
	buf_init(&loopback->query, HTTP_TARGET_MAX);
	buf_init(&loopback->answer, OUT_MAX);
	memcpy(loopback->path, path, strlen(path) + 1);
	error = open_listener(loopback, port, fault);
	if (error) {
		loopback_forget(loopback);
		return error;
	}
	(void)snprintf(loopback->redirect_uri, sizeof(loopback->redirect_uri),
		"http://127.0.0.1:%u%s", (unsigned)loopback->port, path);
	*ret_loopback = loopback;
	return 0;
}

const char *loopback_redirect_uri(const struct loopback *loopback)
{
	return loopback->redirect_uri;
}

int loopback_fd(const struct loopback *loopback)
{
	return loopback->epoll;
}

static void close_visitor(struct loopback *loopback, struct visitor *visitor)
{
	/* A child of fork() may hold it too, and then closing it is not enough. */
	if (visitor->fd >= 0 && loopback->epoll >= 0)
		(void)epoll_ctl(loopback->epoll, EPOLL_CTL_DEL, visitor->fd, NULL);
	if (visitor->fd >= 0)
		(void)close(visitor->fd);
	http_reader_finish(&visitor->reader);
	buf_finish(&visitor->out);
	*visitor = (struct visitor){.fd = -1};
}

void loopback_forget(struct loopback *loopback)
{
	if (!loopback)
		return;
	/* First: what is removed from it, is removed for the parent too. */
	if (loopback->epoll >= 0)
		(void)close(loopback->epoll);
	loopback->epoll = -1;
	for (size_t i = 0; i < VISITORS_MAX; i++)
		close_visitor(loopback, &loopback->visitors[i]);
	if (loopback->listener >= 0)
		(void)close(loopback->listener);
	buf_finish(&loopback->query);
	buf_finish(&loopback->answer);
	memory_wipe(loopback, sizeof(*loopback));
	free(loopback);
}

/* --- answering ------------------------------------------------------------------ */

static void linger(struct visitor *visitor, int64_t now_ms)
{
	buf_finish(&visitor->out);
	(void)shutdown(visitor->fd, SHUT_WR);
	visitor->phase = PHASE_LINGER;
	visitor->ends_ms = now_ms + LINGER_MS;
}

static void send_answer(struct loopback *loopback, struct visitor *visitor, int64_t now_ms)
{
	uint64_t index = (uint64_t)(visitor - loopback->visitors);

	while (visitor->sent < visitor->out.len) {
		ssize_t sent = send(visitor->fd, visitor->out.data + visitor->sent,
			visitor->out.len - visitor->sent, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
			if (watch(loopback, visitor->fd, EPOLLOUT, index))
				close_visitor(loopback, visitor);
			return;
		}
		if (sent <= 0) {
			close_visitor(loopback, visitor);
			return;
		}
		visitor->sent += (size_t)sent;
	}
	linger(visitor, now_ms);
	if (watch(loopback, visitor->fd, EPOLLIN, index))
		close_visitor(loopback, visitor);
}

/* What is in visitor->out, if that could be made. */
static void answer_visitor(struct loopback *loopback, struct visitor *visitor, int64_t now_ms)
{
	http_reader_finish(&visitor->reader);
	if (buf_status(&visitor->out)) {
		close_visitor(loopback, visitor);
		return;
	}
	visitor->phase = PHASE_ANSWER;
	visitor->ends_ms = now_ms + ANSWER_MS;
	send_answer(loopback, visitor, now_ms);
}

static void refuse(struct loopback *loopback, struct visitor *visitor, int status, int64_t now_ms)
{
	(void)loopback_page_refuse(&visitor->out, status);
	answer_visitor(loopback, visitor, now_ms);
}

static void answer_waiting(struct loopback *loopback, int64_t now_ms)
{
	for (size_t i = 0; i < VISITORS_MAX; i++) {
		struct visitor *visitor = &loopback->visitors[i];

		if (visitor->phase != PHASE_WAIT)
			continue;
		(void)buf_append(&visitor->out, loopback->answer.data, loopback->answer.len);
		answer_visitor(loopback, visitor, now_ms);
	}
}

const char *loopback_query(const struct loopback *loopback)
{
	return loopback->query.len && !loopback->is_answered ? loopback->query.data : NULL;
}

bool loopback_is_answering(const struct loopback *loopback)
{
	for (size_t i = 0; i < VISITORS_MAX; i++) {
		if (loopback->visitors[i].phase == PHASE_ANSWER)
			return true;
	}
	return false;
}

/* --- reading -------------------------------------------------------------------- */

static size_t count_waiting(const struct loopback *loopback)
{
	size_t count = 0;

	for (size_t i = 0; i < VISITORS_MAX; i++)
		count += loopback->visitors[i].phase == PHASE_WAIT;
	return count;
}

static void await_outcome(struct loopback *loopback, struct visitor *visitor)
{
	http_reader_finish(&visitor->reader);
	visitor->phase = PHASE_WAIT;
	visitor->ends_ms = INT64_MAX;
	/* Nothing is wanted of it but to know when it goes, which epoll tells unasked. */
	if (watch(loopback, visitor->fd, 0, (uint64_t)(visitor - loopback->visitors)))
		close_visitor(loopback, visitor);
}

/* Whoever sends something first must not keep the right one out: each has its turn. */
static void hold(struct loopback *loopback, struct visitor *visitor, const char *query)
{
	if (buf_append_text(&visitor->out, query)) {
		close_visitor(loopback, visitor);
		return;
	}
	http_reader_finish(&visitor->reader);
	visitor->phase = PHASE_HELD;
	if (watch(loopback, visitor->fd, 0, (uint64_t)(visitor - loopback->visitors)))
		close_visitor(loopback, visitor);
}

static void take_redirect(
	struct loopback *loopback, struct visitor *visitor, const char *query, int64_t now_ms)
{
	bool is_same = loopback->query.len && !strcmp(query, loopback->query.data);

	/* A page that is loaded again gets what it had. */
	if (is_same && loopback->is_answered) {
		(void)buf_append(&visitor->out, loopback->answer.data, loopback->answer.len);
		answer_visitor(loopback, visitor, now_ms);
	} else if (loopback->query.len && !loopback->is_answered && !is_same) {
		hold(loopback, visitor, query);
	} else if (count_waiting(loopback) >= WAITING_MAX) {
		refuse(loopback, visitor, 503, now_ms);
	} else if (is_same) {
		await_outcome(loopback, visitor);
	} else {
		buf_reset(&loopback->query);
		if (buf_append_text(&loopback->query, query)) {
			buf_reset(&loopback->query);
			close_visitor(loopback, visitor);
			return;
		}
		loopback->is_answered = false;
		await_outcome(loopback, visitor);
	}
}

/* The one that has been held longest, or NULL. */
static struct visitor *first_held(struct loopback *loopback)
{
	struct visitor *first = NULL;

	for (size_t i = 0; i < VISITORS_MAX; i++) {
		struct visitor *visitor = &loopback->visitors[i];

		if (visitor->phase == PHASE_HELD && (!first || visitor->number < first->number))
			first = visitor;
	}
	return first;
}

static void resume_held(struct loopback *loopback, int64_t now_ms)
{
	struct visitor *visitor;

	while (!loopback_query(loopback) && (visitor = first_held(loopback))) {
		struct buf query = visitor->out;

		buf_init(&visitor->out, OUT_MAX);
		visitor->phase = PHASE_READ;
		take_redirect(loopback, visitor, query.data, now_ms);
		buf_finish(&query);
	}
}

int loopback_answer(struct loopback *loopback, const struct loopback_page *page)
{
	int64_t now_ms = clock_monotonic_ms();
	int error;

	buf_reset(&loopback->answer);
	error = loopback_page_write(&loopback->answer, page);
	loopback->is_answered = true;
	answer_waiting(loopback, now_ms);
	resume_held(loopback, now_ms);
	return error;
}

void loopback_destroy(struct loopback *loopback)
{
	static const struct loopback_page given_up = {.failed = true,
		.title = "The sign-in was given up",
		.text = "The application stopped waiting for it. Close this page, and begin to "
			"sign in again in the application."};

	/* It fits into an empty socket's memory. */
	while (loopback && loopback_query(loopback))
		(void)loopback_answer(loopback, &given_up);
	loopback_forget(loopback);
}

static void take_request(struct loopback *loopback, struct visitor *visitor, int64_t now_ms)
{
	struct http_field fields[HTTP_FIELDS_MAX];
	struct http_request request = {0};
	int status;

	http_reader_request(&visitor->reader, fields, &request);
	status = loopback_request_judge(&request, loopback->port, loopback->path);
	if (status == 200)
		take_redirect(loopback, visitor, request.query, now_ms);
	else
		refuse(loopback, visitor, status, now_ms);
}

/* Whether to read on. */
static bool read_some(struct loopback *loopback, struct visitor *visitor, int64_t now_ms)
{
	char *bytes;
	size_t size;
	ssize_t length;

	if (http_reader_space(&visitor->reader, &bytes, &size)) {
		close_visitor(loopback, visitor);
		return false;
	}
	length = recv(visitor->fd, bytes, size, MSG_DONTWAIT);
	if (length < 0 && (errno == EINTR || errno == EAGAIN || errno == EWOULDBLOCK))
		return errno == EINTR;
	if (length <= 0) {
		close_visitor(loopback, visitor);
		return false;
	}
	http_reader_add(&visitor->reader, (size_t)length);
	switch (http_reader_step(&visitor->reader)) {
	case HTTP_WHOLE:
		take_request(loopback, visitor, now_ms);
		return false;
	case HTTP_REFUSED:
		refuse(loopback, visitor, visitor->reader.status, now_ms);
		return false;
	default:
		return true;
	}
}

static void discard(struct loopback *loopback, struct visitor *visitor)
{
	char bytes[4096];
	ssize_t length = recv(visitor->fd, bytes, sizeof(bytes), MSG_DONTWAIT);

	memory_wipe(bytes, sizeof(bytes));
	if (!length || (length < 0 && errno != EINTR && errno != EAGAIN && errno != EWOULDBLOCK))
		close_visitor(loopback, visitor);
}

static void serve(struct loopback *loopback, struct visitor *visitor, uint32_t what, int64_t now_ms)
{
	switch (visitor->phase) {
	case PHASE_READ:
		for (int i = 0; i < READS_AT_ONCE; i++) {
			if (!read_some(loopback, visitor, now_ms))
				break;
		}
		break;
	case PHASE_HELD:
	case PHASE_WAIT:
		if (what & (EPOLLHUP | EPOLLERR))
			close_visitor(loopback, visitor);
		break;
	case PHASE_ANSWER:
		send_answer(loopback, visitor, now_ms);
		break;
	case PHASE_LINGER:
		discard(loopback, visitor);
		break;
	default:
		break;
	}
}

/* --- accepting ------------------------------------------------------------------ */

/* Whom one would miss less. Those who are held have said what they want, and those who are
 * read may be about to: none keeps the others out. */
static bool is_missed_less(const struct visitor *one, const struct visitor *other)
{
	enum phase phase = one->phase == PHASE_HELD ? PHASE_READ : one->phase;
	enum phase other_phase = other->phase == PHASE_HELD ? PHASE_READ : other->phase;

	return phase < other_phase || (phase == other_phase && one->number < other->number);
}

/* A free place, or that of whoever can be missed best: in the order of the phases, and of
 * one phase the oldest. Of those who wait there are fewer than places. */
static struct visitor *find_place(struct loopback *loopback)
{
	struct visitor *best = &loopback->visitors[0];

	for (size_t i = 1; i < VISITORS_MAX; i++) {
		if (is_missed_less(&loopback->visitors[i], best))
			best = &loopback->visitors[i];
	}
	close_visitor(loopback, best);
	return best;
}

static int look_at_listener(struct loopback *loopback, bool looks, int64_t now_ms)
{
	loopback->resumes_ms = looks ? 0 : now_ms + PAUSE_MS;
	return watch(loopback, loopback->listener, looks ? EPOLLIN : 0, VISITORS_MAX);
}

static int accept_some(struct loopback *loopback, int64_t now_ms)
{
	for (int i = 0; i < ACCEPTS_AT_ONCE; i++) {
		int fd = accept4(loopback->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		struct visitor *visitor;

		if (fd < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return 0;
		if (fd < 0 && (errno == EINTR || errno == ECONNABORTED))
			continue;
		/* No descriptors or no memory: it would be tried for ever. */
		if (fd < 0)
			return look_at_listener(loopback, false, now_ms);
		visitor = find_place(loopback);
		*visitor = (struct visitor){.phase = PHASE_READ,
			.fd = fd,
			.number = loopback->visits++,
			.ends_ms = now_ms + REQUEST_MS};
		http_reader_init(&visitor->reader, 0);
		buf_init(&visitor->out, OUT_MAX);
		if (watch(loopback, fd, EPOLLIN, (uint64_t)(visitor - loopback->visitors)))
			close_visitor(loopback, visitor);
	}
	return 0;
}

/* --- stepping ------------------------------------------------------------------- */

int loopback_timeout_ms(const struct loopback *loopback)
{
	int64_t first_ms = loopback->resumes_ms ? loopback->resumes_ms : INT64_MAX;
	int64_t left_ms;

	for (size_t i = 0; i < VISITORS_MAX; i++) {
		const struct visitor *visitor = &loopback->visitors[i];

		if (visitor->phase != PHASE_NONE && visitor->ends_ms < first_ms)
			first_ms = visitor->ends_ms;
	}
	if (first_ms == INT64_MAX)
		return -1;
	left_ms = first_ms - clock_monotonic_ms();
	if (left_ms > INT_MAX)
		return INT_MAX;
	return left_ms > 0 ? (int)left_ms : 0;
}

int loopback_step(struct loopback *loopback)
{
	struct epoll_event ready[VISITORS_MAX + 1];
	int64_t now_ms = clock_monotonic_ms();
	int count = epoll_wait(loopback->epoll, ready, VISITORS_MAX + 1, 0);
	bool may_accept = false;
	int error = 0;

	for (int i = 0; i < count; i++) {
		if (ready[i].data.u64 == VISITORS_MAX)
			may_accept = true;
		else
			serve(loopback, &loopback->visitors[ready[i].data.u64], ready[i].events,
				now_ms);
	}
	for (size_t i = 0; i < VISITORS_MAX; i++) {
		if (loopback->visitors[i].fd >= 0 && loopback->visitors[i].ends_ms <= now_ms)
			close_visitor(loopback, &loopback->visitors[i]);
	}
	/* After the others: it may take one's place. */
	if (may_accept)
		error = accept_some(loopback, now_ms);
	if (!error && loopback->resumes_ms && loopback->resumes_ms <= now_ms)
		error = look_at_listener(loopback, true, now_ms);
	return error;
}
