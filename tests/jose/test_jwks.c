/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/error.h"
#include "codec/json_writer.h"
#include "jose/jwks.h"
#include "tokens.h"

#include <stdio.h>
#include <string.h>

enum { SET_MAX = 512 * 1024 };

static void begin_set(struct buf *buf, struct json_writer *writer)
{
	buf_init(buf, SET_MAX);
	json_writer_init(writer, buf);
	json_write_object(writer, NULL);
	json_write_array(writer, "keys");
}

static void add_key(struct json_writer *writer, const struct crypto_key *key, const char *kid)
{
	struct buf text;

	buf_init(&text, 4096);
	assert_int_equal(jwk_append(&text, key, kid), 0);
	json_write_raw(writer, NULL, text.data, text.len);
	buf_finish(&text);
}

/* Ends the set, parses it, and forgets the text. */
static int end_set(struct buf *buf, struct json_writer *writer, struct jwks **ret_jwks)
{
	int error;

	json_write_array_end(writer);
	json_write_object_end(writer);
	assert_int_equal(json_writer_status(writer), 0);
	error = jwks_parse(buf->data, buf->len, ret_jwks);
	buf_finish(buf);
	return error;
}

static void test_keys_are_found_by_kid_and_algorithm(void **state)
{
	struct crypto_key *ec = new_key(JOSE_ES256);
	struct crypto_key *ed = new_key(JOSE_EDDSA);
	struct jwks *jwks = NULL;
	struct json_writer writer;
	struct buf buf;

	(void)state;
	begin_set(&buf, &writer);
	add_key(&writer, ec, "a");
	add_key(&writer, ec, "b");
	add_key(&writer, ed, "a");
	add_key(&writer, ed, NULL);
	add_key(&writer, ed, NULL);
	assert_int_equal(end_set(&buf, &writer, &jwks), 0);
	assert_int_equal(jwks_count(jwks), 5);
	assert_int_equal(crypto_key_alg(jwks_find(jwks, "a", JOSE_ES256)), JOSE_ES256);
	assert_int_equal(crypto_key_alg(jwks_find(jwks, "a", JOSE_EDDSA)), JOSE_EDDSA);
	assert_ptr_not_equal(jwks_find(jwks, "a", JOSE_ES256), jwks_find(jwks, "b", JOSE_ES256));
	assert_null(jwks_find(jwks, "b", JOSE_EDDSA));
	assert_null(jwks_find(jwks, "c", JOSE_ES256));
	assert_null(jwks_find(jwks, "A", JOSE_ES256));
	assert_null(jwks_find(jwks, "a", JOSE_RS256));
	assert_null(jwks_find(jwks, "", JOSE_EDDSA));
	jwks_destroy(jwks);
	crypto_key_destroy(ed);
	crypto_key_destroy(ec);
}

static void test_a_token_without_kid_wants_an_only_key(void **state)
{
	struct crypto_key *ec = new_key(JOSE_ES256);
	struct crypto_key *ed = new_key(JOSE_EDDSA);
	struct jwks *jwks = NULL;
	struct json_writer writer;
	struct buf buf;

	(void)state;
	begin_set(&buf, &writer);
	add_key(&writer, ec, "a");
	add_key(&writer, ec, "b");
	add_key(&writer, ed, "c");
	assert_int_equal(end_set(&buf, &writer, &jwks), 0);
	assert_null(jwks_find(jwks, NULL, JOSE_ES256));
	assert_null(jwks_find(jwks, NULL, JOSE_RS256));
	assert_ptr_equal(jwks_find(jwks, NULL, JOSE_EDDSA), jwks_find(jwks, "c", JOSE_EDDSA));
	jwks_destroy(jwks);
	crypto_key_destroy(ed);
	crypto_key_destroy(ec);
}

static void test_keys_of_others_are_passed_over(void **state)
{
	static const char text[] = "{\"keys\":[{\"kty\":\"oct\",\"k\":\"AA\",\"kid\":\"a\"},"
				   "{\"kty\":\"EC\",\"crv\":\"P-521\",\"kid\":\"a\"},"
				   "{\"kty\":\"new\"}],\"more\":1}";
	struct jwks *jwks = NULL;

	(void)state;
	assert_int_equal(jwks_parse(text, strlen(text), &jwks), 0);
	assert_int_equal(jwks_count(jwks), 0);
	assert_null(jwks_find(jwks, "a", JOSE_ES256));
	assert_null(jwks_find(jwks, NULL, JOSE_ES256));
	jwks_destroy(jwks);
	jwks_destroy(NULL);
}

static void test_malformed_sets_are_refused(void **state)
{
	static const char *const texts[] = {"", "[]", "{}", "{\"keys\":{}}", "{\"keys\":null}",
		"{\"keys\":[1]}", "{\"keys\":[{}]}", "{\"keys\":[],\"keys\":[]}", "{\"keys\":[]",
		"{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\"}]}"};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct jwks *jwks = NULL;

		assert_int_equal(jwks_parse(texts[i], strlen(texts[i]), &jwks), ERROR_INVALID);
		assert_null(jwks);
	}
}

static void test_twins_are_refused(void **state)
{
	struct crypto_key *one = new_key(JOSE_ES256);
	struct crypto_key *two = new_key(JOSE_ES256);
	struct jwks *jwks = NULL;
	struct json_writer writer;
	struct buf buf;

	(void)state;
	begin_set(&buf, &writer);
	add_key(&writer, one, "a");
	add_key(&writer, two, "a");
	assert_int_equal(end_set(&buf, &writer, &jwks), ERROR_INVALID);
	assert_null(jwks);
	crypto_key_destroy(two);
	crypto_key_destroy(one);
}

static int parse_many(const struct crypto_key *key, unsigned count)
{
	struct jwks *jwks = NULL;
	struct json_writer writer;
	struct buf buf;
	int error;

	begin_set(&buf, &writer);
	json_write_raw(&writer, NULL, "{\"kty\":\"oct\"}", 13);
	for (unsigned i = 0; i < count; i++) {
		char kid[16];

		(void)snprintf(kid, sizeof(kid), "%u", i);
		add_key(&writer, key, kid);
	}
	error = end_set(&buf, &writer, &jwks);
	jwks_destroy(jwks);
	return error;
}

static void test_sets_are_bounded(void **state)
{
	struct crypto_key *key = new_key(JOSE_EDDSA);
	char *text = malloc(JWKS_TEXT_MAX + 1);
	struct jwks *jwks = NULL;

	(void)state;
	assert_int_equal(parse_many(key, JWKS_KEYS_MAX), 0);
	assert_int_equal(parse_many(key, JWKS_KEYS_MAX + 1), ERROR_LIMIT);
	assert_non_null(text);
	memset(text, ' ', JWKS_TEXT_MAX + 1);
	memcpy(text, "{\"keys\":[]}", 11);
	assert_int_equal(jwks_parse(text, JWKS_TEXT_MAX + 1, &jwks), ERROR_LIMIT);
	assert_int_equal(jwks_parse(text, JWKS_TEXT_MAX, &jwks), 0);
	jwks_destroy(jwks);
	free(text);
	crypto_key_destroy(key);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys_are_found_by_kid_and_algorithm),
		cmocka_unit_test(test_a_token_without_kid_wants_an_only_key),
		cmocka_unit_test(test_keys_of_others_are_passed_over),
		cmocka_unit_test(test_malformed_sets_are_refused),
		cmocka_unit_test(test_twins_are_refused),
		cmocka_unit_test(test_sets_are_bounded),
	};

	return cmocka_run_group_tests_name("jwks", tests, NULL, NULL);
}
