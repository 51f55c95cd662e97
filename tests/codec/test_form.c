/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/error.h"
#include "codec/form.h"

#include <string.h>

struct fixture {
	struct arena arena;
	struct form_field *fields;
	size_t count;
};

static int parse(struct fixture *fixture, const char *body, size_t length)
{
	arena_init(&fixture->arena, 64 * 1024);
	return form_parse(&fixture->arena, body, length, 8, &fixture->fields, &fixture->count);
}

static void test_fields_are_decoded_in_order(void **state)
{
	static const struct {
		const char *name;
		const char *value;
	} expected[] = {{"grant_type", "password"}, {"a b", "c+d&="}, {"\xc3\xa9", ""}, {"", "x"},
		{"a b", "again"}, {"", ""}, {"k", "=v="}};
	static const char body[] = "&grant_type=password&&a+b=c%2Bd%26%3d&%C3%a9&=x&a%20b=again&="
				   "&k==v=&";
	struct fixture fixture;

	(void)state;
	assert_int_equal(parse(&fixture, body, strlen(body)), 0);
	assert_int_equal(fixture.count, sizeof(expected) / sizeof(expected[0]));
	for (size_t i = 0; i < fixture.count; i++) {
		assert_string_equal(fixture.fields[i].name, expected[i].name);
		assert_string_equal(fixture.fields[i].value, expected[i].value);
		assert_int_equal(fixture.fields[i].name_length, strlen(expected[i].name));
		assert_int_equal(fixture.fields[i].value_length, strlen(expected[i].value));
	}
	arena_finish(&fixture.arena);
}

static void test_empty_bodies(void **state)
{
	static const char *const bodies[] = {"", "&", "&&&&&&&&&&&&"};

	(void)state;
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		struct fixture fixture;

		assert_int_equal(parse(&fixture, bodies[i], strlen(bodies[i])), 0);
		assert_int_equal(fixture.count, 0);
		arena_finish(&fixture.arena);
	}
}

static void check_refused(const char *body, size_t length, int expected)
{
	struct fixture fixture = {.count = 99};

	assert_int_equal(parse(&fixture, body, length), expected);
	assert_int_equal(fixture.count, 99);
	assert_null(fixture.fields);
	arena_finish(&fixture.arena);
}

static void test_malformed_bodies_are_refused(void **state)
{
	static const char *const bad[] = {"a=%", "a=%4", "a=%zz", "a=%4g", "%g0=b", "a=%00",
		"%00=a", "a=\xff", "a=%ff", "a=%C3", "a=%ED%A0%80", "a=%C0%AF", "a%=b", "a=%&b=20"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		check_refused(bad[i], strlen(bad[i]), ERROR_INVALID);
	check_refused("a=b\0c", 5, ERROR_INVALID);
	check_refused("\0", 1, ERROR_INVALID);
}

static void test_fields_are_bounded(void **state)
{
	struct fixture fixture;

	(void)state;
	assert_int_equal(parse(&fixture, "1&2&3&4&5&6&7&8", 15), 0);
	assert_int_equal(fixture.count, 8);
	arena_finish(&fixture.arena);
	check_refused("1&2&3&4&5&6&7&8&9", 17, ERROR_LIMIT);
}

static void test_memory_is_the_arenas(void **state)
{
	struct form_field *fields = NULL;
	struct arena arena;
	size_t count;

	(void)state;
	for (size_t max = 0; max < 128; max += 16) {
		arena_init(&arena, max);
		assert_int_equal(form_parse(&arena, "abcdefgh=abcdefghabcdefgh&b=abcdefghabcdefgh",
					 44, 8, &fields, &count),
			ERROR_MEMORY);
		arena_finish(&arena);
	}
}

static void test_one_component(void **state)
{
	struct arena arena;
	const char *text = NULL;
	size_t length;

	(void)state;
	arena_init(&arena, 4096);
	assert_int_equal(form_decode(&arena, "a%3Ab+c", 7, &text, &length), 0);
	assert_string_equal(text, "a:b c");
	assert_int_equal(length, 5);
	assert_int_equal(form_decode(&arena, "", 0, &text, &length), 0);
	assert_string_equal(text, "");
	assert_int_equal(form_decode(&arena, "%1", 2, &text, &length), ERROR_INVALID);
	arena_finish(&arena);
}

static void test_append_comes_back(void **state)
{
	static const char value[] = "a b+c&d=e%\xc3\xa9\n~*-._/:'\"";
	struct fixture fixture;
	struct buf buf;

	(void)state;
	buf_init(&buf, 4096);
	assert_int_equal(form_append(&buf, "na me", value), 0);
	assert_int_equal(form_append(&buf, "b", ""), 0);
	assert_string_equal(buf.data, "na+me=a+b%2Bc%26d%3De%25%C3%A9%0A%7E*-._%2F%3A%27%22&b=");
	assert_int_equal(parse(&fixture, buf.data, buf.len), 0);
	assert_int_equal(fixture.count, 2);
	assert_string_equal(fixture.fields[0].name, "na me");
	assert_string_equal(fixture.fields[0].value, value);
	arena_finish(&fixture.arena);
	buf_finish(&buf);
	buf_init(&buf, 3);
	assert_int_equal(form_append(&buf, "ab", "c"), ERROR_LIMIT);
	buf_finish(&buf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fields_are_decoded_in_order),
		cmocka_unit_test(test_empty_bodies),
		cmocka_unit_test(test_malformed_bodies_are_refused),
		cmocka_unit_test(test_fields_are_bounded),
		cmocka_unit_test(test_memory_is_the_arenas),
		cmocka_unit_test(test_one_component),
		cmocka_unit_test(test_append_comes_back),
	};

	return cmocka_run_group_tests_name("form", tests, NULL, NULL);
}
