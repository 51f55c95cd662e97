/* SPDX-License-Identifier: Apache-2.0 */
/* What is drawn is read back block by block, and compared with the encoder's modules. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/error.h"
#include "cli/qr.h"

#include <string.h>

#define URL "https://login.example.com/device?user_code=WDJB-MJHT"

enum { WIDTH_MAX = 200 };

/* Whether the halves of the character at `*text` are drawn; goes on behind it. */
static void read_block(const char **text, bool *ret_upper, bool *ret_lower)
{
	static const struct {
		const char *block;
		bool upper;
		bool lower;
	} blocks[] = {{"\u2588", true, true}, {"\u2580", true, false}, {"\u2584", false, true},
		{" ", false, false}};

	for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++) {
		if (strncmp(*text, blocks[i].block, strlen(blocks[i].block)) != 0)
			continue;
		*text += strlen(blocks[i].block);
		*ret_upper = blocks[i].upper;
		*ret_lower = blocks[i].lower;
		return;
	}
	fail_msg("no block: %.8s", *text);
}

/* Modules by row and column, true where drawn. Returns the rows. */
static size_t read_modules(const char *text, size_t width, bool modules[WIDTH_MAX][WIDTH_MAX])
{
	size_t rows = 0;

	while (*text) {
		text += *text == '\033' ? strcspn(text, "m") + 1 : 0;
		for (size_t x = 0; x < width; x++)
			read_block(&text, &modules[rows][x], &modules[rows + 1][x]);
		text += *text == '\033' ? strcspn(text, "m") + 1 : 0;
		assert_int_equal(*text++, '\n');
		rows += 2;
		assert_true(rows < WIDTH_MAX);
	}
	return rows;
}

/* A finder pattern's outer ring is dark and the ring around it light (ISO/IEC 18004, 6.3.3). */
static void assert_finder(bool modules[WIDTH_MAX][WIDTH_MAX], size_t row, size_t column, bool dark)
{
	for (size_t i = 0; i < 7; i++) {
		assert_int_equal(modules[row][column + i], dark);
		assert_int_equal(modules[row + 6][column + i], dark);
		assert_int_equal(modules[row + i][column], dark);
		assert_int_equal(modules[row + i][column + 6], dark);
	}
	for (size_t i = 1; i < 6; i++)
		assert_int_equal(modules[row + 1][column + i], !dark);
	for (size_t i = 2; i < 5; i++)
		assert_int_equal(modules[row + 3][column + i], dark);
}

static void look(bool colour)
{
	static bool modules[WIDTH_MAX][WIDTH_MAX];
	bool dark = colour;
	size_t width = 0;
	size_t rows;
	struct buf buf;

	buf_init(&buf, 65536);
	assert_int_equal(qr_append(&buf, URL, colour, &width), 0);
	assert_int_equal((width - 8) % 4, 1);
	rows = read_modules(buf.data, width, modules);
	assert_int_equal(rows, width + 1);
	for (size_t i = 0; i < width; i++)
		for (size_t j = 0; j < 4; j++) {
			assert_int_equal(modules[j][i], !dark);
			assert_int_equal(modules[i][j], !dark);
			assert_int_equal(modules[width - 1 - j][i], !dark);
			assert_int_equal(modules[i][width - 1 - j], !dark);
		}
	assert_finder(modules, 4, 4, dark);
	assert_finder(modules, 4, width - 11, dark);
	assert_finder(modules, width - 11, 4, dark);
	buf_finish(&buf);
}

static void test_in_colour(void **state)
{
	(void)state;
	look(true);
}

static void test_without_colour(void **state)
{
	(void)state;
	look(false);
}

static void test_too_long(void **state)
{
	static char text[8192];
	size_t width = 7;
	struct buf buf;

	(void)state;
	memset(text, 'a', sizeof(text) - 1);
	buf_init(&buf, 65536);
	assert_int_equal(qr_append(&buf, text, true, &width), ERROR_LIMIT);
	assert_int_equal(width, 7);
	buf_finish(&buf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_in_colour),
		cmocka_unit_test(test_without_colour),
		cmocka_unit_test(test_too_long),
	};

	return cmocka_run_group_tests_name("cli qr", tests, NULL, NULL);
}
