/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows and columns of text, each column as wide as its widest cell.
 */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include "base/arena.h"
#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>

enum { TABLE_COLUMNS_MAX = 12 };

enum table_tone { TABLE_PLAIN, TABLE_GOOD, TABLE_BAD };

struct table_cell {
	const char *text; /* ends a row where NULL; copied */
	enum table_tone tone;
};

struct table {
	struct arena arena;
	struct table_row *rows;
	struct table_row **end;
	int failed;
};

void table_init(struct table *table);
void table_finish(struct table *table);

/* The first row is the head. */
void table_row(struct table *table, const struct table_cell *cells);

/* Appends the lines: 0, ERROR_MEMORY or ERROR_LIMIT. */
int table_print(const struct table *table, bool colour, struct buf *buf);

#endif
