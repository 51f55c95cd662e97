/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP requests with bounds, one at a time, on libcurl (loaded when first needed):
 * without blocking, or waited for. Never follows a redirect: every endpoint of
 * OpenID Connect is named exactly. A connection stays open for the next call.
 * A client may be used by one thread at a time. No signal is raised by it, and no
 * signal's disposition changed.
 */
#ifndef NET_HTTP_CLIENT_H
#define NET_HTTP_CLIENT_H

#include "base/buf.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http_client;

/* Texts are copied. */
struct http_client_options {
	int connect_timeout_ms; /* 0: 5,000 */
	int total_timeout_ms;	/* from begin to end of a call; 0: 15,000 */
	size_t max_body;	/* of a reply; 0: 256 KiB */
	const char *user_agent; /* NULL: "adit/VERSION" */
	const char *ca_file;	/* PEM; NULL: the system's */

	/* PEM: the client's own certificate, and its key, without a passphrase (NULL: in
	 * the same file). NULL: none. */
	const char *certificate_file;
	const char *certificate_key_file;

	/* "http://HOST:PORT", for https. NULL: as the environment says (https_proxy,
	 * no_proxy); "": none. Never used for plain http, nor for loopback. */
	const char *proxy;
};

struct http_call {
	const char *method; /* GET, HEAD, POST, PUT, PATCH or DELETE */
	const char *url;
	const char *const *fields; /* "Name: value", NULL at the end; may be NULL */
	const char *body;	   /* may be NULL */
	size_t body_length;
	size_t max_body;      /* of the reply; 0: the client's */
	int total_timeout_ms; /* 0: the client's */
};

struct http_reply {
	int status;
	char content_type[128];
	char date[64];	       /* the Date field, "" if none */
	int64_t date_s;	       /* the same as Unix time; -1: none, or malformed */
	int64_t retry_after_s; /* seconds; of a date, from `date_s` on; -1: none */
	int64_t max_age_s;     /* of Cache-Control (RFC 9111, 5.2.2.1); -1: none */
	bool is_cached;	       /* has an Age (5.1): a cache kept it, and `date` is of then */
	struct buf body;       /* owned by the reply */
};

/* 0; ERROR_UNAVAILABLE: libcurl can't be loaded; ERROR_INVALID: a proxy that is none;
 * ERROR_MEMORY. */
int http_client_create(const struct http_client_options *options, struct http_client **ret_client,
	struct fault *fault);

/* Accepts NULL. Abandons the call under way. */
void http_client_destroy(struct http_client *client);

/* In a child, after fork(): destroys its copy of the client in such a way that the
 * parent's connections notice nothing. The child's descriptors are closed; of a call
 * that was under way then the memory is not freed, since libcurl would wait for its
 * thread, which the child has not. Accepts NULL. */
void http_client_forget(struct http_client *client);

/* 0 with any HTTP status; ERROR_UNAVAILABLE (no connection), ERROR_TIMEOUT,
 * ERROR_REFUSED (TLS is not trusted, or does not trust), ERROR_LIMIT (a head or body
 * over the bound), ERROR_INVALID (a URL that is neither https nor http, malformed HTTP),
 * ERROR_MEMORY. `fault` names host and port, and nothing else of the URL. */
int http_client_call(struct http_client *client, const struct http_call *call,
	struct http_reply *ret_reply, struct fault *fault);
void http_reply_finish(struct http_reply *reply);

/* --- without blocking ----------------------------------------------------------- */

enum { HTTP_CLIENT_WAIT = 1 };

/* Begins a call; nothing is sent before the first step. `body` is borrowed until the
 * call has ended or was abandoned; what else `call` points to is copied, and wiped when
 * it ends. 0; ERROR_INVALID, ERROR_MEMORY; ERROR_BUSY: one is under way. */
int http_client_begin(
	struct http_client *client, const struct http_call *call, struct fault *fault);

/* An epoll descriptor, the same for the client's life: readable when there is
 * something to do. */
int http_client_fd(const struct http_client *client);

/* When there is something to do though it does not become readable; -1: never. */
int http_client_timeout_ms(const struct http_client *client);

/* HTTP_CLIENT_WAIT: not yet; else the call has ended, and as http_client_call(). */
int http_client_step(struct http_client *client, struct http_reply *ret_reply, struct fault *fault);

/* Ends the call under way, if there is one; waits for nothing. */
void http_client_abandon(struct http_client *client);

/* Whether the server may have got something of the last call's request: false, also
 * after a failure in name resolution, connecting or TLS, means that it certainly has
 * not. A POST, PUT, PATCH or DELETE that may have been sent is never sent again. */
bool http_client_sent(const struct http_client *client);

#endif
