/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sample API behind its guard: who sees what, and that a site which is not
 * yours looks like one that is not there.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api.h"
#include "base/clock.h"
#include "codec/json.h"
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const paths[] = {
	"/api/v1/sites",
	"/api/v1/sites/north-pit/plans",
	"/api/v1/sites/north-pit/plans/np-1240-014",
	"/api/v1/sites/north-pit/plans/np-1240-014/holes",
};

static struct data *data;
static struct journal journal;
static FILE *journal_file;

static int set_up(void **state)
{
	int error = fixture_set_up(state);

	journal_file = tmpfile();
	if (!journal_file)
		return -1;
	journal_init(&journal, fileno(journal_file));
	return error ? error : data_open(NULL, &data, NULL);
}

static int tear_down(void **state)
{
	data_close(data);
	journal_finish(&journal);
	(void)fclose(journal_file);
	return fixture_tear_down(state);
}

static void ask(struct fixture *fixture, const char *authorization, const char *method,
	const char *path, struct api_response *ret_response)
{
	const struct api api = {fixture->guard, data, &journal};
	const struct api_request request = {.method = method,
		.path = path,
		.authorization = authorization,
		.authorization_count = authorization ? 1 : 0};

	api_serve(&api, &request, ret_response);
	assert_int_equal(buf_status(&ret_response->fields), 0);
	assert_int_equal(buf_status(&ret_response->body), 0);
	assert_non_null(strstr(ret_response->fields.data, "Cache-Control: no-store\r\n"));
}

static int status_at(
	struct fixture *fixture, const char *token, const char *method, const char *path)
{
	struct api_response response;
	int status;

	ask(fixture, token, method, path, &response);
	status = response.status;
	api_response_finish(&response);
	return status;
}

static struct json *read_json(
	struct fixture *fixture, const char *token, const char *path, int status)
{
	struct api_response response;
	struct json *document;

	ask(fixture, token, "GET", path, &response);
	assert_int_equal(response.status, status);
	assert_int_equal(json_parse(response.body.data, response.body.len, 1000000, &document), 0);
	api_response_finish(&response);
	return document;
}

static const char *reader(struct fixture *fixture)
{
	return bearer_with(fixture, GOOD_CLAIMS(fixture));
}

static const char *writer(struct fixture *fixture)
{
	return bearer_with(fixture, CLAIMS(fixture, "adit", service_at("north-pit", "write")));
}

static void test_a_service_user_sees_its_one_site(void **state)
{
	struct fixture *fixture = *state;
	struct json *sites = read_json(fixture, reader(fixture), "/api/v1/sites", 200);

	assert_int_equal(json_length(sites), 1);
	assert_string_equal(json_member_text(json_at(sites, 0), "id"), "north-pit");
	assert_string_equal(json_member_text(json_at(sites, 0), "name"), "North Pit");
	json_free(sites);
}

static void test_a_person_sees_all_of_theirs(void **state)
{
	struct fixture *fixture = *state;
	const char *token = bearer_with(fixture,
		CLAIMS(fixture, "sub", "\"p_1\"", "adit",
			"{\"kind\":\"user\",\"sites\":[{\"id\":\"north-pit\",\"role\":\"read\"},"
			"{\"id\":\"south-pit\",\"role\":\"read\"},"
			"{\"id\":\"not-in-this-api\",\"role\":\"read\"}]}"));
	struct json *sites = read_json(fixture, token, "/api/v1/sites", 200);

	assert_int_equal(json_length(sites), 2);
	json_free(sites);
	assert_int_equal(
		status_at(fixture, token, "GET", "/api/v1/sites/not-in-this-api/plans"), 404);
}

static void test_plans_and_holes(void **state)
{
	struct fixture *fixture = *state;
	struct json *plans = read_json(fixture, reader(fixture), paths[1], 200);
	const struct json *plan = json_at(plans, 0);
	struct json *holes;
	bool ready = false;

	assert_int_equal(json_length(plans), 4);
	assert_string_equal(json_member_text(plan, "id"), "np-1240-014");
	assert_string_equal(json_member_text(plan, "modifiedAt"), "2026-11-02T06:40:00Z");
	assert_int_equal(json_boolean(json_member(plan, "isReady"), &ready), 0);
	assert_true(ready);
	json_free(plans);
	plans = read_json(fixture, reader(fixture), paths[2], 200);
	assert_string_equal(json_member_text(plans, "name"), "NP 1240 014");
	json_free(plans);
	holes = read_json(fixture, reader(fixture), paths[3], 200);
	assert_int_equal(json_length(holes), 48);
	assert_string_equal(json_member_text(json_at(holes, 0), "id"), "a01");
	assert_string_equal(json_member_text(json_at(holes, 0), "status"), "loaded");
	assert_non_null(json_member(json_at(holes, 0), "easting"));
	assert_non_null(json_member(json_at(holes, 0), "northing"));
	assert_non_null(json_member(json_at(holes, 0), "elevation"));
	assert_false(json_is_text(json_member(json_at(holes, 0), "depth")));
	json_free(holes);
}

/* The two sites have a plan of one name each. */
static void test_one_id_at_two_sites(void **state)
{
	struct fixture *fixture = *state;
	const char *south =
		bearer_with(fixture, CLAIMS(fixture, "adit", service_at("south-pit", "read")));
	struct json *holes = read_json(
		fixture, reader(fixture), "/api/v1/sites/north-pit/plans/ramp-02/holes", 200);
	struct json *plan;

	assert_int_equal(json_length(holes), 18);
	json_free(holes);
	holes = read_json(fixture, south, "/api/v1/sites/south-pit/plans/ramp-02/holes", 200);
	assert_int_equal(json_length(holes), 15);
	json_free(holes);
	plan = read_json(fixture, south, "/api/v1/sites/south-pit/plans/ramp-02", 200);
	assert_string_equal(json_member_text(plan, "modifiedAt"), "2026-11-20T11:45:00Z");
	json_free(plan);
}

static void test_nothing_without_a_token(void **state)
{
	struct fixture *fixture = *state;
	static const char *const more[] = {"/", "/api", "/api/v1", "/api/v1/plans", "/healthz",
		"/api/v1/sites/", "/api/v1/sites/north-pit/plans/", "", "//api/v1/sites"};

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		assert_int_equal(status_at(fixture, NULL, "GET", paths[i]), 401);
		assert_int_equal(status_at(fixture, NULL, "DELETE", paths[i]), 401);
		assert_int_equal(status_at(fixture, "Bearer abc", "GET", paths[i]), 401);
	}
	/* Nor is it told what there is. */
	for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++) {
		assert_int_equal(status_at(fixture, NULL, "GET", more[i]), 401);
		assert_int_equal(status_at(fixture, reader(fixture), "GET", more[i]), 404);
	}
}

static void test_not_yours_looks_like_not_there(void **state)
{
	struct fixture *fixture = *state;
	static const char *const hidden[] = {"/api/v1/sites/south-pit/plans",
		"/api/v1/sites/no-such-site/plans", "/api/v1/sites/south-pit/plans/sp-0865-022",
		"/api/v1/sites/south-pit/plans/sp-0865-022/holes",
		"/api/v1/sites/no-such-site/plans/sp-0865-022/holes",
		"/api/v1/sites/north-pit/plans/sp-0865-022/holes",
		"/api/v1/sites/north-pit/plans/no-such-plan", "/api/v1/sites/north-pit",
		"/api/v1/sites/south-pit", "/api/v1/sites/south%2Dpit/plans",
		"/api/v1/sites/north%2Dpit/plans", "/api/v1/sites/../sites/south-pit/plans",
		"/api/v1/sites/north-pit/../south-pit/plans", "/api/v1/sites//plans",
		"/api/v1/sites/south-pit/plans/sp-0865-022/holes/"};
	struct api_response first;

	ask(fixture, reader(fixture), "GET", hidden[0], &first);
	assert_int_equal(first.status, 404);
	assert_string_equal(first.body.data,
		"{\"type\":\"about:blank\",\"title\":\"Not Found\",\"status\":404}");
	for (size_t i = 1; i < sizeof(hidden) / sizeof(hidden[0]); i++) {
		struct api_response response;

		ask(fixture, reader(fixture), "GET", hidden[i], &response);
		assert_int_equal(response.status, 404);
		assert_string_equal(response.body.data, first.body.data);
		assert_string_equal(response.fields.data, first.fields.data);
		api_response_finish(&response);
	}
	/* A role that could write there does not change that. */
	assert_int_equal(status_at(fixture, writer(fixture), "PUT", hidden[0]), 404);
	assert_int_equal(status_at(fixture, writer(fixture), "DELETE", hidden[2]), 404);
	api_response_finish(&first);
}

static void test_methods(void **state)
{
	struct fixture *fixture = *state;
	static const char *const methods[] = {"PUT", "POST", "PATCH", "DELETE"};

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		for (size_t j = 0; j < sizeof(methods) / sizeof(methods[0]); j++) {
			struct api_response response;

			ask(fixture, reader(fixture), methods[j], paths[i], &response);
			assert_int_equal(response.status, 403);
			assert_non_null(
				strstr(response.fields.data, "error=\"insufficient_scope\""));
			api_response_finish(&response);
			ask(fixture, writer(fixture), methods[j], paths[i], &response);
			assert_int_equal(response.status, 405);
			assert_non_null(strstr(response.fields.data, "Allow: GET, HEAD\r\n"));
			api_response_finish(&response);
		}
		assert_int_equal(status_at(fixture, writer(fixture), "GET", paths[i]), 200);
		assert_int_equal(status_at(fixture, reader(fixture), "HEAD", paths[i]), 200);
		assert_int_equal(status_at(fixture, reader(fixture), "OPTIONS", paths[i]), 405);
	}
}

static void test_refusals_are_problems(void **state)
{
	struct fixture *fixture = *state;
	struct api_response response;
	static const char *const tokens[] = {NULL, "Bearer abc"};

	for (size_t i = 0; i < 2; i++) {
		struct json *document;

		ask(fixture, tokens[i], "GET", paths[0], &response);
		assert_non_null(
			strstr(response.fields.data, "Content-Type: application/problem+json\r\n"));
		assert_non_null(strstr(
			response.fields.data, "WWW-Authenticate: Bearer realm=\"external-api\""));
		assert_int_equal(
			json_parse(response.body.data, response.body.len, 10000, &document), 0);
		assert_string_equal(json_member_text(document, "title"), "Unauthorized");
		json_free(document);
		api_response_finish(&response);
	}
}

static void test_unavailable_until_the_authority_is_there(void **state)
{
	struct fixture *fixture = *state;
	struct api_response response;

	fake_authority_set_status(&fixture->authority, 503);
	ask(fixture, reader(fixture), "GET", paths[0], &response);
	assert_int_equal(response.status, 503);
	assert_non_null(strstr(response.fields.data, "Retry-After: 5\r\n"));
	assert_null(strstr(response.body.data, "North"));
	api_response_finish(&response);
}

/* The lines of the journal that have the word. */
static int lines_with(const char *word)
{
	char line[2048];
	int count = 0;

	rewind(journal_file);
	while (fgets(line, sizeof(line), journal_file)) {
		assert_non_null(
			strstr(line, "\"level\":\"warning\",\"event\":\"keys_unavailable\""));
		count += strstr(line, word) != NULL;
	}
	return count;
}

static void test_the_operator_is_told_why(void **state)
{
	struct fixture *fixture = *state;
	struct api_response response;

	ask(fixture, reader(fixture), "GET", paths[0], &response);
	assert_int_equal(response.status, 200);
	api_response_finish(&response);
	assert_int_equal(lines_with(""), 0);
	fixture_tear_down(state);
	assert_int_equal(fixture_set_up(state), 0);
	fake_authority_call_itself(&fixture->authority, "https://elsewhere.example.com");
	for (int i = 0; i < 5; i++) {
		ask(fixture, reader(fixture), "GET", paths[0], &response);
		assert_int_equal(response.status, 503);
		assert_null(strstr(response.body.data, "elsewhere"));
		api_response_finish(&response);
	}
	assert_true(lines_with("elsewhere.example.com") > 0);
}

static void test_the_operator_is_not_told_all_the_time(void **state)
{
	int64_t began_ms = clock_monotonic_ms();

	(void)state;
	journal_keys(&journal, "");
	assert_int_equal(lines_with(""), 0);
	for (int i = 0; i < 100; i++)
		journal_keys(&journal, i % 2 ? "waited 5000 ms" : "waited 12 ms");
	assert_in_range(
		lines_with("waited"), 1, 1 + (clock_monotonic_ms() - began_ms) / JOURNAL_PAUSE_MS);
	journal_keys(&journal, "");
	journal_keys(&journal, "another");
	assert_int_equal(lines_with("another"), 1);
	journal.last_at_ms -= JOURNAL_PAUSE_MS;
	journal_keys(&journal, "another");
	assert_int_equal(lines_with("another"), 2);
}

static void test_a_file_is_made_once(void **state)
{
	char folder[] = "/tmp/adit-sample-XXXXXX";
	char path[64];
	struct data *file;
	struct fault fault = {0};
	struct buf buf;

	(void)state;
	assert_non_null(mkdtemp(folder));
	(void)snprintf(path, sizeof(path), "%s/data.db", folder);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(data_open(path, &file, &fault), 0);
		buf_init(&buf, 100000);
		assert_int_equal(data_plans(file, "south-pit", &buf), 0);
		buf_finish(&buf);
		data_close(file);
	}
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(folder), 0);
	assert_int_equal(data_open("/nonexistent/data.db", &file, &fault), ERROR_IO);
	assert_non_null(strstr(fault.text, "/nonexistent/data.db"));
}

static void test_a_file_of_something_else_is_left_alone(void **state)
{
	static const char text[] =
		"this is no database, whatever its name says; keep it as it is\n";
	char path[] = "/tmp/adit-sample-XXXXXX";
	char after[sizeof(text)] = "";
	struct fault fault = {0};
	struct data *file;
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, sizeof(text) - 1), sizeof(text) - 1);
	assert_int_equal(data_open(path, &file, &fault), ERROR_INVALID);
	assert_non_null(strstr(fault.text, path));
	assert_int_equal(pread(fd, after, sizeof(after), 0), sizeof(text) - 1);
	assert_string_equal(after, text);
	assert_int_equal(close(fd), 0);
	assert_int_equal(unlink(path), 0);
}

#define WITH_API(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_API(test_a_service_user_sees_its_one_site),
		WITH_API(test_a_person_sees_all_of_theirs),
		WITH_API(test_plans_and_holes),
		WITH_API(test_one_id_at_two_sites),
		WITH_API(test_nothing_without_a_token),
		WITH_API(test_not_yours_looks_like_not_there),
		WITH_API(test_methods),
		WITH_API(test_refusals_are_problems),
		WITH_API(test_unavailable_until_the_authority_is_there),
		WITH_API(test_the_operator_is_told_why),
		WITH_API(test_the_operator_is_not_told_all_the_time),
		cmocka_unit_test(test_a_file_is_made_once),
		cmocka_unit_test(test_a_file_of_something_else_is_left_alone),
	};

	return cmocka_run_group_tests_name("sample api", tests, NULL, NULL);
}
