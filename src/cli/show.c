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

void show_clean(struct buf *buf, const char *text)
{
	size_t length = strlen(text);

	while (length) {
		size_t bytes = utf8_character(text, length);
		unsigned char first = (unsigned char)*text;
		bool is_c1 = bytes == 2 && first == 0xc2 && (unsigned char)text[1] < 0xa0;

		if (!bytes || first < ' ' || first == 0x7f || is_c1)
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
