/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "authority/output.h"
#include "base/error.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* What output_end() wrote to stdout. */
static int end(struct output *output, char *text, size_t size)
{
	FILE *caught = tmpfile();
	int kept = dup(STDOUT_FILENO);
	size_t length;
	int error;

	assert_non_null(caught);
	(void)fflush(stdout);
	assert_true(dup2(fileno(caught), STDOUT_FILENO) >= 0);
	error = output_end(output);
	(void)fflush(stdout);
	assert_true(dup2(kept, STDOUT_FILENO) >= 0);
	(void)close(kept);
	rewind(caught);
	length = fread(text, 1, size - 1, caught);
	text[length] = '\0';
	(void)fclose(caught);
	return error;
}

static void add_rows(struct output *output)
{
	const struct output_field first[] = {output_text("username", "gr\xc3\xbc"
								     "ezi"),
		output_number("tokens", -5), output_time("expires_at", 1800000000),
		output_text("label", ""), {0}};
	const struct output_field second[] = {output_text("username", "north-pit-reader"),
		output_number("tokens", 1234567), output_time("expires_at", 0),
		output_text("label", NULL), {0}};

	output_row(output, first);
	output_row(output, second);
}

static void test_a_table(void **state)
{
	struct output output;
	char text[1024];

	(void)state;
	output_begin(&output, false, true);
	add_rows(&output);
	assert_int_equal(end(&output, text, sizeof(text)), 0);
	assert_string_equal(text, "username          tokens   expires_at            label\n"
				  "gr\xc3\xbc"
				  "ezi            -5       2027-01-15T08:00:00Z  -\n"
				  "north-pit-reader  1234567  -                     -\n");
}

static void test_a_list_of_json(void **state)
{
	struct output output;
	char text[1024];

	(void)state;
	output_begin(&output, true, true);
	add_rows(&output);
	assert_int_equal(end(&output, text, sizeof(text)), 0);
	assert_string_equal(text,
		"[{\"username\":\"gr\xc3\xbc"
		"ezi\",\"tokens\":-5,\"expires_at\":1800000000,\"label\":\"\"},"
		"{\"username\":\"north-pit-reader\",\"tokens\":1234567,\"label\":\"\"}]\n");
}

static void test_one_thing(void **state)
{
	const struct output_field fields[] = {output_text("id", "north\"pit"),
		output_number("number", 0), output_time("disabled_at", 0), {0}};
	struct output output;
	char text[1024];

	(void)state;
	output_begin(&output, true, false);
	output_row(&output, fields);
	assert_int_equal(end(&output, text, sizeof(text)), 0);
	assert_string_equal(text, "{\"id\":\"north\\\"pit\",\"number\":0}\n");
	output_begin(&output, false, false);
	output_row(&output, fields);
	assert_int_equal(end(&output, text, sizeof(text)), 0);
	assert_string_equal(text, "id                north\"pit\n"
				  "number            0\n"
				  "disabled_at       -\n");
}

static void test_parts(void **state)
{
	const struct output_field fields[] = {
		output_text("id", "north"), output_time("expires_at", 0), {0}};
	struct output_field row[] = {
		output_text("source", "unix"), output_time("expires_at", 86400), {0}};
	struct output output;
	char text[512];

	(void)state;
	row[1].note = "soon";
	for (int json = 0; json < 2; json++) {
		output_begin(&output, json, false);
		output_row(&output, fields);
		output_part(&output, "first");
		output_row(&output, row);
		output_row(&output, row);
		output_part(&output, "empty");
		output_part(&output, "last");
		output_row(&output, row);
		assert_int_equal(end(&output, text, sizeof(text)), 0);
		if (!json)
			assert_string_equal(text, "id                north\n"
						  "expires_at        -\n"
						  "\nfirst:\n"
						  "source  expires_at\n"
						  "unix    1970-01-02T00:00:00Z, soon\n"
						  "unix    1970-01-02T00:00:00Z, soon\n"
						  "\nlast:\n"
						  "source  expires_at\n"
						  "unix    1970-01-02T00:00:00Z, soon\n");
		else
			assert_string_equal(text,
				"{\"id\":\"north\",\"first\":["
				"{\"source\":\"unix\",\"expires_at\":86400},"
				"{\"source\":\"unix\",\"expires_at\":86400}],\"empty\":[],"
				"\"last\":[{\"source\":\"unix\",\"expires_at\":86400}]}\n");
	}
}

static void test_nothing(void **state)
{
	struct output output;
	char text[64];

	(void)state;
	output_begin(&output, true, true);
	assert_int_equal(end(&output, text, sizeof(text)), 0);
	assert_string_equal(text, "[]\n");
	output_begin(&output, false, true);
	assert_int_equal(end(&output, text, sizeof(text)), 0);
	assert_string_equal(text, "");
}

/* A full disk must not look like an empty list. */
static void test_what_can_not_be_written(void **state)
{
	const struct output_field fields[] = {output_text("id", "north"), {0}};
	struct output output;
	int kept = dup(STDOUT_FILENO);
	FILE *full = fopen("/dev/full", "w");
	int error;

	(void)state;
	if (!full)
		skip();
	(void)fflush(stdout);
	assert_true(dup2(fileno(full), STDOUT_FILENO) >= 0);
	output_begin(&output, true, true);
	output_row(&output, fields);
	error = output_end(&output);
	assert_true(dup2(kept, STDOUT_FILENO) >= 0);
	(void)close(kept);
	(void)fclose(full);
	clearerr(stdout);
	assert_int_equal(error, ERROR_IO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_table),
		cmocka_unit_test(test_a_list_of_json),
		cmocka_unit_test(test_one_thing),
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_what_can_not_be_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
