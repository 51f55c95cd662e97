/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading JSON (RFC 8259), strictly and within bounds: duplicate member names,
 * U+0000, bytes that are not UTF-8, anything after the document, and nesting
 * deeper than JSON_DEPTH_MAX are refused. Values are borrowed from the
 * document. A document may be read by several threads at once.
 * codec/json.c alone uses jansson.
 */
#ifndef CODEC_JSON_H
#define CODEC_JSON_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { JSON_DEPTH_MAX = 32 };

struct json; /* a document, or a value in one */

/* Any value may be at the top. 0, ERROR_INVALID, ERROR_LIMIT (longer than max
 * bytes), ERROR_MEMORY. The caller frees the document. */
int json_parse(const char *text, size_t length, size_t max, struct json **ret_document);

/* Wipes nothing; accepts NULL. Only for what json_parse gave. */
void json_free(struct json *document);

/* From now on memory that a document leaves is wiped. It concerns every user of jansson
 * in the process, so it is for programs that read secrets and never for a library. */
void json_wipe_freed(void);

bool json_is_object(const struct json *value);
bool json_is_array(const struct json *value);
bool json_is_text(const struct json *value);
bool json_is_null(const struct json *value);

/* The member of that name, or NULL: none, or `object` is NULL or no object. */
const struct json *json_member(const struct json *object, const char *name);

/* Text of a string value (UTF-8, no NUL inside), or NULL for any other or NULL. */
const char *json_text(const struct json *value);

/* Shorthand: json_text(json_member(object, name)). */
const char *json_member_text(const struct json *object, const char *name);

/* An integer; a real is not one. 0 or ERROR_INVALID. */
int json_integer(const struct json *value, int64_t *ret_number);

/* A NumericDate (RFC 7519, 2), fractions cut off: 0, or ERROR_INVALID when not
 * a number or outside 0 to 2^53. */
int json_numeric_date(const struct json *value, int64_t *ret_seconds);

/* 0 or ERROR_INVALID when not true or false. */
int json_boolean(const struct json *value, bool *ret_boolean);

/* Elements of an array, or members of an object; 0 for anything else. */
size_t json_length(const struct json *value);
const struct json *json_at(const struct json *array, size_t index);

/* Goes through an object: `position` starts at 0; false at the end. */
bool json_next(const struct json *object, size_t *position, const char **ret_name,
	const struct json **ret_value);

/* Appends the value as JSON text, on one line or indented by 2 spaces. */
int json_print(struct buf *buf, const struct json *value, bool indented);

#endif
