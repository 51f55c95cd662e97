/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/hex.h"

#include <string.h>

/* Every byte, also those that a char has as negative numbers. */
static void test_values(void **state)
{
	static const char digits[] = "0123456789abcdef";

	(void)state;
	for (int i = 0; i < 256; i++) {
		char c = (char)i;
		char small = (char)(c >= 'A' && c <= 'F' ? c - 'A' + 'a' : c);
		const char *at = c ? memchr(digits, small, 16) : NULL;

		assert_int_equal(hex_value(c), at ? (int)(at - digits) : -1);
	}
}

static void test_encoding(void **state)
{
	static const unsigned char bytes[] = {0x00, 0x0f, 0xf0, 0xff, 0x1a};
	char text[sizeof(bytes) * 2 + 1];

	(void)state;
	hex_encode(text, bytes, sizeof(bytes));
	assert_string_equal(text, "000ff0ff1a");
	hex_encode(text, bytes, 0);
	assert_string_equal(text, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_encoding),
	};

	return cmocka_run_group_tests_name("hex", tests, NULL, NULL);
}
