/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/table.h"

#include "base/error.h"

#include <string.h>

#define STYLE_HEAD "\033[1m"
#define STYLE_GOOD "\033[32m"
#define STYLE_BAD "\033[31m"
#define STYLE_END "\033[0m"

enum {
	TABLE_MAX = 16 * 1024 * 1024,
	TABLE_GAP = 2,
};

struct table_row {
	struct table_row *next;
	size_t count;
	struct table_cell cells[TABLE_COLUMNS_MAX];
};

void table_init(struct table *table)
{
	*table = (struct table){0};
	arena_init(&table->arena, TABLE_MAX);
	table->end = &table->rows;
}

void table_finish(struct table *table)
{
	if (table)
		arena_finish(&table->arena);
}

void table_row(struct table *table, const struct table_cell *cells)
{
	struct table_row *row = arena_alloc(&table->arena, sizeof(*row));

	for (; row && cells->text && row->count < TABLE_COLUMNS_MAX; cells++) {
		char *text = arena_copy_text(&table->arena, *cells->text ? cells->text : "-");

		row->cells[row->count].text = text;
		row->cells[row->count++].tone = cells->tone;
		if (!text)
			row = NULL;
	}
	if (!row) {
		table->failed = ERROR_MEMORY;
		return;
	}
	*table->end = row;
	table->end = &row->next;
}

/* Characters, not bytes: good enough for what stands in a terminal's table. */
static size_t width_of(const char *text)
{
	size_t width = 0;

	for (; *text; text++)
		width += ((unsigned char)*text & 0xc0) != 0x80;
	return width;
}

static const char *style_of(const struct table_cell *cell, bool is_head)
{
	if (is_head)
		return STYLE_HEAD;
	if (cell->tone == TABLE_PLAIN)
		return NULL;
	return cell->tone == TABLE_GOOD ? STYLE_GOOD : STYLE_BAD;
}

static void print_cell(struct buf *buf, const char *text, const char *style, size_t padding)
{
	(void)buf_printf(buf, "%s%s%s%*s", style ? style : "", text, style ? STYLE_END : "",
		(int)padding, "");
}

int table_print(const struct table *table, bool colour, struct buf *buf)
{
	size_t widths[TABLE_COLUMNS_MAX] = {0};
	const struct table_row *row;

	if (table->failed)
		return table->failed;
	for (row = table->rows; row; row = row->next)
		for (size_t i = 0; i < row->count; i++)
			if (width_of(row->cells[i].text) > widths[i])
				widths[i] = width_of(row->cells[i].text);
	for (row = table->rows; row; row = row->next) {
		for (size_t i = 0; i < row->count; i++) {
			const struct table_cell *cell = &row->cells[i];
			const char *style = colour ? style_of(cell, row == table->rows) : NULL;
			bool is_last = i + 1 == row->count;

			print_cell(buf, cell->text, style,
				is_last ? 0 : widths[i] - width_of(cell->text) + TABLE_GAP);
		}
		(void)buf_append_char(buf, '\n');
	}
	return buf_status(buf);
}
