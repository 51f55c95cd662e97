/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What clients may ask for: the scopes and the resources that they belong to, the
 * discovery document that names them, and the origins whose scripts may ask. A catalog does not
 * change; where the store has changed the authority makes another.
 */
#ifndef AUTHORITY_CATALOG_H
#define AUTHORITY_CATALOG_H

#include "store/store.h"

#include <stdatomic.h>

enum { CATALOG_SCOPES_MAX = 64 };

struct catalog {
	atomic_uint owners;
	struct store_scope scopes[CATALOG_SCOPES_MAX];
	size_t scope_count;
	char **origins; /* of registered web clients, sorted */
	size_t origin_count;
	char *discovery; /* the document, as published; endpoint/discovery.c writes it */
	size_t discovery_length;
};

/* Reads the store's scopes and web clients; without a document yet. The caller releases it.
 * ERROR_LIMIT: more than CATALOG_SCOPES_MAX. */
int catalog_create(struct store *store, struct catalog **ret_catalog);

/* Another owner of the same catalog; each owner releases. NULL is accepted. */
void catalog_retain(struct catalog *catalog);
void catalog_release(struct catalog *catalog);

/* The scope of that name, borrowed, or NULL. */
const struct store_scope *catalog_find(
	const struct catalog *catalog, const char *name, size_t length);

/* That origin, byte for byte, borrowed, or NULL. */
const char *catalog_find_origin(const struct catalog *catalog, const char *origin);

#endif
