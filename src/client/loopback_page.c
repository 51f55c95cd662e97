/* SPDX-License-Identifier: Apache-2.0 */
#include "client/loopback_page.h"

#include <stddef.h>
#include <string.h>

/* In a line, since the hash below is of it: of every byte between its tags. */
#define STYLE                                                                                      \
	":root{color-scheme:light dark;font:1.125rem/1.6 system-ui,sans-serif}"                    \
	"body{margin:0}"                                                                           \
	"main{box-sizing:border-box;max-width:38rem;margin:0 auto;padding:15vh 1.5rem 3rem;"       \
	"overflow-wrap:anywhere}"                                                                  \
	"h1{font-size:1.6rem;line-height:1.25;margin:0 0 1rem}"                                    \
	"p{margin:0 0 .75rem}"

static const char fields[] = "Content-Type: text/html; charset=utf-8\r\n"
			     "Cache-Control: no-store\r\n"
			     "Connection: close\r\n"
			     "Content-Security-Policy: default-src 'none'; "
			     "style-src 'sha256-XDVWk+AJkiV8kA630AAKZFuqd8hETObXeFYZHxHqRlM='; "
			     "base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n"
			     "Referrer-Policy: no-referrer\r\n"
			     "X-Content-Type-Options: nosniff\r\n";

static const char head[] =
	"<!DOCTYPE html>\n"
	"<html lang=\"en\">\n"
	"<head>\n"
	"<meta charset=\"utf-8\">\n"
	"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
	"<meta name=\"robots\" content=\"noindex\">\n";

/* Only what the standard's tables and this file bring. */
static const struct loopback_refusal {
	int status;
	const char *field;
	const char *title;
	const char *text;
} refusals[] = {
	{404, "", "There is nothing here",
		"An application listens at this address for the end of a sign-in, and for nothing "
		"else. You can close this page."},
	{405, "Allow: GET\r\n", "This can't be done here",
		"An application listens at this address for the end of a sign-in, and for nothing "
		"else. You can close this page."},
	{421, "", "This is not the address",
		"An application listens here for the end of a sign-in, under the name 127.0.0.1 "
		"alone. Close this page, and begin to sign in again in the application."},
	{503, "", "Too many pages at once",
		"The application is busy with this sign-in. Close this page, and look into the "
		"application."},
	{400, "", "This page can't be used",
		"It is the end of a sign-in, and what came from the browser is not that. Close "
		"this "
		"page, and begin to sign in again in the application."},
};

static int append_escaped(struct buf *out, const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		const char *entity = NULL;

		switch (text[i]) {
		case '&':
			entity = "&amp;";
			break;
		case '<':
			entity = "&lt;";
			break;
		case '>':
			entity = "&gt;";
			break;
		case '"':
			entity = "&quot;";
			break;
		case '\'':
			entity = "&#39;";
			break;
		default:
			break;
		}
		if (entity)
			(void)buf_append_text(out, entity);
		else if ((unsigned char)text[i] >= 0x20 && text[i] != 0x7f)
			(void)buf_append_char(out, text[i]);
		else
			(void)buf_append_char(out, ' ');
	}
	return buf_status(out);
}

static int append_document(struct buf *out, const char *title, const char *text)
{
	size_t length = strlen(title);

	(void)buf_append_text(out, head);
	(void)buf_append_text(out, "<title>");
	(void)append_escaped(out, title, length);
	(void)buf_append_text(
		out, "</title>\n<style>" STYLE "</style>\n</head>\n<body>\n<main>\n<h1>");
	(void)append_escaped(out, title, length);
	(void)buf_append_text(out, "</h1>\n");
	while (*text) {
		length = strcspn(text, "\n");
		(void)buf_append_text(out, "<p>");
		(void)append_escaped(out, text, length);
		(void)buf_append_text(out, "</p>\n");
		text += length + (text[length] == '\n');
	}
	return buf_append_text(out, "</main>\n</body>\n</html>\n");
}

static int write_page(
	struct buf *out, int status, const char *field, const char *title, const char *text)
{
	struct buf document;

	buf_init(&document, LOOPBACK_PAGE_MAX);
	if (!append_document(&document, title, text)) {
		(void)buf_printf(out, "HTTP/1.1 %d %s\r\n%s%sContent-Length: %zu\r\n\r\n", status,
			status == 200 ? "OK" : "Refused", fields, field, document.len);
		(void)buf_append(out, document.data, document.len);
	} else {
		/* A page that is cut would be worse than none. */
		(void)buf_printf(out,
			"HTTP/1.1 %d %s\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", status,
			status == 200 ? "OK" : "Refused");
	}
	buf_finish(&document);
	return buf_status(out);
}

int loopback_page_write(struct buf *out, const struct loopback_page *page)
{
	return write_page(out, page->failed ? 400 : 200, "", page->title, page->text);
}

int loopback_page_refuse(struct buf *out, int status)
{
	size_t i = 0;

	while (refusals[i].status != status && refusals[i].status != 400)
		i++;
	return write_page(out, status, refusals[i].field, refusals[i].title, refusals[i].text);
}
