/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Absolute http and https URIs (RFC 3986), strictly: nothing is repaired. A
 * host is made of letters, digits, '-', '_' and '.', has no empty label, and is
 * an IPv4 address in full if it ends in a number; a port is 1 to 65535, with no
 * leading zero. What is taken here, a browser reads the same way.
 */
#ifndef CODEC_URI_H
#define CODEC_URI_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	URI_MAX = 2048,	    /* bytes of a URI */
	URI_HOST_MAX = 255, /* bytes of a host */
};

struct uri {
	bool https;		     /* http otherwise */
	char host[URI_HOST_MAX + 1]; /* without the brackets of an IPv6 address */
	bool host_is_ipv6;
	uint16_t port; /* the scheme's default where none was given */
	bool port_given;
	const char *path; /* borrowed from the text: "" or from '/' on, to the text's end or '?' */
	size_t path_length;
	const char *query; /* borrowed; NULL if there is no '?' */
	size_t query_length;
};

/* 0; ERROR_INVALID: not an absolute http(s) URI, user information, a fragment,
 * an empty host, a bad port, a control character, space, backslash or non-ASCII
 * byte, a malformed escape; ERROR_LIMIT: longer than URI_MAX. */
int uri_parse(const char *text, struct uri *ret_uri);

/* Whether the host is exactly localhost, 127.0.0.0/8 in dotted decimal, or ::1. */
bool uri_is_loopback(const struct uri *uri);

/* Appends the origin as a browser writes it (RFC 6454, 6.2; WHATWG URL, 4.7): lower case,
 * an IPv6 address in its short form, and no port where it is the scheme's own. 0,
 * ERROR_MEMORY or ERROR_LIMIT. */
int uri_append_origin(struct buf *buf, const struct uri *uri);

/* https, or http on loopback: where tokens and credentials may go. */
bool uri_is_safe(const struct uri *uri);

#endif
