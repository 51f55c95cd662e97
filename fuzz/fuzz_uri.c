/* SPDX-License-Identifier: Apache-2.0 */
/* What is taken consists of the parts that were given, and of nothing else. */
#include "codec/uri.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void compare(const char *text, const struct uri *uri)
{
	char again[URI_MAX + 64];
	int length = snprintf(again, sizeof(again), "%s://%s%s%s", uri->https ? "https" : "http",
		uri->host_is_ipv6 ? "[" : "", uri->host, uri->host_is_ipv6 ? "]" : "");

	if (uri->port_given)
		length +=
			snprintf(again + length, sizeof(again) - (size_t)length, ":%u", uri->port);
	(void)snprintf(again + length, sizeof(again) - (size_t)length, "%.*s%s%.*s",
		(int)uri->path_length, uri->path, uri->query ? "?" : "", (int)uri->query_length,
		uri->query ? uri->query : "");
	if (strcasecmp(again, text) != 0)
		abort();
	if (uri_is_loopback(uri) && !uri_is_safe(uri))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	struct uri uri;

	if (!text)
		abort();
	memcpy(text, data, size);
	text[size] = '\0';
	if (!uri_parse(text, &uri))
		compare(text, &uri);
	free(text);
	return 0;
}
