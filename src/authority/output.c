/* SPDX-License-Identifier: Apache-2.0 */
#include "authority/output.h"

#include "base/error.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define LIST_GAPS " \n"

enum { OUTPUT_MAX = 256 * 1024 * 1024 };

struct output_row {
	struct output_row *next;
	const char *part;
	size_t count;
	const char *names[OUTPUT_COLUMNS_MAX];
	const char *cells[OUTPUT_COLUMNS_MAX];
};

struct output_field output_text(const char *name, const char *text)
{
	return (struct output_field){.name = name, .text = text ? text : ""};
}

struct output_field output_list(const char *name, const char *items)
{
	return (struct output_field){.name = name, .text = items, .is_list = true};
}

struct output_field output_number(const char *name, int64_t number)
{
	return (struct output_field){.name = name, .number = number};
}

struct output_field output_time(const char *name, int64_t at_s)
{
	return (struct output_field){.name = name, .number = at_s, .is_time = true};
}

void output_begin(struct output *output, bool json, bool list)
{
	*output = (struct output){.json = json, .list = list};
	buf_init(&output->buf, OUTPUT_MAX);
	arena_init(&output->arena, OUTPUT_MAX);
	json_writer_init(&output->writer, &output->buf);
	output->end = &output->rows;
	if (json && list)
		json_write_array(&output->writer, NULL);
}

static void write_json_list(struct json_writer *writer, const struct output_field *field)
{
	const char *item = field->text;

	json_write_array(writer, field->name);
	while (*(item += strspn(item, LIST_GAPS))) {
		size_t length = strcspn(item, LIST_GAPS);

		json_write_text_length(writer, NULL, item, length);
		item += length;
	}
	json_write_array_end(writer);
}

/* The one thing's object stays open: a part may follow. */
static void write_json_row(struct output *output, const struct output_field *fields)
{
	bool one = !output->list && !output->part;

	json_write_object(&output->writer, NULL);
	for (; fields->name; fields++) {
		if (fields->is_list)
			write_json_list(&output->writer, fields);
		else if (fields->text)
			json_write_text(&output->writer, fields->name, fields->text);
		else if (!fields->is_time || fields->number)
			json_write_number(&output->writer, fields->name, fields->number);
	}
	if (one)
		output->open = true;
	else
		json_write_object_end(&output->writer);
}

static void end_part(struct output *output)
{
	if (output->part && output->json)
		json_write_array_end(&output->writer);
	output->part = NULL;
}

void output_part(struct output *output, const char *name)
{
	end_part(output);
	output->part = name;
	if (output->json)
		json_write_array(&output->writer, name);
}

/* One line, whatever parts the items. */
static char *list_cell(struct arena *arena, const char *items)
{
	char *text = arena_copy_text(arena, *items ? items : "-");

	if (!text)
		return NULL;
	for (char *gap = strchr(text, '\n'); gap; gap = strchr(gap, '\n'))
		*gap = ' ';
	return text;
}

static char *cell(struct arena *arena, const struct output_field *field)
{
	char when[32] = "-";
	time_t at = (time_t)field->number;
	struct tm parts;

	if (field->is_list)
		return list_cell(arena, field->text);
	if (field->text)
		return arena_copy_text(arena, *field->text ? field->text : "-");
	if (!field->is_time)
		return arena_printf(arena, "%" PRId64, field->number);
	if (at && gmtime_r(&at, &parts))
		(void)strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &parts);
	if (field->note)
		return arena_printf(arena, "%s, %s", when, field->note);
	return arena_copy_text(arena, when);
}

void output_row(struct output *output, const struct output_field *fields)
{
	struct output_row *row;

	if (output->json) {
		write_json_row(output, fields);
		return;
	}
	row = arena_alloc(&output->arena, sizeof(*row));
	for (; row && fields->name && row->count < OUTPUT_COLUMNS_MAX; fields++) {
		row->names[row->count] = fields->name;
		row->cells[row->count] = cell(&output->arena, fields);
		if (!row->cells[row->count++])
			row = NULL;
	}
	if (!row) {
		output->failed = ERROR_MEMORY;
		return;
	}
	row->part = output->part;
	*output->end = row;
	output->end = &row->next;
}

/* Characters, not bytes: good enough for what stands in a terminal's table. */
static int width_of(const char *text)
{
	int width = 0;

	for (; *text; text++)
		width += ((unsigned char)*text & 0xc0) != 0x80;
	return width;
}

static void write_padded(struct buf *buf, const char *text, int width)
{
	(void)buf_printf(
		buf, "%s%*s", text, width > width_of(text) ? width - width_of(text) : 0, "");
}

static bool is_of(const struct output_row *row, const char *part)
{
	return row && row->part == part;
}

/* The rows from `first` on that are of its part; returns the one after them. */
static const struct output_row *write_table(struct output *output, const struct output_row *first)
{
	int widths[OUTPUT_COLUMNS_MAX] = {0};
	const char *part = first ? first->part : NULL;
	const struct output_row *row;

	for (row = first; is_of(row, part); row = row->next)
		for (size_t i = 0; i < row->count; i++) {
			if (width_of(row->names[i]) > widths[i])
				widths[i] = width_of(row->names[i]);
			if (width_of(row->cells[i]) > widths[i])
				widths[i] = width_of(row->cells[i]);
		}
	row = first;
	for (size_t i = 0; row && i < row->count; i++)
		write_padded(&output->buf, row->names[i], i + 1 < row->count ? widths[i] + 2 : 0);
	if (row)
		(void)buf_append_char(&output->buf, '\n');
	for (; is_of(row, part); row = row->next) {
		for (size_t i = 0; i < row->count; i++)
			write_padded(&output->buf, row->cells[i],
				i + 1 < row->count ? widths[i] + 2 : 0);
		(void)buf_append_char(&output->buf, '\n');
	}
	return row;
}

static void write_lines(struct output *output)
{
	const struct output_row *row = output->rows;

	for (; is_of(row, NULL); row = row->next)
		for (size_t i = 0; i < row->count; i++) {
			write_padded(&output->buf, row->names[i], 16);
			(void)buf_printf(&output->buf, "  %s\n", row->cells[i]);
		}
	while (row) {
		(void)buf_printf(&output->buf, "\n%s:\n", row->part);
		row = write_table(output, row);
	}
}

void output_abandon(struct output *output)
{
	buf_finish(&output->buf);
	arena_finish(&output->arena);
}

int output_end(struct output *output)
{
	int error = output->failed;

	end_part(output);
	if (output->open)
		json_write_object_end(&output->writer);
	if (output->json && output->list)
		json_write_array_end(&output->writer);
	if (output->json)
		(void)buf_append_char(&output->buf, '\n');
	else if (output->list)
		(void)write_table(output, output->rows);
	else
		write_lines(output);
	if (!error)
		error = buf_status(&output->buf);
	if (!error && output->buf.len &&
		(fwrite(output->buf.data, 1, output->buf.len, stdout) != output->buf.len ||
			fflush(stdout)))
		error = ERROR_IO;
	output_abandon(output);
	return error;
}
