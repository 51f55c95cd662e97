/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which requests are a redirect back (RFC 8252, 7.3 and 8.3; RFC 6749, 4.1.2).
 */
#ifndef CLIENT_LOOPBACK_REQUEST_H
#define CLIENT_LOOPBACK_REQUEST_H

#include "net/http_reader.h"

#include <stdint.h>

/* 200: it is one, and `request->query` is not empty; else the status to refuse it with.
 * A name that a stranger has pointed at 127.0.0.1 (DNS rebinding) is refused by its Host. */
int loopback_request_judge(const struct http_request *request, uint16_t port, const char *path);

#endif
