/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 6749, 4.1.2 and 4.1.2.1; RFC 9207, 2. */
#include "oauth/authorization_response.h"

#include "base/secret.h"
#include "codec/form.h"
#include "codec/uri.h"

#include <string.h>

enum { FIELDS_MAX = 32, SHOWN_MAX = 256, ARENA_MAX = 4 * AUTHORIZATION_RESPONSE_MAX };

/* RFC 6749, A.5, A.11: VSCHAR, here without the space. */
static bool visible(const char *text)
{
	for (; *text; text++)
		if (*text <= 0x20 || *text > 0x7e)
			return false;
	return true;
}

/* The parameter of that name: NULL where there is none. */
static int find(const struct form_field *fields, size_t count, const char *name,
	const char **ret_value, struct fault *fault)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(fields[i].name, name) != 0)
			continue;
		if (*ret_value) {
			fault_set(fault, "the redirect has %s twice", name);
			return ERROR_INVALID;
		}
		*ret_value = fields[i].value;
	}
	return 0;
}

static int check(const char *name, const char *value, size_t max, struct fault *fault)
{
	if (!value)
		return 0;
	if (strlen(value) > max) {
		fault_set(fault, "the redirect's %s is longer than %zu bytes", name, max);
		return ERROR_LIMIT;
	}
	if (!*value || !visible(value)) {
		fault_set(fault, "the redirect's %s is empty or has characters that it can't have",
			name);
		return ERROR_INVALID;
	}
	return 0;
}

static int clean(struct arena *arena, const char **text)
{
	char *copy;

	if (!*text)
		return 0;
	copy = arena_copy(arena, *text, strnlen(*text, SHOWN_MAX));
	if (!copy)
		return ERROR_MEMORY;
	for (char *c = copy; *c; c++)
		if (*c < 0x20 || *c > 0x7e)
			*c = '?';
	*text = copy;
	return 0;
}

static int read_fields(const struct form_field *fields, size_t count,
	struct authorization_response *response, struct fault *fault)
{
	int error = find(fields, count, "code", &response->code, fault);

	if (!error)
		error = find(fields, count, "state", &response->state, fault);
	if (!error)
		error = find(fields, count, "iss", &response->iss, fault);
	if (!error)
		error = find(fields, count, "error", &response->error, fault);
	if (!error)
		error = find(
			fields, count, "error_description", &response->error_description, fault);
	if (!error)
		error = check("code", response->code, AUTHORIZATION_CODE_MAX, fault);
	if (!error)
		error = check("state", response->state, AUTHORIZATION_STATE_MAX, fault);
	if (!error)
		error = check("iss", response->iss, URI_MAX, fault);
	if (!error)
		error = clean(&response->arena, &response->error);
	if (!error)
		error = clean(&response->arena, &response->error_description);
	if (error)
		return error;
	if (!response->code == !response->error) {
		fault_set(fault, "the redirect has %s",
			response->code ? "both code and error" : "neither code nor error");
		return ERROR_INVALID;
	}
	return 0;
}

int authorization_response_read(const char *query, size_t length,
	struct authorization_response *ret_response, struct fault *fault)
{
	struct authorization_response response = {0};
	struct form_field *fields;
	size_t count;
	int error;

	if (length > AUTHORIZATION_RESPONSE_MAX) {
		fault_set(fault, "the redirect's query is longer than %d bytes",
			AUTHORIZATION_RESPONSE_MAX);
		return ERROR_LIMIT;
	}
	arena_init(&response.arena, ARENA_MAX);
	error = form_parse(&response.arena, query, length, FIELDS_MAX, &fields, &count);
	if (error)
		fault_set(fault, "the redirect's query can't be read: %s", error_text(error));
	else
		error = read_fields(fields, count, &response, fault);
	if (error)
		authorization_response_finish(&response);
	else
		*ret_response = response;
	return error;
}

void authorization_response_finish(struct authorization_response *response)
{
	arena_finish(&response->arena);
	*response = (struct authorization_response){0};
}

bool authorization_response_answers(
	const struct authorization_response *response, const char *state)
{
	size_t length = strlen(state);

	return response->state && strlen(response->state) == length &&
	       memory_equal(response->state, state, length);
}

int authorization_response_check_issuer(const struct authorization_response *response,
	const char *issuer, bool required, struct fault *fault)
{
	if (!response->iss && !required)
		return 0;
	if (!response->iss)
		fault_set(fault, "the redirect has no iss, which the authority says it sends: it "
				 "may be another's");
	else if (strcmp(response->iss, issuer) != 0)
		fault_set(fault, "the redirect's iss is \"%.150s\", where \"%.150s\" was asked",
			response->iss, issuer);
	else
		return 0;
	return ERROR_REFUSED;
}
