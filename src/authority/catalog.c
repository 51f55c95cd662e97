/* SPDX-License-Identifier: Apache-2.0 */
#include "authority/catalog.h"

#include <stdlib.h>
#include <string.h>

static int take_scope(void *context, const struct store_scope *scope)
{
	struct catalog *catalog = context;

	if (catalog->scope_count == CATALOG_SCOPES_MAX)
		return ERROR_LIMIT;
	catalog->scopes[catalog->scope_count++] = *scope;
	return 0;
}

int catalog_create(struct store *store, struct catalog **ret_catalog)
{
	struct catalog *catalog = calloc(1, sizeof(*catalog));
	int error;

	if (!catalog)
		return ERROR_MEMORY;
	atomic_init(&catalog->owners, 1);
	error = store_scope_list(store, take_scope, catalog);
	if (error)
		catalog_release(catalog);
	else
		*ret_catalog = catalog;
	return error;
}

void catalog_retain(struct catalog *catalog)
{
	if (catalog)
		atomic_fetch_add(&catalog->owners, 1);
}

void catalog_release(struct catalog *catalog)
{
	if (!catalog || atomic_fetch_sub(&catalog->owners, 1) != 1)
		return;
	free(catalog->discovery);
	free(catalog);
}

const struct store_scope *catalog_find(
	const struct catalog *catalog, const char *name, size_t length)
{
	for (size_t i = 0; i < catalog->scope_count; i++)
		if (strlen(catalog->scopes[i].name) == length &&
			!memcmp(catalog->scopes[i].name, name, length))
			return &catalog->scopes[i];
	return NULL;
}
