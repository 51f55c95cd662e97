/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Absolute http and https URIs (RFC 3986), stricter than that in the host,
 * where programs disagree: only letters, digits, '-', '_' and '.', no empty
 * label, and a host that ends in a number is an IPv4 address in full.
 */
#include "codec/uri.h"

#include "base/error.h"
#include "codec/hex.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_unreserved(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c && strchr("-._~", c));
}

/* RFC 3986, 3.3 and 3.4: what a path or a query is made of. */
static bool component_valid(const char *text, size_t length, const char *extra)
{
	for (size_t i = 0; i < length; i++) {
		if (text[i] == '%') {
			if (length - i < 3 || hex_value(text[i + 1]) < 0 ||
				hex_value(text[i + 2]) < 0)
				return false;
			i += 2;
		} else if (!is_unreserved(text[i]) && !strchr("!$&'()*+,;=:@/", text[i]) &&
			   !strchr(extra, text[i])) {
			return false;
		}
	}
	return true;
}

/* Whether other programs would read the last label as a number (WHATWG URL, 3.5). */
static bool ends_in_number(const char *host, size_t length)
{
	const char *label;
	size_t digits;

	if (length && host[length - 1] == '.')
		length--;
	label = memrchr(host, '.', length);
	label = label ? label + 1 : host;
	length -= (size_t)(label - host);
	for (digits = 0; digits < length && is_digit(label[digits]); digits++)
		;
	if (digits == length)
		return true;
	if (length < 2 || label[0] != '0' || (label[1] | 0x20) != 'x')
		return false;
	for (digits = 2; digits < length && hex_value(label[digits]) >= 0; digits++)
		;
	return digits == length;
}

static bool name_valid(const char *host)
{
	size_t label = 0;

	for (; *host; host++) {
		if (*host != '.' && *host != '_' && (!is_unreserved(*host) || *host == '~'))
			return false;
		if (*host == '.' && !label)
			return false;
		label = *host == '.' ? 0 : label + 1;
	}
	return true;
}

static bool host_valid(const struct uri *uri)
{
	struct in6_addr address;

	if (!uri->host[0])
		return false;
	if (uri->host_is_ipv6)
		return inet_pton(AF_INET6, uri->host, &address) == 1;
	if (ends_in_number(uri->host, strlen(uri->host)))
		return inet_pton(AF_INET, uri->host, &address) == 1;
	return name_valid(uri->host);
}

/* Digits to the end; no leading zero, and not 0. */
static int parse_port(const char *text, size_t length, uint16_t *ret_port)
{
	unsigned port = 0;

	if (!length || length > 5 || text[0] == '0')
		return ERROR_INVALID;
	for (size_t i = 0; i < length; i++) {
		if (!is_digit(text[i]))
			return ERROR_INVALID;
		port = port * 10 + (unsigned)(text[i] - '0');
	}
	if (port > UINT16_MAX)
		return ERROR_INVALID;
	*ret_port = (uint16_t)port;
	return 0;
}

static int parse_authority(const char *text, size_t length, struct uri *uri)
{
	const char *host = text;
	const char *host_end;
	const char *end = text + length;

	if (length && text[0] == '[') {
		uri->host_is_ipv6 = true;
		host = text + 1;
		host_end = memchr(text, ']', length);
		if (!host_end)
			return ERROR_INVALID;
	} else {
		host_end = memchr(text, ':', length);
		if (!host_end)
			host_end = end;
	}
	if (host_end - host > URI_HOST_MAX)
		return ERROR_INVALID;
	memcpy(uri->host, host, (size_t)(host_end - host));
	if (!host_valid(uri))
		return ERROR_INVALID;
	if (uri->host_is_ipv6)
		host_end++;
	if (host_end == end)
		return 0;
	if (*host_end != ':')
		return ERROR_INVALID;
	uri->port_given = true;
	return parse_port(host_end + 1, (size_t)(end - host_end - 1), &uri->port);
}

int uri_parse(const char *text, struct uri *ret_uri)
{
	struct uri uri = {.port = 80};
	const char *at = text + 7;
	size_t length = strnlen(text, URI_MAX + 1);
	int error;

	if (length > URI_MAX)
		return ERROR_LIMIT;
	if (!strncasecmp(text, "https://", 8)) {
		uri.https = true;
		uri.port = 443;
		at = text + 8;
	} else if (strncasecmp(text, "http://", 7)) {
		return ERROR_INVALID;
	}
	length = strcspn(at, "/?#");
	error = parse_authority(at, length, &uri);
	if (error)
		return error;
	uri.path = at + length;
	uri.path_length = strcspn(uri.path, "?");
	if (uri.path[uri.path_length] == '?') {
		uri.query = uri.path + uri.path_length + 1;
		uri.query_length = strlen(uri.query);
	}
	if (!component_valid(uri.path, uri.path_length, "") ||
		!component_valid(uri.query, uri.query_length, "?"))
		return ERROR_INVALID;
	*ret_uri = uri;
	return 0;
}

bool uri_is_loopback(const struct uri *uri)
{
	struct in_addr address;

	if (uri->host_is_ipv6)
		return !strcmp(uri->host, "::1");
	if (!strcmp(uri->host, "localhost"))
		return true;
	return inet_pton(AF_INET, uri->host, &address) == 1 && ntohl(address.s_addr) >> 24 == 127;
}

bool uri_is_safe(const struct uri *uri)
{
	return uri->https || uri_is_loopback(uri);
}

static void append_address(struct buf *buf, const char *host)
{
	char text[INET6_ADDRSTRLEN] = "";
	struct in6_addr address;

	if (inet_pton(AF_INET6, host, &address) == 1)
		(void)inet_ntop(AF_INET6, &address, text, sizeof(text));
	(void)buf_printf(buf, "[%s]", text);
}

int uri_append_origin(struct buf *buf, const struct uri *uri)
{
	(void)buf_append_text(buf, uri->https ? "https://" : "http://");
	if (uri->host_is_ipv6)
		append_address(buf, uri->host);
	else
		for (const char *at = uri->host; *at; at++)
			(void)buf_append_char(
				buf, (char)(*at >= 'A' && *at <= 'Z' ? *at | 0x20 : *at));
	if (uri->port != (uri->https ? 443 : 80))
		(void)buf_printf(buf, ":%u", uri->port);
	return buf_status(buf);
}
