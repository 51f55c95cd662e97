/* SPDX-License-Identifier: Apache-2.0 */
#include "authority/source.h"

#include <netinet/in.h>
#include <stddef.h>
#include <string.h>

/* An IPv4 address stands as the prefix ::a.b.c.d, which no network has (RFC 4291,
 * 2.4). IPv4 addresses in IPv6's clothes are IPv4 addresses. */
uint64_t source_number(const struct sockaddr_storage *peer)
{
	struct sockaddr_in6 six;
	struct sockaddr_in four;
	uint64_t number = 0;
	size_t first = 0;
	size_t end = 8;

	if (peer && peer->ss_family == AF_INET) {
		memcpy(&four, peer, sizeof(four));
		return ntohl(four.sin_addr.s_addr);
	}
	if (!peer || peer->ss_family != AF_INET6)
		return 0;
	memcpy(&six, peer, sizeof(six));
	if (IN6_IS_ADDR_V4MAPPED(&six.sin6_addr)) {
		first = 12;
		end = 16;
	}
	for (size_t i = first; i < end; i++)
		number = number << 8 | six.sin6_addr.s6_addr[i];
	return number ? number : 1;
}

uint64_t source_network(uint64_t source)
{
	return source > UINT32_MAX ? source >> 16 : 0;
}
