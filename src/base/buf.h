/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A growing run of bytes with a stated maximum. Once an append has failed,
 * every later one fails too, so that a chain of appends is checked once, by
 * buf_status(). Not thread-safe.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>

struct buf {
	char *data;    /* NUL after the last byte once anything was appended */
	size_t len;    /* bytes */
	size_t cap;    /* bytes allocated */
	size_t max;    /* most bytes it may hold, the NUL apart */
	int failed;    /* 0, ERROR_MEMORY or ERROR_LIMIT */
	bool borrowed; /* data is the caller's; never grown or freed */
};

/* Allocates nothing yet. */
void buf_init(struct buf *buf, size_t max);

/* Uses the caller's `size` bytes and never more (`size` includes the NUL). */
void buf_init_fixed(struct buf *buf, char *bytes, size_t size);

/* Wipes and frees. Accepts NULL or a zeroed buf. */
void buf_finish(struct buf *buf);

/* Forgets the content and the failure, keeps the memory. */
void buf_reset(struct buf *buf);

/* All: 0, ERROR_MEMORY or ERROR_LIMIT. */
int buf_append(struct buf *buf, const void *bytes, size_t length);
int buf_append_text(struct buf *buf, const char *text);
int buf_append_char(struct buf *buf, char c);
int buf_printf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Appends `text` as a JSON string, quotes included (RFC 8259, 7). Bytes that
 * are not UTF-8 become U+FFFD; control characters (C0, DEL, C1), U+2028 and
 * U+2029 are escaped. */
int buf_append_json_text(struct buf *buf, const char *text, size_t length);

/* Room for `length` more bytes, to be written to data + len by the caller,
 * who then adds to len. */
int buf_reserve(struct buf *buf, size_t length);

int buf_status(const struct buf *buf);

/* The content, to be freed by the caller, or NULL when the buf failed. The
 * buf is empty after it. Not for a fixed one. */
char *buf_take(struct buf *buf);

/* Copies `text` with its NUL into `size` bytes: 0, or ERROR_LIMIT when it does
 * not fit (nothing is written then). */
int text_copy(char *ret_text, size_t size, const char *text);

/* How many bytes the UTF-8 character at `text` has (RFC 3629), 0 if what is
 * there is not one. `length` must be at least 1. */
size_t utf8_character(const char *text, size_t length);

/* Whether all of it is UTF-8. */
bool utf8_valid(const char *text, size_t length);

#endif
