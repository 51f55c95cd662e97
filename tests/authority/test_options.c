/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "authority/options.h"

#include <stdio.h>
#include <string.h>

static const struct option_spec specs[] = {
	{"data", "DIR", "", false, true},
	{"listen", "ADDR", "", true, true},
	{"number", "N", "", false, true},
	{"time", "T", "", false, true},
	{"date", "DATE", "", false, true},
	{"flag", NULL, "", false, true},
	{0},
};

/* The arguments end with NULL. */
static int parse(struct options *options, const char *const *arguments, struct fault *fault)
{
	int count = 0;

	while (arguments[count])
		count++;
	*fault = (struct fault){0};
	return options_parse(options, specs, count, (char *const *)arguments, fault);
}

#define PARSE(options, fault, ...)                                                                 \
	parse((options), (const char *const[]){__VA_ARGS__, NULL}, (fault))

static void test_takes_every_form(void **state)
{
	struct options options;
	struct fault fault;

	(void)state;
	assert_int_equal(PARSE(&options, &fault, "one", "--data", "/a", "--flag", "--listen=x=y",
				 "--listen", "z", "--", "--data", "-"),
		0);
	assert_string_equal(options_text(&options, "data"), "/a");
	assert_true(options_flag(&options, "flag"));
	assert_false(options_flag(&options, "number"));
	assert_string_equal(options_each(&options, "listen", 0), "x=y");
	assert_string_equal(options_each(&options, "listen", 1), "z");
	assert_null(options_each(&options, "listen", 2));
	assert_null(options_each(&options, "unheard", 0));
	assert_null(options_text(&options, "unheard"));
	assert_int_equal(options.positional_count, 3);
	assert_string_equal(options.positional[0], "one");
	assert_string_equal(options.positional[1], "--data");
	assert_string_equal(options.positional[2], "-");
	options_finish(&options);
}

static void test_each_mistake_has_its_line(void **state)
{
	static const struct {
		const char *arguments[6];
		const char *line;
	} cases[] = {
		{{"--data", "/a", "--data=/b"}, "--data is given twice; give it once"},
		{{"--flag", "--flag"}, "--flag is given twice; give it once"},
		{{"--data", ""}, "--data has an empty value; give its DIR"},
		{{"--data="}, "--data has an empty value; give its DIR"},
		{{"--data", "\xff"}, "--data is not UTF-8"},
		{{"--unheard"}, "there is no option --unheard; --help lists those there are"},
		{{"--unheard=3"}, "there is no option --unheard; --help lists those there are"},
		{{"--dat"}, "there is no option --dat; --help lists those there are"},
		{{"--=3"}, "there is no option --; --help lists those there are"},
		{{"--flag=yes"}, "--flag takes no value"},
		{{"--flag="}, "--flag takes no value"},
		{{"--data"}, "--data needs a value (DIR)"},
		{{"a", "b", "c", "d", "e"},
			"\"e\" is one argument too many; --help shows the form"},
		{{"\xc3"}, "an argument is not UTF-8"},
		{{"-d"}, "there is no option -d; options begin with two dashes"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct options options;
		struct fault fault;

		assert_int_equal(parse(&options, cases[i].arguments, &fault), ERROR_INVALID);
		assert_string_equal(fault.text, cases[i].line);
		options_finish(&options);
	}
}

static void test_bounds_how_many(void **state)
{
	const char *arguments[OPTIONS_VALUES_MAX + 2] = {0};
	struct options options;
	struct fault fault;

	(void)state;
	for (size_t i = 0; i < OPTIONS_VALUES_MAX; i++)
		arguments[i] = "--listen=x";
	assert_int_equal(parse(&options, arguments, &fault), 0);
	options_finish(&options);
	arguments[OPTIONS_VALUES_MAX] = "--listen=x";
	assert_int_equal(parse(&options, arguments, &fault), ERROR_INVALID);
	assert_string_equal(fault.text, "too many options; at most 128");
	options_finish(&options);
}

static void test_numbers(void **state)
{
	static const struct {
		const char *text;
		int64_t number; /* -1: refused */
	} cases[] = {
		{"2", 2},
		{"007", 7},
		{"30", 30},
		{"1", -1},
		{"31", -1},
		{"+3", -1},
		{"-3", -1},
		{" 3", -1},
		{"3 ", -1},
		{"3s", -1},
		{"0x3", -1},
		{"9223372036854775808", -1},
	};
	const struct number_range range = {2, 30, 5};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct options options;
		struct fault fault;
		int64_t number = -1;
		char line[128];

		assert_int_equal(PARSE(&options, &fault, "--number", cases[i].text), 0);
		assert_int_equal(options_number(&options, "number", &range, &number, &fault),
			cases[i].number < 0 ? ERROR_INVALID : 0);
		assert_int_equal(number, cases[i].number);
		if (cases[i].number < 0) {
			(void)snprintf(line, sizeof(line),
				"--number \"%s\": give a whole number from 2 to 30", cases[i].text);
			assert_string_equal(fault.text, line);
		}
		options_finish(&options);
	}
}

static void test_defaults(void **state)
{
	const struct number_range range = {2, 30, 5};
	struct options options;
	struct fault fault;
	int64_t number = -1;

	(void)state;
	assert_int_equal(PARSE(&options, &fault, "--flag"), 0);
	assert_int_equal(options_number(&options, "number", &range, &number, &fault), 0);
	assert_int_equal(number, 5);
	assert_int_equal(options_duration(&options, "time", 77, &number, &fault), 0);
	assert_int_equal(number, 77);
	assert_int_equal(options_date(&options, "date", &number, &fault), 0);
	assert_int_equal(number, 0);
	options_finish(&options);
}

static void test_durations(void **state)
{
	static const struct {
		const char *text;
		int64_t seconds; /* -1: refused */
	} cases[] = {
		{"90", 90},
		{"90s", 90},
		{"15m", 900},
		{"12h", 43200},
		{"7d", 604800},
		{"0", 0},
		{"3653d", (int64_t)3653 * 86400},
		{"3654d", -1},
		{"9223372036854775807d", -1},
		{"9223372036854775808", -1},
		{"1w", -1},
		{"1 h", -1},
		{"h", -1},
		{"-1", -1},
		{"1hh", -1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct options options;
		struct fault fault;
		int64_t seconds = -1;
		char line[128];

		assert_int_equal(PARSE(&options, &fault, "--time", cases[i].text), 0);
		assert_int_equal(options_duration(&options, "time", 0, &seconds, &fault),
			cases[i].seconds < 0 ? ERROR_INVALID : 0);
		assert_int_equal(seconds, cases[i].seconds);
		if (cases[i].seconds < 0) {
			(void)snprintf(line, sizeof(line),
				"--time \"%s\": give a time such as 90s, 15m, 12h or 7d, at most "
				"10 years",
				cases[i].text);
			assert_string_equal(fault.text, line);
		}
		options_finish(&options);
	}
}

static void test_dates(void **state)
{
	static const struct {
		const char *text;
		int64_t at; /* -1: refused */
	} cases[] = {
		{"2027-03-31", 1806537599},
		{"2027-03-31T12:00:00Z", 1806494400},
		{"2028-02-29", 1835481599},
		{"2027-02-29", -1},
		{"2027-04-31", -1},
		{"2027-13-01", -1},
		{"2027-00-01", -1},
		{"2027-03-31T12:00:00", -1},
		{"2027-03-31T12:00:00+01:00", -1},
		{"2027-03-31T24:00:00Z", -1},
		{"2027-03-31 ", -1},
		{"31.3.2027", -1},
		{"1969-12-31", -1},
		{"tomorrow", -1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct options options;
		struct fault fault;
		int64_t at = -1;
		char line[160];

		assert_int_equal(PARSE(&options, &fault, "--date", cases[i].text), 0);
		assert_int_equal(options_date(&options, "date", &at, &fault),
			cases[i].at < 0 ? ERROR_INVALID : 0);
		assert_int_equal(at, cases[i].at);
		if (cases[i].at < 0) {
			(void)snprintf(line, sizeof(line),
				"--date \"%s\": give a date such as 2027-03-31 or "
				"2027-03-31T12:00:00Z",
				cases[i].text);
			assert_string_equal(fault.text, line);
		}
		options_finish(&options);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_takes_every_form),
		cmocka_unit_test(test_each_mistake_has_its_line),
		cmocka_unit_test(test_bounds_how_many),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_durations),
		cmocka_unit_test(test_dates),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
