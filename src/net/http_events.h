/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What libcurl's transfers wait for, as one epoll descriptor and one time; and the
 * sockets that they have, so that a child of fork() can part with them.
 */
#ifndef NET_HTTP_EVENTS_H
#define NET_HTTP_EVENTS_H

#include "net/http_curl.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	/* Two families tried at once, to a proxy or a server, and those kept open. */
	HTTP_EVENTS_SOCKETS = 16,
	HTTP_EVENTS_KEPT = 4,
};

struct http_events {
	const struct http_curl *curl;
	CURLM *multi;
	int epoll;			  /* negative: none */
	int64_t due_ms;			  /* monotonic; -1: never */
	bool failed;			  /* a socket could not be waited for */
	int sockets[HTTP_EVENTS_SOCKETS]; /* open ones, in any order */
	int socket_count;
};

/* 0, ERROR_MEMORY or ERROR_IO; it is finished also after these. It must not move. */
int http_events_init(struct http_events *events, const struct http_curl *curl);

/* Accepts one that is zeroed. Ends its connections. */
void http_events_finish(struct http_events *events);

/* In a child of fork(): from now on nothing of this reaches the parent's connections nor
 * its epoll. Whether it may be finished; else it has to stay as it is. */
bool http_events_part(struct http_events *events);

/* Has the transfers of `easy` use sockets that are known here. */
CURLcode http_events_watch(struct http_events *events, CURL *easy);

/* Milliseconds until libcurl wants to be asked, or -1. */
int http_events_timeout_ms(const struct http_events *events);

/* Has libcurl do what it can without waiting: 0, ERROR_MEMORY or ERROR_IO. */
int http_events_step(struct http_events *events);

#endif
