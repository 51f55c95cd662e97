/* SPDX-License-Identifier: Apache-2.0 */
#include "authority/route.h"

#include "authority/cors.h"
#include "authority/endpoint.h"
#include "authority/metrics.h"
#include "authority/respond.h"
#include "authority/source.h"

#include "oauth/error.h"

#include <string.h>

enum { PATH_MAX_LENGTH = 1024 };

struct route {
	const char *path; /* after the issuer's path, or at the host's root */
	bool at_root;	  /* the issuer's path comes after it, or not at all */
	bool any_method;  /* the endpoint answers for the method itself */
	size_t body_max;
	endpoint_handler handler;
	enum metrics_endpoint counted_as;
	const char *cross_origin; /* methods that scripts of web clients may use; NULL: none */
	bool unlimited;		  /* asked often by whoever watches over the process */
};

static const struct route routes[] = {
	{.path = "/connect/token",
		.any_method = true,
		.body_max = (size_t)64 * 1024,
		.handler = endpoint_token,
		.cross_origin = "POST",
		.counted_as = METRICS_TOKEN},
	{.path = "/connect/revocation",
		.any_method = true,
		.body_max = (size_t)64 * 1024,
		.handler = endpoint_revocation,
		.cross_origin = "POST",
		.counted_as = METRICS_REVOCATION},
	{.path = "/connect/introspect",
		.any_method = true,
		.body_max = (size_t)64 * 1024,
		.handler = endpoint_introspection,
		.counted_as = METRICS_INTROSPECTION},
	{.path = "/connect/userinfo",
		.any_method = true,
		.body_max = (size_t)64 * 1024,
		.handler = endpoint_userinfo,
		.cross_origin = "GET, HEAD, POST",
		.counted_as = METRICS_USERINFO},
	{.path = "/.well-known/openid-configuration",
		.handler = endpoint_discovery,
		.cross_origin = "GET, HEAD",
		.counted_as = METRICS_DISCOVERY},
	{.path = "/.well-known/openid-configuration/jwks",
		.handler = endpoint_jwks,
		.cross_origin = "GET, HEAD",
		.counted_as = METRICS_JWKS},
	{.path = "/healthz",
		.at_root = true,
		.unlimited = true,
		.handler = endpoint_healthz,
		.counted_as = METRICS_HEALTHZ},
	{.path = "/readyz",
		.at_root = true,
		.handler = endpoint_readyz,
		.counted_as = METRICS_READYZ},
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
	static const struct route metadata = {.path = RFC8414_PATH,
		.at_root = true,
		.cross_origin = "GET, HEAD",
		.handler = endpoint_discovery,
		.counted_as = METRICS_DISCOVERY};
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

/* One line a second at most tells of them all. */
static void tell_flood(
	struct authority *authority, const struct http_request *request, int64_t now_ms)
{
	char source[HTTP_SOURCE_SIZE];
	int64_t count;

	if (!log_seldom_due(&authority->floods, now_ms, &count))
		return;
	http_source_text(request->peer, source);
	LOG_EVENT(authority->log, LOG_LEVEL_WARNING, "flood_refused", log_text("source", source),
		log_number("count", count));
}

/* Before everything else; whether it was refused. */
static bool refuse_flood(
	struct authority *authority, const struct http_request *request, struct http_ticket ticket)
{
	int64_t now_ms = clock_monotonic_ms();
	int64_t wait_s = throttle_take(authority->throttle, source_number(request->peer), now_ms);

	if (!wait_s)
		return false;
	tell_flood(authority, request, now_ms);
	respond_error_anew(
		ticket, &(struct error_reply){.status = 429,
				.error = OAUTH_SLOW_DOWN,
				.description = "too many requests from this address; wait as long "
					       "as Retry-After says",
				.retry_after_s = wait_s});
	return true;
}

static bool method_is_read(const char *method)
{
	return !strcmp(method, "GET") || !strcmp(method, "HEAD");
}

static void serve_route(const struct route *route, struct authority *authority,
	const struct http_request *request, struct http_ticket ticket)
{
	if (!route->any_method && !method_is_read(request->method))
		respond_error_anew(ticket, &(struct error_reply){.status = 405,
						   .error = OAUTH_INVALID_REQUEST,
						   .description = "this endpoint takes GET only",
						   .allow = "GET, HEAD"});
	else if (request->body_length > route->body_max)
		respond_error_anew(
			ticket, &(struct error_reply){.status = 413,
					.error = OAUTH_INVALID_REQUEST,
					.description = "the request's body is too large"});
	else
		route->handler(authority, request, ticket);
}

/* Whether it is a preflight that is to be answered, and not the endpoint's. */
static bool begin_cross_origin(const struct route *route, struct authority *authority,
	const struct http_request *request, struct http_ticket ticket)
{
	struct catalog *catalog;
	bool preflight;

	if (!route || !route->cross_origin)
		return false;
	catalog = authority_catalog(authority);
	preflight = cors_begin(catalog, request, ticket);
	catalog_release(catalog);
	return preflight;
}

static void refuse_path(struct http_ticket ticket)
{
	respond_error_anew(ticket, &(struct error_reply){.status = 404,
					   .error = "not_found",
					   .description = "there is no such endpoint"});
}

/* From here on a request's peer is who sent it to the first proxy that is ours. */
void route_request(
	struct authority *authority, const struct http_request *received, struct http_ticket ticket)
{
	char path[PATH_MAX_LENGTH];
	const struct route *route =
		normalise(received->path, path) ? find_route(authority, path) : NULL;
	struct sockaddr_storage source;
	struct http_request from_source = *received;
	const struct http_request *request = &from_source;
	bool preflight = begin_cross_origin(route, authority, request, ticket);

	http_mark(ticket, route ? route->counted_as : METRICS_OTHER);
	if (forwarded_source(&authority->settings.proxies, received, &source)) {
		respond_error_anew(ticket,
			&(struct error_reply){.status = 400,
				.error = OAUTH_INVALID_REQUEST,
				.description =
					"the proxy's X-Forwarded-For is no list of addresses"});
		return;
	}
	from_source.peer = &source;
	if (!(route && route->unlimited) && refuse_flood(authority, request, ticket))
		return;
	if (preflight)
		cors_answer_preflight(ticket, route->cross_origin);
	else if (route)
		serve_route(route, authority, request, ticket);
	else
		refuse_path(ticket);
}

void route_metrics(
	struct authority *authority, const struct http_request *request, struct http_ticket ticket)
{
	static const struct route metrics = {.path = "/metrics", .handler = endpoint_metrics};
	char path[PATH_MAX_LENGTH];

	if (normalise(request->path, path) && !strcmp(path, metrics.path))
		serve_route(&metrics, authority, request, ticket);
	else
		refuse_path(ticket);
}
