/* SPDX-License-Identifier: Apache-2.0 */
#include "authority/cors.h"

#include "base/buf.h"
#include "codec/uri.h"

#include <string.h>

enum {
	FIELDS_MAX = 1024,
	/* As long as discovery and its like may be kept: who is no longer registered is not
	 * asked about for longer. */
	PREFLIGHT_MAX_AGE_S = 300,
};

static bool holds_line(const char *lines, const char *line, size_t length)
{
	while (*lines) {
		size_t next = strcspn(lines, "\n");

		if (next == length && !memcmp(lines, line, length))
			return true;
		lines += next + (lines[next] == '\n');
	}
	return false;
}

static int append_origin(struct buf *origins, const char *text)
{
	char bytes[URI_HOST_MAX + 32];
	struct buf origin;
	struct uri uri;

	/* A private scheme has no origin that a browser would send. */
	if (uri_parse(text, &uri) || !uri.https)
		return 0;
	buf_init_fixed(&origin, bytes, sizeof(bytes));
	if (uri_append_origin(&origin, &uri))
		return ERROR_LIMIT;
	if (origins->len && holds_line(origins->data, origin.data, origin.len))
		return 0;
	if (origins->len)
		(void)buf_append_char(origins, '\n');
	return buf_append(origins, origin.data, origin.len);
}

int cors_origins(const char *redirect_uris, char ret_origins[STORE_URIS_SIZE])
{
	char uri[STORE_URIS_SIZE];
	struct buf origins;
	int error = 0;

	*ret_origins = '\0';
	buf_init_fixed(&origins, ret_origins, STORE_URIS_SIZE);
	while (!error && *redirect_uris) {
		size_t length = strcspn(redirect_uris, "\n");

		if (length >= sizeof(uri))
			return ERROR_LIMIT;
		memcpy(uri, redirect_uris, length);
		uri[length] = '\0';
		error = append_origin(&origins, uri);
		redirect_uris += length + (redirect_uris[length] == '\n');
	}
	return error;
}

bool cors_begin(const struct catalog *catalog, const struct http_request *request,
	struct http_ticket ticket)
{
	size_t count = 0;
	const char *said = http_request_field(request, "Origin", &count);
	const char *origin = count == 1 ? catalog_find_origin(catalog, said) : NULL;
	char bytes[FIELDS_MAX];
	struct buf fields;

	buf_init_fixed(&fields, bytes, sizeof(bytes));
	/* Also without an origin: what is kept must not be given to one. */
	(void)buf_append_text(&fields, "Vary: Origin\r\n");
	if (origin)
		(void)buf_printf(&fields,
			"Access-Control-Allow-Origin: %s\r\n"
			"Access-Control-Expose-Headers: Retry-After, WWW-Authenticate\r\n",
			origin);
	(void)http_add_fields(ticket, fields.data);
	return origin && !strcmp(request->method, "OPTIONS") &&
	       http_request_field(request, "Access-Control-Request-Method", NULL);
}

void cors_answer_preflight(struct http_ticket ticket, const char *methods)
{
	char bytes[FIELDS_MAX];
	struct buf fields;
	struct http_response response = {.status = 204};

	buf_init_fixed(&fields, bytes, sizeof(bytes));
	(void)buf_printf(&fields,
		"Access-Control-Allow-Methods: %s\r\n"
		"Access-Control-Allow-Headers: authorization, content-type\r\n"
		"Access-Control-Max-Age: %d\r\n",
		methods, PREFLIGHT_MAX_AGE_S);
	response.fields = fields.data;
	http_answer(ticket, &response);
}
