/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a good token opens: scope, then site, then role; and how the public
 * structures are taken.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fixture.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

static const char *const two_sites =
	"{\"kind\":\"user\",\"sites\":[{\"id\":\"north-pit\",\"role\":\"read\"},"
	"{\"id\":\"south-pit\",\"role\":\"write\"}]}";

static const char *person_with(struct fixture *fixture, const char *adit)
{
	return bearer_with(fixture, CLAIMS(fixture, "sub", "\"p_1\"", "adit", adit));
}

static void test_role_by_method(void **state)
{
	struct fixture *fixture = *state;
	static const char *const methods[] = {
		"GET", "HEAD", "OPTIONS", "PUT", "POST", "PATCH", "DELETE", "PROPFIND", "get"};
	static const char *const roles[] = {"read", "write", "admin"};

	for (size_t i = 0; i < 3; i++) {
		const char *claims = CLAIMS(fixture, "adit", service_at("north-pit", roles[i]));
		const char *token = bearer_with(fixture, claims);

		for (size_t j = 0; j < sizeof(methods) / sizeof(methods[0]); j++) {
			int want = j < 3 || i ? 200 : 403;
			struct adit_guard_decision decision =
				check(fixture->guard, token, methods[j], "north-pit");

			assert_int_equal(decision.status, want);
			assert_int_equal(decision.role, i + 1);
			assert_string_equal(decision.site, "north-pit");
			assert_int_equal(
				check(fixture->guard, token, methods[j], NULL).status, want);
			assert_int_equal(
				check(fixture->guard, token, methods[j], "south-pit").status, 404);
		}
	}
}

static void test_too_small_a_role_is_insufficient_scope(void **state)
{
	struct fixture *fixture = *state;
	struct adit_guard_decision decision = check(
		fixture->guard, bearer_with(fixture, GOOD_CLAIMS(fixture)), "PUT", "north-pit");

	assert_int_equal(decision.status, 403);
	assert_string_equal(decision.error, "insufficient_scope");
	assert_string_equal(decision.www_authenticate,
		"Bearer realm=\"external-api\", error=\"insufficient_scope\", "
		"error_description=\"the role does not allow this method\", scope=\"cosmos\"");
	assert_string_equal(decision.subject, "su_1");
}

static void test_other_sites_are_not_there(void **state)
{
	struct fixture *fixture = *state;
	static const char *const sites[] = {"south-pit", "no-such-site", "", "north-pi",
		"north-pit2", "North-Pit", "north-pit/", "north%2Dpit", "*", "..", "north-pit "};
	const char *token = bearer_with(fixture, GOOD_CLAIMS(fixture));
	struct adit_guard_decision first = check(fixture->guard, token, "GET", "south-pit");

	for (size_t i = 0; i < sizeof(sites) / sizeof(sites[0]); i++) {
		struct adit_guard_decision decision = check(fixture->guard, token, "GET", sites[i]);

		assert_int_equal(decision.status, 404);
		assert_string_equal(decision.site, "");
		assert_string_equal(decision.www_authenticate, "");
		/* Nothing tells one that exists from one that does not. */
		assert_memory_equal(&decision, &first, sizeof(first));
	}
}

static void test_a_token_without_a_site_opens_nothing(void **state)
{
	struct fixture *fixture = *state;
	static const char *const unbound[] = {"", "{\"kind\":\"service\"}", "{\"kind\":\"user\"}"};
	static const char *const sites[] = {"north-pit", "", NULL};

	for (size_t i = 0; i < sizeof(unbound) / sizeof(unbound[0]); i++) {
		const char *token = bearer_with(fixture, CLAIMS(fixture, "adit", unbound[i]));

		for (size_t j = 0; j < 3; j++) {
			struct adit_guard_decision decision =
				check(fixture->guard, token, "GET", sites[j]);

			assert_int_equal(decision.status, 403);
			assert_string_equal(decision.error, "insufficient_scope");
			assert_string_equal(decision.site, "");
			assert_int_equal(decision.role, ADIT_GUARD_ROLE_NONE);
		}
	}
	assert_int_equal(
		check(fixture->guard, person_with(fixture, "{\"kind\":\"user\",\"sites\":[]}"),
			"GET", NULL)
			.status,
		403);
}

static void test_a_person_has_a_role_at_each_site(void **state)
{
	struct fixture *fixture = *state;
	const char *token = person_with(fixture, two_sites);
	struct adit_guard_decision decision = check(fixture->guard, token, "PUT", "south-pit");

	assert_int_equal(decision.status, 200);
	assert_int_equal(decision.kind, ADIT_GUARD_KIND_USER);
	assert_int_equal(decision.role, ADIT_GUARD_ROLE_WRITE);
	assert_string_equal(decision.site, "south-pit");
	assert_int_equal(check(fixture->guard, token, "GET", "north-pit").status, 200);
	assert_int_equal(check(fixture->guard, token, "PUT", "north-pit").status, 403);
	assert_int_equal(check(fixture->guard, token, "GET", "west-pit").status, 404);
	/* Without a site there is no role to write by. */
	assert_int_equal(check(fixture->guard, token, "PUT", NULL).status, 403);
	decision = check(fixture->guard, token, "GET", NULL);
	assert_int_equal(decision.status, 200);
	assert_string_equal(decision.site, "");
	assert_int_equal(decision.role, ADIT_GUARD_ROLE_READ);
}

static void test_a_service_users_site_is_named_without_one(void **state)
{
	struct fixture *fixture = *state;
	struct adit_guard_decision decision =
		check(fixture->guard, bearer_with(fixture, GOOD_CLAIMS(fixture)), "GET", NULL);

	assert_int_equal(decision.status, 200);
	assert_string_equal(decision.site, "north-pit");
}

static void test_scope_comes_before_site(void **state)
{
	struct fixture *fixture = *state;
	static const char *const scopes[] = {
		"", "\"\"", "\"offline_access\"", "\"cosmos2 xcosmos\"", "\"Cosmos\""};
	struct adit_guard *any = fixture_open(fixture, NULL, 0);

	assert_non_null(any);
	for (size_t i = 0; i < sizeof(scopes) / sizeof(scopes[0]); i++) {
		const char *token = bearer_with(fixture, CLAIMS(fixture, "scope", scopes[i]));
		struct adit_guard_decision decision =
			check(fixture->guard, token, "GET", "south-pit");

		assert_int_equal(decision.status, 403);
		assert_string_equal(decision.error, "insufficient_scope");
		assert_non_null(strstr(decision.www_authenticate, "scope=\"cosmos\""));
		/* A guard that asks for none. */
		assert_int_equal(check(any, token, "GET", "north-pit").status, 200);
		assert_int_equal(check(any, token, "GET", "south-pit").status, 404);
	}
	adit_guard_close(any);
}

static void test_version(void **state)
{
	(void)state;
	assert_string_equal(adit_version(), ADIT_VERSION);
}

static void test_wrong_options_are_named(void **state)
{
	struct fixture *fixture = *state;
	const struct adit_guard_options good = {.size = sizeof(good),
		.authority = fixture->authority.url,
		.audience = "external-api"};
	struct {
		const char *word;
		struct adit_guard_options options;
	} cases[] = {{"authority", good}, {"authority", good}, {"authority", good},
		{"audience", good}, {"audience", good}, {"audience", good}, {"scope", good},
		{"scope", good}, {"leeway", good}, {"timeout", good}, {"clock", good},
		{"size", good}, {"size", good}};

	cases[0].options.authority = NULL;
	cases[1].options.authority = "http://login.example.com";
	cases[2].options.authority = "login.example.com";
	cases[3].options.audience = NULL;
	cases[4].options.audience = "";
	cases[5].options.audience = "a\"b";
	cases[6].options.scope = "two scopes";
	cases[7].options.scope = "";
	cases[8].options.leeway_s = 61;
	cases[9].options.timeout_ms = -1;
	cases[10].options.clock_file = "/nonexistent/clock";
	cases[11].options.size = 0;
	cases[12].options.size = sizeof(good) - 1;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct adit_guard *guard = NULL;
		struct adit_guard_error error = {0};

		assert_int_equal(
			adit_guard_open(&cases[i].options, &guard, &error), ADIT_ERROR_INVALID);
		assert_int_equal(error.code, ADIT_ERROR_INVALID);
		assert_non_null(strstr(error.text, cases[i].word));
		assert_null(guard);
	}
	assert_int_equal(adit_guard_open(NULL, NULL, NULL), ADIT_ERROR_INVALID);
	adit_guard_close(NULL);
}

/* A program built against a later header, whose structures are longer. */
static void test_longer_structures(void **state)
{
	struct fixture *fixture = *state;
	struct {
		struct adit_guard_options options;
		const char *later;
	} options = {{.size = sizeof(options),
			     .authority = fixture->authority.url,
			     .audience = "external-api"},
		NULL};
	struct adit_guard *guard;
	struct adit_guard_error error;

	assert_int_equal(adit_guard_open(&options.options, &guard, &error), 0);
	adit_guard_close(guard);
	options.later = "must not be passed over";
	assert_int_equal(adit_guard_open(&options.options, &guard, &error), ADIT_ERROR_INVALID);
	assert_non_null(strstr(error.text, "does not know"));
}

static void test_misuse_never_opens(void **state)
{
	struct fixture *fixture = *state;
	struct adit_guard_request request = {.size = sizeof(request),
		.authorization = bearer_with(fixture, GOOD_CLAIMS(fixture)),
		.method = "GET",
		.site = "north-pit"};
	struct adit_guard_decision decision = {.size = sizeof(decision), .status = 200};

	assert_int_equal(adit_guard_check(fixture->guard, &request, NULL), ADIT_ERROR_INVALID);
	assert_int_equal(adit_guard_check(NULL, &request, &decision), ADIT_ERROR_INVALID);
	assert_int_equal(decision.status, 503);
	decision.status = 200;
	assert_int_equal(adit_guard_check(fixture->guard, NULL, &decision), ADIT_ERROR_INVALID);
	assert_int_equal(decision.status, 503);
	decision.status = 200;
	request.size--;
	assert_int_equal(adit_guard_check(fixture->guard, &request, &decision), ADIT_ERROR_INVALID);
	assert_int_equal(decision.status, 503);
	request.size++;
	request.method = NULL;
	decision.status = 200;
	assert_int_equal(adit_guard_check(fixture->guard, &request, &decision), ADIT_ERROR_INVALID);
	assert_int_equal(decision.status, 503);
	request.method = "GET";
	decision.size--;
	assert_int_equal(adit_guard_check(fixture->guard, &request, &decision), ADIT_ERROR_INVALID);
	decision.size++;
	assert_int_equal(adit_guard_check(fixture->guard, &request, &decision), 200);
}

/* What an earlier check left behind must not show in a later one. */
static void test_a_decision_is_written_whole(void **state)
{
	struct fixture *fixture = *state;
	struct adit_guard_request request = {.size = sizeof(request), .method = "GET"};
	struct adit_guard_decision decision;

	memset(&decision, 'x', sizeof(decision));
	decision.size = sizeof(decision);
	assert_int_equal(adit_guard_check(fixture->guard, &request, &decision), 401);
	assert_string_equal(decision.subject, "");
	assert_string_equal(decision.client_id, "");
	assert_string_equal(decision.token_id, "");
	assert_string_equal(decision.site, "");
	assert_string_equal(decision.error, "");
	assert_string_equal(decision.error_description, "");
	assert_int_equal(decision.kind, ADIT_GUARD_KIND_NONE);
	assert_int_equal(decision.role, ADIT_GUARD_ROLE_NONE);
}

struct checker {
	struct fixture *fixture;
	char token[4096];
	int wrong;
};

static void *check_often(void *context)
{
	struct checker *checker = context;

	for (int i = 0; i < 100; i++) {
		struct adit_guard *guard = checker->fixture->guard;

		checker->wrong += check(guard, checker->token, "GET", "north-pit").status != 200 ||
				  check(guard, checker->token, "GET", "south-pit").status != 404 ||
				  check(guard, checker->token, "PUT", "north-pit").status != 403;
	}
	return NULL;
}

static void test_threads_share_a_guard(void **state)
{
	struct fixture *fixture = *state;
	static struct checker checkers[8];
	pthread_t threads[8];

	for (int i = 0; i < 8; i++) {
		checkers[i].fixture = fixture;
		checkers[i].wrong = 0;
		(void)snprintf(checkers[i].token, sizeof(checkers[i].token), "%s",
			bearer_with(fixture, GOOD_CLAIMS(fixture)));
	}
	for (int i = 0; i < 8; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, check_often, &checkers[i]), 0);
	for (int i = 0; i < 8; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		assert_int_equal(checkers[i].wrong, 0);
	}
	assert_int_equal(fake_authority_jwks_count(&fixture->authority), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_GUARD(test_role_by_method),
		WITH_GUARD(test_too_small_a_role_is_insufficient_scope),
		WITH_GUARD(test_other_sites_are_not_there),
		WITH_GUARD(test_a_token_without_a_site_opens_nothing),
		WITH_GUARD(test_a_person_has_a_role_at_each_site),
		WITH_GUARD(test_a_service_users_site_is_named_without_one),
		WITH_GUARD(test_scope_comes_before_site),
		WITH_GUARD(test_version),
		WITH_GUARD(test_wrong_options_are_named),
		WITH_GUARD(test_longer_structures),
		WITH_GUARD(test_misuse_never_opens),
		WITH_GUARD(test_a_decision_is_written_whole),
		WITH_GUARD(test_threads_share_a_guard),
	};

	return cmocka_run_group_tests_name("guard decision", tests, NULL, NULL);
}
