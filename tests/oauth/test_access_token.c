/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/error.h"
#include "codec/json.h"
#include "oauth/access_token.h"

#include <stdio.h>
#include <string.h>

#define SERVICE "\"adit\":{\"kind\":\"service\",\"site\":\"north-pit\",\"role\":\"read\"}"
#define REQUIRED                                                                                   \
	"\"iss\":\"https://a\",\"sub\":\"su_1\",\"aud\":\"external-api\","                         \
	"\"client_id\":\"external.customer\",\"iat\":10,\"exp\":20,\"jti\":\"j1\""

/* A JWT as the verification of a signature leaves it. */
static int jwt_of(const char *claims, struct jwt *ret_jwt)
{
	struct jws jws = {
		.payload = (unsigned char *)(uintptr_t)claims, .payload_length = strlen(claims)};

	return jwt_from_jws(&jws, ret_jwt);
}

/* Reads claims that are well-formed as a JWT's. */
static int read_claims(const char *claims, enum access_token_kind *ret_kind)
{
	struct access_token_site sites[ACCESS_TOKEN_SITES_MAX];
	struct access_token token;
	struct jwt jwt;
	int error;

	assert_int_equal(jwt_of(claims, &jwt), 0);
	error = access_token_read(&jwt, sites, &token);
	if (!error && ret_kind)
		*ret_kind = token.kind;
	jwt_finish(&jwt);
	return error;
}

static void test_writes_a_service_users(void **state)
{
	const struct access_token_site site = {"north-pit", SITE_ROLE_WRITE};
	const struct access_token token = {.iss = "https://a/identity",
		.sub = "su_1",
		.aud = "external-api",
		.client_id = "external.customer",
		.scope = "cosmos offline_access",
		.jti = "j1",
		.iat = 10,
		.nbf = 10,
		.exp = 3610,
		.auth_time = 9,
		.idp = "local",
		.amr = {"pwd"},
		.kind = ACCESS_TOKEN_SERVICE,
		.sites = &site,
		.site_count = 1};
	struct buf buf;

	(void)state;
	buf_init(&buf, 4096);
	assert_int_equal(access_token_append(&buf, &token), 0);
	assert_string_equal(buf.data,
		"{\"iss\":\"https://a/identity\",\"sub\":\"su_1\",\"aud\":\"external-api\","
		"\"client_id\":\"external.customer\",\"iat\":10,\"nbf\":10,\"exp\":3610,"
		"\"jti\":\"j1\",\"auth_time\":9,\"idp\":\"local\",\"amr\":[\"pwd\"],"
		"\"scope\":\"cosmos offline_access\","
		"\"adit\":{\"kind\":\"service\",\"site\":\"north-pit\",\"role\":\"write\"}}");
	buf_finish(&buf);
}

static void test_a_persons_comes_back_as_written(void **state)
{
	const struct access_token_site sites[] = {
		{"north-pit", SITE_ROLE_READ}, {"south-pit", SITE_ROLE_ADMIN}};
	const struct access_token token = {.iss = "https://a",
		.sub = "p_7",
		.aud = "external-api",
		.client_id = "viewer",
		.jti = "j2",
		.iat = 10,
		.nbf = -1,
		.exp = 20,
		.auth_time = -1,
		.amr = {"pwd", "otp"},
		.kind = ACCESS_TOKEN_USER,
		.sites = sites,
		.site_count = 2};
	struct access_token_site read_sites[ACCESS_TOKEN_SITES_MAX];
	struct access_token read;
	struct jwt jwt;
	struct buf buf;

	(void)state;
	buf_init(&buf, 4096);
	assert_int_equal(access_token_append(&buf, &token), 0);
	assert_int_equal(jwt_of(buf.data, &jwt), 0);
	assert_int_equal(access_token_read(&jwt, read_sites, &read), 0);
	assert_string_equal(read.iss, "https://a");
	assert_string_equal(read.sub, "p_7");
	assert_string_equal(read.aud, "external-api");
	assert_string_equal(read.client_id, "viewer");
	assert_string_equal(read.jti, "j2");
	assert_null(read.scope);
	assert_null(read.idp);
	assert_int_equal(read.iat, 10);
	assert_int_equal(read.nbf, -1);
	assert_int_equal(read.exp, 20);
	assert_int_equal(read.auth_time, -1);
	assert_string_equal(read.amr[0], "pwd");
	assert_string_equal(read.amr[1], "otp");
	assert_null(read.amr[2]);
	assert_int_equal(read.kind, ACCESS_TOKEN_USER);
	assert_int_equal(read.site_count, 2);
	assert_int_equal(access_token_role_at(&read, "north-pit"), SITE_ROLE_READ);
	assert_int_equal(access_token_role_at(&read, "south-pit"), SITE_ROLE_ADMIN);
	assert_int_equal(access_token_role_at(&read, "west-pit"), 0);
	assert_int_equal(access_token_role_at(&read, ""), 0);
	jwt_finish(&jwt);
	buf_finish(&buf);
}

static void test_refuses_to_write_what_binds_wrongly(void **state)
{
	const struct access_token_site sites[] = {
		{"north-pit", SITE_ROLE_READ}, {"south-pit", SITE_ROLE_READ}};
	const struct access_token_site bad_site = {"North", SITE_ROLE_READ};
	const struct access_token_site bad_role = {"north-pit", (enum site_role)0};
	struct access_token token = {.iss = "i",
		.sub = "su_1",
		.aud = "a",
		.client_id = "c",
		.jti = "j",
		.kind = ACCESS_TOKEN_SERVICE,
		.sites = sites,
		.site_count = 2};
	struct buf buf;

	(void)state;
	buf_init(&buf, 4096);
	assert_int_equal(access_token_append(&buf, &token), ERROR_INVALID);
	token.site_count = 0;
	assert_int_equal(access_token_append(&buf, &token), ERROR_INVALID);
	token.site_count = 1;
	token.sites = &bad_site;
	assert_int_equal(access_token_append(&buf, &token), ERROR_INVALID);
	token.sites = &bad_role;
	assert_int_equal(access_token_append(&buf, &token), ERROR_INVALID);
	token.kind = ACCESS_TOKEN_USER;
	token.site_count = ACCESS_TOKEN_SITES_MAX + 1;
	assert_int_equal(access_token_append(&buf, &token), ERROR_INVALID);
	assert_int_equal(buf.len, 0);
	buf_finish(&buf);
}

static void test_sticks_to_the_bufs_bound(void **state)
{
	const struct access_token token = {
		.iss = "i", .sub = "c_1", .aud = "a", .client_id = "c", .jti = "j"};
	char bytes[40];
	struct buf buf;

	(void)state;
	buf_init_fixed(&buf, bytes, sizeof(bytes));
	assert_int_equal(access_token_append(&buf, &token), ERROR_LIMIT);
	buf_finish(&buf);
}

static void test_requires_every_claim(void **state)
{
	static const char *const members[] = {"\"iss\":\"https://a\"", "\"sub\":\"su_1\"",
		"\"aud\":\"external-api\"", "\"client_id\":\"external.customer\"", "\"iat\":10",
		"\"exp\":20", "\"jti\":\"j1\""};
	const size_t count = sizeof(members) / sizeof(members[0]);

	(void)state;
	for (size_t left_out = 0; left_out <= count; left_out++) {
		char claims[512];
		struct buf buf;

		buf_init_fixed(&buf, claims, sizeof(claims));
		(void)buf_append_text(&buf, "{" SERVICE);
		for (size_t i = 0; i < count; i++)
			if (i != left_out)
				(void)buf_printf(&buf, ",%s", members[i]);
		assert_int_equal(buf_append_text(&buf, "}"), 0);
		assert_int_equal(read_claims(claims, NULL), left_out == count ? 0 : ERROR_INVALID);
	}
}

static void test_refuses_wrong_types_and_bounds(void **state)
{
	static const char *const bad[] = {
		/* each after the required claims */
		",\"scope\":[\"cosmos\"]",
		",\"scope\":\" cosmos\"",
		",\"idp\":1",
		",\"amr\":\"pwd\"",
		",\"amr\":[1]",
		",\"amr\":[\"a\",\"b\",\"c\",\"d\",\"e\"]",
		",\"auth_time\":\"9\"",
		",\"auth_time\":-1",
		",\"adit\":\"north-pit\"",
		",\"adit\":null",
		",\"adit\":{}",
		",\"adit\":{\"site\":\"north-pit\",\"role\":\"read\"}",
		",\"adit\":{\"kind\":\"root\"}",
		",\"adit\":{\"kind\":\"service\",\"site\":\"north-pit\"}",
		",\"adit\":{\"kind\":\"service\",\"site\":\"north-pit\",\"role\":\"owner\"}",
		",\"adit\":{\"kind\":\"service\",\"site\":\"North\",\"role\":\"read\"}",
		",\"adit\":{\"kind\":\"service\",\"site\":[\"north-pit\"],\"role\":\"read\"}",
		",\"adit\":{\"kind\":\"service\",\"sites\":[]}",
		",\"adit\":{\"kind\":\"service\",\"site\":\"a\",\"role\":\"read\",\"sites\":[]}",
		",\"adit\":{\"kind\":\"user\",\"sites\":[]}", /* the subject is a Service User */
		",\"adit\":{\"kind\":\"user\",\"site\":\"a\",\"role\":\"read\"}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char claims[512];

		(void)snprintf(claims, sizeof(claims), "{" REQUIRED "%s}", bad[i]);
		if (read_claims(claims, NULL) != ERROR_INVALID)
			fail_msg("accepted: %s", bad[i]);
	}
}

static void test_unbound_tokens_hold_no_site(void **state)
{
	static const char *const unbound[] = {"{" REQUIRED "}",
		"{" REQUIRED ",\"adit\":{\"kind\":\"service\"}}",
		"{" REQUIRED ",\"adit\":{\"kind\":\"user\"}}"};

	(void)state;
	for (size_t i = 0; i < sizeof(unbound) / sizeof(unbound[0]); i++) {
		enum access_token_kind kind = ACCESS_TOKEN_USER;

		assert_int_equal(read_claims(unbound[i], &kind), 0);
		assert_int_equal(kind, ACCESS_TOKEN_UNBOUND);
	}
}

#define PERSON                                                                                     \
	"\"iss\":\"https://a\",\"sub\":\"p_1\",\"aud\":\"x\",\"client_id\":\"v\",\"iat\":10,"      \
	"\"exp\":20,\"jti\":\"j\",\"adit\":{\"kind\":\"user\",\"sites\":"

static void test_a_persons_sites_are_read_strictly(void **state)
{
	static const char *const bad[] = {"{}", "\"a\"", "[\"a\"]", "[{\"id\":\"a\"}]",
		"[{\"role\":\"read\"}]",
		"[{\"id\":\"a\",\"role\":\"read\"},{\"id\":\"B\",\"role\":\"read\"}]",
		"[{\"id\":\"a\",\"role\":\"read\"},{\"id\":\"a\",\"role\":\"write\"}]"};
	struct buf buf;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char claims[512];

		(void)snprintf(claims, sizeof(claims), "{" PERSON "%s}}", bad[i]);
		if (read_claims(claims, NULL) != ERROR_INVALID)
			fail_msg("accepted: %s", bad[i]);
	}
	for (int count = ACCESS_TOKEN_SITES_MAX; count <= ACCESS_TOKEN_SITES_MAX + 1; count++) {
		buf_init(&buf, 8192);
		(void)buf_append_text(&buf, "{" PERSON "[");
		for (int i = 0; i < count; i++)
			(void)buf_printf(
				&buf, "%s{\"id\":\"s%d\",\"role\":\"read\"}", i ? "," : "", i);
		assert_int_equal(buf_append_text(&buf, "]}}"), 0);
		assert_int_equal(read_claims(buf.data, NULL),
			count > ACCESS_TOKEN_SITES_MAX ? ERROR_INVALID : 0);
		buf_finish(&buf);
	}
}

/* Requirement 43: a client that calls itself as a subject is called is no client. */
static void test_client_id_is_never_a_subject(void **state)
{
	static const char *const ids[] = {"su_1", "p_1", "c_1", "c_", ""};

	(void)state;
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		char claims[512];

		(void)snprintf(claims, sizeof(claims),
			"{\"iss\":\"https://"
			"a\",\"sub\":\"su_1\",\"aud\":\"x\",\"client_id\":\"%s\","
			"\"iat\":1,\"exp\":2,\"jti\":\"j\"}",
			ids[i]);
		assert_int_equal(read_claims(claims, NULL), ERROR_INVALID);
	}
}

static void test_long_names_are_refused(void **state)
{
	static const char *const formats[] = {
		"{\"iss\":\"i\",\"sub\":\"su_%s\",\"aud\":\"x\",\"client_id\":\"v\",\"iat\":1,"
		"\"exp\":2,\"jti\":\"j\"}",
		"{\"iss\":\"i\",\"sub\":\"su_\",\"aud\":\"x\",\"client_id\":\"v%s\",\"iat\":1,"
		"\"exp\":2,\"jti\":\"j\"}",
		"{\"iss\":\"i\",\"sub\":\"su_\",\"aud\":\"x\",\"client_id\":\"v\",\"iat\":1,"
		"\"exp\":2,\"jti\":\"j%s\"}",
	};
	char longest[128];

	(void)state;
	memset(longest, 'x', sizeof(longest));
	longest[127] = '\0';
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		char claims[512];
		struct buf buf;

		for (int cut = 0; cut < 2; cut++) {
			const char *percent = strchr(formats[i], '%');

			buf_init_fixed(&buf, claims, sizeof(claims));
			(void)buf_append(&buf, formats[i], (size_t)(percent - formats[i]));
			(void)buf_append_text(&buf, longest + cut * 3);
			assert_int_equal(buf_append_text(&buf, percent + 2), 0);
			assert_int_equal(read_claims(claims, NULL), cut ? 0 : ERROR_INVALID);
		}
	}
}

static void test_aud_may_be_a_list(void **state)
{
	struct access_token_site sites[ACCESS_TOKEN_SITES_MAX];
	struct access_token token;
	struct jwt jwt;

	(void)state;
	assert_int_equal(
		jwt_of("{\"iss\":\"i\",\"sub\":\"su_1\",\"aud\":[\"x\",\"y\"],\"client_id\":"
		       "\"v\",\"iat\":1,\"exp\":2,\"jti\":\"j\"}",
			&jwt),
		0);
	assert_int_equal(access_token_read(&jwt, sites, &token), 0);
	assert_null(token.aud);
	assert_true(jwt_has_audience(&jwt, "y"));
	jwt_finish(&jwt);
	assert_int_equal(
		read_claims("{\"iss\":\"i\",\"sub\":\"su_1\",\"aud\":[],\"client_id\":\"v\","
			    "\"iat\":1,\"exp\":2,\"jti\":\"j\"}",
			NULL),
		ERROR_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_writes_a_service_users),
		cmocka_unit_test(test_a_persons_comes_back_as_written),
		cmocka_unit_test(test_refuses_to_write_what_binds_wrongly),
		cmocka_unit_test(test_sticks_to_the_bufs_bound),
		cmocka_unit_test(test_requires_every_claim),
		cmocka_unit_test(test_refuses_wrong_types_and_bounds),
		cmocka_unit_test(test_unbound_tokens_hold_no_site),
		cmocka_unit_test(test_a_persons_sites_are_read_strictly),
		cmocka_unit_test(test_client_id_is_never_a_subject),
		cmocka_unit_test(test_long_names_are_refused),
		cmocka_unit_test(test_aud_may_be_a_list),
	};

	return cmocka_run_group_tests_name("oauth access token", tests, NULL, NULL);
}
