/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A reply as it comes in (RFC 9110, 5.6.7, 8.3, 10.2.3; RFC 9111, 5.2.2.1): its fields,
 * its body and their bounds. For net/http_client alone.
 */
#ifndef NET_HTTP_REPLY_H
#define NET_HTTP_REPLY_H

#include "net/http_client.h"

#include <stddef.h>
#include <stdint.h>
#include <time.h>

struct http_arrival {
	struct http_reply reply; /* without its status */
	char retry_after[64];
	size_t head_bytes; /* of all heads: a final one has 100s before it */
	int error;	   /* ERROR_LIMIT or ERROR_MEMORY: why no more was taken */
};

void http_arrival_init(struct http_arrival *arrival, size_t max_body);

/* Accepts one that is zeroed. */
void http_arrival_finish(struct http_arrival *arrival);

/* One line of a head; some of the body. 0, or `error`. A status line begins the reply
 * anew: what came before was a 100. */
int http_arrival_take_line(struct http_arrival *arrival, const char *line, size_t length);
int http_arrival_take_body(struct http_arrival *arrival, const char *bytes, size_t length);

/* All is there: reads its dates (by curl_getdate()), and hands it out. 0 or ERROR_MEMORY. */
int http_arrival_end(struct http_arrival *arrival,
	time_t (*read_date)(const char *text, const time_t *unused), int status,
	struct http_reply *ret_reply);

#endif
