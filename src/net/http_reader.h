/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads HTTP/1.1 requests (RFC 9112) out of bytes, strictly: whatever two
 * readers could understand differently is refused. It knows no socket; what it
 * says depends on the bytes alone, never on how they were cut into pieces.
 * docs/http.md lists what is refused, and with which status. Not thread-safe.
 */
#ifndef NET_HTTP_READER_H
#define NET_HTTP_READER_H

#include "base/buf.h"
#include "net/http_server.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	HTTP_HEAD_MAX = 16 * 1024,   /* bytes of the request line and all fields */
	HTTP_TARGET_MAX = 4 * 1024,  /* bytes of path and query */
	HTTP_METHOD_MAX = 32,	     /* bytes */
	HTTP_TRAILER_MAX = 4 * 1024, /* bytes of the fields after the last chunk */
};

enum http_verdict {
	HTTP_MORE,     /* give it more bytes */
	HTTP_CONTINUE, /* as HTTP_MORE; the client waits for a 100 before it sends the body */
	HTTP_WHOLE,    /* a request is there */
	HTTP_REFUSED,  /* `status` and `reason` say why; nothing after it can be read */
	HTTP_GO_ON,    /* never said to a caller: the reader's next state has something to do */
};

enum http_reader_state {
	HTTP_READER_REQUEST_LINE,
	HTTP_READER_FIELDS,
	HTTP_READER_BODY,
	HTTP_READER_CHUNK_SIZE,
	HTTP_READER_CHUNK_DATA,
	HTTP_READER_CHUNK_END,
	HTTP_READER_TRAILER,
	HTTP_READER_WHOLE,
	HTTP_READER_REFUSED,
};

/* Offsets into the bytes, which move when they grow. */
struct http_reader_field {
	uint16_t name;
	uint16_t name_length;
	uint16_t value;
	uint16_t value_length;
};

struct http_reader {
	/* For the caller to read. */
	enum http_reader_state state;
	int status;	    /* once refused */
	const char *reason; /* static */
	bool is_head;	    /* the method is HEAD */
	bool is_http10;
	bool close; /* the connection ends after this request */

	/* The reader's own. */
	bool seen_empty_line;
	bool seen_host;
	bool seen_length;
	bool seen_expect;
	bool seen_close;
	bool keep_alive;
	bool chunked;
	struct buf bytes;
	struct buf decoded; /* the path, where it held escapes */
	size_t max_body;
	size_t line;	    /* where the line being read begins */
	size_t scanned;	    /* no line ends before it */
	size_t body;	    /* where the body begins */
	size_t body_length; /* bytes of it that are there */
	size_t next;	    /* the first byte not understood yet (chunks), or of the next request */
	uint64_t left;	    /* bytes that the body or the chunk still lacks */
	char covered;	    /* the byte under the NUL after the body */
	uint16_t method_length;
	uint16_t path;
	uint16_t path_length;
	uint16_t query;
	bool has_query;
	unsigned field_count;
	struct http_reader_field fields[HTTP_FIELDS_MAX];
};

/* Allocates nothing yet. `max_body` in bytes. */
void http_reader_init(struct http_reader *reader, size_t max_body);

/* Wipes and frees. Accepts NULL or a zeroed reader. */
void http_reader_finish(struct http_reader *reader);

/* Room for the next bytes, at least one: 0 or ERROR_MEMORY. Not while a request is whole. */
int http_reader_space(struct http_reader *reader, char **ret_bytes, size_t *ret_size);

/* `length` bytes were written there. */
void http_reader_add(struct http_reader *reader, size_t length);

/* Reads on. HTTP_CONTINUE is said once; the other verdicts stay until something is done. */
enum http_verdict http_reader_step(struct http_reader *reader);

/* The whole request, borrowed until http_reader_next(); peer and time are left
 * alone. `fields` has HTTP_FIELDS_MAX members. */
void http_reader_request(
	struct http_reader *reader, struct http_field *fields, struct http_request *request);

/* Forgets the whole request and begins the next one, which may be there already. */
void http_reader_next(struct http_reader *reader);

/* Whether bytes of a request have come. */
bool http_reader_begun(const struct http_reader *reader);

/* Whether `a` is `b`, which is in lower case, in any case. */
bool http_text_is(const char *a, size_t length, const char *b);

#endif
