/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a secret comes from that a person or an operator has: never from an argument,
 * never from the environment. What these return are numbers of enum adit_error, and
 * `fault` says what happened without showing anything of what was read.
 */
#ifndef CLIENT_ENTRY_H
#define CLIENT_ENTRY_H

#include "base/buf.h"
#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

enum {
	ENTRY_SECRET_MAX = 1024, /* bytes; the authority takes no longer one */
};

struct entry_options {
	const char *prompt; /* NULL: "Password: " */

	/* Asks in place of the terminal, as in struct adit_client_hooks. May be NULL. */
	int (*ask_secret)(void *context, const char *prompt, char *ret_secret, size_t size);
	void *context;

	int limit_ms;	     /* for a descriptor or a program; 0: 60,000 */
	int person_limit_ms; /* for a person; 0: 300,000 */
	int cancel_fd;	     /* ends it once it is readable; -1: none */
};

/* Reads a secret of 1 to ENTRY_SECRET_MAX bytes of UTF-8, one line, whose end is left out:
 *
 *	tty:		asked for on the terminal, without echo
 *	fd:N		up to a line feed or the end, and not a byte more; N stays open
 *	file:PATH	a file of this user or root that nobody else may read
 *	systemd:NAME	a credential of the service (systemd.exec(5), LoadCredential=)
 *	exec:PROGRAM	what that prints; its path, or a name that PATH has; no arguments
 *
 * While a terminal is asked, signals that would end or stop the process wait, in this thread,
 * until the terminal is as it was. Where another thread takes such a signal, or SIGKILL comes,
 * a forked guardian sets the terminal right.
 *
 * 0: the caller finishes ret_secret. ADIT_ERROR_INVALID: no such kind of source;
 * ADIT_ERROR_STORAGE: it can't be read; ADIT_ERROR_PERSON: nobody answers;
 * ADIT_ERROR_CREDENTIALS: what is there is no secret; ADIT_ERROR_CANCELLED;
 * ADIT_ERROR_MEMORY. */
int entry_read(const char *source, const struct entry_options *options, struct buf *ret_secret,
	struct fault *fault);

/* Whether a secret that begins as those that an authority generates has their whole form,
 * checksum included. 0, or ADIT_ERROR_CREDENTIALS: it has a typing error. */
int entry_check(const char *secret, size_t length, struct fault *fault);

/* The parts: each appends to `secret` what it read, the line's end included. Of `secret`
 * ENTRY_READ_MAX bytes are reserved; what does not fit into them is too long. */
enum { ENTRY_READ_MAX = ENTRY_SECRET_MAX + 2 };

int entry_read_tty(const struct entry_options *options, struct buf *secret, struct fault *fault);
int entry_read_program(const char *program, const struct entry_options *options, struct buf *secret,
	struct fault *fault);

/* Waits until `fd` has something to read or has ended, until `deadline_ms` of
 * clock_monotonic_ms() or until it is cancelled. Goes on after a signal.
 * 0, ERROR_TIMEOUT, ADIT_ERROR_CANCELLED, ERROR_IO. */
int entry_wait(int fd, const struct entry_options *options, int64_t deadline_ms);

#endif
