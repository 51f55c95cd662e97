/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What systemd and a service say to each other, by the protocols that
 * sd_notify(3), sd_listen_fds(3) and sd_watchdog_enabled(3) document. Where
 * another started the program, nothing is said and nothing is there. Reads the
 * environment: for the main thread, before others change it.
 */
#ifndef BASE_SYSTEMD_H
#define BASE_SYSTEMD_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SYSTEMD_FIRST_SOCKET = 3 };

/* Whether somebody listens to systemd_notify(). */
bool systemd_is_told(void);

/* Tells "READY=1", "STATUS=…": one or more lines. Best effort: nothing waits for it. */
void systemd_notify(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* How many listening sockets were passed; the first is SYSTEMD_FIRST_SOCKET, the others
 * follow it. They are closed on exec from then on. 0, or ERROR_INVALID: what was said of
 * them makes no sense. */
int systemd_sockets(size_t *ret_count, struct fault *fault);

/* Within how many milliseconds "WATCHDOG=1" is to be told again; 0: no watchdog. */
int64_t systemd_watchdog_ms(void);

#endif
