/* SPDX-License-Identifier: Apache-2.0 */
/* The authority itself, and the resources and scopes that it knows. */
#include "store/access.h"

#include <string.h>

static int create(struct writing *writing, void *context)
{
	writing->seen = true;
	return engine_change(writing->engine,
		"INSERT INTO authority (one, issuer, epoch, created_at) VALUES (1, $1, 1, $2)",
		VALUES(value_text(context), value_number(writing->now_s)), NULL);
}

int store_authority_create(struct store *store, const char *issuer)
{
	char copy[STORE_ISSUER_SIZE];

	if (!text_fits(issuer, sizeof(copy)))
		return ERROR_INVALID;
	(void)stpcpy(copy, issuer);
	return store_write(store, create, copy);
}

static int read_authority(struct statement *statement, void *context)
{
	struct store_authority *authority = context;
	bool row = false;
	int error = statement_step(statement, &row);

	if (!error && row) {
		statement_text(statement, 0, authority->issuer, sizeof(authority->issuer));
		authority->epoch = statement_number(statement, 1);
		authority->created_at = statement_number(statement, 2);
	}
	return error ? error : row ? 0 : ERROR_NOT_FOUND;
}

int store_authority_get(struct store *store, struct store_authority *ret_authority)
{
	struct store_authority authority = {0};
	int error =
		store_read(store, "SELECT issuer, epoch, created_at FROM authority WHERE one = 1",
			(struct values){0}, read_authority, &authority);

	if (!error)
		*ret_authority = authority;
	return error;
}

static int bump_epoch(struct writing *writing, void *context)
{
	int64_t rows = 0;
	int error = engine_change(writing->engine,
		"UPDATE authority SET epoch = CASE WHEN epoch < $1 THEN $1 ELSE epoch + 1 END"
		" WHERE one = 1 RETURNING epoch",
		VALUES(value_number(writing->now_s)), &rows);

	(void)context;
	writing->seen = true;
	return error ? error : rows ? 0 : ERROR_NOT_FOUND;
}

int store_authority_bump_epoch(struct store *store)
{
	return store_write(store, bump_epoch, NULL);
}

/* --- resources and scopes ------------------------------------------------ */

struct put {
	const char *name;
	const char *value;
};

/* A row comes back only where something changed. */
static int put(struct writing *writing, const char *sql, struct values values)
{
	int64_t changed = 0;
	int error = engine_change(writing->engine, sql, values, &changed);

	if (!error && changed)
		writing->seen = true;
	return error;
}

static int put_resource(struct writing *writing, void *context)
{
	const struct put *resource = context;

	return put(writing,
		"INSERT INTO resource (id, alg) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE"
		" SET alg = excluded.alg WHERE resource.alg <> excluded.alg RETURNING id",
		VALUES(value_text(resource->name), value_text(resource->value)));
}

int store_resource_put(struct store *store, const char *resource, const char *alg)
{
	struct put values = {.name = resource, .value = alg};

	if (!text_fits(resource, sizeof(((struct store_scope *)0)->resource)))
		return ERROR_INVALID;
	return store_write(store, put_resource, &values);
}

static int put_scope(struct writing *writing, void *context)
{
	const struct put *scope = context;

	return put(writing,
		"INSERT INTO scope (name, resource_id) VALUES ($1, $2)"
		" ON CONFLICT (name) DO UPDATE SET resource_id = excluded.resource_id"
		" WHERE COALESCE(scope.resource_id, '') <> COALESCE(excluded.resource_id, '')"
		" RETURNING name",
		VALUES(value_text(scope->name), value_text_or_null(scope->value)));
}

int store_scope_put(struct store *store, const char *scope, const char *resource)
{
	struct put values = {.name = scope, .value = resource};

	if (!text_fits(scope, sizeof(((struct store_scope *)0)->name)))
		return ERROR_INVALID;
	return store_write(store, put_scope, &values);
}

static int read_scopes(struct statement *statement, void *context)
{
	struct store_scope *scope;
	bool row = false;
	int error = statement_step(statement, &row);

	while (!error && row) {
		scope = rows_add(context);
		if (!scope)
			return ERROR_MEMORY;
		statement_text(statement, 0, scope->name, sizeof(scope->name));
		statement_text(statement, 1, scope->resource, sizeof(scope->resource));
		statement_text(statement, 2, scope->alg, sizeof(scope->alg));
		error = statement_step(statement, &row);
	}
	return error;
}

int store_scope_list(struct store *store,
	int (*each)(void *context, const struct store_scope *scope), void *context)
{
	struct rows rows = {.size = sizeof(struct store_scope)};
	const struct store_scope *scopes;
	int error = store_read(store,
		"SELECT s.name, s.resource_id, r.alg FROM scope s"
		" LEFT JOIN resource r ON r.id = s.resource_id ORDER BY s.name",
		(struct values){0}, read_scopes, &rows);

	scopes = (const struct store_scope *)(const void *)rows.items;
	for (size_t i = 0; i < rows.count && !error; i++)
		error = each(context, &scopes[i]);
	rows_finish(&rows);
	return error;
}
