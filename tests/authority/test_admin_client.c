/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "scene.h"

#include <string.h>

static const char *const none[] = {NULL};

/* Requirement 3. */
static void test_what_is_no_client(void **state)
{
	static const char *const bad_scope[] = {"unheard", NULL};
	static const char *const bad_grant[] = {"implicit", NULL};
	static const char *const machine[] = {"client_credentials", NULL};
	static const char *const code[] = {"refresh_token", "authorization_code", NULL};
	static const char *const plain_http[] = {"http://app.example/cb", NULL};
	static const char *const fragment[] = {"https://app.example/cb#x", NULL};
	static const char *const script[] = {"javascript:alert(1)", NULL};
	static const char *const no_dot[] = {"myapp:/cb", NULL};
	static const char *const two_lines[] = {"com.example:/a\ncom.example:/b", NULL};
	static const char *const delete[] = {"com.example:/\x7f", NULL};
	static const char *const no_ascii[] = {"com.example:/\xc3\xbc", NULL};
	static const char *const loopback[] = {"http://127.0.0.1/cb", NULL};
	static const struct {
		struct admin_new_client wanted;
		int error;
		const char *part; /* of the line */
	} cases[] = {
		{{.id = "", .type = "public"}, ERROR_INVALID, "\"\" is no client id; use 1 to 128"},
		{{.id = "a:b", .type = "public"}, ERROR_INVALID, "\"a:b\" is no client id"},
		{{.id = "a b", .type = "public"}, ERROR_INVALID, "\"a b\" is no client id"},
		{{.id = "su_1", .type = "public"}, ERROR_INVALID, "begins like a subject's"},
		{{.id = "p_1", .type = "public"}, ERROR_INVALID, "begins like a subject's"},
		{{.id = "c_1", .type = "public"}, ERROR_INVALID, "begins like a subject's"},
		{{.id = "a", .type = "secret"}, ERROR_INVALID, "\"secret\" is no type of client"},
		{{.id = "a", .type = "public", .scopes = bad_scope}, ERROR_INVALID,
			"there is no scope \"unheard\""},
		{{.id = "a", .type = "public", .grants = bad_grant}, ERROR_INVALID,
			"\"implicit\" is no grant"},
		{{.id = "a", .type = "confidential", .grants = machine}, ERROR_INVALID,
			"client_credentials needs a Service User"},
		{{.id = "a", .type = "public", .grants = machine}, ERROR_INVALID,
			"a public client can't have the grant client_credentials, for it has no "
			"secret; use confidential or web"},
		{{.id = "a", .type = "native", .grants = machine}, ERROR_INVALID,
			"a native client can't have the grant client_credentials"},
		{{.id = "a", .type = "device", .grants = machine}, ERROR_INVALID,
			"a device client can't have the grant client_credentials"},
		{{.id = "a", .type = "public", .grants = code}, ERROR_INVALID,
			"a public client can't have the grant authorization_code, for it has no "
			"redirect URI; use native or web"},
		{{.id = "a", .type = "confidential", .grants = code}, ERROR_INVALID,
			"a confidential client can't have the grant authorization_code"},
		{{.id = "a", .type = "device", .grants = code}, ERROR_INVALID,
			"a device client can't have the grant authorization_code"},
		{{.id = "a", .type = "confidential", .service_user = "nobody"}, ERROR_NOT_FOUND,
			"there is no service-user \"nobody\""},
		{{.id = "a", .type = "public", .redirect_uris = loopback}, ERROR_INVALID,
			"a public client has no redirect URI"},
		{{.id = "a", .type = "native", .redirect_uris = plain_http}, ERROR_INVALID,
			"the redirect URI \"http://app.example/cb\" is not allowed"},
		{{.id = "a", .type = "native", .redirect_uris = fragment}, ERROR_INVALID,
			"is not allowed"},
		{{.id = "a", .type = "native", .redirect_uris = script}, ERROR_INVALID,
			"is not allowed"},
		{{.id = "a", .type = "native", .redirect_uris = no_dot}, ERROR_INVALID,
			"is not allowed"},
		{{.id = "a", .type = "native", .redirect_uris = two_lines}, ERROR_INVALID,
			"is not allowed"},
		{{.id = "a", .type = "native", .redirect_uris = delete}, ERROR_INVALID,
			"is not allowed"},
		{{.id = "a", .type = "native", .redirect_uris = no_ascii}, ERROR_INVALID,
			"is not allowed"},
		{{.id = "a", .type = "web", .redirect_uris = loopback}, ERROR_INVALID,
			"is not allowed"},
		{{.id = "external.customer", .type = "public"}, ERROR_EXISTS,
			"there is a client \"external.customer\" already"},
	};
	struct scene *scene = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char secret[GENERATED_PASSWORD_SIZE] = "";
		struct admin_new_client wanted = cases[i].wanted;
		struct store_client client;
		struct fault fault = {0};

		wanted.scopes = wanted.scopes ? wanted.scopes : none;
		wanted.grants = wanted.grants ? wanted.grants : none;
		wanted.redirect_uris = wanted.redirect_uris ? wanted.redirect_uris : none;
		wanted.deliver = keep_secret;
		wanted.context = secret;
		assert_int_equal(
			admin_client_add(&scene->admin, &wanted, &client, &fault), cases[i].error);
		if (!strstr(fault.text, cases[i].part))
			fail_msg("case %zu: %s", i, fault.text);
		assert_string_equal(secret, "");
	}
}

static void test_clients_of_each_type(void **state)
{
	static const char *const private_scheme[] = {
		"com.example.app:/cb", "http://127.0.0.1/cb", "http://[::1]:80/cb", NULL};
	static const char *const web[] = {"https://app.example/cb", NULL};
	static const struct {
		const char *type;
		const char *const *redirect_uris;
		bool has_secret;
		const char *grants;
	} cases[] = {
		{"public", none, false, "password refresh_token"},
		{"confidential", none, true, "password refresh_token"},
		{"native", private_scheme, false, "authorization_code refresh_token"},
		{"web", web, true, "authorization_code refresh_token"},
		{"device", none, false,
			"urn:ietf:params:oauth:grant-type:device_code refresh_token"},
	};
	struct scene *scene = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char secret[GENERATED_PASSWORD_SIZE] = "";
		const struct admin_new_client wanted = {.id = cases[i].type,
			.type = cases[i].type,
			.scopes = none,
			.grants = none,
			.redirect_uris = cases[i].redirect_uris,
			.deliver = keep_secret,
			.context = secret};
		const struct admin_rotation rotation = {
			.name = cases[i].type, .deliver = keep_secret, .context = secret};
		struct store_client client;
		struct fault fault = {0};

		assert_int_equal(admin_client_add(&scene->admin, &wanted, &client, &fault), 0);
		assert_string_equal(client.grants, cases[i].grants);
		assert_string_equal(client.scopes, "cosmos offline_access");
		assert_string_equal(client.default_scopes, client.scopes);
		assert_int_equal(client.secret_count, cases[i].has_secret);
		assert_int_equal(*secret != '\0', cases[i].has_secret);
		assert_int_equal(
			admin_client_rotate_secret(&scene->admin, &rotation, &client, &fault),
			cases[i].has_secret ? 0 : ERROR_INVALID);
	}
}

/* A secret that has expired already would leave the client none when the overlap ends. */
static void test_no_secret_that_has_expired(void **state)
{
	struct scene *scene = *state;
	char secret[GENERATED_PASSWORD_SIZE] = "untouched";
	const struct admin_new_client wanted = {.id = "partner",
		.type = "confidential",
		.scopes = none,
		.grants = none,
		.redirect_uris = none,
		.deliver = keep_secret,
		.context = secret};
	struct admin_rotation rotation = {.name = "partner",
		.expires_at = SCENE_NOW_S,
		.deliver = keep_secret,
		.context = secret};
	struct store_client before;
	struct store_client client;
	struct fault fault = {0};

	assert_int_equal(admin_client_add(&scene->admin, &wanted, &before, &fault), 0);
	(void)strcpy(secret, "untouched");
	assert_int_equal(admin_client_rotate_secret(&scene->admin, &rotation, &client, &fault),
		ERROR_INVALID);
	assert_string_equal(fault.text, "the expiry date is past; give a later one");
	assert_string_equal(secret, "untouched");
	assert_int_equal(admin_client_get(&scene->admin, "partner", &client, &fault), 0);
	assert_string_equal(client.secrets[0].id, before.secrets[0].id);
	rotation.expires_at = SCENE_NOW_S + 1;
	assert_int_equal(admin_client_rotate_secret(&scene->admin, &rotation, &client, &fault), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(test_what_is_no_client),
		SCENE(test_clients_of_each_type),
		SCENE(test_no_secret_that_has_expired),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
