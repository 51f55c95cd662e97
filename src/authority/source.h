/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a request came from, as limits have it: an IPv4 address, or an IPv6 /64 and
 * the /48 that it lies in.
 */
#ifndef AUTHORITY_SOURCE_H
#define AUTHORITY_SOURCE_H

#include <stdint.h>
#include <sys/socket.h>

/* A non-zero number for the IPv4 address or the /64; 0 where there is none (a Unix
 * socket). `peer` may be NULL: none. */
uint64_t source_number(const struct sockaddr_storage *peer);

/* The /48 of a source, or 0: an IPv4 address has none. */
uint64_t source_network(uint64_t source);

#endif
