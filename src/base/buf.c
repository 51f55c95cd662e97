/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include "base/error.h"
#include "base/secret.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void buf_init(struct buf *buf, size_t max)
{
	*buf = (struct buf){.max = max};
}

void buf_init_fixed(struct buf *buf, char *bytes, size_t size)
{
	*buf = (struct buf){.data = bytes, .cap = size, .max = size - 1, .borrowed = true};
	bytes[0] = '\0';
}

void buf_finish(struct buf *buf)
{
	if (!buf)
		return;
	if (buf->data)
		memory_wipe(buf->data, buf->cap);
	if (!buf->borrowed)
		free(buf->data);
	*buf = (struct buf){.max = buf->max};
}

void buf_reset(struct buf *buf)
{
	buf->len = 0;
	buf->failed = 0;
	if (buf->data)
		buf->data[0] = '\0';
}

/* A fresh block instead of realloc, which would leave a copy unwiped. */
static int buf_grow(struct buf *buf, size_t needed)
{
	size_t cap = buf->cap ? buf->cap : 256;
	char *data;

	while (cap < needed)
		cap = cap > SIZE_MAX / 2 ? needed : cap * 2;
	data = buf->borrowed ? NULL : malloc(cap);
	if (!data) {
		buf->failed = ERROR_MEMORY;
		return buf->failed;
	}
	if (buf->data) {
		memcpy(data, buf->data, buf->len + 1);
		memory_wipe(buf->data, buf->cap);
		free(buf->data);
	}
	data[buf->len] = '\0';
	buf->data = data;
	buf->cap = cap;
	return 0;
}

int buf_reserve(struct buf *buf, size_t length)
{
	if (buf->failed)
		return buf->failed;
	if (length > buf->max || buf->len > buf->max - length) {
		buf->failed = ERROR_LIMIT;
		return buf->failed;
	}
	if (buf->len + length + 1 > buf->cap)
		return buf_grow(buf, buf->len + length + 1);
	return 0;
}

int buf_append(struct buf *buf, const void *bytes, size_t length)
{
	int error = buf_reserve(buf, length);

	if (error)
		return error;
	if (length)
		memcpy(buf->data + buf->len, bytes, length);
	buf->len += length;
	buf->data[buf->len] = '\0';
	return 0;
}

int buf_append_text(struct buf *buf, const char *text)
{
	return buf_append(buf, text, strlen(text));
}

int buf_append_char(struct buf *buf, char c)
{
	return buf_append(buf, &c, 1);
}

int buf_printf(struct buf *buf, const char *format, ...)
{
	va_list arguments;
	int length;
	int error;

	va_start(arguments, format);
	length = vsnprintf(NULL, 0, format, arguments);
	va_end(arguments);
	if (length < 0) {
		buf->failed = ERROR_LIMIT;
		return buf->failed;
	}
	error = buf_reserve(buf, (size_t)length);
	if (error)
		return error;
	va_start(arguments, format);
	(void)vsnprintf(buf->data + buf->len, (size_t)length + 1, format, arguments);
	va_end(arguments);
	buf->len += (size_t)length;
	return 0;
}

int text_copy(char *ret_text, size_t size, const char *text)
{
	size_t length = strlen(text);

	if (length >= size)
		return ERROR_LIMIT;
	memcpy(ret_text, text, length + 1);
	return 0;
}

size_t utf8_character(const char *text, size_t length)
{
	const unsigned char *c = (const unsigned char *)text;
	unsigned char low = 0x80;
	unsigned char high = 0xbf;
	size_t size;

	if (c[0] < 0x80)
		return 1;
	if (c[0] < 0xc2 || c[0] > 0xf4)
		return 0;
	size = c[0] < 0xe0 ? 2 : c[0] < 0xf0 ? 3 : 4;
	if (size > length)
		return 0;
	if (c[0] == 0xe0)
		low = 0xa0;
	else if (c[0] == 0xed)
		high = 0x9f;
	else if (c[0] == 0xf0)
		low = 0x90;
	else if (c[0] == 0xf4)
		high = 0x8f;
	if (c[1] < low || c[1] > high)
		return 0;
	for (size_t i = 2; i < size; i++)
		if (c[i] < 0x80 || c[i] > 0xbf)
			return 0;
	return size;
}

bool utf8_valid(const char *text, size_t length)
{
	while (length) {
		size_t size = utf8_character(text, length);

		if (!size)
			return false;
		text += size;
		length -= size;
	}
	return true;
}

static void append_json_character(struct buf *buf, const char *text, size_t size)
{
	unsigned char c = (unsigned char)text[0];

	if (size == 1 && (c == '"' || c == '\\')) {
		(void)buf_append_char(buf, '\\');
		(void)buf_append_char(buf, (char)c);
	} else if (size == 1 && (c < 0x20 || c == 0x7f)) {
		(void)buf_printf(buf, "\\u%04x", c);
	} else if (size == 2 && c == 0xc2 && (unsigned char)text[1] < 0xa0) {
		(void)buf_printf(buf, "\\u%04x", (unsigned char)text[1]);
	} else if (size == 3 && !memcmp(text, "\xe2\x80\xa8", 3)) {
		(void)buf_append(buf, "\\u2028", 6);
	} else if (size == 3 && !memcmp(text, "\xe2\x80\xa9", 3)) {
		(void)buf_append(buf, "\\u2029", 6);
	} else {
		(void)buf_append(buf, text, size);
	}
}

/* How many characters from `text` on stand for themselves in JSON. */
static size_t json_plain(const char *text, size_t length)
{
	static const bool plain[256] = {
		[0x20 ... 0x21] = true, [0x23 ... 0x5b] = true, [0x5d ... 0x7e] = true};
	size_t run = 0;

	while (run < length && plain[(unsigned char)text[run]])
		run++;
	return run;
}

static int append_json_mixed(struct buf *buf, const char *text, size_t length)
{
	(void)buf_append_char(buf, '"');
	for (size_t i = 0; i < length;) {
		size_t run = json_plain(text + i, length - i);
		size_t size;

		(void)buf_append(buf, text + i, run);
		i += run;
		if (i == length)
			break;
		size = utf8_character(text + i, length - i);
		if (size)
			append_json_character(buf, text + i, size);
		else
			(void)buf_append(buf, "\xef\xbf\xbd", 3);
		i += size ? size : 1;
	}
	return buf_append_char(buf, '"');
}

int buf_append_json_text(struct buf *buf, const char *text, size_t length)
{
	char *at;
	int error;

	if (json_plain(text, length) < length)
		return append_json_mixed(buf, text, length);
	error = buf_reserve(buf, length + 2);
	if (error)
		return error;
	at = buf->data + buf->len;
	*at = '"';
	memcpy(at + 1, text, length);
	memcpy(at + 1 + length, "\"", 2);
	buf->len += length + 2;
	return 0;
}

int buf_status(const struct buf *buf)
{
	return buf->failed;
}

char *buf_take(struct buf *buf)
{
	char *data = NULL;

	if (!buf->failed && !buf->borrowed && !buf_reserve(buf, 0)) {
		data = buf->data;
		*buf = (struct buf){.max = buf->max};
	}
	buf_finish(buf);
	return data;
}
