/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One HTTP request with bounds, on libcurl (loaded when first needed). Never
 * follows a redirect: every endpoint of OpenID Connect is named exactly.
 * A client may be used by one thread at a time.
 */
#ifndef NET_HTTP_CLIENT_H
#define NET_HTTP_CLIENT_H

#include "base/buf.h"
#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

struct http_client;

struct http_client_options {
	int connect_timeout_ms; /* 0: 5,000 */
	int total_timeout_ms;	/* 0: 15,000 */
	size_t max_body;	/* 0: 256 KiB */
	const char *ca_file;	/* NULL: the system's */
	const char *user_agent; /* NULL: "adit/VERSION" */
};

struct http_call {
	const char *method; /* "GET" or "POST" */
	const char *url;
	const char *const *fields; /* "Name: value", NULL at the end; may be NULL */
	const char *body;	   /* may be NULL */
	size_t body_length;
};

struct http_reply {
	int status;
	char content_type[128];
	char date[64];	       /* the Date field, "" if none */
	int64_t retry_after_s; /* -1: none */
	int64_t max_age_s;     /* of Cache-Control (RFC 9111, 5.2.2.1); -1: none */
	struct buf body;       /* owned by the reply */
};

/* 0; ERROR_UNAVAILABLE: libcurl can't be loaded. */
int http_client_create(const struct http_client_options *options, struct http_client **ret_client,
	struct fault *fault);
void http_client_destroy(struct http_client *client);

/* 0 with any HTTP status; ERROR_UNAVAILABLE (no connection), ERROR_TIMEOUT,
 * ERROR_REFUSED (TLS is not trusted), ERROR_LIMIT (a body over the bound),
 * ERROR_INVALID (a URL that is neither https nor http, malformed HTTP). */
int http_client_call(struct http_client *client, const struct http_call *call,
	struct http_reply *ret_reply, struct fault *fault);
void http_reply_finish(struct http_reply *reply);

#endif
