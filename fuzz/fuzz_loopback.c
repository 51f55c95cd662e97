/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the loopback redirect takes of a stranger's bytes is one redirect's query, and what
 * it answers repeats nothing of them.
 */
#include "client/loopback_page.h"
#include "client/loopback_request.h"
#include "net/http_reader.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { PORT = 8080 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void insist(bool holds)
{
	if (!holds)
		abort();
}

static int judge(struct http_reader *reader)
{
	struct http_field fields[HTTP_FIELDS_MAX];
	struct http_request request = {0};
	int status;

	http_reader_request(reader, fields, &request);
	status = loopback_request_judge(&request, PORT, "/callback");
	if (status != 200)
		return status;
	insist(!strcmp(request.method, "GET") && !strcmp(request.path, "/callback"));
	insist(request.query && *request.query && strlen(request.query) <= HTTP_TARGET_MAX);
	for (const char *at = request.query; *at; at++)
		insist(*at > 0x20 && *at < 0x7f && *at != '<' && *at != '>' && *at != '"' &&
			*at != '#');
	return status;
}

/* The page for a status is the same, whatever was asked; and the caller's text stays text. */
static void check_pages(int status, const char *text)
{
	const struct loopback_page page = {.title = text, .text = text};
	struct buf out;
	const char *body;

	buf_init(&out, 1024 * 1024);
	insist(!loopback_page_refuse(&out, status == 200 ? 400 : status));
	buf_reset(&out);
	insist(!loopback_page_write(&out, &page));
	body = strstr(out.data, "<main>");
	if (body)
		for (const char *at = body; (at = strchr(at, '<')); at++)
			insist(!strncmp(at, "<main>", 6) || !strncmp(at, "<h1>", 4) ||
				!strncmp(at, "</h1>", 5) || !strncmp(at, "<p>", 3) ||
				!strncmp(at, "</p>", 4) || !strncmp(at, "</main>", 7) ||
				!strncmp(at, "</body>", 7) || !strncmp(at, "</html>", 7));
	buf_finish(&out);
}

static int read_one(const uint8_t *data, size_t size)
{
	struct http_reader reader;
	enum http_verdict verdict;
	int status = 0;

	http_reader_init(&reader, 0);
	while ((verdict = http_reader_step(&reader)) == HTTP_MORE && size) {
		char *space;
		size_t room;

		insist(!http_reader_space(&reader, &space, &room) && room > 0);
		room = room < size ? room : size;
		memcpy(space, data, room);
		http_reader_add(&reader, room);
		data += room;
		size -= room;
	}
	if (verdict == HTTP_WHOLE)
		status = judge(&reader);
	else if (verdict == HTTP_REFUSED)
		status = reader.status;
	http_reader_finish(&reader);
	return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int status = read_one(data, size);
	char *text = malloc(size + 1);

	insist(text != NULL);
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	insist(status == 0 || (status >= 200 && status < 600));
	check_pages(status ? status : 400, text);
	free(text);
	return 0;
}
