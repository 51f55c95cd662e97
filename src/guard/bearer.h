/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bearer token of a request (RFC 6750, 2.1), and the challenge that answers a
 * request without a good one (RFC 6750, 3).
 */
#ifndef GUARD_BEARER_H
#define GUARD_BEARER_H

#include "base/buf.h"

#include <stddef.h>

/* Finds the token in the value of an Authorization field; `count` fields were
 * sent. 0; ERROR_NOT_FOUND: none, or credentials of another scheme;
 * ERROR_INVALID: more than one field, no token after the scheme, or anything that
 * is not one b64token. The token is borrowed from the value. */
int bearer_read(
	const char *authorization, size_t count, const char **ret_token, size_t *ret_length);

/* The parts of a challenge; NULL or "" leaves one out. None needs quoting. */
struct bearer_challenge {
	const char *realm;
	const char *error;
	const char *error_description;
	const char *scope;
};

/* Appends the value of the WWW-Authenticate field. 0, ERROR_MEMORY, ERROR_LIMIT. */
int bearer_append_challenge(struct buf *buf, const struct bearer_challenge *challenge);

/* Whether the text can stand between quotes as it is: visible ASCII and spaces,
 * without '"' and '\'. */
bool bearer_text_valid(const char *text);

#endif
