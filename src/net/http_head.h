/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lines of a request's head (RFC 9112, 3 and 5), for http_reader.c alone.
 */
#ifndef NET_HTTP_HEAD_H
#define NET_HTTP_HEAD_H

#include "net/http_reader.h"

/* A line without its CRLF, by offsets. */
struct http_line {
	size_t start;
	size_t end;
};

/* Remembers the refusal; returns HTTP_REFUSED. */
enum http_verdict http_refuse(struct http_reader *reader, int status, const char *reason);

/* All: HTTP_MORE to read on, or HTTP_REFUSED. */
enum http_verdict http_head_request_line(struct http_reader *reader, struct http_line line);
enum http_verdict http_head_field(struct http_reader *reader, struct http_line line);

/* A field after the last chunk: looked at and forgotten. */
enum http_verdict http_head_trailer(struct http_reader *reader, struct http_line line);

/* What only the whole head can tell. */
enum http_verdict http_head_end(struct http_reader *reader);

/* What to say of a line that begins so and is longer than any that would be taken. */
enum http_verdict http_head_line_too_long(
	struct http_reader *reader, const char *text, size_t length);

#endif
