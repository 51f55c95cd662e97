/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who a request comes from when a proxy is in front: the X-Forwarded-For field, read
 * only when a proxy that the operator named sent it. Forwarded (RFC 7239) is not read:
 * proxies that do not write it pass on what a client wrote there.
 */
#ifndef AUTHORITY_FORWARDED_H
#define AUTHORITY_FORWARDED_H

#include "net/http_server.h"

enum { PROXIES_MAX = 16 };

struct proxy {
	unsigned char address[16]; /* IPv4 as ::ffff:a.b.c.d; zero beyond the prefix */
	unsigned prefix;	   /* bits, of 128 */
};

struct proxies {
	struct proxy list[PROXIES_MAX];
	size_t count;
	bool unix_peers; /* whoever connects over a Unix socket */
};

/* "192.0.2.1", "192.0.2.0/24", "2001:db8::/32" or "unix": 0, ERROR_INVALID (no such thing,
 * or bits beyond the prefix) or ERROR_LIMIT. */
int proxies_add(struct proxies *proxies, const char *text);

/* Whether any is named. */
bool proxies_are_named(const struct proxies *proxies);

/* The rightmost address that is no named proxy's, beginning with the peer; the leftmost
 * where all are. 0, or ERROR_INVALID: a named proxy sent what is no address. */
int forwarded_source(const struct proxies *proxies, const struct http_request *request,
	struct sockaddr_storage *ret_source);

#endif
