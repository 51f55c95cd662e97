/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a function that can fail returns: 0 or one of these. A `struct fault`
 * beside it carries one line for a person where there is one to tell.
 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

enum error {
	ERROR_MEMORY = -1,	/* an allocation failed */
	ERROR_INVALID = -2,	/* malformed input */
	ERROR_LIMIT = -3,	/* input over a stated bound */
	ERROR_NOT_FOUND = -4,	/* an answer, not a failure: there is no such thing */
	ERROR_EXISTS = -5,	/* there is one already */
	ERROR_IO = -6,		/* the operating system said no; errno was set */
	ERROR_CRYPTO = -7,	/* a cryptographic operation could not be done */
	ERROR_REFUSED = -8,	/* well-formed, and not allowed: bad signature, wrong key */
	ERROR_UNAVAILABLE = -9, /* a store or a server that should answer does not */
	ERROR_TIMEOUT = -10,	/* a deadline passed */
	ERROR_VERSION = -11,	/* data of a version this program does not know */
	ERROR_BUSY = -12,	/* held by somebody else, or a queue is full */
};

/* A word or two for `error`, for logs. Static; never NULL. */
const char *error_text(int error);

/* One line for a person: what is wrong and what to do. No line feed, no secret. */
struct fault {
	char text[512];
};

/* Sets the line. `fault` may be NULL. Control characters become '?'. */
void fault_set(struct fault *fault, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
