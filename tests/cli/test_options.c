/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/options.h"

#include <string.h>

static const struct option_spec own[] = {
	{"header", 'H', NULL, OPTION_TEXT, "a flag"},
	{"min-ttl", 'm', "SECONDS", OPTION_TEXT, "a number"},
	{0},
};
static const struct option_spec plain[] = {
	{"json", 'j', NULL, OPTION_TEXT, "a flag"},
	{"proxy", 'x', "URL", OPTION_TEXT, "which may be empty"},
	{0},
};
static const struct option_spec *const tables[] = {own, plain, NULL};

#define PARSE(options, command_at, fault, ...)                                                     \
	options_parse((options), tables, (command_at),                                             \
		(char *const *)(const char *const[]){__VA_ARGS__, NULL}, (fault))

static void test_forms(void **state)
{
	struct options options;
	struct fault fault;

	(void)state;
	assert_int_equal(PARSE(&options, -1, &fault, "URL", "--min-ttl", "5", "-jH", "-x", ""), 0);
	assert_string_equal(options_text(&options, "min-ttl"), "5");
	assert_true(options_flag(&options, "header"));
	assert_true(options_flag(&options, "json"));
	assert_string_equal(options_text(&options, "proxy"), "");
	assert_int_equal(options.positional_count, 1);
	assert_int_equal(PARSE(&options, -1, &fault, "--min-ttl=", "x"), ERROR_INVALID);
	assert_int_equal(PARSE(&options, -1, &fault, "--min-ttl=7", "-xhttp://p"), 0);
	assert_string_equal(options_text(&options, "min-ttl"), "7");
	assert_string_equal(options_text(&options, "proxy"), "http://p");
	assert_false(options_flag(&options, "header"));
	assert_null(options_text(&options, "no such option"));
	assert_int_equal(PARSE(&options, -1, &fault, "-m9", "-", "--", "--header"), 0);
	assert_string_equal(options_text(&options, "min-ttl"), "9");
	assert_string_equal(options.positional[0], "-");
	assert_string_equal(options.positional[1], "--header");
	assert_false(options_flag(&options, "header"));
}

static void test_refused(void **state)
{
	struct options options;
	struct fault fault;

	(void)state;
	assert_int_equal(PARSE(&options, -1, &fault, "--hedaer"), ERROR_INVALID);
	assert_string_equal(fault.text, "there is no option --hedaer; did you mean --header?");
	assert_int_equal(PARSE(&options, -1, &fault, "--nonsense"), ERROR_INVALID);
	assert_string_equal(fault.text, "there is no option --nonsense");
	assert_int_equal(PARSE(&options, -1, &fault, "-z"), ERROR_INVALID);
	assert_int_equal(PARSE(&options, -1, &fault, "--header=1"), ERROR_INVALID);
	assert_int_equal(PARSE(&options, -1, &fault, "--min-ttl"), ERROR_INVALID);
	assert_string_equal(fault.text, "--min-ttl needs a value (SECONDS)");
	assert_int_equal(PARSE(&options, -1, &fault, "URL", "-m"), ERROR_INVALID);
	assert_int_equal(PARSE(&options, -1, &fault, "-m1", "--min-ttl=1"), ERROR_INVALID);
	assert_int_equal(PARSE(&options, -1, &fault, "-H", "--header"), 0);
	assert_int_equal(PARSE(&options, -1, &fault, "a", "b", "c", "d", "e"), ERROR_INVALID);
}

/* From there on nothing is an option of ours. */
static void test_commands(void **state)
{
	struct options options;
	struct fault fault;

	(void)state;
	assert_int_equal(PARSE(&options, 1, &fault, "URL", "-j", "--", "curl", "--header"), 0);
	assert_int_equal(options.positional_count, 1);
	assert_string_equal(options.command[0], "curl");
	assert_string_equal(options.command[1], "--header");
	assert_null(options.command[2]);
	assert_true(options_flag(&options, "json"));
	assert_false(options_flag(&options, "header"));
	assert_int_equal(PARSE(&options, 1, &fault, "URL", "curl", "-H", "--", "x"), 0);
	assert_string_equal(options.command[0], "curl");
	assert_string_equal(options.command[2], "--");
	assert_false(options_flag(&options, "header"));
	assert_int_equal(PARSE(&options, 1, &fault, "URL", "--"), 0);
	assert_null(options.command);
}

static void test_numbers(void **state)
{
	const struct number_range range = {1, 3600, 60};
	static const char *const wrong[] = {
		"0", "3601", "-1", "1x", "x", " 1", "99999999999999999999"};
	struct options options;
	struct fault fault;
	int64_t number;

	(void)state;
	assert_int_equal(PARSE(&options, -1, &fault, "-m3600"), 0);
	assert_int_equal(options_number(&options, "min-ttl", &range, &number, &fault), 0);
	assert_int_equal(number, 3600);
	assert_int_equal(PARSE(&options, -1, &fault, "-j"), 0);
	assert_int_equal(options_number(&options, "min-ttl", &range, &number, &fault), 0);
	assert_int_equal(number, 60);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_int_equal(PARSE(&options, -1, &fault, "--min-ttl", wrong[i]), 0);
		assert_int_equal(options_number(&options, "min-ttl", &range, &number, &fault),
			ERROR_INVALID);
	}
}

static void test_distance(void **state)
{
	(void)state;
	assert_int_equal(options_distance("token", 5, "token"), 0);
	assert_int_equal(options_distance("tokne", 5, "token"), 2);
	assert_int_equal(options_distance("", 0, "token"), 5);
	assert_int_equal(options_distance("sitting", 7, "kitten"), 3);
	assert_true(options_distance("a-name-that-is-longer-than-any-option", 37, "token") > 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_commands),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_distance),
	};

	return cmocka_run_group_tests_name("cli options", tests, NULL, NULL);
}
