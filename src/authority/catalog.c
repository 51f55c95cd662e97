/* SPDX-License-Identifier: Apache-2.0 */
#include "authority/catalog.h"

#include "authority/cors.h"

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

static int add_origin(struct catalog *catalog, const char *text, size_t length)
{
	char **origins = realloc(catalog->origins, (catalog->origin_count + 1) * sizeof(*origins));

	if (!origins)
		return ERROR_MEMORY;
	catalog->origins = origins;
	origins[catalog->origin_count] = strndup(text, length);
	return origins[catalog->origin_count++] ? 0 : ERROR_MEMORY;
}

static int take_origins(void *context, const char *redirect_uris)
{
	char origins[STORE_URIS_SIZE];
	const char *at = origins;
	int error = cors_origins(redirect_uris, origins);

	while (!error && *at) {
		size_t length = strcspn(at, "\n");

		error = add_origin(context, at, length);
		at += length + (at[length] == '\n');
	}
	return error;
}

static int compare(const void *left, const void *right)
{
	return strcmp(*(char *const *)left, *(char *const *)right);
}

int catalog_create(struct store *store, struct catalog **ret_catalog)
{
	struct catalog *catalog = calloc(1, sizeof(*catalog));
	int error;

	if (!catalog)
		return ERROR_MEMORY;
	atomic_init(&catalog->owners, 1);
	error = store_scope_list(store, take_scope, catalog);
	if (!error)
		error = store_client_list_web(store, take_origins, catalog);
	if (!error && catalog->origin_count)
		qsort(catalog->origins, catalog->origin_count, sizeof(*catalog->origins), compare);
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
	for (size_t i = 0; i < catalog->origin_count; i++)
		free(catalog->origins[i]);
	free(catalog->origins);
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

const char *catalog_find_origin(const struct catalog *catalog, const char *origin)
{
	char **found = catalog->origin_count
			       ? bsearch(&origin, catalog->origins, catalog->origin_count,
					 sizeof(*catalog->origins), compare)
			       : NULL;

	return found ? *found : NULL;
}
