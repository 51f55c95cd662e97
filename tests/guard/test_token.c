/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which tokens are good: requirements 39 to 44 and 52 to 55 of the ledger, each by
 * its number. 44, one resource for each token, is the authority's; here the audience
 * must be this API. The guard is the public one, over a real server.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fixture.h"

#include <stdio.h>
#include <string.h>

#define NUMBER(text, number)                                                                       \
	char text[32];                                                                             \
	(void)snprintf(text, sizeof(text), "%lld", (long long)(number))

static void test_a_good_token_passes(void **state)
{
	struct fixture *fixture = *state;
	struct adit_guard_decision decision = check(
		fixture->guard, bearer_with(fixture, GOOD_CLAIMS(fixture)), "GET", "north-pit");

	assert_int_equal(decision.status, 200);
	assert_string_equal(decision.subject, "su_1");
	assert_string_equal(decision.client_id, "external.customer");
	assert_string_equal(decision.token_id, "j1");
	assert_string_equal(decision.site, "north-pit");
	assert_int_equal(decision.kind, ADIT_GUARD_KIND_SERVICE);
	assert_int_equal(decision.role, ADIT_GUARD_ROLE_READ);
	assert_string_equal(decision.error, "");
	assert_string_equal(decision.error_description, "");
	assert_string_equal(decision.www_authenticate, "");
}

static void test_39_typ_is_at_jwt(void **state)
{
	struct fixture *fixture = *state;
	static const char *const bad[] = {
		"{\"alg\":\"ES256\",\"kid\":\"k1\"}", /* none: an ID token of many servers */
		"{\"alg\":\"ES256\",\"typ\":\"JWT\",\"kid\":\"k1\"}",
		"{\"alg\":\"ES256\",\"typ\":\"dpop+jwt\",\"kid\":\"k1\"}",
		"{\"alg\":\"ES256\",\"typ\":\"logout+jwt\",\"kid\":\"k1\"}",
		"{\"alg\":\"ES256\",\"typ\":\"at+jwt \",\"kid\":\"k1\"}",
		"{\"alg\":\"ES256\",\"typ\":\"at\",\"kid\":\"k1\"}",
		"{\"alg\":\"ES256\",\"typ\":\"\",\"kid\":\"k1\"}",
		"{\"alg\":\"ES256\",\"typ\":1,\"kid\":\"k1\"}",
	};
	static const char *const good[] = {
		"{\"alg\":\"ES256\",\"typ\":\"application/at+jwt\",\"kid\":\"k1\"}",
		"{\"alg\":\"ES256\",\"typ\":\"AT+JWT\",\"kid\":\"k1\"}",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_refused(
			fixture, bearer_of(bad[i], GOOD_CLAIMS(fixture), fixture->key), bad[i]);
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_int_equal(
			status_of(fixture, bearer_of(good[i], GOOD_CLAIMS(fixture), fixture->key)),
			200);
}

static void test_39_an_id_token_is_refused(void **state)
{
	struct fixture *fixture = *state;
	const char *claims =
		CLAIMS(fixture, "client_id", "", "scope", "", "adit", "", "nonce", "\"n\"");

	assert_refused(fixture,
		bearer_of(
			"{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"r1\"}", claims, fixture->rsa),
		"an ID token");
	/* Nor one that somebody could get typed so. */
	assert_refused(fixture, bearer_with(fixture, claims), "an ID token's claims");
}

static void test_40_issuer_is_exact(void **state)
{
	struct fixture *fixture = *state;
	static const char *const formats[] = {
		"\"%s/\"", "\"%s/x\"", "\" %s\"", "\"%s#\"", "[\"%s\"]", "\"https%s\""};
	char issuer[400];

	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		const char *percent = strchr(formats[i], '%');

		(void)snprintf(issuer, sizeof(issuer), "%.*s%s%s", (int)(percent - formats[i]),
			formats[i], fixture->authority.url, percent + 2);
		assert_refused(
			fixture, bearer_with(fixture, CLAIMS(fixture, "iss", issuer)), issuer);
	}
	assert_refused(fixture,
		bearer_with(fixture, CLAIMS(fixture, "iss", "\"https://evil.example.com\"")),
		"another");
}

static void test_40_audience_is_mine(void **state)
{
	struct fixture *fixture = *state;
	static const char *const bad[] = {"\"internal-api\"", "\"External-Api\"",
		"\"external-api/\"", "[\"internal-api\",\"external\"]", "[]", "\"\"", "7",
		"[[\"external-api\"]]", "{\"external-api\":1}", "[\"external-api\",7]", "null"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_refused(
			fixture, bearer_with(fixture, CLAIMS(fixture, "aud", bad[i])), bad[i]);
	assert_int_equal(
		status_of(fixture,
			bearer_with(fixture,
				CLAIMS(fixture, "aud", "[\"internal-api\",\"external-api\"]"))),
		200);
}

static void test_40_times(void **state)
{
	struct fixture *fixture = *state;
	NUMBER(past, NOW);
	NUMBER(just, NOW + 1);
	NUMBER(tomorrow, NOW + 86400);

	assert_refused(fixture, bearer_with(fixture, CLAIMS(fixture, "exp", past)), "exp");
	assert_int_equal(
		status_of(fixture, bearer_with(fixture, CLAIMS(fixture, "exp", just))), 200);
	assert_refused(fixture, bearer_with(fixture, CLAIMS(fixture, "nbf", just)), "nbf");
	assert_refused(
		fixture, bearer_with(fixture, CLAIMS(fixture, "nbf", tomorrow)), "nbf tomorrow");
	assert_refused(fixture, bearer_with(fixture, CLAIMS(fixture, "iat", just)), "iat");
	assert_int_equal(status_of(fixture, bearer_with(fixture, CLAIMS(fixture, "nbf", ""))), 200);
	for (int i = 0; i < 3; i++) {
		static const char *const names[] = {"exp", "nbf", "iat"};
		static const char *const bad[] = {
			"\"1800003600\"", "-1", "null", "1e300", "true", "9007199254740993"};

		for (size_t j = 0; j < sizeof(bad) / sizeof(bad[0]); j++)
			assert_refused(fixture,
				bearer_with(fixture, CLAIMS(fixture, names[i], bad[j])), bad[j]);
	}
}

static void test_40_leeway(void **state)
{
	struct fixture *fixture = *state;
	struct adit_guard *guard = fixture_open(fixture, NULL, 60);
	static const struct {
		const char *name;
		int64_t at;
		int status;
	} cases[] = {{"exp", NOW - 59, 200}, {"exp", NOW - 60, 401}, {"nbf", NOW + 60, 200},
		{"nbf", NOW + 61, 401}, {"iat", NOW + 60, 200}, {"iat", NOW + 61, 401}};

	assert_non_null(guard);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		NUMBER(at, cases[i].at);
		assert_int_equal(
			check(guard, bearer_with(fixture, CLAIMS(fixture, cases[i].name, at)),
				"GET", "north-pit")
				.status,
			cases[i].status);
	}
	adit_guard_close(guard);
	assert_null(fixture_open(fixture, NULL, 61));
	assert_null(fixture_open(fixture, NULL, -1));
}

static void test_40_expires_while_it_is_used(void **state)
{
	struct fixture *fixture = *state;
	const char *token = bearer_with(fixture, GOOD_CLAIMS(fixture));

	fixture_set_clock(fixture, NOW + 3599);
	assert_int_equal(status_of(fixture, token), 200);
	fixture_set_clock(fixture, NOW + 3600);
	assert_refused(fixture, token, "expired");
	assert_string_equal(check(fixture->guard, token, "GET", "north-pit").error_description,
		"the token has expired");
	fixture_set_clock(fixture, NOW - 1);
	assert_refused(fixture, token, "not yet");
	assert_string_equal(check(fixture->guard, token, "GET", "north-pit").error_description,
		"the token is not valid yet");
}

static void test_41_each_required_claim(void **state)
{
	struct fixture *fixture = *state;
	static const char *const required[] = {
		"iss", "exp", "aud", "sub", "client_id", "iat", "jti"};

	for (size_t i = 0; i < sizeof(required) / sizeof(required[0]); i++) {
		assert_refused(fixture, bearer_with(fixture, CLAIMS(fixture, required[i], "")),
			required[i]);
		assert_refused(fixture, bearer_with(fixture, CLAIMS(fixture, required[i], "null")),
			required[i]);
		assert_refused(fixture, bearer_with(fixture, CLAIMS(fixture, required[i], "\"\"")),
			required[i]);
	}
}

static void test_43_client_id_is_no_subject(void **state)
{
	struct fixture *fixture = *state;

	assert_refused(fixture, bearer_with(fixture, CLAIMS(fixture, "client_id", "\"su_1\"")),
		"a client called as a Service User");
	assert_refused(fixture, bearer_with(fixture, CLAIMS(fixture, "sub", "\"p_1\"")),
		"a person with a Service User's site");
}

static void test_52_another_issuer_opens_nothing(void **state)
{
	struct fixture *fixture = *state;
	char issuer[300];

	(void)snprintf(issuer, sizeof(issuer), "%s/", fixture->authority.url);
	fake_authority_call_itself(&fixture->authority, issuer);
	assert_int_equal(status_of(fixture, bearer_with(fixture, GOOD_CLAIMS(fixture))), 503);
}

static void test_52_one_slash_at_the_end_is_the_operators(void **state)
{
	struct fixture *fixture = *state;
	char url[300];
	struct adit_guard_options options = {.size = sizeof(options),
		.authority = url,
		.audience = "external-api",
		.clock_file = fixture->clock_file};
	struct adit_guard *guard;

	(void)snprintf(url, sizeof(url), "%s/", fixture->authority.url);
	assert_int_equal(adit_guard_open(&options, &guard, NULL), 0);
	assert_int_equal(
		check(guard, bearer_with(fixture, GOOD_CLAIMS(fixture)), "GET", "north-pit").status,
		200);
	adit_guard_close(guard);
}

static void test_53_unknown_kid_fetches_once_a_minute(void **state)
{
	struct fixture *fixture = *state;
	const char *header = "{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"k2\"}";
	const char *token = bearer_of(header, GOOD_CLAIMS(fixture), fixture->strange);

	assert_int_equal(status_of(fixture, bearer_with(fixture, GOOD_CLAIMS(fixture))), 200);
	for (int i = 0; i < 20; i++)
		assert_refused(fixture, token, "unknown");
	assert_int_equal(fake_authority_jwks_count(&fixture->authority), 2);
	fake_authority_add_key(&fixture->authority, fixture->strange, "k2");
	assert_refused(fixture, token, "within the minute");
	fixture_set_clock(fixture, NOW + 60);
	assert_int_equal(status_of(fixture, token), 200);
	assert_int_equal(fake_authority_jwks_count(&fixture->authority), 3);
	/* What is no access token never makes the guard ask. */
	fixture_set_clock(fixture, NOW + 120);
	assert_refused(fixture,
		bearer_of("{\"alg\":\"ES256\",\"typ\":\"JWT\",\"kid\":\"k3\"}",
			GOOD_CLAIMS(fixture), fixture->strange),
		"typ");
	assert_int_equal(fake_authority_jwks_count(&fixture->authority), 3);
}

static void test_54_header_token_only(void **state)
{
	struct fixture *fixture = *state;
	const char *token = bearer_with(fixture, GOOD_CLAIMS(fixture));
	static const char *const none[] = {
		"", "Basic dTpw", "bear x", "Bearerx", "DPoP abc", "Digest username=\"a\""};
	char two[8192];

	for (size_t i = 0; i <= sizeof(none) / sizeof(none[0]); i++) {
		struct adit_guard_decision decision =
			check(fixture->guard, i ? none[i - 1] : NULL, "GET", "north-pit");

		assert_int_equal(decision.status, 401);
		assert_string_equal(decision.error, "");
		assert_string_equal(decision.www_authenticate, "Bearer realm=\"external-api\"");
	}
	(void)snprintf(two, sizeof(two), "%s, %s", token, token);
	assert_refused(fixture, two, "two in one field");
	(void)snprintf(two, sizeof(two), "%s %s", token, token + 7);
	assert_refused(fixture, two, "two tokens");
	assert_refused(fixture, "Bearer", "a scheme alone");
	assert_refused(fixture, "Bearer ", "a scheme and a space");
	assert_refused(fixture, "Bearer x=y", "no token");
	(void)snprintf(two, sizeof(two), "bEARER   %s", token + 7);
	assert_int_equal(status_of(fixture, two), 200);
}

static void test_54_two_fields_are_refused(void **state)
{
	struct fixture *fixture = *state;
	struct adit_guard_request request = {
		.size = sizeof(request),
		.authorization = bearer_with(fixture, GOOD_CLAIMS(fixture)),
		.authorization_count = 1,
		.method = "GET",
		.site = "north-pit",
	};
	struct adit_guard_decision decision = {.size = sizeof(decision)};

	assert_int_equal(adit_guard_check(fixture->guard, &request, &decision), 200);
	request.authorization_count = 2;
	assert_int_equal(adit_guard_check(fixture->guard, &request, &decision), 401);
	assert_string_equal(decision.error, "invalid_token");
	assert_string_equal(decision.subject, "");
}

static void test_55_fails_closed(void **state)
{
	struct fixture *fixture = *state;
	const char *token = bearer_with(fixture, GOOD_CLAIMS(fixture));
	struct adit_guard_decision decision;

	fake_authority_stop(&fixture->authority);
	decision = check(fixture->guard, token, "GET", "north-pit");
	assert_int_equal(decision.status, 503);
	assert_string_equal(decision.error, "temporarily_unavailable");
	assert_string_equal(decision.www_authenticate, "");
	assert_string_equal(decision.subject, "");
	assert_non_null(strstr(decision.operator_text, "connect"));
	/* What is wrong in any case is told without the authority. */
	assert_int_equal(status_of(fixture, NULL), 401);
	assert_int_equal(status_of(fixture, "Bearer abc"), 401);
}

static void test_55_an_outage_leaves_known_keys(void **state)
{
	struct fixture *fixture = *state;
	const char *token = bearer_with(fixture, GOOD_CLAIMS(fixture));
	const char *later = bearer_with(fixture, CLAIMS(fixture, "exp", "1800007200"));
	struct adit_guard_decision decision;

	assert_int_equal(status_of(fixture, token), 200);
	fake_authority_stop(&fixture->authority);
	fixture_set_clock(fixture, NOW + 3599);
	assert_int_equal(status_of(fixture, token), 200);
	decision = check(fixture->guard, token, "GET", "north-pit");
	assert_string_equal(decision.operator_text, "");
	fixture_set_clock(fixture, NOW + 3600);
	assert_refused(fixture, token, "expired");
	/* The operator hears of it before the keys end. */
	decision = check(fixture->guard, later, "GET", "north-pit");
	assert_int_equal(decision.status, 200);
	assert_non_null(strstr(decision.operator_text, "connect"));
	assert_string_equal(decision.error_description, "");
}

/* Each mistake of configuration has its own words, for the operator alone. */
static void test_the_operator_hears_why_keys_can_not_be_had(void **state)
{
	struct fixture *fixture = *state;
	const char *token = bearer_with(fixture, GOOD_CLAIMS(fixture));
	struct adit_guard_decision decision;

	fake_authority_call_itself(&fixture->authority, "https://elsewhere.example.com");
	decision = check(fixture->guard, token, "GET", "north-pit");
	assert_int_equal(decision.status, 503);
	assert_non_null(strstr(decision.operator_text, "\"https://elsewhere.example.com\""));
	assert_non_null(strstr(decision.operator_text, fixture->authority.url));
	assert_non_null(strstr(decision.operator_text, "from character 5 on"));
	assert_null(strstr(decision.error_description, "elsewhere"));
	assert_null(strstr(decision.www_authenticate, "elsewhere"));
	/* A token of no kind is refused without them. */
	assert_string_equal(
		check(fixture->guard, "Bearer x", "GET", "north-pit").operator_text, "");
}

static void test_nothing_for_the_operator_where_all_is_well(void **state)
{
	struct fixture *fixture = *state;
	const char *good = bearer_with(fixture, GOOD_CLAIMS(fixture));
	const char *unknown = bearer_of("{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"k9\"}",
		GOOD_CLAIMS(fixture), fixture->key);

	assert_string_equal(check(fixture->guard, good, "GET", "north-pit").operator_text, "");
	assert_string_equal(check(fixture->guard, unknown, "GET", "north-pit").operator_text, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_GUARD(test_a_good_token_passes),
		WITH_GUARD(test_39_typ_is_at_jwt),
		WITH_GUARD(test_39_an_id_token_is_refused),
		WITH_GUARD(test_40_issuer_is_exact),
		WITH_GUARD(test_40_audience_is_mine),
		WITH_GUARD(test_40_times),
		WITH_GUARD(test_40_leeway),
		WITH_GUARD(test_40_expires_while_it_is_used),
		WITH_GUARD(test_41_each_required_claim),
		WITH_GUARD(test_43_client_id_is_no_subject),
		WITH_GUARD(test_52_another_issuer_opens_nothing),
		WITH_GUARD(test_52_one_slash_at_the_end_is_the_operators),
		WITH_GUARD(test_53_unknown_kid_fetches_once_a_minute),
		WITH_GUARD(test_54_header_token_only),
		WITH_GUARD(test_54_two_fields_are_refused),
		WITH_GUARD(test_55_fails_closed),
		WITH_GUARD(test_55_an_outage_leaves_known_keys),
		WITH_GUARD(test_the_operator_hears_why_keys_can_not_be_had),
		WITH_GUARD(test_nothing_for_the_operator_where_all_is_well),
	};

	return cmocka_run_group_tests_name("guard token", tests, NULL, NULL);
}
