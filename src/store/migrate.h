/* SPDX-License-Identifier: Apache-2.0 */
/* Brings a database's schema to STORE_SCHEMA_VERSION. */
#ifndef STORE_MIGRATE_H
#define STORE_MIGRATE_H

#include "store/engine.h"

/* All return 0, ERROR_VERSION, ERROR_UNAVAILABLE or ERROR_MEMORY. `path` is for the fault. */

/* An empty database gets its schema in one transaction, or none; another is left alone. */
int migrate_create(struct engine *engine, struct fault *fault);

/* Each migration that an older one lacks, in a transaction of its own: cut short, the next
 * call goes on. No other process may use it meanwhile. An empty one is left alone. */
int migrate_upgrade(struct engine *engine, struct fault *fault);

/* Whether it has the schema; ERROR_VERSION where it is older or newer. ERROR_INVALID: it has
 * none at all. */
int migrate_check(struct engine *engine, const char *path, struct fault *fault);

#endif
