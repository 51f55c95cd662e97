/* SPDX-License-Identifier: Apache-2.0 */
#include "store/access.h"
#include "store/grant.h"

#define COLUMNS "id, name, created_at, disabled_at"

struct site_change {
	const char *id;
	const char *name;
	bool enabled;
};

static void read_site(struct statement *statement, struct store_site *site)
{
	statement_text(statement, 0, site->id, sizeof(site->id));
	statement_text(statement, 1, site->name, sizeof(site->name));
	site->created_at = statement_number(statement, 2);
	site->disabled_at = statement_number(statement, 3);
}

static int add(struct writing *writing, void *context)
{
	const struct site_change *change = context;

	writing->seen = true;
	return engine_change(writing->engine,
		"INSERT INTO site (" COLUMNS ") VALUES ($1, $2, $3, 0)",
		VALUES(value_text(change->id), value_text(change->name),
			value_number(writing->now_s)),
		NULL);
}

int store_site_add(struct store *store, const char *id, const char *name)
{
	struct site_change change = {.id = id, .name = name};

	if (!text_fits(id, STORE_SITE_SIZE) || !text_fits(name, STORE_LABEL_SIZE))
		return ERROR_INVALID;
	return store_write(store, add, &change);
}

static int read_one(struct statement *statement, void *context)
{
	bool row = false;
	int error = statement_step(statement, &row);

	if (!error && row)
		read_site(statement, context);
	return error ? error : row ? 0 : ERROR_NOT_FOUND;
}

int store_site_get(struct store *store, const char *id, struct store_site *ret_site)
{
	struct store_site site = {0};
	int error = store_read(store, "SELECT " COLUMNS " FROM site WHERE id = $1",
		VALUES(value_text(id)), read_one, &site);

	if (!error)
		*ret_site = site;
	return error;
}

static int read_all(struct statement *statement, void *context)
{
	struct store_site *site;
	bool row = false;
	int error = statement_step(statement, &row);

	while (!error && row) {
		site = rows_add(context);
		if (!site)
			return ERROR_MEMORY;
		read_site(statement, site);
		error = statement_step(statement, &row);
	}
	return error;
}

int store_site_list(struct store *store, int (*each)(void *context, const struct store_site *site),
	void *context)
{
	struct rows rows = {.size = sizeof(struct store_site)};
	const struct store_site *sites;
	int error = store_read(store, "SELECT " COLUMNS " FROM site ORDER BY id",
		(struct values){0}, read_all, &rows);

	sites = (const struct store_site *)(const void *)rows.items;
	for (size_t i = 0; i < rows.count && !error; i++)
		error = each(context, &sites[i]);
	rows_finish(&rows);
	return error;
}

static int set_enabled(struct writing *writing, void *context)
{
	const struct site_change *change = context;
	int64_t changed = 0;
	int64_t found = 0;
	int error = engine_change(writing->engine,
		"UPDATE site SET disabled_at = $2 WHERE id = $1 AND (disabled_at = 0) <> ($2 = 0)"
		" RETURNING id",
		VALUES(value_text(change->id), value_number(change->enabled ? 0 : writing->now_s)),
		&changed);

	if (error)
		return error;
	if (!changed) {
		error = engine_change(writing->engine, "SELECT id FROM site WHERE id = $1",
			VALUES(value_text(change->id)), &found);
		return error ? error : found ? 0 : ERROR_NOT_FOUND;
	}
	writing->seen = true;
	return change->enabled ? 0 : grant_end_of_site(writing, change->id);
}

int store_site_set_enabled(struct store *store, const char *id, bool enabled)
{
	struct site_change change = {.id = id, .enabled = enabled};

	return store_write(store, set_enabled, &change);
}
