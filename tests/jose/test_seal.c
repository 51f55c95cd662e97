/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/error.h"
#include "jose/crypto.h"

#include <string.h>

static void from_hex(const char *hex, unsigned char *bytes)
{
	static const char digits[] = "0123456789abcdef";

	for (; *hex; hex += 2) {
		const char *high = strchr(digits, hex[0]);
		const char *low = strchr(digits, hex[1]);

		assert_true(high && low);
		*bytes++ = (unsigned char)((high - digits) << 4 | (low - digits));
	}
}

static void check_digest(const unsigned char digest[CRYPTO_SHA256_SIZE], const char *hex)
{
	unsigned char expected[CRYPTO_SHA256_SIZE];

	from_hex(hex, expected);
	assert_memory_equal(digest, expected, sizeof(expected));
}

/* FIPS 180-4's examples. */
static void test_sha256(void **state)
{
	unsigned char digest[CRYPTO_SHA256_SIZE];

	(void)state;
	assert_int_equal(crypto_sha256("", 0, digest), 0);
	check_digest(digest, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	assert_int_equal(crypto_sha256("abc", 3, digest), 0);
	check_digest(digest, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void hmac(size_t key_length, unsigned char byte, const char *first, const char *second,
	const char *expected)
{
	const struct crypto_part parts[] = {{first, strlen(first)}, {second, strlen(second)}};
	unsigned char digest[CRYPTO_SHA256_SIZE];
	struct secret key;

	assert_int_equal(secret_init_empty(&key, key_length), 0);
	memset(key.bytes, byte, key_length);
	assert_int_equal(crypto_hmac_sha256(&key, parts, 2, digest), 0);
	check_digest(digest, expected);
	secret_finish(&key);
}

/* RFC 4231, 4.2, 4.7 and 4.8, in two parts. */
static void test_hmac(void **state)
{
	(void)state;
	hmac(20, 0x0b, "Hi ", "There",
		"b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
	hmac(131, 0xaa, "Test Using Larger Than Block-Size Key", " - Hash Key First",
		"60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
	hmac(131, 0xaa,
		"This is a test using a larger than block-size key and a larger than block-size "
		"data. ",
		"The key needs to be hashed before being used by the HMAC algorithm.",
		"9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2");
}

static void test_hmac_of_nothing(void **state)
{
	unsigned char digest[CRYPTO_SHA256_SIZE];
	struct secret key;

	(void)state;
	assert_int_equal(secret_init(&key, "", 0), 0);
	assert_int_equal(crypto_hmac_sha256(&key, NULL, 0, digest), 0);
	check_digest(digest, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
	secret_finish(&key);
}

struct box {
	struct secret key;
	unsigned char nonce[CRYPTO_SEAL_NONCE_SIZE];
	struct crypto_part authenticated;
};

static const char plain[] = "Ladies and Gentlemen of the class of '99: If I could offer you only "
			    "one tip for the future, sunscreen would be it.";

enum { PLAIN_SIZE = sizeof(plain) - 1, SEALED_SIZE = PLAIN_SIZE + CRYPTO_SEAL_TAG_SIZE };

/* draft-irtf-cfrg-xchacha-03, A.3.1 */
static void make_box(struct box *box)
{
	static const unsigned char authenticated[] = {
		0x50, 0x51, 0x52, 0x53, 0xc0, 0xc1, 0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xc7};

	assert_int_equal(secret_init_empty(&box->key, CRYPTO_SEAL_KEY_SIZE), 0);
	for (size_t i = 0; i < CRYPTO_SEAL_KEY_SIZE; i++)
		box->key.bytes[i] = (unsigned char)(0x80 + i);
	for (size_t i = 0; i < CRYPTO_SEAL_NONCE_SIZE; i++)
		box->nonce[i] = (unsigned char)(0x40 + i);
	box->authenticated = (struct crypto_part){authenticated, sizeof(authenticated)};
}

static void test_seal_known_answer(void **state)
{
	static const char expected_hex[] =
		"bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb731c7f1b0b4aa644"
		"0bf3a82f4eda7e39ae64c6708c54c216cb96b72e1213b4522f8c9ba40db5d945b11b69b982c1bb9e"
		"3f3fac2bc369488f76b2383565d3fff921f9664c97637da9768812f615c68b13b52e"
		"c0875924c1c7987947deafd8780acf49";
	unsigned char expected[SEALED_SIZE];
	unsigned char sealed[SEALED_SIZE];
	unsigned char opened[PLAIN_SIZE];
	struct box box;

	(void)state;
	make_box(&box);
	from_hex(expected_hex, expected);
	assert_int_equal(
		crypto_seal(&box.key, box.nonce, &box.authenticated, plain, PLAIN_SIZE, sealed), 0);
	assert_memory_equal(sealed, expected, sizeof(expected));
	assert_int_equal(crypto_open(&box.key, box.nonce, &box.authenticated, sealed,
				 sizeof(sealed), opened),
		0);
	assert_memory_equal(opened, plain, PLAIN_SIZE);
	secret_finish(&box.key);
}

static void test_every_changed_bit_is_refused(void **state)
{
	unsigned char sealed[SEALED_SIZE];
	unsigned char opened[PLAIN_SIZE];
	struct crypto_part other;
	struct box box;

	(void)state;
	make_box(&box);
	assert_int_equal(
		crypto_seal(&box.key, box.nonce, &box.authenticated, plain, PLAIN_SIZE, sealed), 0);
	for (size_t i = 0; i < sizeof(sealed) * 8; i++) {
		sealed[i / 8] ^= (unsigned char)(1 << i % 8);
		assert_int_equal(crypto_open(&box.key, box.nonce, &box.authenticated, sealed,
					 sizeof(sealed), opened),
			ERROR_REFUSED);
		sealed[i / 8] ^= (unsigned char)(1 << i % 8);
	}
	for (size_t i = 0; i < sizeof(sealed); i++)
		assert_int_equal(
			crypto_open(&box.key, box.nonce, &box.authenticated, sealed, i, opened),
			ERROR_REFUSED);
	other = (struct crypto_part){box.authenticated.bytes, box.authenticated.length - 1};
	assert_int_equal(crypto_open(&box.key, box.nonce, &other, sealed, sizeof(sealed), opened),
		ERROR_REFUSED);
	assert_int_equal(crypto_open(&box.key, box.nonce, NULL, sealed, sizeof(sealed), opened),
		ERROR_REFUSED);
	box.nonce[23] ^= 1;
	assert_int_equal(crypto_open(&box.key, box.nonce, &box.authenticated, sealed,
				 sizeof(sealed), opened),
		ERROR_REFUSED);
	box.nonce[23] ^= 1;
	box.key.bytes[0] ^= 1;
	assert_int_equal(crypto_open(&box.key, box.nonce, &box.authenticated, sealed,
				 sizeof(sealed), opened),
		ERROR_REFUSED);
	secret_finish(&box.key);
}

static void test_keys_of_other_lengths_are_refused(void **state)
{
	unsigned char out[CRYPTO_SEAL_TAG_SIZE];
	struct box box;

	(void)state;
	make_box(&box);
	box.key.length--;
	assert_int_equal(crypto_seal(&box.key, box.nonce, NULL, "", 0, out), ERROR_INVALID);
	assert_int_equal(
		crypto_open(&box.key, box.nonce, NULL, out, sizeof(out), out), ERROR_INVALID);
	box.key.length++;
	assert_int_equal(crypto_seal(&box.key, box.nonce, NULL, "", 0, out), 0);
	assert_int_equal(crypto_open(&box.key, box.nonce, NULL, out, sizeof(out), out), 0);
	secret_finish(&box.key);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sha256),
		cmocka_unit_test(test_hmac),
		cmocka_unit_test(test_hmac_of_nothing),
		cmocka_unit_test(test_seal_known_answer),
		cmocka_unit_test(test_every_changed_bit_is_refused),
		cmocka_unit_test(test_keys_of_other_lengths_are_refused),
	};

	return cmocka_run_group_tests_name("seal", tests, NULL, NULL);
}
