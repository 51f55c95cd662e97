/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base64url without padding (RFC 4648, 5; RFC 7515, 2). Thread-safe.
 */
#ifndef CODEC_BASE64URL_H
#define CODEC_BASE64URL_H

#include "base/buf.h"

#include <stddef.h>

/* Characters that `length` bytes become, without a NUL. */
size_t base64url_encoded_length(size_t length);

/* Writes base64url_encoded_length(length) characters, no NUL. */
void base64url_encode(char *text, const void *bytes, size_t length);

/* The same, appended: 0, ERROR_MEMORY or ERROR_LIMIT. */
int base64url_append(struct buf *buf, const void *bytes, size_t length);

/* Strict: no padding, no other characters, no length of 4n+1, no stray bits at
 * the end. 0, ERROR_INVALID, or ERROR_LIMIT when more than `cap` bytes result. */
int base64url_decode(
	const char *text, size_t length, unsigned char *bytes, size_t cap, size_t *ret_length);

/* For the Basic scheme only (docs: what clients send): the standard or the url
 * alphabet, padded or not. Otherwise as strict. */
int base64_decode_any(
	const char *text, size_t length, unsigned char *bytes, size_t cap, size_t *ret_length);

#endif
