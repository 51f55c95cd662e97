/* SPDX-License-Identifier: Apache-2.0 */
/* Brings a database's schema to STORE_SCHEMA_VERSION. */
#ifndef STORE_MIGRATE_H
#define STORE_MIGRATE_H

#include "store/engine.h"

/* In one transaction, or not at all: 0, ERROR_VERSION, ERROR_UNAVAILABLE, ERROR_MEMORY;
 * ERROR_INVALID: there is no schema yet, and `create` does not say to make one. */
int migrate(struct engine *engine, bool create, struct fault *fault);

#endif
