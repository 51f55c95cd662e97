/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows a page in the desktop's browser, by xdg-open.
 */
#ifndef CLIENT_BROWSER_H
#define CLIENT_BROWSER_H

#include "base/error.h"

/* Runs `xdg-open URL` of PATH, without a shell, its streams at /dev/null. Waits a few
 * seconds at most for it to say whether it could; one that still runs then, as a browser
 * itself may, is left to run, and is nobody's zombie. 0; ERROR_INVALID: a URL that is
 * neither https nor http on loopback; ERROR_UNAVAILABLE: there is no desktop, or nothing to
 * open it with; ERROR_MEMORY. */
int browser_open(const char *url, struct fault *fault);

#endif
