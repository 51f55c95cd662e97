/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parts of the HTTP server share. Everything of a loop belongs to its
 * thread, its mailbox and `count` apart: other threads name a connection by its
 * slot and generation, never by a pointer.
 */
#ifndef NET_HTTP_LOOP_H
#define NET_HTTP_LOOP_H

#include "base/buf.h"
#include "net/http_listener.h"
#include "net/http_reader.h"
#include "net/http_server.h"
#include "net/http_sources.h"
#include "net/http_timers.h"
#include "net/tls.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HTTP_DATE_SIZE = 64 };

enum http_phase {
	HTTP_PHASE_IDLE,       /* nothing of the next request is there */
	HTTP_PHASE_HEAD,       /* part of a head is there */
	HTTP_PHASE_BODY_AWAIT, /* the head is whole, nothing of its body is there */
	HTTP_PHASE_BODY,       /* part of the body is there */
	HTTP_PHASE_HANDLER,    /* the handler holds the ticket */
	HTTP_PHASE_DELAY,      /* the answer is ready and not due */
	HTTP_PHASE_WRITE,      /* the answer is on its way */
	HTTP_PHASE_LINGER,     /* all is written; what still comes is thrown away */
	HTTP_PHASE_HANDSHAKE,  /* of TLS */
	HTTP_PHASE_CLOSED,     /* to be freed at the end of the loop's round */
};

/* Connections that may be evicted are in one of three lists, in this order. */
enum http_list_kind {
	HTTP_LIST_IDLE,	   /* served before, waiting; longest first */
	HTTP_LIST_FRESH,   /* never sent a whole request; oldest first */
	HTTP_LIST_PARTIAL, /* served before, a part of a request there; longest first */
	HTTP_LIST_COUNT,
	HTTP_LIST_NONE = HTTP_LIST_COUNT,
};

struct http_connection {
	struct http_timer timer;      /* first: a timer is its connection */
	struct http_connection *next; /* of its list, or of the loop's closed ones */
	struct http_connection *previous;
	struct http_connection *next_ready;
	enum http_list_kind list;
	enum http_phase phase;
	int fd;
	uint32_t slot;
	uint32_t serial; /* low bits of the slot's generation when it was accepted */
	bool is_ready;	 /* in the loop's list of those that go on in the next round */
	bool readable;	 /* the socket may have bytes */
	bool ended;	 /* the peer sends no more */
	bool watches_writable;
	bool is_secure; /* speaks TLS, or will */
	bool served;	/* got a whole request before */
	bool is_head;
	bool is_http10;
	bool close;	     /* after the answer */
	bool linger;	     /* not before what still comes was read */
	bool answer_in_loop; /* the answer is in the loop's buffer, not in `out` */
	struct buf out;	     /* the answer, where it can't go at once */
	size_t sent;	     /* bytes of it */
	size_t discarded;    /* bytes read in LINGER */
	bool unended;	     /* a request's outcome is still to be told */
	struct buf fields;   /* that its answer will have besides its own */
	unsigned mark;	     /* of that request, as its status and arrival are */
	int status;
	int64_t arrived_ns;
	struct tls_session *tls; /* NULL: plain, or nothing has come yet */
	struct http_reader reader;
	struct sockaddr_storage peer;
};

struct http_slot {
	struct http_connection *connection;
	uint64_t generation; /* grows with each connection and each request */
};

struct http_list {
	struct http_connection *first;
	struct http_connection *last;
};

/* An answer from another thread, or a connection that another loop accepted. */
struct http_message {
	struct http_message *next;
	struct http_ticket ticket;
	struct http_response response; /* its texts lie behind the message */
	int fd;			       /* negative: an answer */
	struct sockaddr_storage peer;
	char bytes[];
};

struct http_loop {
	struct http_server *server;
	uint32_t index;
	_Atomic(pthread_t) thread; /* set by itself, so that it is known to it */
	pthread_t to_join;	   /* the same, of the one who started it */
	bool started;
	int epoll;
	int wake;  /* eventfd */
	int spare; /* given up to accept and drop a connection when descriptors ran out */
	int64_t now_ms;
	struct http_timers timers;
	struct http_slot *slots;
	uint32_t *free_slots;
	uint32_t free_count;
	uint32_t slot_count;
	atomic_uint count; /* connections, those in the mailbox too */
	_Atomic uint64_t accepted;
	_Atomic uint64_t evicted;
	_Atomic uint64_t turned_away;
	_Atomic int64_t
		asked_ms; /* when it was asked for a turn that it has not taken; 0: was not */
	struct http_list lists[HTTP_LIST_COUNT];
	struct http_connection *ready;
	struct http_connection **ready_end;
	struct http_connection *closed;
	struct http_connection *current; /* whose handler runs */
	struct buf out;			 /* the answer being written */
	int64_t date_s;
	char date[HTTP_DATE_SIZE];
	bool draining;
	int64_t drain_ends_at_ms;
	pthread_mutex_t lock; /* of the mailbox */
	struct http_message *mail;
	struct http_message **mail_end;
};

struct http_server {
	struct http_server_options options; /* without the strings of `listen` */
	char *server_header;
	size_t max_connections;
	struct http_listener *listeners;
	size_t listener_count;
	struct http_loop *loops;
	uint32_t loop_count;
	struct http_sources sources;
	bool started;
	bool stopped;
	atomic_uint accepting; /* loops that still accept */
	atomic_bool stopping;
	int64_t drain_ends_at_ms; /* written before `stopping` */
};

/* http_loop.c. 0, ERROR_MEMORY or ERROR_IO. */
int http_loop_init(struct http_loop *loop, struct http_server *server, uint32_t index);
void http_loop_finish(struct http_loop *loop);
void *http_loop_run(void *context);

/* From any thread. The message is the loop's from then on. */
void http_loop_post(struct http_loop *loop, struct http_message *message);
void http_loop_wake(struct http_loop *loop);

/* The connection goes on in the loop's next round. */
void http_loop_ready(struct http_loop *loop, struct http_connection *connection);

/* Moves it to the end of a list, out of the one that it is in. */
void http_loop_list(
	struct http_loop *loop, struct http_connection *connection, enum http_list_kind list);

/* http_accept.c. Takes some of what waits at a listener; whether more may wait. */
bool http_accept(struct http_loop *loop, const struct http_listener *listener);

/* Makes the descriptor, which is counted already, a connection of this loop, or closes it. */
void http_adopt(struct http_loop *loop, int fd, const struct sockaddr_storage *peer);

/* http_connection.c. All on the loop's thread; any may close the connection,
 * whose memory stays until the round ends. */
void http_connection_event(
	struct http_loop *loop, struct http_connection *connection, uint32_t events);
void http_connection_run(struct http_loop *loop, struct http_connection *connection);

/* The handler's answer. It is not on its way before http_connection_run(). */
void http_connection_answer(struct http_loop *loop, struct http_connection *connection,
	const struct http_response *response);

/* Its deadline has passed. */
void http_connection_expire(struct http_loop *loop, struct http_connection *connection);
void http_connection_close(struct http_loop *loop, struct http_connection *connection);

/* http_response.c. Replaces what is in `out`: 0 or ERROR_MEMORY, ERROR_LIMIT. */
int http_response_write(struct http_loop *loop, const struct http_connection *connection,
	const struct http_response *response, struct buf *out);

/* Whether connections from there speak TLS: all but those over Unix sockets, where there is any. */
bool http_server_is_secure(const struct http_server *server, const struct sockaddr_storage *peer);

/* Fills in what is answered to a refusal, and tells the server's user. */
void http_refusal_compose(const struct http_server *server, const struct http_refusal *refusal,
	struct http_refusal_answer *ret_answer);

#endif
