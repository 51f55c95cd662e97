/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parameters of a token request. The input: a line with the content type, a
 * line with the query, then the body.
 */
#include "authority/request.h"
#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROOM = 4 * 1024 * 1024 };

static bool may_repeat(const char *name)
{
	return !strcmp(name, "resource") || !strcmp(name, "audience");
}

static void check(const struct parameters *parameters)
{
	if (parameters->count > REQUEST_PARAMETERS_MAX)
		abort();
	for (size_t i = 0; i < parameters->count; i++) {
		const struct form_field *field = &parameters->fields[i];
		const char *value = parameters_get(parameters, field->name);

		if (strlen(field->name) != field->name_length ||
			strlen(field->value) != field->value_length)
			abort();
		if (may_repeat(field->name))
			continue;
		if (field->value_length ? value != field->value : value != NULL)
			abort();
		if (!strcmp(field->name, "password") && field->value_length > 1024)
			abort();
	}
}

/* Cuts a line off, and ends it with a NUL. */
static char *take_line(char **text, char *end)
{
	char *line = *text;
	char *feed = memchr(line, '\n', (size_t)(end - line));

	if (feed)
		*feed = '\0';
	*text = feed ? feed + 1 : end;
	return line;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	char *rest = text;
	struct http_field type = {.name = "Content-Type", .name_length = 12};
	struct http_request request = {.method = "POST", .fields = &type, .field_count = 1};
	struct parameters parameters;
	const char *description = NULL;
	struct arena arena;
	int error;

	if (!text)
		abort();
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	type.value = take_line(&rest, text + size);
	type.value_length = strlen(type.value);
	request.query = take_line(&rest, text + size);
	request.body = rest;
	request.body_length = (size_t)(text + size - rest);
	arena_init(&arena, ROOM);
	error = parameters_read(&request, &arena, &parameters, &description);
	if (!error)
		check(&parameters);
	else if (error != ERROR_INVALID || !description)
		abort();
	arena_finish(&arena);
	free(text);
	return 0;
}
