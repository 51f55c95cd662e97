/* SPDX-License-Identifier: Apache-2.0 */
#include "authority/route.h"

#include "authority/endpoint.h"
#include "authority/respond.h"

#include <string.h>

enum { PATH_MAX_LENGTH = 1024 };

struct route {
	const char *path; /* after the issuer's path, or at the host's root */
	bool at_root;	  /* the issuer's path comes after it, or not at all */
	bool any_method;  /* the endpoint answers for the method itself */
	size_t body_max;
	endpoint_handler handler;
};

static const struct route routes[] = {
	{"/connect/token", false, true, 64 * 1024, endpoint_token},
	{"/.well-known/openid-configuration", false, false, 0, endpoint_discovery},
	{"/.well-known/openid-configuration/jwks", false, false, 0, endpoint_jwks},
	{"/healthz", true, false, 0, endpoint_healthz},
	{"/readyz", true, false, 0, endpoint_readyz},
};

/* RFC 8414, 3.1: the issuer's path stands after the well-known one. */
#define RFC8414_PATH "/.well-known/oauth-authorization-server"

/* One slash for many, none at the end; false when it is too long to be ours. */
static bool normalise(const char *path, char ret_path[PATH_MAX_LENGTH])
{
	size_t length = 0;

	for (; *path; path++) {
		if (*path == '/' && (path[1] == '/' || path[1] == '\0'))
			continue;
		if (length + 1 == PATH_MAX_LENGTH)
			return false;
		ret_path[length++] = *path;
	}
	ret_path[length] = '\0';
	return true;
}

static const struct route *find_route(const struct authority *authority, const char *path)
{
	static const struct route metadata = {RFC8414_PATH, true, false, 0, endpoint_discovery};
	size_t issuer_length = strlen(authority->issuer_path);
	bool below = !strncmp(path, authority->issuer_path, issuer_length);
	size_t well_known = strlen(RFC8414_PATH);

	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
		if (routes[i].at_root && !strcmp(path, routes[i].path))
			return &routes[i];
		if (!routes[i].at_root && below && !strcmp(path + issuer_length, routes[i].path))
			return &routes[i];
	}
	if (!strncmp(path, RFC8414_PATH, well_known) &&
		!strcmp(path + well_known, authority->issuer_path))
		return &metadata;
	return NULL;
}

static void refuse(struct http_ticket ticket, const struct error_reply *reply)
{
	char correlation_id[CORRELATION_ID_LENGTH + 1] = "";
	struct error_reply full = *reply;

	full.correlation_id = correlation_id_make(correlation_id) ? NULL : correlation_id;
	respond_error(ticket, &full);
}

static bool method_is_read(const char *method)
{
	return !strcmp(method, "GET") || !strcmp(method, "HEAD");
}

void route_request(
	struct authority *authority, const struct http_request *request, struct http_ticket ticket)
{
	char path[PATH_MAX_LENGTH];
	const struct route *route =
		normalise(request->path, path) ? find_route(authority, path) : NULL;

	if (!route)
		refuse(ticket, &(struct error_reply){.status = 404,
				       .error = "not_found",
				       .description = "there is no such endpoint"});
	else if (!route->any_method && !method_is_read(request->method))
		refuse(ticket, &(struct error_reply){.status = 405,
				       .error = "invalid_request",
				       .description = "this endpoint takes GET only",
				       .allow = "GET, HEAD"});
	else if (request->body_length > route->body_max)
		refuse(ticket, &(struct error_reply){.status = 413,
				       .error = "invalid_request",
				       .description = "the request's body is too large"});
	else
		route->handler(authority, request, ticket);
}
