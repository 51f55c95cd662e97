/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "authority/request.h"
#include "base/error.h"

#include <stdio.h>
#include <string.h>

#define FORM "application/x-www-form-urlencoded"

struct sent {
	const char *method;
	const char *type;  /* NULL: no such field */
	const char *again; /* a second one; NULL: none */
	const char *query;
	const char *body;
};

static int read_sent(const struct sent *sent, struct arena *arena, struct parameters *parameters,
	const char **description)
{
	struct http_field fields[2] = {
		{"Content-Type", 12, sent->type, sent->type ? strlen(sent->type) : 0},
		{"content-type", 12, sent->again, sent->again ? strlen(sent->again) : 0},
	};
	const struct http_request request = {
		.method = sent->method,
		.path = "/connect/token",
		.query = sent->query,
		.fields = fields,
		.field_count = (size_t)(sent->type ? 1 + (sent->again != NULL) : 0),
		.body = sent->body,
		.body_length = strlen(sent->body),
	};

	arena_init(arena, 1024 * 1024);
	*description = NULL;
	return parameters_read(&request, arena, parameters, description);
}

static void test_reads_a_form(void **state)
{
	struct sent sent = {"POST", FORM, NULL, NULL,
		"grant_type=password&username=a%40b+c&empty=&novalue&password=%C3%A4"};
	struct parameters parameters;
	struct arena arena;
	const char *description;

	(void)state;
	assert_int_equal(read_sent(&sent, &arena, &parameters, &description), 0);
	assert_string_equal(parameters_get(&parameters, "grant_type"), "password");
	assert_string_equal(parameters_get(&parameters, "username"), "a@b c");
	assert_string_equal(parameters_get(&parameters, "password"), "\xc3\xa4");
	assert_null(parameters_get(&parameters, "empty"));
	assert_null(parameters_get(&parameters, "novalue"));
	assert_null(parameters_get(&parameters, "Username"));
	assert_null(parameters_get(&parameters, "user"));
	arena_finish(&arena);
}

static void test_the_shape_of_a_request(void **state)
{
	static const char post[] = "send a POST request with the parameters in its body, as " FORM;
	static const char type[] = "send the parameters in the body, with the content type " FORM;
	static const char url[] = "send the parameters in the body, never in the URL";
	static const char twice[] = "a parameter is there more than once";
	static const char form[] = "the body is not a well-formed form of UTF-8 text";
	static const struct {
		struct sent sent;
		const char *description; /* NULL: it is read */
	} cases[] = {
		{{"POST", FORM, NULL, NULL, "a=1"}, NULL},
		{{"POST", FORM "; charset=UTF-8", NULL, NULL, "a=1"}, NULL},
		{{"POST", FORM " ;charset=UTF-8", NULL, NULL, "a=1"}, NULL},
		{{"POST", "Application/X-WWW-Form-Urlencoded", NULL, NULL, "a=1"}, NULL},
		{{"POST", FORM, NULL, NULL, ""}, NULL},
		{{"POST", FORM, NULL, "tenant=a", "a=1"}, NULL},
		{{"POST", FORM, NULL, "", "a=1"}, NULL},
		{{"POST", FORM, NULL, "xusername=a&usernamex", "a=1"}, NULL},
		{{"GET", FORM, NULL, NULL, "a=1"}, post},
		{{"PUT", FORM, NULL, NULL, "a=1"}, post},
		{{"post", FORM, NULL, NULL, "a=1"}, post},
		{{"POST", NULL, NULL, NULL, "a=1"}, type},
		{{"POST", "", NULL, NULL, "a=1"}, type},
		{{"POST", "application/json", NULL, NULL, "a=1"}, type},
		{{"POST", FORM "s", NULL, NULL, "a=1"}, type},
		{{"POST", FORM ",text/plain", NULL, NULL, "a=1"}, type},
		{{"POST", FORM, FORM, NULL, "a=1"}, type},
		{{"POST", FORM, NULL, "username=a", "a=1"}, url},
		{{"POST", FORM, NULL, "password", "a=1"}, url},
		{{"POST", FORM, NULL, "x=1&client_secret=a", "a=1"}, url},
		{{"POST", FORM, NULL, "x&&grant_type=&y", "a=1"}, url},
		{{"POST", FORM, NULL, "refresh_token", "a=1"}, url},
		{{"POST", FORM, NULL, NULL, "a=1&a=1"}, twice},
		{{"POST", FORM, NULL, NULL, "a=&a=1"}, twice},
		{{"POST", FORM, NULL, NULL, "a&b=2&%61=3"}, twice},
		{{"POST", FORM, NULL, NULL, "resource=a&resource=b&audience=c&audience=c"}, NULL},
		{{"POST", FORM, NULL, NULL, "a=%"}, form},
		{{"POST", FORM, NULL, NULL, "a=%0"}, form},
		{{"POST", FORM, NULL, NULL, "a=%zz"}, form},
		{{"POST", FORM, NULL, NULL, "a=%00"}, form},
		{{"POST", FORM, NULL, NULL, "a=%ff"}, form},
		{{"POST", FORM, NULL, NULL, "%c3=1"}, form},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct parameters parameters;
		struct arena arena;
		const char *description;

		assert_int_equal(read_sent(&cases[i].sent, &arena, &parameters, &description),
			cases[i].description ? ERROR_INVALID : 0);
		if (cases[i].description)
			assert_string_equal(description, cases[i].description);
		arena_finish(&arena);
	}
}

/* The contract's limits, each to the byte. */
static void test_bounds_each_value(void **state)
{
	static const struct {
		const char *name;
		size_t max;
	} cases[] = {
		{"username", 256},
		{"password", 1024},
		{"client_id", 128},
		{"client_secret", 1024},
		{"grant_type", 256},
		{"refresh_token", 2048},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (size_t over = 0; over < 2; over++) {
			char body[4096];
			struct sent sent = {"POST", FORM, NULL, NULL, body};
			struct parameters parameters;
			struct arena arena;
			const char *description;
			int length = snprintf(body, sizeof(body), "%s=", cases[i].name);

			memset(body + length, 'a', cases[i].max + over);
			body[(size_t)length + cases[i].max + over] = '\0';
			assert_int_equal(read_sent(&sent, &arena, &parameters, &description),
				over ? ERROR_INVALID : 0);
			if (over)
				assert_string_equal(description, "a parameter is too long");
			arena_finish(&arena);
		}
	}
}

static void test_bounds_how_many(void **state)
{
	(void)state;
	for (int count = REQUEST_PARAMETERS_MAX; count <= REQUEST_PARAMETERS_MAX + 1; count++) {
		char body[1024] = "";
		struct sent sent = {"POST", FORM, NULL, NULL, body};
		struct parameters parameters;
		struct arena arena;
		const char *description;
		size_t length = 0;
		bool over = count > REQUEST_PARAMETERS_MAX;

		for (int i = 0; i < count; i++)
			length +=
				(size_t)snprintf(body + length, sizeof(body) - length, "p%d=1&", i);
		assert_int_equal(read_sent(&sent, &arena, &parameters, &description),
			over ? ERROR_INVALID : 0);
		if (over)
			assert_string_equal(description, "there are too many parameters");
		else
			assert_int_equal(parameters.count, count);
		arena_finish(&arena);
	}
}

static void test_no_memory_is_no_mistake_of_the_client(void **state)
{
	const struct http_field type = {"Content-Type", 12, FORM, strlen(FORM)};
	const struct http_request request = {.method = "POST",
		.fields = &type,
		.field_count = 1,
		.body = "a=1",
		.body_length = 3};
	struct parameters parameters;
	struct arena arena;
	const char *description = NULL;

	(void)state;
	arena_init(&arena, 16);
	assert_int_equal(
		parameters_read(&request, &arena, &parameters, &description), ERROR_MEMORY);
	arena_finish(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reads_a_form),
		cmocka_unit_test(test_the_shape_of_a_request),
		cmocka_unit_test(test_bounds_each_value),
		cmocka_unit_test(test_bounds_how_many),
		cmocka_unit_test(test_no_memory_is_no_mistake_of_the_client),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
