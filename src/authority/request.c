/* SPDX-License-Identifier: Apache-2.0 */
#include "authority/request.h"

#include "base/error.h"
#include "codec/media_type.h"

#include <string.h>

#define FORM_TYPE "application/x-www-form-urlencoded"

static const struct {
	const char *name;
	size_t max; /* bytes */
} limits[] = {
	{"username", 256},
	{"password", 1024},
	{"client_id", 128},
	{"client_secret", 1024},
	{"client_assertion_type", 256},
	{"client_assertion", 8192},
	{"grant_type", 256},
	{"refresh_token", 2048},
	{"token", 16384},
};

/* Those of OAuth's parameters that must never stand in a URL. */
static const char *const body_only[] = {"grant_type", "username", "password", "client_id",
	"client_secret", "refresh_token", "client_assertion", "client_assertion_type", "code",
	"token"};

static bool is_body_only(const char *name)
{
	for (size_t i = 0; i < sizeof(body_only) / sizeof(body_only[0]); i++)
		if (!strcmp(body_only[i], name))
			return true;
	return false;
}

/* Escapes hide no name, so the query is read as a form; one that is none is refused
 * as if it held such a name. 0, ERROR_INVALID or ERROR_MEMORY. */
static int check_query(const char *query, struct arena *arena)
{
	struct form_field *fields = NULL;
	size_t count = 0;
	int error =
		form_parse(arena, query, strlen(query), REQUEST_PARAMETERS_MAX, &fields, &count);

	if (error)
		return error == ERROR_MEMORY ? error : ERROR_INVALID;
	for (size_t i = 0; i < count; i++)
		if (is_body_only(fields[i].name))
			return ERROR_INVALID;
	return 0;
}

static const char *check_shape(const struct http_request *request)
{
	size_t count = 0;
	const char *type = http_request_field(request, "Content-Type", &count);

	if (strcmp(request->method, "POST") != 0)
		return "send a POST request with the parameters in its body, as " FORM_TYPE;
	if (count != 1 || !media_type_is(type, FORM_TYPE))
		return "send the parameters in the body, with the content type " FORM_TYPE;
	return NULL;
}

/* `resource` (RFC 8707) may come more than once, and so may `audience`. */
static bool may_repeat(const struct form_field *field)
{
	return !strcmp(field->name, "resource") || !strcmp(field->name, "audience");
}

static const char *check_field(const struct parameters *parameters, size_t index)
{
	const struct form_field *field = &parameters->fields[index];

	for (size_t i = 0; i < index; i++)
		if (!strcmp(parameters->fields[i].name, field->name) && !may_repeat(field))
			return "a parameter is there more than once";
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
		if (!strcmp(field->name, limits[i].name) && field->value_length > limits[i].max)
			return "a parameter is too long";
	return NULL;
}

static const char *form_problem(int error)
{
	if (error == ERROR_LIMIT)
		return "there are too many parameters";
	return error ? "the body is not a well-formed form of UTF-8 text" : NULL;
}

int parameters_read(const struct http_request *request, struct arena *arena,
	struct parameters *ret_parameters, const char **ret_description)
{
	struct parameters parameters = {0};
	const char *problem = check_shape(request);
	int error = !problem && request->query ? check_query(request->query, arena) : 0;

	if (error == ERROR_INVALID) {
		problem = "send the parameters in the body, never in the URL";
	} else if (!problem && !error) {
		error = form_parse(arena, request->body, request->body_length,
			REQUEST_PARAMETERS_MAX, &parameters.fields, &parameters.count);
		problem = form_problem(error);
	}
	if (error == ERROR_MEMORY)
		return error;
	for (size_t i = 0; !problem && i < parameters.count; i++)
		problem = check_field(&parameters, i);
	if (problem) {
		*ret_description = problem;
		return ERROR_INVALID;
	}
	*ret_parameters = parameters;
	return 0;
}

const char *parameters_get(const struct parameters *parameters, const char *name)
{
	for (size_t i = 0; i < parameters->count; i++)
		if (!strcmp(parameters->fields[i].name, name))
			return parameters->fields[i].value_length ? parameters->fields[i].value
								  : NULL;
	return NULL;
}
