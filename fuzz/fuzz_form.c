/* SPDX-License-Identifier: Apache-2.0 */
/* Fields that were read, written and read again are the same. */
#include "codec/form.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FIELDS_MAX = 64, ROOM = 4 * 1024 * 1024 };

static void compare(
	const struct form_field *a, const struct form_field *b, size_t a_count, size_t b_count)
{
	if (a_count != b_count)
		abort();
	for (size_t i = 0; i < a_count; i++)
		if (a[i].name_length != b[i].name_length ||
			a[i].value_length != b[i].value_length ||
			strcmp(a[i].name, b[i].name) != 0 || strcmp(a[i].value, b[i].value) != 0)
			abort();
}

static void write_and_read(struct arena *arena, const struct form_field *fields, size_t count)
{
	struct form_field *again;
	size_t again_count;
	struct buf buf;

	buf_init(&buf, ROOM);
	for (size_t i = 0; i < count; i++) {
		if (strlen(fields[i].value) != fields[i].value_length)
			abort();
		if (form_append(&buf, fields[i].name, fields[i].value))
			abort();
	}
	if (form_parse(arena, buf.len ? buf.data : "", buf.len, FIELDS_MAX, &again, &again_count))
		abort();
	compare(fields, again, count, again_count);
	buf_finish(&buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct form_field *fields;
	struct arena arena;
	const char *decoded;
	size_t count;

	arena_init(&arena, ROOM);
	if (!form_parse(&arena, text, size, FIELDS_MAX, &fields, &count))
		write_and_read(&arena, fields, count);
	(void)form_decode(&arena, text, size, &decoded, &count);
	arena_finish(&arena);
	return 0;
}
