/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hexadecimal digits (RFC 4648, 8). Thread-safe.
 */
#ifndef CODEC_HEX_H
#define CODEC_HEX_H

#include <stddef.h>

/* The digit's value, in either case; -1: it is none. */
int hex_value(char c);

/* Writes two small digits for each of `count` bytes, and a NUL. */
void hex_encode(char *ret_text, const unsigned char *bytes, size_t count);

#endif
