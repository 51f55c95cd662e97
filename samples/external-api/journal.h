/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tells the operator why tokens can't be verified, without a line for each
 * request. Thread-safe.
 */
#ifndef JOURNAL_H
#define JOURNAL_H

#include "base/log.h"

#include <pthread.h>

enum {
	JOURNAL_TEXT_SIZE = 512,
	JOURNAL_PAUSE_MS = 60000,
};

struct journal {
	struct log log;
	pthread_mutex_t mutex; /* over what follows */
	char last[JOURNAL_TEXT_SIZE];
	int64_t last_at_ms; /* clock_monotonic_ms() */
};

/* Writes to `fd`, which is borrowed. */
void journal_init(struct journal *journal, int fd);
void journal_finish(struct journal *journal);

/* A guard's operator_text; "" is nothing. A line when it is another than the last
 * one, and else once a minute. Texts that differ in numbers only are one, since
 * some say how long was waited. */
void journal_keys(struct journal *journal, const char *text);

#endif
