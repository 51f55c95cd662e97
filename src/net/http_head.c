/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 9112, 3 (request line), 5 (fields), 6 (framing); RFC 3986, 3.3 and 3.4 (targets). */
#include "net/http_head.h"

#include "codec/hex.h"

#include <string.h>

enum {
	TOKEN = 1,	  /* RFC 9110, 5.6.2 */
	PATH = 2,	  /* pchar and '/', escapes apart */
	QUERY = 4,	  /* the same, '?', and what browsers do not escape there */
	HOST = 8,	  /* letters of a name or an IPv4 address */
	IPV6 = 16,	  /* letters of an IPv6 address in brackets */
	VERSION_SIZE = 8, /* HTTP/1.1 */
	PORT_DIGITS = 5,
};

#define LETTER (TOKEN | PATH | QUERY | HOST)

static const unsigned char classes[256] = {
	['0' ... '9'] = LETTER | IPV6,
	['A' ... 'F'] = LETTER | IPV6,
	['a' ... 'f'] = LETTER | IPV6,
	['G' ... 'Z'] = LETTER,
	['g' ... 'z'] = LETTER,
	['-'] = LETTER,
	['.'] = LETTER | IPV6,
	['_'] = LETTER,
	['~'] = LETTER,
	['!'] = TOKEN | PATH | QUERY,
	['$'] = TOKEN | PATH | QUERY,
	['&'] = TOKEN | PATH | QUERY,
	['\''] = TOKEN | PATH | QUERY,
	['*'] = TOKEN | PATH | QUERY,
	['+'] = TOKEN | PATH | QUERY,
	['('] = PATH | QUERY,
	[')'] = PATH | QUERY,
	[','] = PATH | QUERY,
	[';'] = PATH | QUERY,
	['='] = PATH | QUERY,
	[':'] = PATH | QUERY | IPV6,
	['@'] = PATH | QUERY,
	['/'] = PATH | QUERY,
	['#'] = TOKEN,
	['%'] = TOKEN,
	['^'] = TOKEN | QUERY,
	['`'] = TOKEN | QUERY,
	['|'] = TOKEN | QUERY,
	['?'] = QUERY,
	['['] = QUERY,
	[']'] = QUERY,
	['{'] = QUERY,
	['}'] = QUERY,
	['\\'] = QUERY,
};

static bool is_class(char c, unsigned class)
{
	return (classes[(unsigned char)c] & class) != 0;
}

/* How many characters of that class `text` begins with. */
static size_t run_of(const char *text, size_t length, unsigned class)
{
	size_t i = 0;

	while (i < length && is_class(text[i], class))
		i++;
	return i;
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

bool http_text_is(const char *a, size_t length, const char *b)
{
	size_t i = 0;

	while (i < length && b[i] && lower(a[i]) == b[i])
		i++;
	return i == length && !b[i];
}

enum http_verdict http_refuse(struct http_reader *reader, int status, const char *reason)
{
	reader->state = HTTP_READER_REFUSED;
	reader->status = status;
	reader->reason = reason;
	reader->close = true;
	return HTTP_REFUSED;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static enum http_verdict read_version(struct http_reader *reader, const char *text, size_t length)
{
	if (length != VERSION_SIZE || memcmp(text, "HTTP/", 5) != 0 || !is_digit(text[5]) ||
		text[6] != '.' || !is_digit(text[7]))
		return http_refuse(reader, 400, "malformed request line");
	if (text[5] != '1' || text[7] > '1')
		return http_refuse(reader, 505, "HTTP version is not 1.1 or 1.0");
	reader->is_http10 = text[7] == '0';
	return HTTP_MORE;
}

/* An escape's byte, or -1. */
static int escape(const char *text, size_t length)
{
	int high = length > 2 ? hex_value(text[1]) : -1;
	int low = length > 2 ? hex_value(text[2]) : -1;

	return high < 0 || low < 0 ? -1 : high * 16 + low;
}

/* The first character of `text` that is not of the class; escapes count as it. */
static enum http_verdict run_of_target(struct http_reader *reader, const char *text, size_t length,
	unsigned class, size_t *ret_run)
{
	size_t i = 0;

	for (;;) {
		int byte;

		i += run_of(text + i, length - i, class);
		if (i == length || text[i] != '%')
			break;
		byte = escape(text + i, length - i);
		if (byte < 0)
			return http_refuse(reader, 400, "malformed escape in the target");
		if (byte == 0)
			return http_refuse(reader, 400, "NUL in the target");
		i += 3;
	}
	*ret_run = i;
	return HTTP_MORE;
}

static enum http_verdict decode_path(struct http_reader *reader)
{
	const char *raw = reader->bytes.data + reader->path;
	size_t length = reader->path_length;
	char *out;

	if (!memchr(raw, '%', length))
		return HTTP_MORE;
	if (buf_reserve(&reader->decoded, length))
		return http_refuse(reader, 503, "out of memory");
	out = reader->decoded.data;
	for (size_t i = 0; i < length;) {
		bool escaped = raw[i] == '%';

		*out++ = escaped ? (char)escape(raw + i, length - i) : raw[i];
		i += escaped ? 3 : 1;
	}
	*out = '\0';
	reader->decoded.len = (size_t)(out - reader->decoded.data);
	return HTTP_MORE;
}

static enum http_verdict read_target(struct http_reader *reader, size_t start, size_t length)
{
	char *text = reader->bytes.data + start;
	size_t path = 0;
	size_t query = 0;

	if (text[0] != '/')
		return http_refuse(reader, 400, "target does not begin with '/'");
	if (run_of_target(reader, text, length, PATH, &path))
		return HTTP_REFUSED;
	if (path < length && text[path] != '?')
		return http_refuse(reader, 400, "character not allowed in the target");
	reader->path = (uint16_t)start;
	reader->path_length = (uint16_t)path;
	reader->has_query = path < length;
	if (!reader->has_query)
		return decode_path(reader);
	reader->query = (uint16_t)(start + path + 1);
	length -= path + 1;
	if (run_of_target(reader, text + path + 1, length, QUERY, &query))
		return HTTP_REFUSED;
	if (query < length)
		return http_refuse(reader, 400, "character not allowed in the target");
	text[path] = '\0';
	return decode_path(reader);
}

static enum http_verdict read_method(
	struct http_reader *reader, const char *text, size_t length, size_t *ret_length)
{
	size_t method = run_of(text, length, TOKEN);

	if (method == 0 || (method < length && text[method] != ' '))
		return http_refuse(reader, 400, "method is no token");
	if (method > HTTP_METHOD_MAX)
		return http_refuse(reader, 501, "method too long");
	if (method == length)
		return http_refuse(reader, 400, "malformed request line");
	*ret_length = method;
	return HTTP_MORE;
}

enum http_verdict http_head_request_line(struct http_reader *reader, struct http_line line)
{
	char *text = reader->bytes.data + line.start;
	size_t length = line.end - line.start;
	size_t method = 0;
	const char *target;
	const char *space;

	if (read_method(reader, text, length, &method))
		return HTTP_REFUSED;
	target = text + method + 1;
	space = memchr(target, ' ', length - method - 1);
	if (!space || space == target)
		return http_refuse(reader, 400, "malformed request line");
	if (space - target > HTTP_TARGET_MAX)
		return http_refuse(reader, 414, "target too long");
	if (read_version(reader, space + 1, (size_t)(text + length - space - 1)))
		return HTTP_REFUSED;
	reader->is_head = method == 4 && memcmp(text, "HEAD", 4) == 0;
	reader->method_length = (uint16_t)method;
	if (read_target(reader, line.start + method + 1, (size_t)(space - target)))
		return HTTP_REFUSED;
	text[method] = '\0';
	text[space - text] = '\0';
	return HTTP_MORE;
}

enum http_verdict http_head_line_too_long(
	struct http_reader *reader, const char *text, size_t length)
{
	size_t method = 0;

	if (read_method(reader, text, length, &method))
		return HTTP_REFUSED;
	return http_refuse(reader, 414, "target too long");
}

static enum http_verdict read_host(struct http_reader *reader, const char *value, size_t length)
{
	size_t host;

	if (reader->seen_host)
		return http_refuse(reader, 400, "more than one Host");
	reader->seen_host = true;
	if (length && value[0] == '[') {
		host = 1 + run_of(value + 1, length - 1, IPV6);
		host = host > 1 && host < length && value[host] == ']' ? host + 1 : 0;
	} else {
		host = run_of(value, length, HOST);
	}
	if (host && host < length && value[host] == ':') {
		size_t digits = 0;

		host++;
		while (host < length && is_digit(value[host]) && digits++ < PORT_DIGITS)
			host++;
	}
	if (!host || host < length)
		return http_refuse(reader, 400, "malformed Host");
	return HTTP_MORE;
}

/* A number that is too large for a body is still a number: the bound is looked at later. */
static enum http_verdict read_length(struct http_reader *reader, const char *value, size_t length)
{
	uint64_t number = 0;

	if (reader->seen_length)
		return http_refuse(reader, 400, "more than one Content-Length");
	for (size_t i = 0; i < length; i++) {
		if (!is_digit(value[i]))
			return http_refuse(reader, 400, "malformed Content-Length");
		number = number > UINT64_MAX / 16 ? number
						  : number * 10 + (uint64_t)(value[i] - '0');
	}
	if (!length)
		return http_refuse(reader, 400, "malformed Content-Length");
	reader->seen_length = true;
	reader->left = number;
	return HTTP_MORE;
}

static enum http_verdict read_coding(struct http_reader *reader, const char *value, size_t length)
{
	if (reader->is_http10)
		return http_refuse(reader, 400, "Transfer-Encoding in HTTP/1.0");
	if (reader->chunked)
		return http_refuse(reader, 400, "more than one Transfer-Encoding");
	if (!http_text_is(value, length, "chunked"))
		return http_refuse(reader, 400, "Transfer-Encoding other than chunked");
	reader->chunked = true;
	return HTTP_MORE;
}

/* RFC 9110, 10.1.1: HTTP/1.0 has no expectations. */
static enum http_verdict read_expect(struct http_reader *reader, const char *value, size_t length)
{
	if (reader->is_http10)
		return HTTP_MORE;
	if (reader->seen_expect || !http_text_is(value, length, "100-continue"))
		return http_refuse(reader, 417, "Expect other than 100-continue");
	reader->seen_expect = true;
	return HTTP_MORE;
}

static enum http_verdict read_connection(
	struct http_reader *reader, const char *value, size_t length)
{
	for (size_t i = 0; i < length;) {
		size_t option = run_of(value + i, length - i, TOKEN);

		if (http_text_is(value + i, option, "close"))
			reader->seen_close = true;
		else if (http_text_is(value + i, option, "keep-alive"))
			reader->keep_alive = true;
		i += option ? option : 1;
	}
	return HTTP_MORE;
}

/* The fields that say how to read the rest. */
static enum http_verdict read_framing(
	struct http_reader *reader, const struct http_reader_field *field)
{
	static const struct {
		const char *name;
		enum http_verdict (*read)(struct http_reader *, const char *, size_t);
	} readers[] = {
		{"host", read_host},
		{"content-length", read_length},
		{"transfer-encoding", read_coding},
		{"expect", read_expect},
		{"connection", read_connection},
	};
	const char *bytes = reader->bytes.data;

	for (size_t i = 0; i < sizeof(readers) / sizeof(readers[0]); i++)
		if (http_text_is(bytes + field->name, field->name_length, readers[i].name))
			return readers[i].read(reader, bytes + field->value, field->value_length);
	return HTTP_MORE;
}

static enum http_verdict split_field(
	struct http_reader *reader, struct http_line line, struct http_reader_field *ret_field)
{
	const char *bytes = reader->bytes.data;
	size_t name = run_of(bytes + line.start, line.end - line.start, TOKEN);
	size_t start = line.start + name + 1;
	size_t end = line.end;
	char after = name < line.end - line.start ? bytes[line.start + name] : '\0';

	if (!name && (after == ' ' || after == '\t'))
		return http_refuse(reader, 400, "folded field");
	if (!name || after != ':')
		return http_refuse(reader, 400, "malformed field name");
	while (start < end && (bytes[start] == ' ' || bytes[start] == '\t'))
		start++;
	while (end > start && (bytes[end - 1] == ' ' || bytes[end - 1] == '\t'))
		end--;
	*ret_field = (struct http_reader_field){
		.name = (uint16_t)line.start,
		.name_length = (uint16_t)name,
		.value = (uint16_t)start,
		.value_length = (uint16_t)(end - start),
	};
	return HTTP_MORE;
}

enum http_verdict http_head_field(struct http_reader *reader, struct http_line line)
{
	struct http_reader_field *field = &reader->fields[reader->field_count];

	if (reader->field_count == HTTP_FIELDS_MAX)
		return http_refuse(reader, 431, "too many fields");
	if (split_field(reader, line, field) || read_framing(reader, field))
		return HTTP_REFUSED;
	reader->bytes.data[field->name + field->name_length] = '\0';
	reader->bytes.data[field->value + field->value_length] = '\0';
	reader->field_count++;
	return HTTP_MORE;
}

enum http_verdict http_head_trailer(struct http_reader *reader, struct http_line line)
{
	struct http_reader_field field;

	return split_field(reader, line, &field);
}

enum http_verdict http_head_end(struct http_reader *reader)
{
	if (!reader->seen_host && !reader->is_http10)
		return http_refuse(reader, 400, "no Host");
	if (reader->chunked && reader->seen_length)
		return http_refuse(reader, 400, "Content-Length with Transfer-Encoding");
	if (reader->left > reader->max_body)
		return http_refuse(reader, 413, "body too large");
	reader->close = reader->seen_close || (reader->is_http10 && !reader->keep_alive);
	return HTTP_MORE;
}
