/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing JSON straight into a bounded buf: for the way of a token, where a
 * tree in between would cost more than the rest. Commas come by themselves.
 * Errors stick to the buf: check json_writer_status() at the end.
 */
#ifndef CODEC_JSON_WRITER_H
#define CODEC_JSON_WRITER_H

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

struct json_writer {
	struct buf *buf;
	bool comma; /* the next value or name wants one before it */
};

void json_writer_init(struct json_writer *writer, struct buf *buf);

/* `name` is NULL in an array and at the top. `text` of NULL leaves the member out. */
void json_write_object(struct json_writer *writer, const char *name);
void json_write_object_end(struct json_writer *writer);
void json_write_array(struct json_writer *writer, const char *name);
void json_write_array_end(struct json_writer *writer);
void json_write_text(struct json_writer *writer, const char *name, const char *text);
void json_write_text_length(
	struct json_writer *writer, const char *name, const char *text, size_t length);
void json_write_number(struct json_writer *writer, const char *name, int64_t number);
void json_write_boolean(struct json_writer *writer, const char *name, bool boolean);
void json_write_null(struct json_writer *writer, const char *name);

/* Bytes that are JSON already. */
void json_write_raw(struct json_writer *writer, const char *name, const char *json, size_t length);

/* 0, ERROR_MEMORY or ERROR_LIMIT. */
int json_writer_status(const struct json_writer *writer);

#endif
