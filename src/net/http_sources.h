/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many connections each source has: an IPv4 address, or an IPv6 /64.
 * Thread-safe. Unix sockets are not counted.
 */
#ifndef NET_HTTP_SOURCES_H
#define NET_HTTP_SOURCES_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct http_source {
	uint64_t prefix;
	uint32_t family; /* AF_INET, AF_INET6, AF_UNIX */
	uint32_t count;	 /* 0: this place is free */
};

struct http_sources {
	pthread_mutex_t lock;
	struct http_source *table; /* open addressing */
	size_t mask;
	uint64_t seed[2]; /* so that nobody can choose addresses that collide */
	uint32_t max;	  /* of one source */
};

/* Room for `connections` sources: 0, ERROR_MEMORY or ERROR_IO. */
int http_sources_init(struct http_sources *sources, size_t connections, uint32_t max);
void http_sources_finish(struct http_sources *sources);

/* Counts one more, unless the source has its share. */
bool http_sources_add(struct http_sources *sources, const struct sockaddr_storage *peer);
void http_sources_remove(struct http_sources *sources, const struct sockaddr_storage *peer);

bool http_source_same(const struct sockaddr_storage *a, const struct sockaddr_storage *b);

#endif
