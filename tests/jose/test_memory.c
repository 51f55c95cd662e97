/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Allocations fail one by one: ours, jansson's and OpenSSL's. Each time an
 * error comes back, nothing leaks (under ASan), and the next try succeeds.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/error.h"
#include "codec/form.h"
#include "jose/jwks.h"
#include "jose/jwt.h"
#include "tokens.h"

#include <openssl/crypto.h>

/* As in <jansson.h>, of which codec/json.h shares some names. */
void json_set_alloc_funcs(void *(*allocate)(size_t), void (*release)(void *));

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);

/* Allocations until one fails; 0: none will. */
static unsigned left;

static bool fails_now(void)
{
	return left && !--left;
}

void *__wrap_malloc(size_t size)
{
	return fails_now() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	return fails_now() ? NULL : __real_calloc(count, size);
}

static void *openssl_malloc(size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	return __wrap_malloc(size);
}

static void *openssl_realloc(void *bytes, size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	return fails_now() ? NULL : realloc(bytes, size);
}

static void openssl_free(void *bytes, const char *file, int line)
{
	(void)file;
	(void)line;
	free(bytes);
}

/* Fails the first allocation of `work`, then the one `step` further, and so on. */
static void exhaust(int (*work)(void *), void *argument, unsigned step)
{
	unsigned failures = 0;

	assert_int_equal(work(argument), 0);
	for (unsigned i = 1; i < 100000; i += step) {
		int error;

		left = i;
		error = work(argument);
		if (left) {
			left = 0;
			assert_int_equal(error, 0);
			break;
		}
		/* A library may do without what it did not get. */
		failures += error != 0;
		assert_true(!error || error == ERROR_MEMORY || error == ERROR_CRYPTO ||
			    error == ERROR_INVALID);
	}
	assert_true(failures > 0);
	assert_int_equal(work(argument), 0);
}

static int read_form(void *argument)
{
	struct form_field *fields;
	struct arena arena;
	size_t count;
	int error;

	(void)argument;
	arena_init(&arena, 4096);
	error = form_parse(&arena, "a=b&c=d", 7, 4, &fields, &count);
	arena_finish(&arena);
	return error;
}

static int read_and_print_json(void *argument)
{
	static const char text[] = "{\"a\":[1,2.5,\"x\",true,null],\"b\":{\"c\":\"d\"}}";
	struct json *document;
	struct buf buf;
	int error;

	(void)argument;
	error = json_parse(text, strlen(text), 4096, &document);
	if (error)
		return error;
	buf_init(&buf, 4096);
	error = json_print(&buf, document, true);
	buf_finish(&buf);
	json_free(document);
	return error;
}

static int read_keys(void *argument)
{
	const struct buf *set = argument;
	struct jwks *jwks;
	int error = jwks_parse(set->data, set->len, &jwks);

	if (!error)
		jwks_destroy(jwks);
	return error;
}

static int sign(void *argument)
{
	struct crypto_key *key = argument;
	struct crypto_signer *signer;
	struct buf header;
	struct buf token;
	int error = crypto_signer_create(key, &signer);

	if (error)
		return error;
	buf_init(&header, 4096);
	buf_init(&token, 4096);
	error = jws_header(&header, crypto_key_alg(key), "JWT", "a");
	if (!error)
		error = jws_append(&token, header.data, "{}", 2, signer);
	buf_finish(&token);
	buf_finish(&header);
	crypto_signer_destroy(signer);
	return error;
}

struct received {
	const struct crypto_key *key;
	const char *token;
};

static int receive(void *argument)
{
	const struct received *received = argument;
	struct jws jws;
	struct jwt jwt;
	int error = jws_parse(received->token, strlen(received->token), &jws);

	if (error)
		return error;
	error = jws_verify(&jws, received->key);
	if (!error)
		error = jwt_from_jws(&jws, &jwt);
	if (!error)
		jwt_finish(&jwt);
	jws_finish(&jws);
	/* Not to verify is the safe side of not being able to. */
	return error == ERROR_REFUSED ? ERROR_CRYPTO : error;
}

static int store_key(void *argument)
{
	const struct crypto_key *key = argument;
	struct crypto_key *again;
	struct secret der;
	int error = crypto_key_to_private(key, &der);

	if (error)
		return error;
	error = crypto_key_from_private(crypto_key_alg(key), &der, &again);
	if (!error)
		crypto_key_destroy(again);
	secret_finish(&der);
	return error;
}

static int mac(void *argument)
{
	unsigned char bytes[80] = {0};
	const struct secret key = {bytes, sizeof(bytes)};
	const struct crypto_part part = {"x", 1};

	(void)argument;
	return crypto_hmac_sha256(&key, &part, 1, bytes);
}

static void test_codec(void **state)
{
	(void)state;
	exhaust(read_form, NULL, 1);
	exhaust(read_and_print_json, NULL, 1);
}

static void test_jose(void **state)
{
	static const enum jose_alg algs[] = {JOSE_ES256, JOSE_RS256, JOSE_EDDSA};

	(void)state;
	for (size_t i = 0; i < sizeof(algs) / sizeof(algs[0]); i++) {
		struct crypto_key *key = new_key(algs[i]);
		struct received received = {.key = key};
		struct buf set;
		char header[32];
		char *token;

		(void)snprintf(header, sizeof(header), "{\"alg\":\"%s\"}", jose_alg_name(algs[i]));
		token = sign_as(key, header, "{\"sub\":\"a\"}");
		received.token = token;
		buf_init(&set, 8192);
		(void)buf_append_text(&set, "{\"keys\":[");
		(void)jwk_append(&set, key, "a");
		assert_int_equal(buf_append_text(&set, "]}"), 0);
		exhaust(sign, key, 1);
		exhaust(receive, &received, 1);
		exhaust(read_keys, &set, 1);
		/* OpenSSL tries decoders by the thousand. */
		exhaust(store_key, key, 17);
		buf_finish(&set);
		free(token);
		crypto_key_destroy(key);
	}
	exhaust(mac, NULL, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_codec),
		cmocka_unit_test(test_jose),
	};

	if (CRYPTO_set_mem_functions(openssl_malloc, openssl_realloc, openssl_free) != 1)
		return 1;
	json_set_alloc_funcs(__wrap_malloc, free);
	return cmocka_run_group_tests_name("memory", tests, NULL, NULL);
}
