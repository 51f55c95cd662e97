/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nothing is judged here but where the secrets' texts begin and end: whatever else is
 * wrong, and a secret that stands there twice, is left to the parser of the rest.
 */
#include "codec/json_secret.h"

#include "base/error.h"
#include "base/secret.h"
#include "codec/hex.h"

#include <stdlib.h>
#include <string.h>

struct scan {
	const char *text;
	size_t length;
	size_t at;
	size_t depth;
	struct json_secret *secrets;
	size_t count;
	struct buf rest; /* the text without the secrets */
};

void secret_text_free(char *text)
{
	if (text)
		memory_wipe(text, strlen(text));
	free(text);
}

void json_secret_finish(struct json_secret *secret)
{
	secret_text_free(secret->text);
	secret->text = NULL;
}

/* The closing quotation mark of the string that opens at `open`, or the text's end. */
static size_t string_end(const struct scan *scan, size_t open)
{
	size_t at = open + 1;

	while (at < scan->length && scan->text[at] != '"')
		at += scan->text[at] == '\\' ? 2 : 1;
	return at < scan->length ? at : scan->length;
}

static size_t skip_space(const struct scan *scan, size_t at)
{
	while (at < scan->length && strchr(" \t\r\n", scan->text[at]) && scan->text[at])
		at++;
	return at;
}

/* RFC 8259, 7: the escapes of visible ASCII characters. How many bytes it takes, or 0. */
static size_t decode_escape(const char *text, size_t left, char *ret_c)
{
	int high;
	int low;

	if (left >= 2 && strchr("\"\\/", text[1]) && text[1]) {
		*ret_c = text[1];
		return 2;
	}
	if (left < 6 || memcmp(text, "\\u00", 4) != 0)
		return 0;
	high = hex_value(text[4]);
	low = hex_value(text[5]);
	if (high < 0 || low < 0)
		return 0;
	*ret_c = (char)(high << 4 | low);
	return 6;
}

static int decode_secret(const char *text, size_t length, char *out, size_t max)
{
	size_t size = 0;

	for (size_t at = 0; at < length;) {
		char c = text[at];
		size_t taken = c == '\\' ? decode_escape(text + at, length - at, &c) : 1;

		if (!taken || c <= 0x20 || c >= 0x7f)
			return ERROR_INVALID;
		if (size == max)
			return ERROR_LIMIT;
		out[size++] = c;
		at += taken;
	}
	out[size] = '\0';
	return 0;
}

static int take(struct json_secret *secret, const char *text, size_t length)
{
	size_t size = length < secret->max ? length : secret->max;
	char *out;
	int error;

	if (secret->text)
		return ERROR_INVALID;
	out = malloc(size + 1);
	if (!out)
		return ERROR_MEMORY;
	error = decode_secret(text, length, out, size);
	if (error) {
		memory_wipe(out, size);
		free(out);
		return error;
	}
	secret->text = out;
	return 0;
}

static struct json_secret *find(const struct scan *scan, const char *name, size_t length)
{
	for (size_t i = 0; i < scan->count; i++)
		if (strlen(scan->secrets[i].name) == length &&
			!memcmp(scan->secrets[i].name, name, length))
			return &scan->secrets[i];
	return NULL;
}

/* From a quotation mark on: the string, and the secret after it where it names one. */
static int pass_string(struct scan *scan)
{
	size_t open = scan->at;
	size_t end = string_end(scan, open);
	size_t colon = skip_space(scan, end + 1);
	struct json_secret *secret;
	size_t value;

	scan->at = end < scan->length ? end + 1 : end;
	if (scan->depth != 1 || colon >= scan->length || scan->text[colon] != ':')
		return buf_append(&scan->rest, scan->text + open, scan->at - open);
	if (memchr(scan->text + open, '\\', end - open))
		return ERROR_INVALID;
	value = skip_space(scan, colon + 1);
	secret = find(scan, scan->text + open + 1, end - open - 1);
	if (!secret || value >= scan->length || scan->text[value] != '"')
		return buf_append(&scan->rest, scan->text + open, scan->at - open);
	(void)buf_append(&scan->rest, scan->text + open, value - open);
	(void)buf_append_text(&scan->rest, "\"\"");
	end = string_end(scan, value);
	if (end >= scan->length)
		return ERROR_INVALID;
	scan->at = end + 1;
	return take(secret, scan->text + value + 1, end - value - 1);
}

static int pass(struct scan *scan)
{
	char c = scan->text[scan->at];

	if (c == '"')
		return pass_string(scan);
	if (c == '{' || c == '[')
		scan->depth++;
	if ((c == '}' || c == ']') && scan->depth)
		scan->depth--;
	scan->at++;
	return buf_append_char(&scan->rest, c);
}

int json_parse_secrets(const char *text, size_t length, size_t max, struct json_secret *secrets,
	size_t count, struct json **ret_document)
{
	struct scan scan = {.text = text, .length = length, .secrets = secrets, .count = count};
	int error = length > max ? ERROR_LIMIT : 0;

	for (size_t i = 0; i < count; i++)
		secrets[i].text = NULL;
	buf_init(&scan.rest, max + 2);
	if (!error)
		error = buf_reserve(&scan.rest, length);
	while (!error && scan.at < length)
		error = pass(&scan);
	if (!error)
		error = json_parse(scan.rest.data, scan.rest.len, max, ret_document);
	buf_finish(&scan.rest);
	for (size_t i = 0; error && i < count; i++)
		json_secret_finish(&secrets[i]);
	return error;
}
