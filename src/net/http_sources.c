/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_sources.h"

#include "base/error.h"
#include "base/random.h"
#include "net/http_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct in6_addr *mapped_address(const struct sockaddr_storage *peer)
{
	const struct in6_addr *address = &((const struct sockaddr_in6 *)peer)->sin6_addr;

	return IN6_IS_ADDR_V4MAPPED(address) ? address : NULL;
}

static struct http_source source_of(const struct sockaddr_storage *peer)
{
	struct http_source source = {.family = AF_UNIX};

	if (peer->ss_family == AF_INET) {
		source.family = AF_INET;
		source.prefix = ((const struct sockaddr_in *)peer)->sin_addr.s_addr;
	} else if (peer->ss_family == AF_INET6) {
		const struct in6_addr *mapped = mapped_address(peer);
		uint32_t v4;

		source.family = mapped ? AF_INET : AF_INET6;
		if (mapped) {
			memcpy(&v4, mapped->s6_addr + 12, sizeof(v4));
			source.prefix = v4;
		} else {
			memcpy(&source.prefix, &((const struct sockaddr_in6 *)peer)->sin6_addr,
				sizeof(source.prefix));
		}
	}
	return source;
}

bool http_source_same(const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
	struct http_source one = source_of(a);
	struct http_source other = source_of(b);

	return one.family == other.family && one.prefix == other.prefix;
}

void http_source_text(const struct sockaddr_storage *peer, char ret_text[HTTP_SOURCE_SIZE])
{
	const char *text = NULL;

	if (peer && peer->ss_family == AF_INET)
		text = inet_ntop(AF_INET, &((const struct sockaddr_in *)peer)->sin_addr, ret_text,
			HTTP_SOURCE_SIZE);
	else if (peer && peer->ss_family == AF_INET6 && mapped_address(peer))
		text = inet_ntop(
			AF_INET, mapped_address(peer)->s6_addr + 12, ret_text, HTTP_SOURCE_SIZE);
	else if (peer && peer->ss_family == AF_INET6)
		text = inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)peer)->sin6_addr,
			ret_text, HTTP_SOURCE_SIZE);
	if (!text)
		(void)snprintf(ret_text, HTTP_SOURCE_SIZE, "%s",
			peer && peer->ss_family == AF_UNIX ? "unix" : "unknown");
}

int http_sources_init(struct http_sources *sources, size_t connections, uint32_t max)
{
	size_t size = 16;

	while (size < connections * 2)
		size *= 2;
	*sources = (struct http_sources){.mask = size - 1, .max = max};
	if (random_bytes(sources->seed, sizeof(sources->seed)))
		return ERROR_IO;
	sources->table = calloc(size, sizeof(*sources->table));
	if (!sources->table)
		return ERROR_MEMORY;
	if (pthread_mutex_init(&sources->lock, NULL)) {
		free(sources->table);
		sources->table = NULL;
		return ERROR_MEMORY;
	}
	return 0;
}

void http_sources_finish(struct http_sources *sources)
{
	if (!sources || !sources->table)
		return;
	(void)pthread_mutex_destroy(&sources->lock);
	free(sources->table);
	sources->table = NULL;
}

static size_t place_of(const struct http_sources *sources, const struct http_source *source)
{
	uint64_t hash = (source->prefix ^ sources->seed[0]) + source->family;

	for (int i = 0; i < 3; i++) {
		hash = (hash ^ (hash >> 32)) * (sources->seed[1] | 1);
		hash ^= hash >> 29;
	}
	return (size_t)hash & sources->mask;
}

/* Where the source is, or the free place where it belongs. */
static size_t find(const struct http_sources *sources, const struct http_source *source)
{
	size_t at = place_of(sources, source);

	while (sources->table[at].count && (sources->table[at].prefix != source->prefix ||
						   sources->table[at].family != source->family))
		at = (at + 1) & sources->mask;
	return at;
}

bool http_sources_add(struct http_sources *sources, const struct sockaddr_storage *peer)
{
	struct http_source source = source_of(peer);
	struct http_source *place;
	bool added;

	if (source.family == AF_UNIX)
		return true;
	(void)pthread_mutex_lock(&sources->lock);
	place = &sources->table[find(sources, &source)];
	added = place->count < sources->max;
	if (added) {
		source.count = place->count + 1;
		*place = source;
	}
	(void)pthread_mutex_unlock(&sources->lock);
	return added;
}

/* Moves later ones up, so that no search ends at the place that became free. */
static void close_gap(struct http_sources *sources, size_t gap)
{
	size_t at = gap;

	for (;;) {
		size_t home;

		at = (at + 1) & sources->mask;
		if (!sources->table[at].count)
			break;
		home = place_of(sources, &sources->table[at]);
		if (((at - home) & sources->mask) < ((at - gap) & sources->mask))
			continue;
		sources->table[gap] = sources->table[at];
		sources->table[at].count = 0;
		gap = at;
	}
}

void http_sources_remove(struct http_sources *sources, const struct sockaddr_storage *peer)
{
	struct http_source source = source_of(peer);
	size_t at;

	if (source.family == AF_UNIX)
		return;
	(void)pthread_mutex_lock(&sources->lock);
	at = find(sources, &source);
	if (sources->table[at].count && !--sources->table[at].count)
		close_gap(sources, at);
	(void)pthread_mutex_unlock(&sources->lock);
}
