/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A log of one JSON object a line (docs/logging.md lists the events and their
 * fields). Only the authority and the guard's program log; libadit never does.
 * Thread-safe: a line is one write.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/clock.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARNING, LOG_LEVEL_ERROR };

struct log {
	int fd;			   /* where lines go; negative: nowhere */
	enum log_level least;	   /* lower levels are left out */
	const struct clock *clock; /* for the `time` field; may be NULL */
};

/* A field with a NULL name ends the list; one with a NULL text and no number
 * is left out. */
struct log_field {
	const char *name;
	const char *text;
	int64_t number;
	enum { LOG_KIND_TEXT, LOG_KIND_NUMBER } kind;
};

struct log_field log_text(const char *name, const char *text);
struct log_field log_number(const char *name, int64_t number);

/* Writes {"time":…,"level":…,"event":…, fields…}. A line longer than 8 KiB is
 * written with its first three fields only. */
void log_write(const struct log *log, enum log_level level, const char *event,
	const struct log_field *fields);

#define LOG_EVENT(log, level, event, ...)                                                          \
	log_write((log), (level), (event), (const struct log_field[]){__VA_ARGS__, {0}})

/* What may happen often: one line a second at most tells of it, and how often it was.
 * Zeroed at first. */
struct log_seldom {
	_Atomic int64_t told_ms; /* 0: never */
	_Atomic int64_t untold;
};

/* Counts one at `now_ms` (monotonic). Whether a line is due, and then how many there were
 * since the last one, this one included. */
bool log_seldom_due(struct log_seldom *seldom, int64_t now_ms, int64_t *ret_count);

/* 0 or ERROR_INVALID: "debug", "info", "warning", "error". */
int log_level_parse(const char *text, enum log_level *ret_level);

#endif
