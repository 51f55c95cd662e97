/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/error.h"
#include "jose/crypto.h"
#include "jose/ecdsa.h"
#include "tokens.h"

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <pthread.h>
#include <string.h>

static const enum jose_alg algs[] = {JOSE_ES256, JOSE_RS256, JOSE_EDDSA};

enum { ALG_COUNT = sizeof(algs) / sizeof(algs[0]) };

static void test_names(void **state)
{
	enum jose_alg alg;

	(void)state;
	for (size_t i = 0; i < ALG_COUNT; i++) {
		assert_int_equal(jose_alg_parse(jose_alg_name(algs[i]), &alg), 0);
		assert_int_equal(alg, algs[i]);
	}
	for (const char *const *name = (const char *const[]){"none", "None", "HS256", "es256",
		     "ES384", "PS256", "RS384", "Ed25519", "", "ES256 ", NULL};
		*name; name++)
		assert_int_equal(jose_alg_parse(*name, &alg), ERROR_INVALID);
	assert_null(jose_alg_name((enum jose_alg)0));
	assert_null(jose_alg_name((enum jose_alg)4));
}

/* Signs by one key and verifies by another: 0 if they belong together. */
static int sign_and_verify(struct crypto_key *private_key, const struct crypto_key *public_key)
{
	unsigned char signature[CRYPTO_SIGNATURE_MAX];
	struct crypto_signer *signer = NULL;
	size_t length;

	assert_int_equal(crypto_signer_create(private_key, &signer), 0);
	assert_int_equal(crypto_signer_sign(signer, "data", 4, signature, &length), 0);
	crypto_signer_destroy(signer);
	return crypto_verify(public_key, "data", 4, signature, length);
}

static void test_private_keys_come_back(void **state)
{
	(void)state;
	for (size_t i = 0; i < ALG_COUNT; i++) {
		struct crypto_key *key = new_key(algs[i]);
		struct crypto_key *other = new_key(algs[i]);
		struct crypto_key *again = NULL;
		struct secret der;

		assert_int_equal(crypto_key_to_private(key, &der), 0);
		assert_int_equal(crypto_key_from_private(algs[i], &der, &again), 0);
		assert_int_equal(crypto_key_alg(again), algs[i]);
		assert_int_equal(sign_and_verify(again, key), 0);
		assert_int_equal(sign_and_verify(key, again), 0);
		assert_int_equal(sign_and_verify(other, key), ERROR_REFUSED);
		secret_finish(&der);
		crypto_key_destroy(again);
		crypto_key_destroy(other);
		crypto_key_destroy(key);
	}
}

static void test_public_keys_come_back(void **state)
{
	static const size_t first_lengths[] = {32, 256, 32};
	static const size_t second_lengths[] = {32, 3, 0};

	(void)state;
	for (size_t i = 0; i < ALG_COUNT; i++) {
		struct crypto_key *key = new_key(algs[i]);
		unsigned char bytes[CRYPTO_PUBLIC_MAX];
		struct crypto_signer *signer = NULL;
		struct crypto_key *again = NULL;
		struct crypto_public parts;
		struct secret der;

		assert_int_equal(crypto_key_public(key, bytes, &parts), 0);
		assert_int_equal(parts.first_length, first_lengths[i]);
		assert_int_equal(parts.second_length, second_lengths[i]);
		assert_int_equal(crypto_key_from_public(algs[i], &parts, &again), 0);
		assert_int_equal(sign_and_verify(key, again), 0);
		assert_int_equal(crypto_signer_create(again, &signer), ERROR_INVALID);
		assert_int_equal(crypto_key_to_private(again, &der), ERROR_INVALID);
		crypto_key_destroy(again);
		crypto_key_destroy(key);
	}
}

/* PKCS#8 of a key that OpenSSL makes. */
static void make_der(EVP_PKEY *pkey, struct secret *ret_der)
{
	PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(pkey);
	unsigned char *der = NULL;
	int length;

	assert_non_null(info);
	length = i2d_PKCS8_PRIV_KEY_INFO(info, &der);
	assert_true(length > 0);
	assert_int_equal(secret_init(ret_der, der, (size_t)length), 0);
	OPENSSL_free(der);
	PKCS8_PRIV_KEY_INFO_free(info);
	EVP_PKEY_free(pkey);
}

static void check_unfit(enum jose_alg alg, EVP_PKEY *pkey)
{
	struct crypto_key *key = NULL;
	struct secret der;

	assert_non_null(pkey);
	make_der(pkey, &der);
	assert_int_equal(crypto_key_from_private(alg, &der, &key), ERROR_INVALID);
	assert_null(key);
	secret_finish(&der);
}

/* Requirement 46, and keys of other kinds. */
static void test_unfit_private_keys_are_refused(void **state)
{
	(void)state;
	check_unfit(JOSE_ES256, EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-384"));
	check_unfit(JOSE_ES256, EVP_PKEY_Q_keygen(NULL, NULL, "EC", "secp256k1"));
	check_unfit(JOSE_ES256, EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"));
	check_unfit(JOSE_EDDSA, EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256"));
	check_unfit(JOSE_EDDSA, EVP_PKEY_Q_keygen(NULL, NULL, "ED448"));
	check_unfit(JOSE_EDDSA, EVP_PKEY_Q_keygen(NULL, NULL, "X25519"));
	check_unfit(JOSE_RS256, EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256"));
	check_unfit(JOSE_RS256, EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)1024));
	check_unfit((enum jose_alg)0, EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"));
}

static void test_damaged_private_keys_are_refused(void **state)
{
	struct crypto_key *key = new_key(JOSE_ES256);
	struct crypto_key *again = NULL;
	struct secret longer;
	struct secret der;

	(void)state;
	assert_int_equal(crypto_key_to_private(key, &der), 0);
	assert_int_equal(secret_init_empty(&longer, der.length + 1), 0);
	memcpy(longer.bytes, der.bytes, der.length);
	assert_int_equal(crypto_key_from_private(JOSE_ES256, &longer, &again), ERROR_INVALID);
	for (size_t i = 0; i < der.length; i++) {
		const struct secret cut = {der.bytes, i};

		assert_int_equal(crypto_key_from_private(JOSE_ES256, &cut, &again), ERROR_INVALID);
	}
	/* The public half of another key. */
	der.bytes[der.length - 1] ^= 1;
	assert_int_equal(crypto_key_from_private(JOSE_ES256, &der, &again), ERROR_INVALID);
	assert_null(again);
	secret_finish(&longer);
	secret_finish(&der);
	crypto_key_destroy(key);
}

static int take_public(enum jose_alg alg, const void *first, size_t first_length,
	const void *second, size_t second_length)
{
	const struct crypto_public parts = {first, first_length, second, second_length};
	struct crypto_key *key = NULL;
	int error = crypto_key_from_public(alg, &parts, &key);

	assert_true((error == 0) == (key != NULL));
	crypto_key_destroy(key);
	return error;
}

static void test_points_are_on_the_curve(void **state)
{
	struct crypto_key *key = new_key(JOSE_ES256);
	unsigned char bytes[CRYPTO_PUBLIC_MAX];
	unsigned char zero[32] = {0};
	unsigned char y[33] = {0};
	struct crypto_public parts;

	(void)state;
	assert_int_equal(crypto_key_public(key, bytes, &parts), 0);
	memcpy(y, parts.second, 32);
	assert_int_equal(take_public(JOSE_ES256, parts.first, 32, y, 32), 0);
	assert_int_equal(take_public(JOSE_ES256, parts.first, 31, y, 32), ERROR_INVALID);
	assert_int_equal(take_public(JOSE_ES256, parts.first, 32, y, 33), ERROR_INVALID);
	assert_int_equal(take_public(JOSE_ES256, parts.first, 32, NULL, 0), ERROR_INVALID);
	assert_int_equal(take_public(JOSE_ES256, zero, 32, zero, 32), ERROR_INVALID);
	y[31] ^= 1;
	assert_int_equal(take_public(JOSE_ES256, parts.first, 32, y, 32), ERROR_INVALID);
	assert_int_equal(take_public(JOSE_EDDSA, parts.first, 31, NULL, 0), ERROR_INVALID);
	assert_int_equal(take_public(JOSE_EDDSA, parts.first, 33, NULL, 0), ERROR_INVALID);
	assert_int_equal(take_public((enum jose_alg)9, parts.first, 32, y, 32), ERROR_INVALID);
	crypto_key_destroy(key);
}

/* Requirement 46. */
static void test_rsa_numbers_are_bounded(void **state)
{
	static const unsigned char good[] = {1, 0, 1};
	unsigned char n[1025];

	(void)state;
	memset(n, 0xff, sizeof(n));
	assert_int_equal(take_public(JOSE_RS256, n, 256, good, 3), 0);
	assert_int_equal(take_public(JOSE_RS256, n, 1024, good, 3), 0);
	assert_int_equal(take_public(JOSE_RS256, n, 256, "\3", 1), 0);
	assert_int_equal(take_public(JOSE_RS256, n, 256, "\xff\xff\xff\xff", 4), 0);
	assert_int_equal(take_public(JOSE_RS256, n, 1025, good, 3), ERROR_INVALID);
	assert_int_equal(take_public(JOSE_RS256, n, 255, good, 3), ERROR_INVALID);
	assert_int_equal(take_public(JOSE_RS256, n, 256, "\1", 1), ERROR_INVALID);
	assert_int_equal(take_public(JOSE_RS256, n, 256, "\2", 1), ERROR_INVALID);
	assert_int_equal(take_public(JOSE_RS256, n, 256, "\4", 1), ERROR_INVALID);
	assert_int_equal(take_public(JOSE_RS256, n, 256, "\0\3", 2), ERROR_INVALID);
	assert_int_equal(take_public(JOSE_RS256, n, 256, "\0", 1), ERROR_INVALID);
	assert_int_equal(take_public(JOSE_RS256, n, 256, "", 0), ERROR_INVALID);
	assert_int_equal(take_public(JOSE_RS256, n, 256, NULL, 0), ERROR_INVALID);
	assert_int_equal(take_public(JOSE_RS256, n, 256, "\1\0\0\0\1", 5), ERROR_INVALID);
	n[0] = 0;
	assert_int_equal(take_public(JOSE_RS256, n, 257, good, 3), ERROR_INVALID);
	n[0] = 0x7f;
	assert_int_equal(take_public(JOSE_RS256, n, 256, good, 3), ERROR_INVALID);
	n[0] = 0xff;
	n[255] = 0xfe;
	assert_int_equal(take_public(JOSE_RS256, n, 256, good, 3), ERROR_INVALID);
}

/* Requirement 45. */
static void test_signatures_of_wrong_length_are_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ALG_COUNT; i++) {
		unsigned char signature[CRYPTO_SIGNATURE_MAX + 1] = {0};
		struct crypto_key *key = new_key(algs[i]);
		struct crypto_signer *signer = NULL;
		size_t right;

		assert_int_equal(crypto_signer_create(key, &signer), 0);
		assert_int_equal(crypto_signer_sign(signer, "", 0, signature, &right), 0);
		assert_int_equal(crypto_verify(key, "", 0, signature, right), 0);
		for (size_t length = 0; length < right + 9 && length <= sizeof(signature); length++)
			if (length != right)
				assert_int_equal(crypto_verify(key, "", 0, signature, length),
					ERROR_REFUSED);
		crypto_signer_destroy(signer);
		crypto_key_destroy(key);
	}
}

static void test_a_signer_signs_many_times(void **state)
{
	(void)state;
	for (size_t i = 0; i < ALG_COUNT; i++) {
		struct crypto_key *key = new_key(algs[i]);
		struct crypto_signer *signer = NULL;
		unsigned char data[300];

		assert_int_equal(crypto_signer_create(key, &signer), 0);
		memset(data, 'x', sizeof(data));
		for (size_t length = 0; length < 100; length += 3) {
			unsigned char signature[CRYPTO_SIGNATURE_MAX];
			size_t size;

			assert_int_equal(
				crypto_signer_sign(signer, data, length, signature, &size), 0);
			assert_int_equal(crypto_verify(key, data, length, signature, size), 0);
			assert_int_equal(crypto_verify(key, data, length + 1, signature, size),
				ERROR_REFUSED);
		}
		crypto_signer_destroy(signer);
		crypto_key_destroy(key);
	}
}

struct shared {
	const struct crypto_key *key;
	unsigned char signature[CRYPTO_SIGNATURE_MAX];
	size_t length;
};

static void *verify_many(void *argument)
{
	const struct shared *shared = argument;
	unsigned char wrong[CRYPTO_SIGNATURE_MAX];
	intptr_t failures = 0;

	memcpy(wrong, shared->signature, shared->length);
	wrong[shared->length - 1] ^= 1;
	for (size_t i = 0; i < 200; i++) {
		failures += crypto_verify(
				    shared->key, "data", 4, shared->signature, shared->length) != 0;
		failures += crypto_verify(shared->key, "data", 4, wrong, shared->length) !=
			    ERROR_REFUSED;
	}
	return (void *)failures;
}

static void test_threads_share_a_key(void **state)
{
	(void)state;
	for (size_t i = 0; i < ALG_COUNT; i++) {
		struct crypto_key *key = new_key(algs[i]);
		struct shared shared = {.key = key};
		struct crypto_signer *signer = NULL;
		pthread_t threads[4];
		void *failures;

		assert_int_equal(crypto_signer_create(key, &signer), 0);
		assert_int_equal(
			crypto_signer_sign(signer, "data", 4, shared.signature, &shared.length), 0);
		for (size_t j = 0; j < 4; j++)
			assert_int_equal(
				pthread_create(&threads[j], NULL, verify_many, &shared), 0);
		for (size_t j = 0; j < 4; j++) {
			assert_int_equal(pthread_join(threads[j], &failures), 0);
			assert_null(failures);
		}
		crypto_signer_destroy(signer);
		crypto_key_destroy(key);
	}
}

static void test_owners_of_a_key(void **state)
{
	struct crypto_key *key = new_key(JOSE_EDDSA);
	struct crypto_signer *signer = NULL;
	unsigned char signature[CRYPTO_SIGNATURE_MAX];
	size_t length;

	(void)state;
	assert_ptr_equal(crypto_key_retain(key), key);
	crypto_key_destroy(key);
	assert_int_equal(crypto_signer_create(key, &signer), 0);
	crypto_key_destroy(key);
	assert_int_equal(crypto_signer_sign(signer, "", 0, signature, &length), 0);
	crypto_signer_destroy(signer);
	crypto_signer_destroy(NULL);
	crypto_key_destroy(NULL);
}

static void test_ecdsa_forms(void **state)
{
	static const struct {
		unsigned char r_first; /* r begins so; the rest is zero but for the end */
		unsigned char r_last;
		size_t der_length;
	} cases[] = {{0x80, 1, 2 + 35 + 3}, {0x7f, 1, 2 + 34 + 3}, {0, 1, 2 + 3 + 3},
		{0, 0x80, 2 + 4 + 3}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		unsigned char signature[ECDSA_SIZE] = {0};
		unsigned char again[ECDSA_SIZE];
		unsigned char der[ECDSA_DER_MAX];
		size_t length;

		signature[0] = cases[i].r_first;
		signature[31] = cases[i].r_last;
		signature[63] = 7;
		length = ecdsa_to_der(signature, der);
		assert_int_equal(length, cases[i].der_length);
		assert_true(ecdsa_from_der(der, length, again));
		assert_memory_equal(again, signature, sizeof(signature));
		for (size_t cut = 0; cut < length; cut++)
			assert_false(ecdsa_from_der(der, cut, again));
	}
}

static void test_ecdsa_range(void **state)
{
	static const unsigned char order[32] = {0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff,
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84,
		0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51};
	unsigned char signature[ECDSA_SIZE] = {0};

	(void)state;
	assert_false(ecdsa_in_range(signature));
	signature[31] = 1;
	assert_false(ecdsa_in_range(signature));
	signature[63] = 1;
	assert_true(ecdsa_in_range(signature));
	memcpy(signature, order, 32);
	assert_false(ecdsa_in_range(signature));
	signature[31]--;
	assert_true(ecdsa_in_range(signature));
	memcpy(signature + 32, order, 32);
	assert_false(ecdsa_in_range(signature));
}

/* `openssl genpkey`, each; the last is encrypted under "x". */
static const struct {
	const char *pem;
	enum jose_alg alg; /* 0: refused, as `error` says */
	int error;
} pems[] = {
	{"# a comment\n"
	 "-----BEGIN PRIVATE KEY-----\n"
	 "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgd3MjcuUqgBHkQY3K\n"
	 "nC1kNGP5LaoHjlAZ531dhRZ3b3+hRANCAASpVS6ePmZeszpbDhwivMYEvLrxTkf2\n"
	 "eNopll+sy0vgM96nucS9eoiNNiADLLOh8JnIDRt1ley0Ck6mhKLl1B5a\n"
	 "-----END PRIVATE KEY-----\n"
	 "\n"
	 "# after it\n",
		JOSE_ES256, 0},
	{"-----BEGIN PRIVATE KEY-----\r\n"
	 "MC4CAQAwBQYDK2VwBCIEIBTDGkXbYIDqbFR2RV3kr/hIfbj41tRk8ZM3wWI0Mjyq\r\n"
	 "-----END PRIVATE KEY-----\r\n",
		JOSE_EDDSA, 0},
	{"-----BEGIN PRIVATE KEY-----\n"
	 "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQCCuItZui95kMjh\n"
	 "tW/1adncvhx0oI4BrZcgu6lr3OExJ4jV6NoKkGASFOuMQ1VGIjId7CKDGMYgP91y\n"
	 "8dZYQd/Yd7nQ/b1wYaDr8QGBv6Gi2e1UHxT4jZIiw97vQRuW6sbtaYnTNlPpIvAm\n"
	 "gLi1ucFOAloGV3rjtEnSy5PNNK+1dfr+Y1KSi7o1GLR0l9mjXacFPb7hhkZ9E+BO\n"
	 "5FE6f5xF00txAum4e9ZoMXZ+WBDWXRq7XjsR+37X/1oexV2HlweaVcbGf9O3DsEF\n"
	 "WqiTw0xtyrHrf/Mh6luWeBPJnljz7jCzNk98U3EKKmoqqCLff7x4JQT9o+nWVqsz\n"
	 "9Jk52BpHAgMBAAECggEAOdb6IbuWIg4ENIqZfVdWxKuB38Di1K9AfYVLk6RqJ9u8\n"
	 "Whnr0FzNhXKoPqnUY3HiBwdixesCT2ayz5deJjMPnrJrD6QWXFF2aK984TIvjOUs\n"
	 "c9pE5y2NCcDtNaPzVzWOy6G1EDWrry58YCz4jcAhXikAOGogv/wX5iOZxGSZkop9\n"
	 "ngjH4BsibzcPSWP4jgGmLuIjU4X2ToKW56O1rIgoJpp8NxKg3qcchBYsFCmOs0Yd\n"
	 "OggLNdaMRMA5CsaNxa1r2lIbbaOySPy4xC4NxrzqyF0zNzJXW58CXxwlzOcGX2nP\n"
	 "ZaO94O7fq0A5wsqOJJMTS4nc5kJieQbD/zsaMwu5wQKBgQC4eTNRJx6BQga4Ucvw\n"
	 "7mZeZMtJGsvk9IxnzHU3+0d1ecS3Zlyh2Bj3kBfJHSCN72w2stmn0y5QFZN3OZBu\n"
	 "gYFtaoNSsA7TukgzsNHf81vh7Gql36y+5fbXY5YXmIieI1vVJuCeRumnnvHmskbt\n"
	 "aGBJ7V+xeww6vR9FfxByo027NwKBgQC1Z9/YqS4GhQ7I4B1pUPVW/o2GhHzQjXKJ\n"
	 "EbXNBa28sXFyZHXL/OtKhRdu9iJQ6Nc2xROv2YbNp88U7Lth2+AE8Iq8ROu2aD28\n"
	 "IRyV8hyTKB9OBk1vMG+fjCYc8+Xwt0A2gosEzkIJdRv4zj1twvbErJcZEP9kInme\n"
	 "DFVnYrzBcQKBgCBKlwENp/lYZXS+XMS/9otveWZCmo5pgGprD9nM0qVtu1GfSXfL\n"
	 "LBOp1YAO6TPvRTIN/Kuz+9do73dfTDkL0mwkyPggeXf2k8z4lsRtBRh3GfQPQ13n\n"
	 "Q15QwGVA/ikwZ1LYi1kpcJ025YFMk73bF3/ZXXbj4zAlCuRPacGndGPhAoGBAJZf\n"
	 "sujw5Nw2tBjD3t2MZLNmc37MmIJwnj8NVTzMtkYyeS4wJI2h7JFrXg93LN8RBEW8\n"
	 "fCNLGDmmHzzjODlYgIzXsMl8AEDGjFZExGNvvUwm+Dw/cTT4W69QB8/8ReGSpkIJ\n"
	 "WJ/1MjyQvU0z+Svhb5l80AvRUUN6aIIhCzKWYI2hAoGAJJx8G744UY+QECNhyjpB\n"
	 "v7GZw7/d8mywUMrUZqgbPBqs2chsWXCG8CCUUU8RqDFZPqnPrtSuCqp1iZI+HXng\n"
	 "p/w8PpoLdZYWkBW42TFShvNQJ5k53Rnixop+WIeRs6VQ/Hgij+eYEUT2uG49wcQP\n"
	 "aSucdOCy1k/CDzoX2digw/4=\n"
	 "-----END PRIVATE KEY-----\n",
		JOSE_RS256, 0},
	{"-----BEGIN PRIVATE KEY-----\n"
	 "MIG2AgEAMBAGByqGSM49AgEGBSuBBAAiBIGeMIGbAgEBBDDn3EhkoKtLUB6C2EKL\n"
	 "xDww2MSUbjzjiDnCilk5dOVaRsf5nRw9aaKan5X6/Ci0IVWhZANiAATxNLLpLFYT\n"
	 "knEccfxDIVsPomq9Q3465ehg0awWA+8leLSn76yVcmQjdBXqh6N0OAPSkKu79Qqs\n"
	 "QfFczBkBy5J5p0DGjrun9YAAou6HQ1rtIMoO48nryR77uhDxHFoKUMo=\n"
	 "-----END PRIVATE KEY-----\n",
		0, ERROR_INVALID},
	{"-----BEGIN PRIVATE KEY-----\n"
	 "MIICeAIBADANBgkqhkiG9w0BAQEFAASCAmIwggJeAgEAAoGBAMjYfgHA2+J79KBg\n"
	 "qVXDlrR2DWdXMQzFoXRYPFskfmXQZSWMHOsCZMmStcVeGCYreiQjrQ8iXeVv1q29\n"
	 "n4appKRDzutg3HEYzAznhWlLQe1UbOp9iirqvjzD1X9RU4xfTkxlKoA6ZyHD8iax\n"
	 "46TGG1n3sK57LuzV4Y2yhgU7SNjhAgMBAAECgYEAp7R2CvrB4CzGx//OhYmK1mbY\n"
	 "rFiW4WZIeYCP7T7cuCE5xA9puiZGiDYTx5jZK04UcAbGI6P7qXAoXuy+PtB6Yx99\n"
	 "u7fIvw61AQBCDj8T8L9U15jASRQklGGkJ0DPiaPzV10igWKou+iaxDLrBRTAavVV\n"
	 "w5mkZaLZHuptFL9lLBECQQDztPE4pkjrY+g30uL5g0qqS9PAUB518FPOXGziJx9W\n"
	 "m5WsKqM4SUsg8J4ReX7Mp1IUpO6QKlp3beqarlcj5oBFAkEA0voSTsaTU8fxY8Cy\n"
	 "bbWis2JscHWnOFUBrn+3JVg6xlk+VraLrIexI+ATqVIbiLHMFUkOevHJsOsivyoR\n"
	 "7ePF7QJBAOVCjrpQE8D813PMe6FmFVNmyejcdgtU7kHvSK7nRt/etUqlQa6tpHN0\n"
	 "Z/7gYJx9uwWYsqQEc95uFIk3ANrQ+FECQCQ2ekf9O7KIwj0+CSJdp/SkczqGZ1J6\n"
	 "/NPn5hbJ4yTCkrmtkaHmlJg00QsiJcm7wuzwYkTmFZmBcrBfVz5+9y0CQQCCBq2+\n"
	 "iWcA9UuhCwjy3l1RSCbbgEqWraKomgeRXi8l8NxG9thpVqkbv51KACPuLhufjoBs\n"
	 "QAAwSaGrg7mFuGlI\n"
	 "-----END PRIVATE KEY-----\n",
		0, ERROR_INVALID},
	{"-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
	 "MIGbMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAhgaufiKhXhfgICCAAw\n"
	 "DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEJFmAYHbcc0f7NKkn+RHqkcEQBHM\n"
	 "6zBgOrIOnmzRbEO4zZJjDD9osNK8DfvUKInj4+wr9LvrpMoqo9Nl6xV3jSbXGlQf\n"
	 "tLneqg09k3yqYusKtuY=\n"
	 "-----END ENCRYPTED PRIVATE KEY-----\n",
		0, ERROR_REFUSED},
	{"", 0, ERROR_INVALID},
	{"-----BEGIN PRIVATE KEY-----", 0, ERROR_INVALID},
	{"-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n", 0, ERROR_INVALID},
	{"-----BEGIN PRIVATE KEY-----\nMC4CAQAw\n-----END PRIVATE KEY-----\n", 0, ERROR_INVALID},
	{"-----BEGIN PRIVATE KEY-----\nM!\n-----END PRIVATE KEY-----\n", 0, ERROR_INVALID},
	{"-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n", 0, ERROR_REFUSED},
};

static void test_pem(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(pems) / sizeof(pems[0]); i++) {
		struct crypto_key *key = NULL;
		struct secret pem;
		int error;

		assert_int_equal(secret_init(&pem, pems[i].pem, strlen(pems[i].pem)), 0);
		error = crypto_key_from_pem(&pem, &key);
		secret_finish(&pem);
		assert_int_equal(error, pems[i].error);
		if (!error)
			assert_int_equal(crypto_key_alg(key), pems[i].alg);
		crypto_key_destroy(key);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_private_keys_come_back),
		cmocka_unit_test(test_public_keys_come_back),
		cmocka_unit_test(test_unfit_private_keys_are_refused),
		cmocka_unit_test(test_damaged_private_keys_are_refused),
		cmocka_unit_test(test_points_are_on_the_curve),
		cmocka_unit_test(test_rsa_numbers_are_bounded),
		cmocka_unit_test(test_signatures_of_wrong_length_are_refused),
		cmocka_unit_test(test_a_signer_signs_many_times),
		cmocka_unit_test(test_threads_share_a_key),
		cmocka_unit_test(test_owners_of_a_key),
		cmocka_unit_test(test_ecdsa_forms),
		cmocka_unit_test(test_ecdsa_range),
		cmocka_unit_test(test_pem),
	};

	return cmocka_run_group_tests_name("crypto", tests, NULL, NULL);
}
