/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_api.h"

#include "net/http_server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct fake_api world;

static void answer_json(struct http_ticket ticket, int status, const char *text)
{
	const struct http_response response = {.status = status,
		.fields = "Content-Type: application/json\r\n",
		.body = text,
		.body_length = strlen(text)};

	http_answer(ticket, &response);
}

static void serve_authority(const struct http_request *request, struct http_ticket ticket)
{
	char text[512];

	if (strstr(request->path, "openid-configuration")) {
		(void)snprintf(text, sizeof(text),
			"{\"issuer\":\"http://%s\",\"jwks_uri\":\"http://%s/jwks\","
			"\"token_endpoint\":\"http://%s/token\"}",
			world.address, world.address, world.address);
	} else {
		world.tokens++;
		(void)snprintf(text, sizeof(text),
			"{\"access_token\":\"token-%d\",\"token_type\":\"Bearer\","
			"\"expires_in\":3600}",
			(int)world.tokens);
	}
	answer_json(ticket, 200, text);
}

static void answer_other(const struct http_request *request, struct http_ticket ticket)
{
	static char large[FAKE_API_LARGE];
	struct http_response response = {.status = 429, .fields = "Retry-After: 1\r\n"};

	if (!strcmp(request->path, "/api/redirect")) {
		response.status = 302;
		response.fields = "Location: /api/elsewhere\r\n";
	} else if (!strcmp(request->path, "/api/large")) {
		response = (struct http_response){
			.status = 200, .body = large, .body_length = sizeof(large)};
	}
	http_answer(ticket, &response);
}

static void copy(char *to, size_t size, const char *bytes, size_t length)
{
	(void)snprintf(to, size, "%.*s", (int)length, bytes ? bytes : "");
}

static void serve(void *context, const struct http_request *request, struct http_ticket ticket)
{
	const char *authorization = http_request_field(request, "authorization", NULL);
	const char *type = http_request_field(request, "content-type", NULL);
	int number = 0;

	(void)context;
	if (strncmp(request->path, "/api/", 5) != 0) {
		serve_authority(request, ticket);
		return;
	}
	world.calls++;
	copy(world.method, sizeof(world.method), request->method, strlen(request->method));
	copy(world.type, sizeof(world.type), type, type ? strlen(type) : 0);
	copy(world.body, sizeof(world.body), request->body, request->body_length);
	if (world.silent)
		return;
	if (authorization && !strncmp(authorization, "Bearer token-", 13))
		number = (int)strtol(authorization + 13, NULL, 10);
	if (number <= world.rejected)
		answer_json(ticket, 401, "{}");
	else if (strcmp(request->path, "/api/plain") != 0)
		answer_other(request, ticket);
	else
		answer_json(ticket, 200, "{\"fine\":true}");
}

int fake_api_start(void)
{
	static const char *const listen[] = {"127.0.0.1:0"};
	const struct http_server_options options = {
		.listen = listen, .listen_count = 1, .threads = 1, .handler = serve};

	memset(&world, 0, sizeof(world));
	if (http_server_create(&options, &world.server, NULL))
		return -1;
	(void)snprintf(
		world.address, sizeof(world.address), "%s", http_server_address(world.server, 0));
	return http_server_start(world.server);
}

void fake_api_stop(void)
{
	http_server_stop(world.server, 0);
	http_server_destroy(world.server);
}

const char *fake_api_url(const char *path)
{
	static _Thread_local char url[128];

	(void)snprintf(url, sizeof(url), "http://%s%s", world.address, path);
	return url;
}
