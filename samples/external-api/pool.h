/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads that serve requests, since a server's loop must not wait and the guard
 * may, for the authority. A bounded queue stands before them.
 */
#ifndef POOL_H
#define POOL_H

#include "api.h"
#include "net/http_server.h"

struct pool;

/* 0, ERROR_MEMORY, or ERROR_UNAVAILABLE: no thread can be started. */
int pool_create(const struct api *api, struct pool **ret_pool);

/* Hands a request to a thread, which answers its ticket. With a full queue it is
 * answered 503 at once. */
void pool_take(struct pool *pool, const struct http_request *request, struct http_ticket ticket);

/* Serves what is queued, and ends. Accepts NULL. */
void pool_destroy(struct pool *pool);

#endif
