/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the HTTP reader says of some bytes must not depend on how they were cut,
 * and what it lets through must be what its header promises.
 */
#include "net/http_reader.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { BODY_MAX = 4096 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void insist(bool holds)
{
	if (!holds)
		abort();
}

/* All that was read and said, as one number (FNV-1a). */
static void note(uint64_t *digest, const void *bytes, size_t length)
{
	const unsigned char *at = bytes;

	for (size_t i = 0; i < length; i++)
		*digest = (*digest ^ at[i]) * 0x100000001b3u;
	*digest = (*digest ^ 0x100) * 0x100000001b3u;
}

static void note_text(uint64_t *digest, const char *text)
{
	note(digest, text, strlen(text));
}

static void check_fields(uint64_t *digest, const struct http_request *request)
{
	for (size_t i = 0; i < request->field_count; i++) {
		const struct http_field *field = &request->fields[i];

		insist(field->name_length && strlen(field->name) == field->name_length);
		insist(strlen(field->value) == field->value_length);
		insist(!strpbrk(field->name, " \t\r\n:"));
		insist(!strpbrk(field->value, "\r\n"));
		note_text(digest, field->name);
		note_text(digest, field->value);
	}
}

static void check_request(uint64_t *digest, struct http_reader *reader)
{
	struct http_field fields[HTTP_FIELDS_MAX];
	struct http_request request = {0};

	http_reader_request(reader, fields, &request);
	insist(request.method[0] && !strpbrk(request.method, " \t\r\n"));
	insist(request.path[0] == '/' && strlen(request.path) == request.path_length);
	insist(request.raw_path[0] == '/' && strlen(request.raw_path) >= request.path_length);
	insist(!strpbrk(request.raw_path, " ?#\r\n"));
	insist(request.body_length <= BODY_MAX && !request.body[request.body_length]);
	note_text(digest, request.method);
	note_text(digest, request.path);
	note_text(digest, request.query ? request.query : "\x01");
	note(digest, request.body, request.body_length);
	note(digest, &reader->close, sizeof(reader->close));
	check_fields(digest, &request);
}

static size_t give(struct http_reader *reader, const uint8_t *data, size_t length)
{
	char *space;
	size_t size;

	insist(!http_reader_space(reader, &space, &size) && size > 0);
	length = length < size ? length : size;
	memcpy(space, data, length);
	http_reader_add(reader, length);
	return length;
}

static uint64_t read_all(const uint8_t *data, size_t size, size_t piece)
{
	uint64_t digest = 0xcbf29ce484222325u;
	struct http_reader reader;

	http_reader_init(&reader, BODY_MAX);
	for (;;) {
		enum http_verdict verdict = http_reader_step(&reader);
		size_t given;

		if (verdict == HTTP_REFUSED) {
			note(&digest, &reader.status, sizeof(reader.status));
			note_text(&digest, reader.reason);
			break;
		}
		if (verdict == HTTP_WHOLE) {
			check_request(&digest, &reader);
			http_reader_next(&reader);
			continue;
		}
		if (!size)
			break;
		given = give(&reader, data, piece < size ? piece : size);
		data += given;
		size -= given;
	}
	http_reader_finish(&reader);
	return digest;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t whole = read_all(data, size, SIZE_MAX);

	insist(read_all(data, size, 1) == whole);
	insist(read_all(data, size, 2 + size % 13) == whole);
	return 0;
}
