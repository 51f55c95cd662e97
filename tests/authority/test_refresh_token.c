/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "authority/refresh_token.h"
#include "base/error.h"
#include "codec/base64url.h"

#include <stdio.h>
#include <string.h>

#define ISSUER "https://id.example.com/identity"
#define OTHER_ISSUER "https://id.example.org/identity"
#define KID "0123456789abcdef"

enum { NOW_S = 1800000000, HEAD = KEYRING_KID_LENGTH + CRYPTO_SEAL_NONCE_SIZE };

static unsigned char key_bytes[KEYRING_SECRET_SIZE] = {1, 2, 3};
static unsigned char other_bytes[KEYRING_SECRET_SIZE] = {1, 2, 4};

/* One sealing key, active since NOW_S. */
static struct keyring_snapshot snapshot_of(unsigned char *bytes, const char *kid)
{
	struct keyring_snapshot snapshot = {.sealing_count = 1};
	struct keyring_key *key = &snapshot.sealing[0];

	(void)snprintf(key->kid, sizeof(key->kid), "%s", kid);
	key->activates_at = NOW_S;
	key->bytes = (struct secret){.bytes = bytes, .length = KEYRING_SECRET_SIZE};
	return snapshot;
}

static struct refresh_token some_token(void)
{
	return (struct refresh_token){
		.epoch = 3,
		.family_id = {0, 1, 2, 0xff},
		.seq = 41,
		.grant_id = {9, 8, 7},
		.generation = INT64_MAX,
		.auth_time = NOW_S - 5,
		.issued_at = NOW_S,
		.family_expires_at = NOW_S + 86400,
		.client_id = "external.customer",
		.user_id = "su_01h2xcejqtf2nbrexx3vqjhp41",
		.scope = "cosmos offline_access",
		.resource = "external-api",
		.amr = "pwd",
		.credential_id = "fedcba9876543210",
	};
}

static void seal(const struct keyring_snapshot *snapshot, const struct refresh_token *token,
	char text[REFRESH_TOKEN_MAX + 1])
{
	struct buf buf;

	buf_init_fixed(&buf, text, REFRESH_TOKEN_MAX + 1);
	assert_int_equal(refresh_token_seal(snapshot, ISSUER, NOW_S, token, &buf), 0);
}

static void test_opens_what_it_sealed(void **state)
{
	struct keyring_snapshot snapshot = snapshot_of(key_bytes, KID);
	struct refresh_token token = some_token();
	struct refresh_token opened;
	char text[REFRESH_TOKEN_MAX + 1];
	char again[REFRESH_TOKEN_MAX + 1];

	(void)state;
	seal(&snapshot, &token, text);
	seal(&snapshot, &token, again);
	assert_string_not_equal(text, again);
	assert_memory_equal(text, "adr_", 4);
	memset(&opened, 0xa5, sizeof(opened));
	assert_int_equal(refresh_token_open(&snapshot, ISSUER, NOW_S, text, &opened), 0);
	assert_memory_equal(&opened, &token, sizeof(token));
}

/* A flip of any bit of any character: another token, or none at all. */
static void test_refuses_every_flipped_bit(void **state)
{
	struct keyring_snapshot snapshot = snapshot_of(key_bytes, KID);
	struct refresh_token token = some_token();
	struct refresh_token opened;
	char text[REFRESH_TOKEN_MAX + 1];

	(void)state;
	seal(&snapshot, &token, text);
	for (size_t i = 0; i < strlen(text); i++) {
		for (int bit = 0; bit < 8; bit++) {
			char kept = text[i];

			text[i] = (char)(kept ^ (1 << bit));
			assert_int_equal(
				refresh_token_open(&snapshot, ISSUER, NOW_S, text, &opened),
				ERROR_REFUSED);
			text[i] = kept;
		}
	}
	assert_int_equal(refresh_token_open(&snapshot, ISSUER, NOW_S, text, &opened), 0);
}

static void test_refuses_what_is_cut_or_longer(void **state)
{
	struct keyring_snapshot snapshot = snapshot_of(key_bytes, KID);
	struct refresh_token token = some_token();
	struct refresh_token opened;
	char text[REFRESH_TOKEN_MAX + 8];
	char kept;
	size_t length;

	(void)state;
	seal(&snapshot, &token, text);
	length = strlen(text);
	for (size_t i = 0; i < length; i++) {
		kept = text[i];
		text[i] = '\0';
		assert_int_equal(
			refresh_token_open(&snapshot, ISSUER, NOW_S, text, &opened), ERROR_REFUSED);
		text[i] = kept;
	}
	for (; length < sizeof(text) - 1; length++) {
		text[length] = 'A';
		text[length + 1] = '\0';
		assert_int_equal(
			refresh_token_open(&snapshot, ISSUER, NOW_S, text, &opened), ERROR_REFUSED);
	}
}

static void test_refuses_another_issuers(void **state)
{
	struct keyring_snapshot snapshot = snapshot_of(key_bytes, KID);
	struct refresh_token token = some_token();
	struct refresh_token opened;
	char text[REFRESH_TOKEN_MAX + 1];

	(void)state;
	seal(&snapshot, &token, text);
	assert_int_equal(
		refresh_token_open(&snapshot, OTHER_ISSUER, NOW_S, text, &opened), ERROR_REFUSED);
	assert_int_equal(
		refresh_token_open(&snapshot, ISSUER "/", NOW_S, text, &opened), ERROR_REFUSED);
}

static void test_refuses_another_key(void **state)
{
	struct keyring_snapshot snapshot = snapshot_of(key_bytes, KID);
	struct keyring_snapshot same_name = snapshot_of(other_bytes, KID);
	struct keyring_snapshot same_key = snapshot_of(key_bytes, "0123456789abcdeF");
	struct keyring_snapshot none = {0};
	struct refresh_token token = some_token();
	struct refresh_token opened;
	char text[REFRESH_TOKEN_MAX + 1];

	(void)state;
	seal(&snapshot, &token, text);
	assert_int_equal(
		refresh_token_open(&same_name, ISSUER, NOW_S, text, &opened), ERROR_REFUSED);
	assert_int_equal(
		refresh_token_open(&same_key, ISSUER, NOW_S, text, &opened), ERROR_REFUSED);
	assert_int_equal(refresh_token_open(&none, ISSUER, NOW_S, text, &opened), ERROR_REFUSED);
}

/* A retired key opens what it sealed until it has gone, and seals no more. */
static void test_the_life_of_a_key(void **state)
{
	struct keyring_snapshot snapshot = snapshot_of(key_bytes, KID);
	struct refresh_token token = some_token();
	struct refresh_token opened;
	char text[REFRESH_TOKEN_MAX + 1];
	char bytes[REFRESH_TOKEN_MAX + 1];
	struct buf buf;

	(void)state;
	seal(&snapshot, &token, text);
	snapshot.sealing[0].retires_at = NOW_S + 10;
	snapshot.sealing[0].gone_at = NOW_S + 20;
	buf_init_fixed(&buf, bytes, sizeof(bytes));
	assert_int_equal(
		refresh_token_seal(&snapshot, ISSUER, NOW_S - 1, &token, &buf), ERROR_NOT_FOUND);
	assert_int_equal(refresh_token_seal(&snapshot, ISSUER, NOW_S + 9, &token, &buf), 0);
	buf_reset(&buf);
	assert_int_equal(
		refresh_token_seal(&snapshot, ISSUER, NOW_S + 10, &token, &buf), ERROR_NOT_FOUND);
	assert_int_equal(buf.len, 0);
	assert_int_equal(refresh_token_open(&snapshot, ISSUER, NOW_S + 19, text, &opened), 0);
	assert_int_equal(
		refresh_token_open(&snapshot, ISSUER, NOW_S + 20, text, &opened), ERROR_REFUSED);
}

/* Seals `plain` as the key would, whatever it says. */
static void seal_plain(const unsigned char *plain, size_t length, char *text)
{
	static const char bound_text[] = "adr_" KID ISSUER;
	const struct crypto_part bound = {bound_text, sizeof(bound_text) - 1};
	const struct secret key = {key_bytes, sizeof(key_bytes)};
	unsigned char sealed[2048] = KID;

	assert_int_equal(crypto_seal(&key, sealed + KEYRING_KID_LENGTH, &bound, plain, length,
				 sealed + HEAD),
		0);
	memcpy(text, "adr_", 4);
	length += HEAD + CRYPTO_SEAL_TAG_SIZE;
	base64url_encode(text + 4, sealed, length);
	text[4 + base64url_encoded_length(length)] = '\0';
}

static size_t open_plain(const char *text, unsigned char plain[2048])
{
	static const char bound_text[] = "adr_" KID ISSUER;
	const struct crypto_part bound = {bound_text, sizeof(bound_text) - 1};
	const struct secret key = {key_bytes, sizeof(key_bytes)};
	unsigned char sealed[2048];
	size_t length;

	assert_int_equal(
		base64url_decode(text + 4, strlen(text + 4), sealed, sizeof(sealed), &length), 0);
	assert_int_equal(crypto_open(&key, sealed + KEYRING_KID_LENGTH, &bound, sealed + HEAD,
				 length - HEAD, plain),
		0);
	return length - HEAD - CRYPTO_SEAL_TAG_SIZE;
}

/* Sealed by our key and yet not of our layout: what a later version might write. */
static void test_refuses_another_layout(void **state)
{
	struct keyring_snapshot snapshot = snapshot_of(key_bytes, KID);
	struct refresh_token token = some_token();
	struct refresh_token opened;
	unsigned char plain[2048] = {0};
	char text[4096];
	size_t length;

	(void)state;
	seal(&snapshot, &token, text);
	length = open_plain(text, plain);
	assert_int_equal(plain[0], 1);
	seal_plain(plain, length, text);
	assert_int_equal(refresh_token_open(&snapshot, ISSUER, NOW_S, text, &opened), 0);
	for (int layout = 0; layout < 256; layout++) {
		plain[0] = (unsigned char)layout;
		seal_plain(plain, length, text);
		assert_int_equal(refresh_token_open(&snapshot, ISSUER, NOW_S, text, &opened),
			layout == 1 ? 0 : ERROR_REFUSED);
	}
	plain[0] = 1;
	for (size_t shorter = 0; shorter < length; shorter++) {
		seal_plain(plain, shorter, text);
		assert_int_equal(
			refresh_token_open(&snapshot, ISSUER, NOW_S, text, &opened), ERROR_REFUSED);
	}
	seal_plain(plain, length + 1, text);
	assert_int_equal(
		refresh_token_open(&snapshot, ISSUER, NOW_S, text, &opened), ERROR_REFUSED);
}

/* The client id's length stands after eight numbers and two ids. */
static void test_refuses_bad_texts(void **state)
{
	enum { AT = 1 + 6 * 8 + 2 * STORE_BINARY_ID_SIZE };
	struct keyring_snapshot snapshot = snapshot_of(key_bytes, KID);
	struct refresh_token token = some_token();
	struct refresh_token opened;
	unsigned char plain[2048];
	char text[4096];
	size_t length;

	(void)state;
	seal(&snapshot, &token, text);
	length = open_plain(text, plain);
	assert_memory_equal(plain + AT + 2, "external.customer", 17);
	plain[AT + 2 + 8] = '\0';
	seal_plain(plain, length, text);
	assert_int_equal(
		refresh_token_open(&snapshot, ISSUER, NOW_S, text, &opened), ERROR_REFUSED);
	plain[AT + 2 + 8] = '.';
	plain[AT] = 0xff;
	seal_plain(plain, length, text);
	assert_int_equal(
		refresh_token_open(&snapshot, ISSUER, NOW_S, text, &opened), ERROR_REFUSED);
}

static void fill(char *text, size_t size)
{
	memset(text, 'x', size - 1);
	text[size - 1] = '\0';
}

/* What it may become is bounded, so that every one that is given can be redeemed. */
static void test_seals_nothing_too_long_to_redeem(void **state)
{
	struct keyring_snapshot snapshot = snapshot_of(key_bytes, KID);
	struct refresh_token token = some_token();
	struct refresh_token opened;
	char text[2 * REFRESH_TOKEN_MAX];
	struct buf buf;

	(void)state;
	fill(token.client_id, sizeof(token.client_id));
	fill(token.scope, sizeof(token.scope));
	fill(token.resource, 129);
	seal(&snapshot, &token, text);
	assert_int_equal(refresh_token_open(&snapshot, ISSUER, NOW_S, text, &opened), 0);
	assert_memory_equal(&opened, &token, sizeof(token));
	fill(token.resource, sizeof(token.resource));
	fill(token.amr, sizeof(token.amr));
	fill(token.cnf, sizeof(token.cnf));
	buf_init_fixed(&buf, text, sizeof(text));
	assert_int_equal(refresh_token_seal(&snapshot, ISSUER, NOW_S, &token, &buf), ERROR_LIMIT);
	assert_int_equal(buf.len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_opens_what_it_sealed),
		cmocka_unit_test(test_refuses_every_flipped_bit),
		cmocka_unit_test(test_refuses_what_is_cut_or_longer),
		cmocka_unit_test(test_refuses_another_issuers),
		cmocka_unit_test(test_refuses_another_key),
		cmocka_unit_test(test_the_life_of_a_key),
		cmocka_unit_test(test_refuses_another_layout),
		cmocka_unit_test(test_refuses_bad_texts),
		cmocka_unit_test(test_seals_nothing_too_long_to_redeem),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
