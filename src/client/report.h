/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What went wrong, for a person and for a program: what adit_client_last_error() gives.
 */
#ifndef CLIENT_REPORT_H
#define CLIENT_REPORT_H

#include "base/error.h"

#include <adit/error.h>

#include <stdbool.h>
#include <stdint.h>

struct report {
	int code;	       /* an enum adit_error, or 0 */
	int http_status;       /* 0: no answer */
	int64_t retry_after_s; /* -1: not said */
	char oauth_error[64];
	char correlation_id[64];
	char text[1024];  /* what happened, one line */
	char action[256]; /* what to do about it, one line; "" */
};

/* Nothing went wrong yet. */
void report_init(struct report *report);

/* Puts '?' in the place of what a terminal would obey. */
void report_clean(char *text);

/* Sets code and text, and forgets what an answer said; control characters become '?'.
 * Returns `code`. */
int report_set(struct report *report, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Sets what to do. Returns the report's code. */
int report_action(struct report *report, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Where nobody said what to do: what is usual for the code. */
void report_complete(struct report *report);

/* Whether it is a matter of the moment: the authority does not answer, says to wait, or
 * answers what nobody can use. What was had before serves on meanwhile. */
bool report_is_passing(int code);

/* The enum adit_error for an enum error of what was read from an authority or done with
 * its answer. */
int report_code_of(int error);

/* Sets the code that fits `error` (an enum error) with the text of `fault`, and the action
 * that is usual for it. Returns the code. */
int report_fault(struct report *report, int error, const struct fault *fault);

/* The same for what the storage said: ADIT_ERROR_STORAGE, or ADIT_ERROR_MEMORY. */
int report_storage(struct report *report, int error, const struct fault *fault);

#endif
