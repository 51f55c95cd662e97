/* SPDX-License-Identifier: Apache-2.0 */
#include "authority/request.h"

#include "base/error.h"

#include <string.h>
#include <strings.h>

#define FORM_TYPE "application/x-www-form-urlencoded"

static const struct {
	const char *name;
	size_t max; /* bytes */
} limits[] = {
	{"username", 256},
	{"password", 1024},
	{"client_id", 128},
	{"client_secret", 1024},
	{"grant_type", 256},
	{"refresh_token", 2048},
};

/* Those of OAuth's parameters that must never stand in a URL. */
static const char *const body_only[] = {"grant_type", "username", "password", "client_id",
	"client_secret", "refresh_token", "client_assertion", "code"};

static bool type_is_form(const char *type)
{
	size_t length = strlen(FORM_TYPE);

	if (strncasecmp(type, FORM_TYPE, length) != 0)
		return false;
	type += length;
	while (*type == ' ' || *type == '\t')
		type++;
	return *type == '\0' || *type == ';';
}

static bool is_body_only(const char *name)
{
	for (size_t i = 0; i < sizeof(body_only) / sizeof(body_only[0]); i++)
		if (!strcmp(body_only[i], name))
			return true;
	return false;
}

/* Escapes hide no name, so the query is read as a form; one that is none is not
 * looked at further. */
static bool query_may_stand(const char *query, struct arena *arena)
{
	struct form_field *fields = NULL;
	size_t count = 0;

	if (form_parse(arena, query, strlen(query), REQUEST_PARAMETERS_MAX, &fields, &count))
		return false;
	for (size_t i = 0; i < count; i++)
		if (is_body_only(fields[i].name))
			return false;
	return true;
}

static const char *check_shape(const struct http_request *request, struct arena *arena)
{
	size_t count = 0;
	const char *type = http_request_field(request, "Content-Type", &count);

	if (strcmp(request->method, "POST") != 0)
		return "send a POST request with the parameters in its body, as " FORM_TYPE;
	if (count != 1 || !type_is_form(type))
		return "send the parameters in the body, with the content type " FORM_TYPE;
	if (request->query && !query_may_stand(request->query, arena))
		return "send the parameters in the body, never in the URL";
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

int parameters_read(const struct http_request *request, struct arena *arena,
	struct parameters *ret_parameters, const char **ret_description)
{
	struct parameters parameters = {0};
	const char *problem = check_shape(request, arena);
	int error = 0;

	if (!problem)
		error = form_parse(arena, request->body, request->body_length,
			REQUEST_PARAMETERS_MAX, &parameters.fields, &parameters.count);
	if (error == ERROR_MEMORY)
		return error;
	if (error == ERROR_LIMIT)
		problem = "there are too many parameters";
	else if (error)
		problem = "the body is not a well-formed form of UTF-8 text";
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
