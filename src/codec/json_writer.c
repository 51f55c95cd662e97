/* SPDX-License-Identifier: Apache-2.0 */
/* JSON (RFC 8259) without a tree. */
#include "codec/json_writer.h"

#include "base/error.h"

#include <string.h>

void json_writer_init(struct json_writer *writer, struct buf *buf)
{
	*writer = (struct json_writer){.buf = buf};
}

static void begin(struct json_writer *writer, const char *name)
{
	if (writer->comma)
		(void)buf_append_char(writer->buf, ',');
	writer->comma = true;
	if (!name)
		return;
	(void)buf_append_json_text(writer->buf, name, strlen(name));
	(void)buf_append_char(writer->buf, ':');
}

static void open_with(struct json_writer *writer, const char *name, char bracket)
{
	begin(writer, name);
	(void)buf_append_char(writer->buf, bracket);
	writer->comma = false;
}

static void close_with(struct json_writer *writer, char bracket)
{
	(void)buf_append_char(writer->buf, bracket);
	writer->comma = true;
}

void json_write_object(struct json_writer *writer, const char *name)
{
	open_with(writer, name, '{');
}

void json_write_object_end(struct json_writer *writer)
{
	close_with(writer, '}');
}

void json_write_array(struct json_writer *writer, const char *name)
{
	open_with(writer, name, '[');
}

void json_write_array_end(struct json_writer *writer)
{
	close_with(writer, ']');
}

void json_write_text(struct json_writer *writer, const char *name, const char *text)
{
	if (text)
		json_write_text_length(writer, name, text, strlen(text));
}

void json_write_text_length(
	struct json_writer *writer, const char *name, const char *text, size_t length)
{
	if (!text)
		return;
	begin(writer, name);
	(void)buf_append_json_text(writer->buf, text, length);
}

void json_write_number(struct json_writer *writer, const char *name, int64_t number)
{
	char text[21]; /* a sign and 19 digits at most */
	size_t at = sizeof(text);
	uint64_t left = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;

	do {
		text[--at] = (char)('0' + left % 10);
		left /= 10;
	} while (left);
	if (number < 0)
		text[--at] = '-';
	json_write_raw(writer, name, text + at, sizeof(text) - at);
}

void json_write_boolean(struct json_writer *writer, const char *name, bool boolean)
{
	json_write_raw(writer, name, boolean ? "true" : "false", boolean ? 4 : 5);
}

void json_write_null(struct json_writer *writer, const char *name)
{
	json_write_raw(writer, name, "null", 4);
}

void json_write_raw(struct json_writer *writer, const char *name, const char *json, size_t length)
{
	begin(writer, name);
	(void)buf_append(writer->buf, json, length);
}

int json_writer_status(const struct json_writer *writer)
{
	return buf_status(writer->buf);
}
