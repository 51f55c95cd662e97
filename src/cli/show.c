/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/command.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int write_all(int descriptor, const char *bytes, size_t length)
{
	while (length) {
		ssize_t wrote = write(descriptor, bytes, length);

		if (wrote < 0 && errno == EINTR && !signals_caught())
			continue;
		if (wrote < 0)
			return ERROR_IO;
		bytes += wrote;
		length -= (size_t)wrote;
	}
	return 0;
}

static int show_bytes(const struct invocation *invocation, const struct buf *buf)
{
	char text[128];

	if (buf_status(buf))
		return complain(invocation, EXIT_OTHER, "there is too much to show", NULL);
	if (!write_all(STDOUT_FILENO, buf->data, buf->len))
		return EXIT_DONE;
	if (signals_caught())
		return EXIT_SIGNALLED + signals_caught();
	if (errno == EPIPE) /* who read it has seen enough */
		return EXIT_OTHER;
	(void)snprintf(text, sizeof(text), "stdout can't be written: %s", strerror(errno));
	return complain(invocation, EXIT_OTHER, text, NULL);
}

int show(const struct invocation *invocation, struct buf *buf)
{
	int code = show_bytes(invocation, buf);

	buf_finish(buf);
	return code;
}

/* What a terminal obeys: controls (also those of 8 bits, U+0080 to U+009F), and what turns
 * the order of what stands beside it (Unicode Standard Annex 9). 0: it is no such thing;
 * otherwise its number. */
static unsigned obeyed(const char *text, size_t bytes)
{
	const unsigned char *c = (const unsigned char *)text;
	unsigned number = c[0];

	if (bytes == 1)
		return number < ' ' || number == 0x7f ? number : 0;
	if (bytes == 2)
		return number == 0xc2 && c[1] < 0xa0 ? c[1] : 0;
	number = (unsigned)(c[0] & 0xf) << 12 | (unsigned)(c[1] & 0x3f) << 6 | (c[2] & 0x3f);
	if (bytes != 3 || number < 0x200b || number > 0x2069)
		return 0;
	return number <= 0x200f || (number >= 0x2028 && number <= 0x202e) || number >= 0x2066
		       ? number
		       : 0;
}

void show_clean_json(struct buf *buf, const char *json, size_t length)
{
	while (length && !buf_status(buf)) {
		size_t bytes = utf8_character(json, length);
		unsigned number = bytes ? obeyed(json, bytes) : 0;

		bytes = bytes ? bytes : 1;
		if (number)
			(void)buf_printf(buf, "\\u%04x", number);
		else
			(void)buf_append(buf, json, bytes);
		json += bytes;
		length -= bytes;
	}
}

void show_clean(struct buf *buf, const char *text)
{
	size_t length = strlen(text);

	while (length) {
		size_t bytes = utf8_character(text, length);

		if (!bytes || obeyed(text, bytes))
			(void)buf_append_char(buf, '?');
		else
			(void)buf_append(buf, text, bytes);
		text += bytes ? bytes : 1;
		length -= bytes ? bytes : 1;
	}
}

bool is_terminal(int descriptor)
{
	return isatty(descriptor) == 1;
}

bool has_colour(int descriptor)
{
	const char *refused = getenv("NO_COLOR");
	const char *term = getenv("TERM");

	return !(refused && *refused) && term && *term && strcmp(term, "dumb") != 0 &&
	       is_terminal(descriptor);
}
