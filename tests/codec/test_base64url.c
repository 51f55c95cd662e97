/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/error.h"
#include "codec/base64url.h"

#include <stdlib.h>
#include <string.h>

struct pair {
	const char *bytes;
	const char *text;
};

/* RFC 4648, 10, without the padding. */
static const struct pair pairs[] = {
	{"", ""},
	{"f", "Zg"},
	{"fo", "Zm8"},
	{"foo", "Zm9v"},
	{"foob", "Zm9vYg"},
	{"fooba", "Zm9vYmE"},
	{"foobar", "Zm9vYmFy"},
	{"\xfb\xff\xbf", "-_-_"},
};

static void test_known_texts_both_ways(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		size_t length = strlen(pairs[i].bytes);
		unsigned char bytes[8];
		struct buf buf;
		size_t decoded;

		buf_init(&buf, 16);
		assert_int_equal(base64url_append(&buf, pairs[i].bytes, length), 0);
		assert_string_equal(buf.data, pairs[i].text);
		assert_int_equal(buf.len, base64url_encoded_length(length));
		assert_int_equal(
			base64url_decode(buf.data, buf.len, bytes, sizeof(bytes), &decoded), 0);
		assert_int_equal(decoded, length);
		assert_memory_equal(bytes, pairs[i].bytes, length);
		buf_finish(&buf);
	}
}

static void test_every_length_and_byte_comes_back(void **state)
{
	unsigned char bytes[256];
	unsigned char back[256];
	char text[344];
	size_t length;

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)(255 - i);
	for (size_t i = 0; i <= sizeof(bytes); i++) {
		assert_true(base64url_encoded_length(i) <= sizeof(text));
		base64url_encode(text, bytes, i);
		assert_int_equal(
			base64url_decode(text, base64url_encoded_length(i), back, i, &length), 0);
		assert_int_equal(length, i);
		assert_memory_equal(back, bytes, i);
	}
}

static void check_refused(const char *text, size_t length, int expected)
{
	unsigned char bytes[8];
	size_t decoded = 99;

	assert_int_equal(base64url_decode(text, length, bytes, sizeof(bytes), &decoded), expected);
	assert_int_equal(decoded, 99);
}

static void test_only_one_text_stands_for_bytes(void **state)
{
	static const char *const bad[] = {"A", "AAAAA", "Zg==", "Zg=", "Zm9v\n", " Zm9v", "Zm9+",
		"Zm9/", "Zm 9v", "Zh", "Zm9", "Zm8=", "=", "====", "Zm9v.", "Zm9\x80", "AAA\xff"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		check_refused(bad[i], strlen(bad[i]), ERROR_INVALID);
	check_refused("AA\0A", 4, ERROR_INVALID);
	check_refused("AAAAAAAAAAAA", 12, ERROR_LIMIT);
}

/* 64 characters and no more: each one alone, as the first of four. */
static void test_the_alphabet(void **state)
{
	unsigned taken = 0;

	(void)state;
	for (int c = 0; c < 256; c++) {
		const char text[4] = {(char)c, 'A', 'A', 'A'};
		unsigned char bytes[3];
		size_t length;

		taken += base64url_decode(text, 4, bytes, sizeof(bytes), &length) == 0;
	}
	assert_int_equal(taken, 64);
}

static void test_append_keeps_to_the_bound(void **state)
{
	struct buf buf;

	(void)state;
	buf_init(&buf, 7);
	assert_int_equal(base64url_append(&buf, "abc", 3), 0);
	assert_int_equal(base64url_append(&buf, "abc", 3), ERROR_LIMIT);
	assert_string_equal(buf.data, "YWJj");
	buf_finish(&buf);
}

static int decode_any(const char *text)
{
	unsigned char bytes[16];
	size_t length;

	return base64_decode_any(text, strlen(text), bytes, sizeof(bytes), &length);
}

static void test_any_takes_both_alphabets_and_padding(void **state)
{
	static const char *const good[] = {
		"", "Zg==", "Zg", "Zm8=", "Zm8", "Zm9v", "+/+/", "-_-_", "+w==", "-w", "-w=="};
	static const char *const bad[] = {"Zg=", "Zg===", "=",
		"==", "===", "====", "Zm9v=", "Zm9v==", "Zh==", "+_+_", "-/-/", "A",
		"A===", "Z=g=", "Zm9v====", " Zg==", "Zg==\n"};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_int_equal(decode_any(good[i]), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(decode_any(bad[i]), ERROR_INVALID);
	assert_int_equal(decode_any("AAAAAAAAAAAAAAAAAAAAAAAA"), ERROR_LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_texts_both_ways),
		cmocka_unit_test(test_every_length_and_byte_comes_back),
		cmocka_unit_test(test_only_one_text_stands_for_bytes),
		cmocka_unit_test(test_the_alphabet),
		cmocka_unit_test(test_append_keeps_to_the_bound),
		cmocka_unit_test(test_any_takes_both_alphabets_and_padding),
	};

	return cmocka_run_group_tests_name("base64url", tests, NULL, NULL);
}
