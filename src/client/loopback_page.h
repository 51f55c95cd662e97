/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The answers to a browser at the loopback redirect: pages without scripts, in the
 * reader's own colours, that repeat nothing of what was asked.
 */
#ifndef CLIENT_LOOPBACK_PAGE_H
#define CLIENT_LOOPBACK_PAGE_H

#include "base/buf.h"
#include "client/loopback.h"

enum { LOOPBACK_PAGE_MAX = 16 * 1024 };

/* Append a whole answer, head and all: 0 or ERROR_MEMORY. */
int loopback_page_write(struct buf *out, const struct loopback_page *page);

/* `status` is of 4xx or 5xx. */
int loopback_page_refuse(struct buf *out, int status);

#endif
