/* SPDX-License-Identifier: Apache-2.0 */
/* application/x-www-form-urlencoded (WHATWG URL, 5). */
#include "codec/form.h"

#include "base/error.h"
#include "codec/hex.h"

#include <string.h>

/* Writes at most `length` bytes. */
static int decode_bytes(const char *text, size_t length, char *out, size_t *ret_length)
{
	size_t at = 0;

	for (size_t i = 0; i < length; i++) {
		int high;
		int low;

		if (text[i] != '%') {
			out[at++] = text[i] == '+' ? ' ' : text[i];
			continue;
		}
		if (length - i < 3)
			return ERROR_INVALID;
		high = hex_value(text[i + 1]);
		low = hex_value(text[i + 2]);
		if (high < 0 || low < 0)
			return ERROR_INVALID;
		out[at++] = (char)(high << 4 | low);
		i += 2;
	}
	if (memchr(out, '\0', at) || !utf8_valid(out, at))
		return ERROR_INVALID;
	*ret_length = at;
	return 0;
}

int form_decode(struct arena *arena, const char *text, size_t length, const char **ret_text,
	size_t *ret_length)
{
	char *out = arena_alloc(arena, length + 1);
	size_t size;
	int error;

	if (!out)
		return ERROR_MEMORY;
	error = decode_bytes(text, length, out, &size);
	if (error)
		return error;
	out[size] = '\0';
	*ret_text = out;
	*ret_length = size;
	return 0;
}

static int parse_field(
	struct arena *arena, const char *piece, size_t length, struct form_field *ret_field)
{
	const char *equals = memchr(piece, '=', length);
	size_t name_length = equals ? (size_t)(equals - piece) : length;
	size_t skipped = equals ? name_length + 1 : length;
	int error =
		form_decode(arena, piece, name_length, &ret_field->name, &ret_field->name_length);

	if (error)
		return error;
	return form_decode(arena, piece + skipped, length - skipped, &ret_field->value,
		&ret_field->value_length);
}

static size_t piece_length(const char *text, size_t left)
{
	const char *end = memchr(text, '&', left);

	return end ? (size_t)(end - text) : left;
}

static size_t count_pieces(const char *body, size_t length)
{
	size_t count = 0;

	for (size_t i = 0; i < length;) {
		size_t piece = piece_length(body + i, length - i);

		count += piece > 0;
		i += piece + 1;
	}
	return count;
}

int form_parse(struct arena *arena, const char *body, size_t length, size_t max_fields,
	struct form_field **ret_fields, size_t *ret_count)
{
	size_t count = count_pieces(body, length);
	struct form_field *fields;
	size_t at = 0;

	if (count > max_fields)
		return ERROR_LIMIT;
	fields = arena_alloc(arena, (count + 1) * sizeof(*fields));
	if (!fields)
		return ERROR_MEMORY;
	for (size_t i = 0; i < length;) {
		size_t piece = piece_length(body + i, length - i);
		int error = piece ? parse_field(arena, body + i, piece, &fields[at]) : 0;

		if (error)
			return error;
		at += piece > 0;
		i += piece + 1;
	}
	*ret_fields = fields;
	*ret_count = count;
	return 0;
}

/* The characters that stand for themselves (WHATWG URL, 1.3). */
static int stands_for_itself(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '*' || c == '-' || c == '.' || c == '_';
}

int form_append_component(struct buf *buf, const char *text)
{
	static const char digits[] = "0123456789ABCDEF";

	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;
		const char escape[3] = {'%', digits[c >> 4], digits[c & 15]};

		if (stands_for_itself(*text))
			(void)buf_append_char(buf, *text);
		else if (c == ' ')
			(void)buf_append_char(buf, '+');
		else
			(void)buf_append(buf, escape, sizeof(escape));
	}
	return buf_status(buf);
}

int form_append(struct buf *buf, const char *name, const char *value)
{
	if (buf->len)
		(void)buf_append_char(buf, '&');
	(void)form_append_component(buf, name);
	(void)buf_append_char(buf, '=');
	return form_append_component(buf, value);
}
