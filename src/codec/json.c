/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON (RFC 8259) read by jansson. A struct json is a json_t by another name,
 * so that nothing else depends on jansson.
 */
/* Two of jansson's names are ours as well. The linker is not concerned: ours
 * are hidden, and jansson's json_integer() is not called from here. */
#define json_integer jansson_integer
#include <jansson.h>
#undef json_integer
#undef json_boolean
#undef json_is_object
#undef json_is_array
#undef json_is_null

#include "codec/json.h"

#include "base/error.h"
#include "base/secret.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

enum { ROOM_LEAST = 4096 };

static const int64_t date_max = (int64_t)1 << 53;

/* Whether no more than JSON_DEPTH_MAX brackets are open at once, so that
 * jansson's recursion is bounded before it starts. */
static bool depth_allowed(const char *text, size_t length)
{
	size_t depth = 0;
	bool quoted = false;

	for (size_t i = 0; i < length; i++) {
		char c = text[i];

		if (quoted && c == '\\')
			i++;
		else if (c == '"')
			quoted = !quoted;
		else if (!quoted && (c == '[' || c == '{') && ++depth > JSON_DEPTH_MAX)
			return false;
		else if (!quoted && (c == ']' || c == '}') && depth)
			depth--;
	}
	return true;
}

/* jansson (2.14) does not notice when the buffer of a string that it reads can't grow, and then
 * writes beyond it. What it needs for that is asked for first, so that in a process without
 * memory this fails, where failing is told. */
static bool has_room(size_t length)
{
	/* Volatile, as compilers take away an allocation that nobody uses. */
	void *volatile room = malloc(4 * length + ROOM_LEAST);
	bool has = room != NULL;

	free(room);
	return has;
}

int json_parse(const char *text, size_t length, size_t max, struct json **ret_document)
{
	json_error_t fault = {0};
	json_t *document;

	if (length > max)
		return ERROR_LIMIT;
	/* jansson takes a NUL for the end. */
	if (!length || memchr(text, '\0', length) || !depth_allowed(text, length))
		return ERROR_INVALID;
	if (!has_room(length))
		return ERROR_MEMORY;
	document = json_loadb(text, length, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &fault);
	if (!document) {
		enum json_error_code code = json_error_code(&fault);

		/* An allocation that fails early leaves no code at all. */
		return code == json_error_out_of_memory || code == json_error_unknown
			       ? ERROR_MEMORY
			       : ERROR_INVALID;
	}
	*ret_document = (struct json *)document;
	return 0;
}

static void wipe_and_free(void *bytes)
{
	if (bytes)
		memory_wipe(bytes, malloc_usable_size(bytes));
	free(bytes);
}

void json_wipe_freed(void)
{
	json_set_alloc_funcs(malloc, wipe_and_free);
}

void json_free(struct json *document)
{
	json_decref((json_t *)document);
}

static json_t *inner(const struct json *value)
{
	return (json_t *)value;
}

static const struct json *outer(const json_t *value)
{
	return (const struct json *)value;
}

static bool has_type(const struct json *value, json_type type)
{
	return value && json_typeof(inner(value)) == type;
}

bool json_is_object(const struct json *value)
{
	return has_type(value, JSON_OBJECT);
}

bool json_is_array(const struct json *value)
{
	return has_type(value, JSON_ARRAY);
}

bool json_is_text(const struct json *value)
{
	return has_type(value, JSON_STRING);
}

bool json_is_null(const struct json *value)
{
	return has_type(value, JSON_NULL);
}

const struct json *json_member(const struct json *object, const char *name)
{
	return outer(json_object_get(inner(object), name));
}

const char *json_text(const struct json *value)
{
	return json_string_value(inner(value));
}

const char *json_member_text(const struct json *object, const char *name)
{
	return json_text(json_member(object, name));
}

int json_integer(const struct json *value, int64_t *ret_number)
{
	if (!has_type(value, JSON_INTEGER))
		return ERROR_INVALID;
	*ret_number = json_integer_value(inner(value));
	return 0;
}

int json_numeric_date(const struct json *value, int64_t *ret_seconds)
{
	double real;
	int64_t seconds;

	if (has_type(value, JSON_REAL)) {
		real = json_real_value(inner(value));
		if (!(real >= 0 && real <= (double)date_max))
			return ERROR_INVALID;
		*ret_seconds = (int64_t)real;
		return 0;
	}
	if (json_integer(value, &seconds) || seconds < 0 || seconds > date_max)
		return ERROR_INVALID;
	*ret_seconds = seconds;
	return 0;
}

int json_boolean(const struct json *value, bool *ret_boolean)
{
	if (!has_type(value, JSON_TRUE) && !has_type(value, JSON_FALSE))
		return ERROR_INVALID;
	*ret_boolean = has_type(value, JSON_TRUE);
	return 0;
}

size_t json_length(const struct json *value)
{
	return json_is_array(value) ? json_array_size(inner(value))
				    : json_object_size(inner(value));
}

const struct json *json_at(const struct json *array, size_t index)
{
	return outer(json_array_get(inner(array), index));
}

/* The position is the place of the member last given. */
bool json_next(const struct json *object, size_t *position, const char **ret_name,
	const struct json **ret_value)
{
	void *place;

	_Static_assert(sizeof(place) == sizeof(*position), "a position holds a pointer");
	memcpy(&place, position, sizeof(place));
	place = place ? json_object_iter_next(inner(object), place)
		      : json_object_iter(inner(object));
	if (!place)
		return false;
	memcpy(position, &place, sizeof(place));
	*ret_name = json_object_iter_key(place);
	*ret_value = outer(json_object_iter_value(place));
	return true;
}

static int append_dumped(const char *text, size_t length, void *buf)
{
	return buf_append(buf, text, length) ? -1 : 0;
}

int json_print(struct buf *buf, const struct json *value, bool indented)
{
	size_t flags = JSON_ENCODE_ANY | (indented ? JSON_INDENT(2) : JSON_COMPACT);

	if (json_dump_callback(inner(value), append_dumped, buf, flags) && !buf_status(buf))
		return ERROR_MEMORY;
	return buf_status(buf);
}
