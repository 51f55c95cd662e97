/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/form.h"
#include "jose/jwt.h"
#include "oauth/token_request.h"

#include <string.h>

#define ISSUER "https://login.example.com/identity"
#define DOCUMENT                                                                                   \
	"{\"issuer\":\"" ISSUER "\",\"jwks_uri\":\"" ISSUER "/jwks\",\"token_endpoint\":\"" ISSUER \
	"/token\""
#define METHODS ",\"token_endpoint_auth_methods_supported\":"

enum { NOW_S = 1700000000, FIELDS_MAX = 16 };

static void read_metadata(const char *text, struct metadata *ret_metadata)
{
	assert_int_equal(metadata_read(ISSUER, text, strlen(text), ret_metadata, NULL), 0);
}

static void test_a_public_client(void **state)
{
	struct token_request request;
	struct metadata metadata;
	struct token_asker asker = {.metadata = &metadata, .client_id = "external.customer"};
	const struct token_code code = {
		.code = "c/1", .redirect_uri = "http://127.0.0.1:1/callback", .verifier = "v"};

	(void)state;
	read_metadata(DOCUMENT "}", &metadata);
	assert_int_equal(
		token_request_password(&asker, "plans", "a&b=c d\xc3\xa4%", &request, NULL), 0);
	assert_string_equal(request.body.data,
		"client_id=external.customer&grant_type=password&username=plans&"
		"password=a%26b%3Dc+d%C3%A4%25");
	assert_int_equal(request.authorization.len, 0);
	token_request_finish(&request);
	asker.scope = "openid cosmos";
	asker.resource = "https://api.example.com/";
	assert_int_equal(token_request_client_credentials(&asker, &request, NULL), 0);
	assert_string_equal(request.body.data,
		"client_id=external.customer&grant_type=client_credentials&scope=openid+cosmos&"
		"resource=https%3A%2F%2Fapi.example.com%2F");
	token_request_finish(&request);
	asker.resource = NULL;
	assert_int_equal(token_request_refresh(&asker, "rt", &request, NULL), 0);
	assert_string_equal(request.body.data,
		"client_id=external.customer&grant_type=refresh_token&refresh_token=rt");
	token_request_finish(&request);
	assert_int_equal(token_request_code(&asker, &code, &request, NULL), 0);
	assert_string_equal(request.body.data,
		"client_id=external.customer&grant_type=authorization_code&code=c%2F1&"
		"redirect_uri=http%3A%2F%2F127.0.0.1%3A1%2Fcallback&code_verifier=v");
	token_request_finish(&request);
	metadata_finish(&metadata);
}

static void test_the_device_and_revocation(void **state)
{
	struct token_request request;
	struct metadata metadata;
	struct token_asker asker = {.metadata = &metadata, .client_id = "c", .scope = "openid"};

	(void)state;
	read_metadata(DOCUMENT "}", &metadata);
	assert_int_equal(device_request(&asker, &request, NULL), 0);
	assert_string_equal(request.body.data, "client_id=c&scope=openid");
	token_request_finish(&request);
	assert_int_equal(token_request_device(&asker, "dc", &request, NULL), 0);
	assert_string_equal(request.body.data,
		"client_id=c&grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code&"
		"device_code=dc");
	token_request_finish(&request);
	assert_int_equal(revocation_request(&asker, "rt", "refresh_token", &request, NULL), 0);
	assert_string_equal(
		request.body.data, "client_id=c&token=rt&token_type_hint=refresh_token");
	token_request_finish(&request);
	asker.client_secret = "s";
	assert_int_equal(device_request(&asker, &request, NULL), 0);
	assert_string_equal(request.body.data, "client_id=c&scope=openid");
	assert_int_not_equal(request.authorization.len, 0);
	token_request_finish(&request);
	metadata_finish(&metadata);
}

/* RFC 6749, 2.3.1: base64 of the form-encoded parts. */
static void test_basic(void **state)
{
	struct token_request request;
	struct metadata metadata;
	const struct token_asker askers[] = {
		{.metadata = &metadata,
			.client_id = "s6BhdRkqt3",
			.client_secret = "7Fjfp0ZBr1KtDRbnfVdmIw"},
		{.metadata = &metadata, .client_id = "a:b", .client_secret = "p w~?>"},
	};
	static const char *const lines[] = {
		"Authorization: Basic czZCaGRSa3F0Mzo3RmpmcDBaQnIxS3REUmJuZlZkbUl3",
		"Authorization: Basic YSUzQWI6cCt3JTdFJTNGJTNF"};

	(void)state;
	read_metadata(
		DOCUMENT METHODS "[\"client_secret_post\",\"client_secret_basic\"]}", &metadata);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(token_request_client_credentials(&askers[i], &request, NULL), 0);
		assert_string_equal(request.authorization.data, lines[i]);
		assert_string_equal(request.body.data, "grant_type=client_credentials");
		token_request_finish(&request);
	}
	metadata_finish(&metadata);
}

static void test_how_a_secret_goes(void **state)
{
	static const struct {
		const char *text;
		const char *body; /* NULL: refused */
		bool basic;
	} cases[] = {
		{DOCUMENT "}", "grant_type=client_credentials", true},
		{DOCUMENT METHODS "[\"client_secret_post\",\"none\"]}",
			"client_id=c&client_secret=s&grant_type=client_credentials", false},
		{DOCUMENT METHODS "[\"private_key_jwt\",\"none\"]}", NULL, false},
		{DOCUMENT METHODS "[]}", NULL, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct token_request request;
		struct metadata metadata;
		struct fault fault = {0};
		const struct token_asker asker = {
			.metadata = &metadata, .client_id = "c", .client_secret = "s"};
		int error;

		read_metadata(cases[i].text, &metadata);
		error = token_request_client_credentials(&asker, &request, &fault);
		metadata_finish(&metadata);
		assert_int_equal(error, cases[i].body ? 0 : ERROR_REFUSED);
		assert_int_equal(*fault.text != '\0', error != 0);
		if (error)
			continue;
		assert_string_equal(request.body.data, cases[i].body);
		assert_int_equal(request.authorization.len > 0, cases[i].basic);
		token_request_finish(&request);
	}
}

static const char *value_of(const struct form_field *fields, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(fields[i].name, name))
			return fields[i].value;
	return NULL;
}

/* RFC 7523, 3: what the assertion in the body says, and that the key signed it. */
static void check_assertion(
	const char *text, const struct token_asker *asker, const char *aud, char *ret_jti)
{
	const struct crypto_key *key = asker->key;
	struct jws jws;
	struct jwt jwt;

	assert_non_null(text);
	assert_int_equal(jws_parse(text, strlen(text), &jws), 0);
	assert_int_equal(jws.alg, crypto_key_alg(key));
	assert_string_equal(jws.kid, "k1");
	assert_int_equal(jws_verify(&jws, key), 0);
	assert_int_equal(jwt_from_jws(&jws, &jwt), 0);
	assert_string_equal(jwt.iss, "c");
	assert_string_equal(jwt.sub, "c");
	assert_string_equal(json_member_text(jwt.document, "aud"), aud);
	assert_int_equal(jwt.iat, NOW_S);
	assert_int_equal(jwt.exp, NOW_S + CLIENT_ASSERTION_LIFETIME_S);
	assert_int_equal(strlen(jwt.jti), 32);
	memcpy(ret_jti, jwt.jti, 33);
	jwt_finish(&jwt);
	jws_finish(&jws);
}

static void ask_with_key(const struct token_asker *asker, const char *aud, char *ret_jti)
{
	struct token_request request;
	struct form_field *fields;
	struct arena arena;
	size_t count;

	assert_int_equal(token_request_client_credentials(asker, &request, NULL), 0);
	assert_int_equal(request.authorization.len, 0);
	arena_init(&arena, 64 * 1024);
	assert_int_equal(form_parse(&arena, request.body.data, request.body.len, FIELDS_MAX,
				 &fields, &count),
		0);
	assert_string_equal(value_of(fields, count, "client_assertion_type"),
		"urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
	assert_string_equal(value_of(fields, count, "client_id"), "c");
	assert_null(value_of(fields, count, "client_secret"));
	check_assertion(value_of(fields, count, "client_assertion"), asker, aud, ret_jti);
	arena_finish(&arena);
	token_request_finish(&request);
}

static void test_a_clients_key(void **state)
{
	static const enum jose_alg algs[] = {JOSE_ES256, JOSE_RS256, JOSE_EDDSA};
	struct metadata metadata;

	(void)state;
	read_metadata(DOCUMENT METHODS "[\"private_key_jwt\"]}", &metadata);
	for (size_t i = 0; i < 3; i++) {
		struct token_asker asker = {
			.metadata = &metadata, .client_id = "c", .kid = "k1", .now_s = NOW_S};
		char first[33];
		char second[33];

		assert_int_equal(crypto_key_generate(algs[i], &asker.key), 0);
		asker.audience = NULL;
		ask_with_key(&asker, ISSUER, first);
		asker.audience = ISSUER "/token";
		ask_with_key(&asker, ISSUER "/token", second);
		assert_string_not_equal(first, second);
		crypto_key_destroy(asker.key);
	}
	metadata_finish(&metadata);
}

static void test_a_key_that_is_of_no_use(void **state)
{
	static const char *const texts[] = {DOCUMENT "}", DOCUMENT METHODS "[\"none\"]}",
		DOCUMENT METHODS "[\"private_key_jwt\"],"
				 "\"token_endpoint_auth_signing_alg_values_supported\":"
				 "[\"RS256\"]}"};
	struct token_asker asker = {.client_id = "c"};

	(void)state;
	assert_int_equal(crypto_key_generate(JOSE_ES256, &asker.key), 0);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct token_request request;
		struct metadata metadata;
		struct fault fault = {0};

		read_metadata(texts[i], &metadata);
		asker.metadata = &metadata;
		assert_int_equal(
			token_request_client_credentials(&asker, &request, &fault), ERROR_REFUSED);
		assert_int_not_equal(fault.text[0], 0);
		metadata_finish(&metadata);
	}
	crypto_key_destroy(asker.key);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_public_client),
		cmocka_unit_test(test_the_device_and_revocation),
		cmocka_unit_test(test_basic),
		cmocka_unit_test(test_how_a_secret_goes),
		cmocka_unit_test(test_a_clients_key),
		cmocka_unit_test(test_a_key_that_is_of_no_use),
	};

	return cmocka_run_group_tests_name("oauth token request", tests, NULL, NULL);
}
