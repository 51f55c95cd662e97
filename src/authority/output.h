/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a command prints: a table or lines for people, JSON with --json (a list is
 * an array, one thing an object, times integer seconds).
 */
#ifndef AUTHORITY_OUTPUT_H
#define AUTHORITY_OUTPUT_H

#include "base/arena.h"
#include "base/buf.h"
#include "codec/json_writer.h"

#include <stdbool.h>
#include <stdint.h>

enum { OUTPUT_COLUMNS_MAX = 16 };

struct output_field {
	const char *name; /* the claim's or registry's; NULL ends a row */
	const char *text; /* NULL: it is a number */
	int64_t number;
	bool is_time;	  /* Unix seconds; 0: none */
	const char *note; /* for people, behind it; NULL: none */
	bool is_list;	  /* a text of items parted by spaces or line feeds: an array in JSON */
};

struct output {
	bool json;
	bool list;
	struct buf buf; /* JSON, or one thing's lines */
	struct json_writer writer;
	struct arena arena; /* the table's cells */
	struct output_row *rows;
	struct output_row **end;
	const char *part; /* the rows that come are of this part; NULL: of none */
	bool open;	  /* the one thing's JSON object */
	int failed;
};

struct output_field output_text(const char *name, const char *text);
struct output_field output_list(const char *name, const char *items);
struct output_field output_number(const char *name, int64_t number);
struct output_field output_time(const char *name, int64_t at_s);

void output_begin(struct output *output, bool json, bool list);
/* Fields end with one whose name is NULL. Rows of one list have the same names. */
void output_row(struct output *output, const struct output_field *fields);
/* The rows from here on are the table `name` that belongs to the one thing, whose row came
 * before: a member that is an array, or lines of their own. `name` is static. */
void output_part(struct output *output, const char *name);
/* Prints nothing and frees all. */
void output_abandon(struct output *output);
/* Writes all to stdout: 0 or ERROR_IO, ERROR_MEMORY, ERROR_LIMIT. */
int output_end(struct output *output);

#endif
