/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "authority/options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct option_spec known[] = {
	{"issuer", "URL", "", false, true},
	{"listen", "ADDR", "", true, true},
	{"data", "DIR", "", false, true},
	{"behind-proxy", NULL, "", false, true},
	{"config", "FILE", "", false, false},
	{0},
};

/* Another verb's, which takes fewer of them. */
static const struct option_spec fewer[] = {
	{"data", "DIR", "", false, true},
	{"json", NULL, "", false, false},
	{0},
};

static char folder[] = "/tmp/adit-options-XXXXXX";
static char path[64];

static int open_folder(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(folder));
	(void)snprintf(path, sizeof(path), "%s/aditd.conf", folder);
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	(void)unlink(path);
	return rmdir(folder);
}

static void write_bytes(const char *bytes, size_t length)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, length, file), length);
	assert_int_equal(fclose(file), 0);
}

static int read_text(struct options *options, const char *const *arguments, const char *text,
	struct fault *fault)
{
	int count = 0;

	while (arguments[count])
		count++;
	write_bytes(text, strlen(text));
	assert_int_equal(options_parse(options, known, count, (char *const *)arguments, fault), 0);
	return options_read_file(options, known, path, fault);
}

static const char *const nothing[] = {NULL};

static void test_fills_in_what_is_not_given(void **state)
{
	struct options options;
	struct fault fault;

	(void)state;
	assert_int_equal(read_text(&options, nothing,
				 "# a comment\n; another\n\nissuer = https://a.example\n"
				 "listen=127.0.0.1:1\nlisten = [::1]:2\nbehind-proxy = Yes\n",
				 &fault),
		0);
	assert_string_equal(options_text(&options, "issuer"), "https://a.example");
	assert_string_equal(options_each(&options, "listen", 0), "127.0.0.1:1");
	assert_string_equal(options_each(&options, "listen", 1), "[::1]:2");
	assert_true(options_flag(&options, "behind-proxy"));
	assert_null(options_text(&options, "data"));
	options_finish(&options);
}

static void test_the_command_line_comes_first(void **state)
{
	static const char *const arguments[] = {
		"--issuer", "https://b.example", "--listen=127.0.0.1:9", NULL};
	struct options options;
	struct fault fault;

	(void)state;
	assert_int_equal(read_text(&options, arguments,
				 "issuer = https://a.example\nlisten = 127.0.0.1:1\n"
				 "data = /from/file\n",
				 &fault),
		0);
	assert_string_equal(options_text(&options, "issuer"), "https://b.example");
	assert_string_equal(options_each(&options, "listen", 0), "127.0.0.1:9");
	assert_null(options_each(&options, "listen", 1));
	assert_string_equal(options_text(&options, "data"), "/from/file");
	options_finish(&options);
}

static void test_flags_say_on_or_off(void **state)
{
	static const char *const on[] = {"true", "yes", "on", "1", "TRUE"};
	static const char *const off[] = {"false", "no", "off", "0", "Off"};

	(void)state;
	for (size_t i = 0; i < 10; i++) {
		struct options options;
		struct fault fault;
		char text[64];

		(void)snprintf(
			text, sizeof(text), "behind-proxy = %s\n", i < 5 ? on[i] : off[i - 5]);
		assert_int_equal(read_text(&options, nothing, text, &fault), 0);
		assert_int_equal(options_flag(&options, "behind-proxy"), i < 5);
		options_finish(&options);
	}
}

static void test_another_verb_passes_keys_over(void **state)
{
	struct options options;
	struct fault fault;

	(void)state;
	write_bytes("issuer = https://a.example\ndata = /d\n", 37);
	assert_int_equal(options_parse(&options, fewer, 0, NULL, &fault), 0);
	assert_int_equal(options_read_file(&options, known, path, &fault), 0);
	assert_string_equal(options_text(&options, "data"), "/d");
	assert_int_equal(options.value_count, 1);
	options_finish(&options);
}

static void test_each_mistake_has_its_line(void **state)
{
	static const struct {
		const char *text;
		int line;
		const char *problem;
	} cases[] = {
		{"issuer = https://a\nunheard = 1\n", 2, "there is no key unheard"},
		{"\n\nconfig = /x\n", 3, "there is no key config"},
		{"json = true\n", 1, "there is no key json"},
		{"[serve]\nissuer = https://a\n", 2, "there are no sections in this file: serve"},
		{"behind-proxy = maybe\n", 1, "give true or false for behind-proxy"},
		{"behind-proxy =\n", 1, "give true or false for behind-proxy"},
		{"issuer =\n", 1, "--issuer has an empty value; give its URL"},
		{"issuer = a\nissuer = b\n", 2, "--issuer is given twice; give it once"},
		{"data = \xff\n", 1, "--data is not UTF-8"},
		{"issuer = a\njust words\n", 2, "this is neither \"key = value\" nor a comment"},
		{"[serve\n", 1, "this is neither \"key = value\" nor a comment"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct options options;
		struct fault fault = {0};
		char line[256];

		assert_int_equal(
			read_text(&options, nothing, cases[i].text, &fault), ERROR_INVALID);
		(void)snprintf(
			line, sizeof(line), "%s:%d: %s", path, cases[i].line, cases[i].problem);
		assert_string_equal(fault.text, line);
		options_finish(&options);
	}
}

/* A line that is cut in two would be two settings. */
static void test_refuses_a_line_that_does_not_fit(void **state)
{
	char text[70000] = "issuer = ";
	struct options options;
	struct fault fault = {0};
	char line[128];

	(void)state;
	memset(text + 9, 'a', sizeof(text) - 10);
	assert_int_equal(read_text(&options, nothing, text, &fault), ERROR_INVALID);
	(void)snprintf(line, sizeof(line), "%s:1: the line is too long", path);
	assert_string_equal(fault.text, line);
	options_finish(&options);
}

static void test_takes_a_line_of_198_characters(void **state)
{
	char text[200] = "issuer = ";
	struct options options;
	struct fault fault = {0};

	(void)state;
	memset(text + 9, 'a', 189);
	text[198] = '\n';
	assert_int_equal(read_text(&options, nothing, text, &fault), 0);
	assert_int_equal(strlen(options_text(&options, "issuer")), 189);
	options_finish(&options);
}

static void test_a_file_that_is_not_there(void **state)
{
	struct options options;
	struct fault fault = {0};
	char line[128];

	(void)state;
	(void)unlink(path);
	assert_int_equal(options_parse(&options, known, 0, NULL, &fault), 0);
	assert_int_equal(options_read_file(&options, known, path, &fault), ERROR_NOT_FOUND);
	(void)snprintf(line, sizeof(line), "%s can't be read: No such file or directory", path);
	assert_string_equal(fault.text, line);
	assert_int_equal(options_read_file(&options, known, folder, &fault), ERROR_INVALID);
	(void)snprintf(line, sizeof(line), "%s can't be read: Is a directory", folder);
	assert_string_equal(fault.text, line);
	assert_int_equal(
		options_read_file(&options, known, "/proc/self/exe/x", &fault), ERROR_NOT_FOUND);
	assert_int_equal(symlink(path, path), 0);
	assert_int_equal(options_read_file(&options, known, path, &fault), ERROR_INVALID);
	(void)snprintf(line, sizeof(line), "%s can't be read: %s", path, strerror(ELOOP));
	assert_string_equal(fault.text, line);
	(void)unlink(path);
	options_finish(&options);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fills_in_what_is_not_given),
		cmocka_unit_test(test_the_command_line_comes_first),
		cmocka_unit_test(test_flags_say_on_or_off),
		cmocka_unit_test(test_another_verb_passes_keys_over),
		cmocka_unit_test(test_each_mistake_has_its_line),
		cmocka_unit_test(test_refuses_a_line_that_does_not_fit),
		cmocka_unit_test(test_takes_a_line_of_198_characters),
		cmocka_unit_test(test_a_file_that_is_not_there),
	};

	return cmocka_run_group_tests(tests, open_folder, remove_folder);
}
