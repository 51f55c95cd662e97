/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fake_authority.h"
#include "issuer/discovery.h"

#include <string.h>

static struct fake_authority authority;
static struct http_client *client;

static int start(void **state)
{
	(void)state;
	if (http_client_create(&(struct http_client_options){0}, &client, NULL))
		return -1;
	return fake_authority_start(&authority);
}

static int stop(void **state)
{
	(void)state;
	fake_authority_stop(&authority);
	http_client_destroy(client);
	return 0;
}

static int fetch(struct fault *fault)
{
	struct metadata metadata;
	int error = discovery_fetch(client, authority.url, &metadata, fault);

	if (!error)
		metadata_finish(&metadata);
	return error;
}

static void test_content_types(void **state)
{
	static const struct {
		const char *type;
		int error;
		const char *says;
	} cases[] = {
		{"application/json", 0, ""},
		{"Application/JSON; charset=utf-8", 0, ""},
		{"text/plain", ERROR_INVALID, "\"text/plain\""},
		{"", ERROR_INVALID, "\"\""},
		{"application/json-seq", ERROR_INVALID, "\"application/json-seq\""},
		{"text/html; charset=utf-8", ERROR_INVALID,
			"an HTML page, is this the authority's"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fault fault = {0};

		fake_authority_set_type(&authority, cases[i].type);
		assert_int_equal(fetch(&fault), cases[i].error);
		assert_non_null(strstr(fault.text, cases[i].says));
	}
}

static void test_a_page_of_any_type(void **state)
{
	struct fault fault = {0};

	(void)state;
	(void)pthread_mutex_lock(&authority.mutex);
	buf_reset(&authority.discovery);
	(void)buf_append_text(&authority.discovery, "\n <!DOCTYPE html><title>Sign in</title>");
	(void)pthread_mutex_unlock(&authority.mutex);
	assert_int_equal(fetch(&fault), ERROR_INVALID);
	assert_non_null(strstr(fault.text, "HTML page"));
	assert_non_null(strstr(fault.text, authority.url));
}

static void test_other_statuses(void **state)
{
	struct fault fault = {0};

	(void)state;
	fake_authority_set_status(&authority, 301);
	assert_int_equal(fetch(&fault), ERROR_UNAVAILABLE);
	assert_non_null(strstr(fault.text, "redirects are never followed"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_content_types, start, stop),
		cmocka_unit_test_setup_teardown(test_a_page_of_any_type, start, stop),
		cmocka_unit_test_setup_teardown(test_other_statuses, start, stop),
	};

	return cmocka_run_group_tests_name("issuer discovery", tests, NULL, NULL);
}
