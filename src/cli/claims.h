/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a JWT says (RFC 7519, 4; RFC 9068, 2.2), for people.
 */
#ifndef CLI_CLAIMS_H
#define CLI_CLAIMS_H

#include "base/buf.h"
#include "codec/json.h"

#include <stdint.h>

/* Appends who it is, what is permitted where, who issued it for whom, and how long it is
 * good: sentences, a line each. What is absent is left out. 0, ERROR_MEMORY, ERROR_LIMIT. */
int claims_tell(struct buf *buf, const struct json *claims, int64_t now_s);

/* Appends a line for each member, times with their words. */
int claims_list(struct buf *buf, const struct json *object, int64_t now_s);

#endif
