/* SPDX-License-Identifier: Apache-2.0 */
#include "client/loopback_request.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static bool is_own_host(const char *host, uint16_t port)
{
	static const char *const names[] = {"127.0.0.1", "localhost"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char own[32];

		(void)snprintf(own, sizeof(own), "%s:%u", names[i], (unsigned)port);
		if (!strcasecmp(host, own) || (port == 80 && !strcasecmp(host, names[i])))
			return true;
	}
	return false;
}

int loopback_request_judge(const struct http_request *request, uint16_t port, const char *path)
{
	const char *host = http_request_field(request, "Host", NULL);

	if (!host || !is_own_host(host, port))
		return 421;
	if (strcmp(request->raw_path, path) != 0)
		return 404;
	if (strcmp(request->method, "GET") != 0)
		return 405;
	if (!request->query || !*request->query || request->body_length)
		return 400;
	return 200;
}
