/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows a page in the desktop's browser, by xdg-open. From any thread.
 */
#ifndef CLIENT_BROWSER_H
#define CLIENT_BROWSER_H

#include "base/error.h"

enum {
	BROWSER_WAIT_MS = 3000,
	BROWSER_URL_MAX = 16 * 1024, /* bytes */
};

/* Runs `xdg-open URL` of PATH, without a shell, in a session of its own, its streams at
 * /dev/null. Gives a descriptor that becomes readable when it is known whether that could
 * show the page, after BROWSER_WAIT_MS at most: one that runs for longer, as a browser does,
 * is left to run, and is nobody's zombie. For browser_finish().
 * 0; ERROR_INVALID: a URL that is neither https nor http on loopback, or is too long;
 * ERROR_UNAVAILABLE: there is no desktop, or no xdg-open; ERROR_IO. */
int browser_start(const char *url, int *ret_fd, struct fault *fault);

/* What came of it, waiting for that if need be: 0 or ERROR_UNAVAILABLE. Closes `fd`. To stop
 * caring, just close it. */
int browser_finish(int fd, struct fault *fault);

/* Both, waiting. */
int browser_open(const char *url, struct fault *fault);

#endif
