/* SPDX-License-Identifier: Apache-2.0 */
/*
 * application/x-www-form-urlencoded (WHATWG URL, 5; RFC 6749, appendix B).
 */
#ifndef CODEC_FORM_H
#define CODEC_FORM_H

#include "base/arena.h"
#include "base/buf.h"

#include <stddef.h>

struct form_field {
	const char *name; /* decoded, NUL after it, in the arena */
	size_t name_length;
	const char *value; /* decoded, NUL after it, in the arena */
	size_t value_length;
};

/* Decodes a body. Empty pieces between '&' are passed over; a piece without
 * '=' is a name with an empty value. Duplicates are kept, in order.
 * 0; ERROR_INVALID: a malformed escape, a NUL (also %00), or a name or value
 * that is not UTF-8; ERROR_LIMIT: more than max_fields; ERROR_MEMORY. */
int form_parse(struct arena *arena, const char *body, size_t length, size_t max_fields,
	struct form_field **ret_fields, size_t *ret_count);

/* Decodes one component, as a part of the Basic scheme's pair is encoded
 * (RFC 6749, 2.3.1): '+' is a space. Same errors. */
int form_decode(struct arena *arena, const char *text, size_t length, const char **ret_text,
	size_t *ret_length);

/* Appends one component, encoded (RFC 6749, appendix B). */
int form_append_component(struct buf *buf, const char *text);

/* Appends name=value, with '&' before it unless the buf is empty. */
int form_append(struct buf *buf, const char *name, const char *value);

#endif
