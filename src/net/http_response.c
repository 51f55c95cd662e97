/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 9112, 4 (status line); RFC 9110, 5.6.7 (dates), 8.6 (Content-Length). */
#include "base/clock.h"
#include "net/http_loop.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum { HEAD_ROOM = 256 }; /* more than the server's own lines take */

const char *http_status_text(int status)
{
	static const struct {
		int status;
		const char *text;
	} texts[] = {
		{200, "OK"},
		{201, "Created"},
		{202, "Accepted"},
		{204, "No Content"},
		{301, "Moved Permanently"},
		{302, "Found"},
		{303, "See Other"},
		{304, "Not Modified"},
		{307, "Temporary Redirect"},
		{308, "Permanent Redirect"},
		{400, "Bad Request"},
		{401, "Unauthorized"},
		{403, "Forbidden"},
		{404, "Not Found"},
		{405, "Method Not Allowed"},
		{406, "Not Acceptable"},
		{408, "Request Timeout"},
		{409, "Conflict"},
		{410, "Gone"},
		{412, "Precondition Failed"},
		{413, "Content Too Large"},
		{414, "URI Too Long"},
		{415, "Unsupported Media Type"},
		{417, "Expectation Failed"},
		{421, "Misdirected Request"},
		{422, "Unprocessable Content"},
		{429, "Too Many Requests"},
		{431, "Request Header Fields Too Large"},
		{500, "Internal Server Error"},
		{501, "Not Implemented"},
		{502, "Bad Gateway"},
		{503, "Service Unavailable"},
		{504, "Gateway Timeout"},
		{505, "HTTP Version Not Supported"},
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (texts[i].status == status)
			return texts[i].text;
	return "Status";
}

/* Written anew when the second changes. Not strftime: it speaks the locale's language. */
static const char *date_line(struct http_loop *loop)
{
	static const char days[] = "SunMonTueWedThuFriSat";
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	int64_t now_s = clock_now_s(NULL);
	time_t time_s = (time_t)now_s;
	struct tm parts;

	if (loop->date_s == now_s)
		return loop->date;
	if (!gmtime_r(&time_s, &parts))
		return "";
	loop->date_s = now_s;
	(void)snprintf(loop->date, sizeof(loop->date),
		"Date: %.3s, %02d %.3s %04d %02d:%02d:%02d GMT\r\n",
		days + (size_t)parts.tm_wday * 3, parts.tm_mday % 100,
		months + (size_t)parts.tm_mon * 3, (parts.tm_year + 1900) % 10000,
		parts.tm_hour % 100, parts.tm_min % 100, parts.tm_sec % 100);
	return loop->date;
}

static void append_number(struct buf *out, size_t number)
{
	char digits[24];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + number % 10);
		number /= 10;
	} while (number);
	(void)buf_append(out, digits + at, sizeof(digits) - at);
}

static void append_status(struct buf *out, int status)
{
	(void)buf_append(out, "HTTP/1.1 ", 9);
	append_number(out, (size_t)status);
	(void)buf_append_char(out, ' ');
	(void)buf_append_text(out, http_status_text(status));
	(void)buf_append(out, "\r\n", 2);
}

/* RFC 9110, 8.6: no length with 1xx and 204; the length of a 304 is that of the 200. */
static bool has_length(int status)
{
	return status >= 200 && status != 204 && status != 304;
}

int http_response_write(struct http_loop *loop, const struct http_connection *connection,
	const struct http_response *response, struct buf *out)
{
	int status = response->status >= 200 && response->status <= 999 ? response->status : 500;
	bool has_body = has_length(status) && response->body && !connection->is_head;
	size_t fields = response->fields ? strlen(response->fields) : 0;
	const struct buf *added = &connection->fields;
	const char *server = loop->server->server_header;

	buf_reset(out);
	(void)buf_reserve(
		out, HEAD_ROOM + fields + added->len + (has_body ? response->body_length : 0));
	append_status(out, status);
	(void)buf_append_text(out, date_line(loop));
	if (server) {
		(void)buf_append_text(out, "Server: ");
		(void)buf_append_text(out, server);
		(void)buf_append(out, "\r\n", 2);
	}
	if (fields)
		(void)buf_append(out, response->fields, fields);
	if (added->len && !buf_status(added))
		(void)buf_append(out, added->data, added->len);
	if (has_length(status)) {
		(void)buf_append_text(out, "Content-Length: ");
		append_number(
			out, response->body || connection->is_head ? response->body_length : 0);
		(void)buf_append(out, "\r\n", 2);
	}
	if (connection->close)
		(void)buf_append_text(out, "Connection: close\r\n");
	else if (connection->is_http10)
		(void)buf_append_text(out, "Connection: keep-alive\r\n");
	(void)buf_append(out, "\r\n", 2);
	if (has_body)
		(void)buf_append(out, response->body, response->body_length);
	return buf_status(out);
}

void http_refusal_compose(const struct http_server *server, const struct http_refusal *refusal,
	struct http_refusal_answer *ret_answer)
{
	const struct http_server_options *options = &server->options;

	(void)snprintf(ret_answer->fields, sizeof(ret_answer->fields), "%s",
		"Content-Type: text/plain; charset=utf-8\r\nCache-Control: no-store\r\n");
	(void)snprintf(ret_answer->body, sizeof(ret_answer->body), "%s\n", refusal->reason);
	if (options->refused)
		options->refused(options->context, refusal, ret_answer);
}
