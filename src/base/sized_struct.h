/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Structures of the public headers, whose first member is their size as the caller knew it
 * when it was compiled: a caller may know less of one than this library, or more.
 */
#ifndef BASE_SIZED_STRUCT_H
#define BASE_SIZED_STRUCT_H

#include <stdbool.h>
#include <stddef.h>

/* Whether `from` is of at least `least` bytes, and all that it says beyond the `known` bytes of
 * this library is nothing: to pass over an option that narrows would allow more than was asked
 * for. */
bool sized_struct_is_known(const void *from, size_t least, size_t known);

/* The same, and copies what both know; the rest of `to`, which is `known` bytes long, is zero. */
bool sized_struct_copy(void *to, size_t known, const void *from, size_t least);

#endif
