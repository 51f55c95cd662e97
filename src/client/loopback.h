/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the authority sends a person's browser back to (RFC 8252, 7.3): an HTTP server of
 * one path on 127.0.0.1, which waits for nothing by itself. It takes the redirect's query,
 * and keeps the browser waiting until it is known what came of it. Not thread-safe.
 */
#ifndef CLIENT_LOOPBACK_H
#define CLIENT_LOOPBACK_H

#include "base/buf.h"
#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct loopback;

/* Listens at `port` (0: any free one) for `path` ("/callback"). 0; ERROR_INVALID: the path
 * is none of a redirect URI; ERROR_BUSY: another program has the port; ERROR_IO,
 * ERROR_MEMORY. */
int loopback_create(
	uint16_t port, const char *path, struct loopback **ret_loopback, struct fault *fault);

/* Tells a browser that still waits that the sign-in was given up. Accepts NULL. */
void loopback_destroy(struct loopback *loopback);

/* In a child, after fork(): says nothing, closes its copies. Accepts NULL. */
void loopback_forget(struct loopback *loopback);

/* "http://127.0.0.1:PORT/PATH", static in the loopback. */
const char *loopback_redirect_uri(const struct loopback *loopback);

/* An epoll descriptor, the same for the loopback's life: readable when there is something
 * to do; and when there is though it is not, -1: never. */
int loopback_fd(const struct loopback *loopback);
int loopback_timeout_ms(const struct loopback *loopback);

/* Does what can be done without waiting: 0 or ERROR_IO. */
int loopback_step(struct loopback *loopback);

/* The query of a redirect that came and is not answered yet, as it was sent, without its
 * '?'; NULL: there is none. Its browser, and those that come with the same one, wait for
 * loopback_answer(). It is not known whose it is: look at its `state` first, and after
 * another's answer and wait on. */
const char *loopback_query(const struct loopback *loopback);

/* What a browser shows: a line, and paragraphs parted by line feeds. Escaped. */
struct loopback_page {
	bool failed;
	const char *title;
	const char *text;
};

/* Answers them. Another redirect may be there after it, or come. 0 or ERROR_MEMORY: a page that
 * says little. */
int loopback_answer(struct loopback *loopback, const struct loopback_page *page);

/* Whether answers are on their way still: worth some steps more before the end. */
bool loopback_is_answering(const struct loopback *loopback);

#endif
