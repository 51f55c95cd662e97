/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small, strict HTTP/1.1 server (RFC 9110, RFC 9112): epoll, one loop per
 * thread, total deadlines. What it refuses is listed in docs/http.md; HTTP/2 and
 * 3 are a proxy's business.
 *
 * A handler runs on its connection's loop and must not block. It answers at
 * once, or keeps the ticket and answers later from any thread; a connection
 * takes no further request until then. A ticket whose connection has gone is
 * harmless. One request gets one answer; a second is ignored.
 */
#ifndef NET_HTTP_SERVER_H
#define NET_HTTP_SERVER_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct http_server;
struct tls_server;

struct http_ticket {
	struct http_server *server;
	uint32_t loop;
	uint32_t slot;
	uint64_t generation;
};

struct http_field {
	const char *name; /* as sent */
	size_t name_length;
	const char *value; /* without white space around it */
	size_t value_length;
};

enum { HTTP_FIELDS_MAX = 64 };

/* Borrowed by the handler until it returns. */
struct http_request {
	const char *method; /* NUL after it, like every text here */
	const char *path;   /* percent-decoded, begins with '/', never holds a NUL;
			       dots and doubled slashes are left as they are */
	size_t path_length;
	const char *raw_path; /* as sent, without the query */
	const char *query;    /* as sent, without '?'; NULL where there is none */
	const struct http_field *fields;
	size_t field_count;
	const char *body;
	size_t body_length;
	const struct sockaddr_storage *peer; /* AF_UNIX for a Unix socket */
	int64_t arrived_at_ms;		     /* clock_monotonic_ms() when the request was whole */
};

/* The value of the first field of that name (any case), NUL-terminated, or NULL.
 * `ret_count` (may be NULL): how many there are. */
const char *http_request_field(
	const struct http_request *request, const char *name, size_t *ret_count);

struct http_response {
	int status;
	const char *fields; /* lines "Name: value\r\n", may be NULL; Date, Content-Length and
			       Connection are the server's */
	const char *body;   /* may be NULL */
	size_t body_length;
	int64_t not_before_ms; /* clock_monotonic_ms(); 0: at once. For failures that leave at a
				  fixed time. */
	bool close;	       /* end the connection after it */
};

typedef void (*http_handler)(
	void *context, const struct http_request *request, struct http_ticket ticket);

/* What the server refuses by itself (400, 408, 413, 414, 417, 431, 501, 503, 505). */
struct http_refusal {
	int status;
	const char *reason; /* a few words for a person; static */
	const struct sockaddr_storage *peer;
};

enum {
	HTTP_REFUSAL_FIELDS_SIZE = 512,
	HTTP_REFUSAL_BODY_SIZE = 1024,
};

/* What is answered to it: status and Retry-After are the server's. */
struct http_refusal_answer {
	char fields[HTTP_REFUSAL_FIELDS_SIZE]; /* as in struct http_response */
	char body[HTTP_REFUSAL_BODY_SIZE];     /* with a NUL at its end */
};

/* Called for each refusal, so that it can be logged, and answered in the form of
 * the server's user: the answer is filled in, a line of plain text, and may be
 * written anew. On a loop thread; may be NULL. */
typedef void (*http_refusal_handler)(
	void *context, const struct http_refusal *refusal, struct http_refusal_answer *answer);

/* What became of a request. */
struct http_outcome {
	uint32_t loop;	 /* whose thread calls */
	unsigned mark;	 /* what http_mark() said; 0: nothing, or it never came to the handler */
	int status;	 /* 0: the connection went before its answer had */
	int64_t took_ns; /* from the request's last byte to the answer's */
};

/* Called once for each request, and for each that the server refused by itself. On a loop
 * thread; may be NULL, and then nothing is timed. */
typedef void (*http_outcome_handler)(void *context, const struct http_outcome *outcome);

/* Called for each TLS handshake that failed, so that it can be logged; `reason` is static.
 * On a loop thread; may be NULL. */
typedef void (*http_handshake_handler)(
	void *context, const char *reason, const struct sockaddr_storage *peer);

struct http_server_options {
	const char *const *listen; /* "127.0.0.1:8480", "[::1]:0" (IPv6 alone), "unix:/path";
				      "fd:3": a socket that listens already */
	size_t listen_count;
	unsigned threads;	/* loops; 0: one per core */
	size_t max_connections; /* 0: 4096, less where RLIMIT_NOFILE says so */
	size_t max_per_source;	/* 0: 512; per IPv4 address, IPv6 /64; Unix sockets apart */
	size_t max_body;	/* 0: 64 KiB */
	int head_timeout_ms;	/* 0: 5,000: the whole head, however it drips; the handshake too */
	int body_timeout_ms;	/* 0: 10,000: from its first byte */
	int idle_timeout_ms;	/* 0: 10,000 */
	int write_timeout_ms;	/* 0: 10,000: the whole answer */
	int answer_timeout_ms;	/* 0: 30,000: the handler's; then 503 */
	struct tls_server *tls; /* net/tls.h: what TCP connections speak; borrowed; NULL: plain
				   HTTP. Unix sockets are always plain */
	const char *server_header; /* NULL: no Server field */
	http_handler handler;
	http_refusal_handler refused;
	http_outcome_handler ended;
	http_handshake_handler handshake_failed;
	void *context;
};

/* Binds and listens; serves nothing yet. 0, ERROR_INVALID (an address),
 * ERROR_IO (bind, with its reason), ERROR_MEMORY; `fault` names the address. */
int http_server_create(const struct http_server_options *options, struct http_server **ret_server,
	struct fault *fault);

/* The name of a socket that listens already, in the form of `listen`: 0, or ERROR_INVALID:
 * it is no listening stream socket of IPv4, IPv6 or the file system. */
enum { HTTP_ADDRESS_SIZE = 128 };
int http_listen_address(int fd, char ret_address[HTTP_ADDRESS_SIZE]);

/* The address that listener `index` really got ("127.0.0.1:40123"), borrowed. */
const char *http_server_address(const struct http_server *server, size_t index);

/* What is spoken there: "http" or "https". */
const char *http_server_scheme(const struct http_server *server, size_t index);

/* Starts the loops' threads. */
int http_server_start(struct http_server *server);

/* Says what the request is, for http_outcome_handler. From its handler alone. */
void http_mark(struct http_ticket ticket, unsigned mark);

/* Lines "Name: value\r\n" that the answer will have besides its own, whoever writes it. From
 * the handler, before it answers; more are appended. ERROR_LIMIT: more than 1 KiB. */
int http_add_fields(struct http_ticket ticket, const char *fields);

/* For how long a loop has not taken a turn that it was asked for, of all loops the longest;
 * and asks each for another. To be called now and then, from one thread. */
int64_t http_server_stalled_ms(struct http_server *server);

/* Copies the response; from any thread. */
void http_answer(struct http_ticket ticket, const struct http_response *response);

/* Not from a handler. Accepts no more, lets what is under way finish for at most `drain_ms`, then
 * cuts. Returns when the threads have ended. */
void http_server_stop(struct http_server *server, int drain_ms);
void http_server_destroy(struct http_server *server); /* stopped or never started; accepts NULL */

/* Since the start, but for `open`. From any thread. */
struct http_statistics {
	uint64_t open;	      /* connections of now */
	uint64_t accepted;    /* taken */
	uint64_t evicted;     /* closed to make room for another */
	uint64_t turned_away; /* answered 503 at once, or closed: there was no room */
};
void http_server_statistics(
	const struct http_server *server, struct http_statistics *ret_statistics);

/* The phrase of a status: "Not Found"; never NULL. */
const char *http_status_text(int status);

/* "::ffff:…" is an IPv4 address. For logs and limits: "192.0.2.1", "2001:db8::1", "unix". */
enum { HTTP_SOURCE_SIZE = 64 };
void http_source_text(const struct sockaddr_storage *peer, char ret_text[HTTP_SOURCE_SIZE]);

#endif
