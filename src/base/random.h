/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random bytes from the kernel, and names made of them. Thread-safe.
 */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

/* 0 or ERROR_IO. */
int random_bytes(void *bytes, size_t length);

/* `length` characters drawn evenly from `alphabet` (2 to 256 characters), and
 * a NUL: `text` holds length + 1 bytes. 0 or ERROR_IO. */
int random_text(char *text, size_t length, const char *alphabet);

/* `length` characters of [A-Za-z0-9] and a NUL. */
int random_alphanumeric(char *text, size_t length);

/* 16 bytes that sort by time: a UUID version 7 (RFC 9562, 5.7). */
int random_ordered_id(unsigned char id[16], int64_t now_ms);

#endif
