/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A text as a QR code (ISO/IEC 18004) for a terminal: two modules a character, by half
 * blocks (U+2580, U+2584, U+2588).
 */
#ifndef CLI_QR_H
#define CLI_QR_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>

/* Appends its lines; `*ret_width` is how many columns they take. With `colour` dark is black
 * on white whatever the terminal's colours are; without, the terminal is taken to be dark.
 * 0; ERROR_LIMIT: too long a text; ERROR_UNAVAILABLE: libqrencode, which is loaded when it is
 * first needed, is not installed; ERROR_MEMORY. */
int qr_append(struct buf *buf, const char *text, bool colour, size_t *ret_width);

#endif
