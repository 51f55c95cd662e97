/* SPDX-License-Identifier: Apache-2.0 */
#include "api.h"

#include "codec/json_writer.h"
#include "net/http_server.h"

#include <string.h>

enum {
	SEGMENT_SIZE = 129, /* of a site's or plan's id in a path, with its NUL */
	BODY_MAX = 4 * 1024 * 1024,
	FIELDS_MAX = 2048,
};

/* What a route's path names. */
struct place {
	char site[SEGMENT_SIZE];
	char plan[SEGMENT_SIZE];
};

struct work {
	const struct api *api;
	const struct api_request *request;
	const struct adit_guard_decision *decision;
	struct place place;
};

/* 0 and a body, or an error of data.h. */
typedef int (*route_get)(struct work *work, struct buf *body);

struct route {
	const char *path; /* `*` is a site first, and then a plan */
	bool of_site;
	route_get get;
};

/* A Service User has the one site of its decision; whether one of a person's
 * several is this one, the guard says. */
static bool may_see(void *context, const char *site)
{
	const struct work *work = context;
	const struct adit_guard_request request = {
		.size = sizeof(request),
		.authorization = work->request->authorization,
		.authorization_count = work->request->authorization_count,
		.method = "GET",
		.site = site,
	};
	struct adit_guard_decision decision = {.size = sizeof(decision)};

	if (work->decision->kind == ADIT_GUARD_KIND_SERVICE)
		return !strcmp(work->decision->site, site);
	return adit_guard_check(work->api->guard, &request, &decision) == 200;
}

static int get_sites(struct work *work, struct buf *body)
{
	const struct data_filter filter = {may_see, work};

	return data_sites(work->api->data, &filter, body);
}

static int get_plans(struct work *work, struct buf *body)
{
	return data_plans(work->api->data, work->place.site, body);
}

static int get_plan(struct work *work, struct buf *body)
{
	return data_plan(work->api->data, work->place.site, work->place.plan, body);
}

static int get_holes(struct work *work, struct buf *body)
{
	return data_holes(work->api->data, work->place.site, work->place.plan, body);
}

static const struct route routes[] = {
	{"/api/v1/sites", false, get_sites},
	{"/api/v1/sites/*/plans", true, get_plans},
	{"/api/v1/sites/*/plans/*", true, get_plan},
	{"/api/v1/sites/*/plans/*/holes", true, get_holes},
};

/* An id is taken as it stands: none needs an escape, so that a path with one
 * names nothing. */
static bool id_character(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '_';
}

static size_t take_id(const char *path, char id[SEGMENT_SIZE])
{
	size_t length = 0;

	while (length < SEGMENT_SIZE - 1 && id_character(path[length]))
		length++;
	memcpy(id, path, length);
	id[length] = '\0';
	return length;
}

static bool matches(const char *pattern, const char *path, struct place *ret_place)
{
	char *id = ret_place->site;

	while (*pattern) {
		if (*pattern == '*') {
			size_t length = take_id(path, id);

			if (!length)
				return false;
			path += length;
			pattern++;
			id = ret_place->plan;
		} else if (*pattern++ != *path++) {
			return false;
		}
	}
	return !*path;
}

static const struct route *find_route(const char *path, struct place *ret_place)
{
	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
		*ret_place = (struct place){0};
		if (matches(routes[i].path, path, ret_place))
			return &routes[i];
	}
	return NULL;
}

void api_write_problem(int status, const char *detail, struct buf *fields, struct buf *body)
{
	struct json_writer writer;

	buf_reset(body);
	json_writer_init(&writer, body);
	json_write_object(&writer, NULL);
	json_write_text(&writer, "type", "about:blank");
	json_write_text(&writer, "title", http_status_text(status));
	json_write_number(&writer, "status", status);
	json_write_text(&writer, "detail", detail && *detail ? detail : NULL);
	json_write_object_end(&writer);
	(void)buf_append_text(fields, "Content-Type: application/problem+json\r\n");
}

/* A 404 never has a detail: "not yours" and "not there" are one body. */
static void problem(struct api_response *response, int status, const char *detail)
{
	api_write_problem(status, detail, &response->fields, &response->body);
	response->status = status;
	if (status == 503)
		(void)buf_append_text(&response->fields, "Retry-After: 5\r\n");
}

static void refuse(const struct adit_guard_decision *decision, struct api_response *response)
{
	int status = decision->status;

	if (*decision->www_authenticate)
		(void)buf_printf(
			&response->fields, "WWW-Authenticate: %s\r\n", decision->www_authenticate);
	problem(response, status, status == 404 ? NULL : decision->error_description);
}

static void serve_route(const struct route *route, struct work *work, struct api_response *response)
{
	int error;

	if (!route) {
		problem(response, 404, NULL);
		return;
	}
	/* The server leaves out the body of an answer to HEAD. */
	if (strcmp(work->request->method, "GET") != 0 &&
		strcmp(work->request->method, "HEAD") != 0) {
		(void)buf_append_text(&response->fields, "Allow: GET, HEAD\r\n");
		problem(response, 405, NULL);
		return;
	}
	error = route->get(work, &response->body);
	if (error) {
		problem(response, error == ERROR_NOT_FOUND ? 404 : 503, NULL);
		return;
	}
	response->status = 200;
	(void)buf_append_text(&response->fields, "Content-Type: application/json\r\n");
}

void api_serve(
	const struct api *api, const struct api_request *request, struct api_response *ret_response)
{
	struct adit_guard_decision decision = {.size = sizeof(decision), .status = 503};
	struct work work = {.api = api, .request = request, .decision = &decision};
	const struct route *route = find_route(request->path, &work.place);
	const struct adit_guard_request question = {
		.size = sizeof(question),
		.authorization = request->authorization,
		.authorization_count = request->authorization_count,
		.method = request->method,
		.site = route && route->of_site ? work.place.site : NULL,
	};

	*ret_response = (struct api_response){0};
	buf_init(&ret_response->fields, FIELDS_MAX);
	buf_init(&ret_response->body, BODY_MAX);
	(void)buf_append_text(&ret_response->fields, "Cache-Control: no-store\r\n");
	(void)adit_guard_check(api->guard, &question, &decision);
	journal_keys(api->journal, decision.operator_text);
	if (decision.status == 200)
		serve_route(route, &work, ret_response);
	else
		refuse(&decision, ret_response);
}

void api_response_finish(struct api_response *response)
{
	buf_finish(&response->fields);
	buf_finish(&response->body);
}
