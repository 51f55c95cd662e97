/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 9112, 2.2 (lines), 6.2 (Content-Length), 7.1 (chunks). */
#include "net/http_reader.h"

#include "base/error.h"
#include "codec/hex.h"
#include "net/http_head.h"

#include <string.h>

enum {
	FIRST_SIZE = 2047,   /* most requests are smaller; the buffer's NUL makes it 2 KiB */
	CHUNK_DIGITS = 16,   /* hexadecimal */
	CHUNK_LINE_MAX = 64, /* more than a chunk's framing takes */
	REQUEST_LINE_MAX = HTTP_METHOD_MAX + 1 + HTTP_TARGET_MAX + 1 + 8 + 2,
};

/* What may stand within a line; CR and LF end it. */
static const bool in_line[256] = {
	['\t'] = true,
	[' ' ... '~'] = true,
	[128 ... 255] = true,
};

static void begin(struct http_reader *reader)
{
	reader->state = HTTP_READER_REQUEST_LINE;
	reader->status = 0;
	reader->reason = NULL;
	reader->is_head = false;
	reader->is_http10 = false;
	reader->close = false;
	reader->seen_empty_line = false;
	reader->seen_host = false;
	reader->seen_length = false;
	reader->seen_expect = false;
	reader->seen_close = false;
	reader->keep_alive = false;
	reader->chunked = false;
	reader->line = 0;
	reader->scanned = 0;
	reader->body = 0;
	reader->body_length = 0;
	reader->next = 0;
	reader->left = 0;
	reader->field_count = 0;
}

void http_reader_init(struct http_reader *reader, size_t max_body)
{
	begin(reader);
	reader->max_body = max_body;
	buf_init(&reader->bytes, HTTP_HEAD_MAX + max_body + HTTP_TRAILER_MAX + CHUNK_LINE_MAX);
	buf_init(&reader->decoded, HTTP_TARGET_MAX);
}

void http_reader_finish(struct http_reader *reader)
{
	if (!reader)
		return;
	buf_finish(&reader->bytes);
	buf_finish(&reader->decoded);
}

int http_reader_space(struct http_reader *reader, char **ret_bytes, size_t *ret_size)
{
	struct buf *bytes = &reader->bytes;
	int error = 0;

	if (!bytes->cap)
		error = buf_reserve(bytes, FIRST_SIZE < bytes->max ? FIRST_SIZE : bytes->max);
	else if (bytes->cap - bytes->len < 2)
		error = buf_reserve(bytes, 1);
	if (error)
		return error;
	*ret_bytes = bytes->data + bytes->len;
	*ret_size = bytes->cap - bytes->len - 1;
	if (*ret_size > bytes->max - bytes->len)
		*ret_size = bytes->max - bytes->len;
	return 0;
}

void http_reader_add(struct http_reader *reader, size_t length)
{
	reader->bytes.len += length;
	reader->bytes.data[reader->bytes.len] = '\0';
}

bool http_reader_begun(const struct http_reader *reader)
{
	return reader->bytes.len > 0;
}

/*
 * A line of at most what ends before `max` (an offset): HTTP_WHOLE with the
 * line, HTTP_MORE, or HTTP_REFUSED. Bytes are looked at in their order, so that
 * the first wrong one decides however they arrive.
 */
static enum http_verdict next_line(
	struct http_reader *reader, size_t max, struct http_line *ret_line)
{
	const char *bytes = reader->bytes.data;
	size_t limit = reader->bytes.len < max ? reader->bytes.len : max;
	size_t at = reader->scanned;

	while (at < limit && in_line[(unsigned char)bytes[at]])
		at++;
	reader->scanned = at;
	if (at == limit || (bytes[at] == '\r' && at + 1 == limit))
		return HTTP_MORE;
	if (bytes[at] != '\r')
		return http_refuse(
			reader, 400, bytes[at] == '\n' ? "bare line feed" : "control character");
	if (bytes[at + 1] != '\n')
		return http_refuse(reader, 400, "bare carriage return");
	*ret_line = (struct http_line){.start = reader->line, .end = at};
	reader->line = at + 2;
	reader->scanned = at + 2;
	return HTTP_WHOLE;
}

static enum http_verdict read_request_line(struct http_reader *reader)
{
	size_t max = reader->line + REQUEST_LINE_MAX;
	struct http_line line = {0};
	enum http_verdict verdict = next_line(reader, max, &line);

	if (verdict == HTTP_MORE && reader->bytes.len >= max)
		return http_head_line_too_long(
			reader, reader->bytes.data + reader->line, REQUEST_LINE_MAX);
	if (verdict != HTTP_WHOLE)
		return verdict;
	/* RFC 9112, 2.2: some clients send an empty line after a body. */
	if (line.start == line.end && !reader->seen_empty_line) {
		reader->seen_empty_line = true;
		return HTTP_GO_ON;
	}
	if (http_head_request_line(reader, line))
		return HTTP_REFUSED;
	reader->state = HTTP_READER_FIELDS;
	return HTTP_GO_ON;
}

static enum http_verdict end_head(struct http_reader *reader)
{
	bool waits;

	if (http_head_end(reader))
		return HTTP_REFUSED;
	reader->body = reader->line;
	reader->next = reader->line;
	reader->state = reader->chunked ? HTTP_READER_CHUNK_SIZE : HTTP_READER_BODY;
	waits = reader->seen_expect && (reader->chunked || reader->left > 0) &&
		reader->bytes.len == reader->body;
	return waits ? HTTP_CONTINUE : HTTP_GO_ON;
}

static enum http_verdict read_fields(struct http_reader *reader)
{
	struct http_line line = {0};
	enum http_verdict verdict = next_line(reader, HTTP_HEAD_MAX, &line);

	if (verdict == HTTP_MORE && reader->bytes.len >= HTTP_HEAD_MAX)
		return http_refuse(reader, 431, "head too large");
	if (verdict != HTTP_WHOLE)
		return verdict;
	if (line.start == line.end)
		return end_head(reader);
	return http_head_field(reader, line) ? HTTP_REFUSED : HTTP_GO_ON;
}

/* The NUL after the body may lie on the next request's first byte. */
static enum http_verdict end_request(struct http_reader *reader)
{
	char *after = reader->bytes.data + reader->body + reader->body_length;

	reader->covered = *after;
	*after = '\0';
	reader->state = HTTP_READER_WHOLE;
	return HTTP_WHOLE;
}

static enum http_verdict read_body(struct http_reader *reader)
{
	if (reader->bytes.len - reader->body < reader->left)
		return HTTP_MORE;
	reader->body_length = (size_t)reader->left;
	reader->next = reader->body + reader->body_length;
	return end_request(reader);
}

/* Closes the gap that framing left between the body so far and what follows. */
static enum http_verdict more_chunks(struct http_reader *reader)
{
	struct buf *bytes = &reader->bytes;
	size_t end = reader->body + reader->body_length;
	size_t rest = bytes->len - reader->next;
	size_t gap = reader->next - end;

	if (gap) {
		memmove(bytes->data + end, bytes->data + reader->next, rest);
		bytes->len = end + rest;
		bytes->data[bytes->len] = '\0';
		reader->next = end;
		reader->line -= gap;
		reader->scanned -= gap;
	}
	return HTTP_MORE;
}

static enum http_verdict begin_chunk(struct http_reader *reader, uint64_t size, size_t next)
{
	if (size > reader->max_body - reader->body_length)
		return http_refuse(reader, 413, "body too large");
	reader->next = next;
	reader->left = size;
	reader->state = size ? HTTP_READER_CHUNK_DATA : HTTP_READER_TRAILER;
	reader->line = next;
	reader->scanned = next;
	return HTTP_GO_ON;
}

static enum http_verdict read_chunk_size(struct http_reader *reader)
{
	const char *bytes = reader->bytes.data;
	size_t length = reader->bytes.len;
	size_t at = reader->next;
	uint64_t size = 0;

	for (; at < length && hex_value(bytes[at]) >= 0; at++) {
		if (at - reader->next == CHUNK_DIGITS)
			return http_refuse(reader, 400, "malformed chunk size");
		size = size * 16 + (uint64_t)hex_value(bytes[at]);
	}
	if (at == length)
		return more_chunks(reader);
	if (at == reader->next || bytes[at] != '\r')
		return http_refuse(
			reader, 400, bytes[at] == ';' ? "chunk extension" : "malformed chunk size");
	if (at + 1 == length)
		return more_chunks(reader);
	if (bytes[at + 1] != '\n')
		return http_refuse(reader, 400, "malformed chunk size");
	return begin_chunk(reader, size, at + 2);
}

static enum http_verdict read_chunk_data(struct http_reader *reader)
{
	char *end = reader->bytes.data + reader->body + reader->body_length;
	size_t there = reader->bytes.len - reader->next;
	size_t length = there < reader->left ? there : (size_t)reader->left;

	if (length)
		memmove(end, reader->bytes.data + reader->next, length);
	reader->body_length += length;
	reader->next += length;
	reader->left -= length;
	if (reader->left)
		return more_chunks(reader);
	reader->state = HTTP_READER_CHUNK_END;
	return HTTP_GO_ON;
}

static enum http_verdict read_chunk_end(struct http_reader *reader)
{
	const char *bytes = reader->bytes.data + reader->next;
	size_t there = reader->bytes.len - reader->next;

	if ((there > 0 && bytes[0] != '\r') || (there > 1 && bytes[1] != '\n'))
		return http_refuse(reader, 400, "chunk longer than its size");
	if (there < 2)
		return more_chunks(reader);
	reader->next += 2;
	reader->state = HTTP_READER_CHUNK_SIZE;
	return HTTP_GO_ON;
}

static enum http_verdict read_trailer(struct http_reader *reader)
{
	size_t max = reader->next + HTTP_TRAILER_MAX;
	struct http_line line = {0};
	enum http_verdict verdict = next_line(reader, max, &line);

	if (verdict == HTTP_MORE && reader->bytes.len >= max)
		return http_refuse(reader, 431, "trailer too large");
	if (verdict == HTTP_MORE)
		return more_chunks(reader);
	if (verdict == HTTP_REFUSED)
		return HTTP_REFUSED;
	if (line.start == line.end) {
		reader->next = line.end + 2;
		return end_request(reader);
	}
	return http_head_trailer(reader, line) ? HTTP_REFUSED : HTTP_GO_ON;
}

static enum http_verdict step_once(struct http_reader *reader)
{
	switch (reader->state) {
	case HTTP_READER_REQUEST_LINE:
		return read_request_line(reader);
	case HTTP_READER_FIELDS:
		return read_fields(reader);
	case HTTP_READER_BODY:
		return read_body(reader);
	case HTTP_READER_CHUNK_SIZE:
		return read_chunk_size(reader);
	case HTTP_READER_CHUNK_DATA:
		return read_chunk_data(reader);
	case HTTP_READER_CHUNK_END:
		return read_chunk_end(reader);
	case HTTP_READER_TRAILER:
		return read_trailer(reader);
	case HTTP_READER_WHOLE:
		return HTTP_WHOLE;
	case HTTP_READER_REFUSED:
	default:
		return HTTP_REFUSED;
	}
}

enum http_verdict http_reader_step(struct http_reader *reader)
{
	enum http_verdict verdict = HTTP_GO_ON;

	if (!reader->bytes.len)
		return HTTP_MORE;
	while (verdict == HTTP_GO_ON)
		verdict = step_once(reader);
	return verdict;
}

void http_reader_request(
	struct http_reader *reader, struct http_field *fields, struct http_request *request)
{
	const char *bytes = reader->bytes.data;
	const char *raw_path = bytes + reader->path;

	for (unsigned i = 0; i < reader->field_count; i++) {
		const struct http_reader_field *field = &reader->fields[i];

		fields[i] = (struct http_field){
			.name = bytes + field->name,
			.name_length = field->name_length,
			.value = bytes + field->value,
			.value_length = field->value_length,
		};
	}
	request->method = raw_path - reader->method_length - 1;
	request->path = reader->decoded.len ? reader->decoded.data : raw_path;
	request->path_length = reader->decoded.len ? reader->decoded.len : reader->path_length;
	request->raw_path = raw_path;
	request->query = reader->has_query ? bytes + reader->query : NULL;
	request->fields = fields;
	request->field_count = reader->field_count;
	request->body = bytes + reader->body;
	request->body_length = reader->body_length;
}

void http_reader_next(struct http_reader *reader)
{
	struct buf *bytes = &reader->bytes;
	size_t rest = bytes->len - reader->next;

	buf_finish(&reader->decoded);
	if (rest) {
		bytes->data[reader->body + reader->body_length] = reader->covered;
		memmove(bytes->data, bytes->data + reader->next, rest);
		bytes->len = rest;
		bytes->data[rest] = '\0';
	} else {
		buf_finish(bytes);
	}
	begin(reader);
}

const char *http_request_field(
	const struct http_request *request, const char *name, size_t *ret_count)
{
	const char *value = NULL;
	size_t count = 0;

	for (size_t i = 0; i < request->field_count; i++) {
		if (strcasecmp(request->fields[i].name, name) != 0)
			continue;
		if (!count++)
			value = request->fields[i].value;
	}
	if (ret_count)
		*ret_count = count;
	return value;
}
