/* SPDX-License-Identifier: Apache-2.0 */
/* A document that was read and printed is read again, and printed the same. */
#include "codec/json.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROOM = 4 * 1024 * 1024 };

/* Every value by every reader; its depth is bounded, so this is. */
static size_t walk(const struct json *value, size_t depth)
{
	const struct json *member = NULL;
	const char *name = NULL;
	size_t position = 0;
	size_t count = 1;
	int64_t number;
	bool boolean;

	if (depth > JSON_DEPTH_MAX)
		abort();
	(void)json_integer(value, &number);
	(void)json_boolean(value, &boolean);
	if (!json_numeric_date(value, &number) && number < 0)
		abort();
	if (json_is_text(value) != (json_text(value) != NULL))
		abort();
	for (size_t i = 0; json_is_array(value) && i < json_length(value); i++)
		count += walk(json_at(value, i), depth + 1);
	while (json_next(value, &position, &name, &member)) {
		if (json_member(value, name) != member)
			abort();
		count += walk(member, depth + 1);
	}
	return count;
}

static void print(struct buf *buf, const struct json *document, bool indented)
{
	buf_init(buf, ROOM);
	if (json_print(buf, document, indented))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct json *document = NULL;
	struct json *again = NULL;
	struct buf one;
	struct buf two;

	if (json_parse((const char *)data, size, ROOM / 16, &document))
		return 0;
	print(&one, document, true);
	if (json_parse(one.data, one.len, ROOM, &again))
		abort();
	if (walk(document, 0) != walk(again, 0))
		abort();
	buf_finish(&one);
	print(&one, document, false);
	print(&two, again, false);
	if (one.len != two.len || memcmp(one.data, two.data, one.len) != 0)
		abort();
	buf_finish(&two);
	buf_finish(&one);
	json_free(again);
	json_free(document);
	return 0;
}
