/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/table.h"

#include <string.h>

static void fill(struct table *table)
{
	static const struct table_cell rows[][4] = {
		{{"authority", 0}, {"token", 0}, {"notes", 0}, {0}},
		{{"https://a.example", 0}, {"59 minutes", TABLE_GOOD}, {"", 0}, {0}},
		{{"gr\xc3\xbc"
		  "ezi",
			 0},
			{"expired", TABLE_BAD}, {"told to wait", TABLE_BAD}, {0}}};

	table_init(table);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		table_row(table, rows[i]);
}

static void test_columns(void **state)
{
	struct table table;
	struct buf buf;

	(void)state;
	fill(&table);
	buf_init(&buf, 4096);
	assert_int_equal(table_print(&table, false, &buf), 0);
	assert_string_equal(buf.data, "authority          token       notes\n"
				      "https://a.example  59 minutes  -\n"
				      "gr\xc3\xbc"
				      "ezi             expired     told to wait\n");
	buf_finish(&buf);
	table_finish(&table);
}

/* The colours take no room. */
static void test_colours(void **state)
{
	struct table table;
	struct buf buf;

	(void)state;
	fill(&table);
	buf_init(&buf, 4096);
	assert_int_equal(table_print(&table, true, &buf), 0);
	assert_string_equal(buf.data,
		"\033[1mauthority\033[0m          \033[1mtoken\033[0m       \033[1mnotes\033[0m\n"
		"https://a.example  \033[32m59 minutes\033[0m  -\n"
		"gr\xc3\xbc"
		"ezi             \033[31mexpired\033[0m     \033[31mtold to wait\033[0m\n");
	buf_finish(&buf);
	table_finish(&table);
}

static void test_no_room(void **state)
{
	struct table table;
	char text[16];
	struct buf buf;

	(void)state;
	fill(&table);
	buf_init_fixed(&buf, text, sizeof(text));
	assert_int_not_equal(table_print(&table, false, &buf), 0);
	table_finish(&table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_columns),
		cmocka_unit_test(test_colours),
		cmocka_unit_test(test_no_room),
	};

	return cmocka_run_group_tests_name("cli table", tests, NULL, NULL);
}
