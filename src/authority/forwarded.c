/* SPDX-License-Identifier: Apache-2.0 */
#include "authority/forwarded.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <strings.h>

#define FIELD "X-Forwarded-For"

enum {
	ADDRESS_BITS = 128,
	V4_START = 12, /* of an IPv4 address in 16 bytes */
};

/* IPv4 addresses in IPv6's clothes, so that one comparison does for both. */
static void map_v4(const void *v4, unsigned char address[16])
{
	static const unsigned char start[V4_START] = {[10] = 0xff, [11] = 0xff};

	memcpy(address, start, sizeof(start));
	memcpy(address + V4_START, v4, 4);
}

/* false: neither, as a Unix socket's peer. */
static bool address_of(const struct sockaddr_storage *peer, unsigned char address[16])
{
	struct sockaddr_in four;
	struct sockaddr_in6 six;

	if (peer->ss_family == AF_INET) {
		memcpy(&four, peer, sizeof(four));
		map_v4(&four.sin_addr, address);
		return true;
	}
	if (peer->ss_family != AF_INET6)
		return false;
	memcpy(&six, peer, sizeof(six));
	memcpy(address, &six.sin6_addr, sizeof(six.sin6_addr));
	return true;
}

static struct sockaddr_storage socket_address(const unsigned char address[16])
{
	struct sockaddr_in6 six = {.sin6_family = AF_INET6};
	struct sockaddr_in four = {.sin_family = AF_INET};
	struct sockaddr_storage storage = {0};

	memcpy(&six.sin6_addr, address, sizeof(six.sin6_addr));
	if (IN6_IS_ADDR_V4MAPPED(&six.sin6_addr)) {
		memcpy(&four.sin_addr, address + V4_START, sizeof(four.sin_addr));
		memcpy(&storage, &four, sizeof(four));
	} else {
		memcpy(&storage, &six, sizeof(six));
	}
	return storage;
}

/* Whether all bits from `prefix` on are zero, once `prefix` bits of `other` are taken
 * away. */
static bool prefix_matches(
	const unsigned char address[16], const unsigned char other[16], unsigned prefix)
{
	size_t bytes = prefix / 8;
	unsigned char mask = (unsigned char)(0xff00u >> prefix % 8);

	return !memcmp(address, other, bytes) &&
	       (bytes == 16 || !((address[bytes] ^ other[bytes]) & mask));
}

static bool beyond_is_zero(const unsigned char address[16], unsigned prefix)
{
	for (unsigned bit = prefix; bit < ADDRESS_BITS; bit++)
		if (address[bit / 8] & (0x80u >> bit % 8))
			return false;
	return true;
}

/* Numeric addresses alone; a port is none of them. */
static int parse_address(const char *text, unsigned char ret_address[16], bool *ret_v4)
{
	unsigned char v4[4];

	*ret_v4 = inet_pton(AF_INET, text, v4) == 1;
	if (*ret_v4)
		map_v4(v4, ret_address);
	else if (inet_pton(AF_INET6, text, ret_address) != 1)
		return ERROR_INVALID;
	return 0;
}

static int parse_prefix(const char *text, unsigned most, unsigned *ret_prefix)
{
	size_t length = strlen(text);
	unsigned prefix = 0;

	if (!length || length > 3 || strspn(text, "0123456789") != length)
		return ERROR_INVALID;
	for (; *text; text++)
		prefix = prefix * 10 + (unsigned)(*text - '0');
	if (prefix > most)
		return ERROR_INVALID;
	*ret_prefix = prefix;
	return 0;
}

int proxies_add(struct proxies *proxies, const char *text)
{
	char host[INET6_ADDRSTRLEN];
	const char *slash = strchr(text, '/');
	size_t length = slash ? (size_t)(slash - text) : strlen(text);
	struct proxy proxy;
	unsigned prefix = 0;
	bool v4;

	if (!strcmp(text, "unix")) {
		proxies->unix_peers = true;
		return 0;
	}
	if (length >= sizeof(host))
		return ERROR_INVALID;
	memcpy(host, text, length);
	host[length] = '\0';
	if (parse_address(host, proxy.address, &v4))
		return ERROR_INVALID;
	proxy.prefix = ADDRESS_BITS;
	if (slash && parse_prefix(slash + 1, v4 ? 32 : ADDRESS_BITS, &prefix))
		return ERROR_INVALID;
	if (slash)
		proxy.prefix = prefix + (v4 ? ADDRESS_BITS - 32 : 0);
	if (!beyond_is_zero(proxy.address, proxy.prefix))
		return ERROR_INVALID;
	if (proxies->count == PROXIES_MAX)
		return ERROR_LIMIT;
	proxies->list[proxies->count++] = proxy;
	return 0;
}

bool proxies_are_named(const struct proxies *proxies)
{
	return proxies->count || proxies->unix_peers;
}

static bool is_proxy(const struct proxies *proxies, const unsigned char address[16])
{
	for (size_t i = 0; i < proxies->count; i++)
		if (prefix_matches(address, proxies->list[i].address, proxies->list[i].prefix))
			return true;
	return false;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* The last element of a list: text and length, and how much is left before it. */
static size_t last_element(const char *list, size_t length, const char **ret_text, size_t *ret_rest)
{
	size_t first = length;
	size_t end = length;

	while (first && list[first - 1] != ',')
		first--;
	*ret_rest = first ? first - 1 : 0;
	while (first < end && is_blank(list[first]))
		first++;
	while (end > first && is_blank(list[end - 1]))
		end--;
	*ret_text = list + first;
	return end - first;
}

/* "192.0.2.1", "2001:db8::1", and with a port "192.0.2.1:80", "[2001:db8::1]:80". */
static int parse_element(const char *text, size_t length, unsigned char ret_address[16])
{
	char copy[INET6_ADDRSTRLEN + sizeof("[]:65535")];
	char *host = copy;
	char *end = NULL;
	bool v4 = false;

	if (length >= sizeof(copy))
		return ERROR_INVALID;
	memcpy(copy, text, length);
	copy[length] = '\0';
	if (copy[0] == '[') {
		host++;
		end = strchr(copy, ']');
		if (!end || (end[1] && end[1] != ':'))
			return ERROR_INVALID;
		*end++ = '\0';
	} else if (strchr(copy, ':') == strrchr(copy, ':')) {
		end = strchr(copy, ':');
	}
	if (end && *end == ':') {
		*end++ = '\0';
		if (!*end || strlen(end) > 5 || strspn(end, "0123456789") != strlen(end))
			return ERROR_INVALID;
	}
	if (parse_address(host, ret_address, &v4) || (copy[0] == '[' && v4))
		return ERROR_INVALID;
	return 0;
}

/* One field's list, from its right. `ret_found`: whether one was no proxy's. */
static int walk_field(const struct proxies *proxies, const struct http_field *field,
	unsigned char address[16], bool *ret_found)
{
	size_t rest = field->value_length;
	const char *text;

	do {
		size_t length = last_element(field->value, rest, &text, &rest);

		if (parse_element(text, length, address))
			return ERROR_INVALID;
		*ret_found = !is_proxy(proxies, address);
	} while (!*ret_found && rest);
	return 0;
}

static bool is_forwarded_for(const struct http_field *field)
{
	return field->name_length == strlen(FIELD) &&
	       !strncasecmp(field->name, FIELD, field->name_length);
}

int forwarded_source(const struct proxies *proxies, const struct http_request *request,
	struct sockaddr_storage *ret_source)
{
	unsigned char address[16] = {0};
	bool known = address_of(request->peer, address);
	bool found = known ? !is_proxy(proxies, address) : !proxies->unix_peers;
	int error = 0;

	if (found) {
		*ret_source = *request->peer;
		return 0;
	}
	/* Fields of one name are one list, in their order (RFC 9110, 5.3). */
	for (size_t i = request->field_count; i > 0 && !found && !error; i--) {
		const struct http_field *field = &request->fields[i - 1];

		if (!is_forwarded_for(field))
			continue;
		error = walk_field(proxies, field, address, &found);
		known = true;
	}
	if (error)
		return error;
	*ret_source = known ? socket_address(address) : *request->peer;
	return 0;
}
