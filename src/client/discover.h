/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The authority's discovery document (OpenID Connect Discovery 1.0, 4): kept with the
 * storage for a day, and in memory.
 */
#ifndef CLIENT_DISCOVER_H
#define CLIENT_DISCOVER_H

#include "client/operation.h"

/* Sub-operation: client->metadata is there, fetched where it must be. 0 or an
 * enum adit_error. */
int discover_begin(struct operation *operation);

/* The same, fetched in any case. */
int discover_anew(struct operation *operation);

/* Asking ended so. Where an endpoint may not be any more where the document said, the next
 * operation fetches it anew. */
void discover_doubt(struct operation *operation, int result);

#endif
