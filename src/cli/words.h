/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Times as people say them, in English.
 */
#ifndef CLI_WORDS_H
#define CLI_WORDS_H

#include "base/buf.h"

#include <stdint.h>

/* "45 seconds", "1 minute", "59 minutes", "1 hour 5 minutes", "3 days 2 hours": rounded
 * down, two parts at most. Negative ones count as 0. */
int words_duration(struct buf *buf, int64_t seconds);

/* "in 59 minutes", "now", "3 days 2 hours ago". */
int words_when(struct buf *buf, int64_t at_s, int64_t now_s);

/* "2026-11-22 01:25:19 UTC", or the number where there is no such year. */
int words_date(struct buf *buf, int64_t at_s);

#endif
