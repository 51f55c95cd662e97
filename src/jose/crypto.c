/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys, signatures (RFC 7518, 3.3 and 3.4; RFC 8037) and digests, by OpenSSL's
 * EVP. What a signature or a digest needs is fetched and prepared once: to do
 * so at each call costs an eighth of an ES256 signature.
 */
#include "jose/crypto.h"

#include "base/error.h"
#include "jose/ecdsa.h"
#include "jose/roca.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <threads.h>

enum {
	ED25519_SIZE = 32,
	ED25519_SIGNATURE_SIZE = 64,
	RSA_BITS_MAX = 8192,
	RSA_SIZE_MAX = RSA_BITS_MAX / 8,
	RSA_EXPONENT_BITS_MAX = 32,
};

/* Never changed once made, but for the count of its owners. */
struct crypto_key {
	enum jose_alg alg;
	bool is_private;
	atomic_uint owners;
	EVP_PKEY *pkey;
	EVP_PKEY_CTX *verifier; /* prepared; copied for each use. NULL for EdDSA */
};

struct crypto_signer {
	struct crypto_key *key;
	EVP_PKEY_CTX *context; /* prepared; NULL for EdDSA */
	EVP_MD_CTX *digest;
};

static const struct {
	enum jose_alg alg;
	const char *name;
} algs[] = {
	{JOSE_ES256, "ES256"},
	{JOSE_RS256, "RS256"},
	{JOSE_EDDSA, "EdDSA"},
};

const char *jose_alg_name(enum jose_alg alg)
{
	for (size_t i = 0; i < sizeof(algs) / sizeof(algs[0]); i++)
		if (algs[i].alg == alg)
			return algs[i].name;
	return NULL;
}

int jose_alg_parse(const char *name, enum jose_alg *ret_alg)
{
	for (size_t i = 0; i < sizeof(algs) / sizeof(algs[0]); i++)
		if (!strcmp(algs[i].name, name)) {
			*ret_alg = algs[i].alg;
			return 0;
		}
	return ERROR_INVALID;
}

/* What OpenSSL keeps for the thread would be taken by TLS for its own error. */
static int failed(int error)
{
	ERR_clear_error();
	return error;
}

/* Written once, by whoever comes first, and read-only from then on. */
static const EVP_MD *sha256;
static once_flag fetched = ONCE_FLAG_INIT;

static void fetch(void)
{
	sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	/* Out of memory, just then: one that is fetched at each use. */
	if (!sha256)
		sha256 = EVP_sha256();
}

static const EVP_MD *fetched_sha256(void)
{
	call_once(&fetched, fetch);
	return sha256;
}

/* A context that signs, or verifies, SHA-256 digests by the key. */
static EVP_PKEY_CTX *prepare(EVP_PKEY *pkey, enum jose_alg alg, int (*init)(EVP_PKEY_CTX *))
{
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);

	if (!context || init(context) != 1)
		goto fail;
	if (alg == JOSE_RS256 && EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) != 1)
		goto fail;
	if (EVP_PKEY_CTX_set_signature_md(context, fetched_sha256()) != 1)
		goto fail;
	return context;
fail:
	EVP_PKEY_CTX_free(context);
	return NULL;
}

/* Takes the pkey over, also when it fails. */
static int key_wrap(enum jose_alg alg, EVP_PKEY *pkey, bool is_private, struct crypto_key **ret_key)
{
	struct crypto_key *key = calloc(1, sizeof(*key));

	if (!key) {
		EVP_PKEY_free(pkey);
		return ERROR_MEMORY;
	}
	key->alg = alg;
	key->is_private = is_private;
	atomic_init(&key->owners, 1);
	key->pkey = pkey;
	if (alg != JOSE_EDDSA) {
		key->verifier = prepare(pkey, alg, EVP_PKEY_verify_init);
		if (!key->verifier) {
			crypto_key_destroy(key);
			return failed(ERROR_CRYPTO);
		}
	}
	*ret_key = key;
	return 0;
}

void crypto_key_destroy(struct crypto_key *key)
{
	if (!key || atomic_fetch_sub(&key->owners, 1) > 1)
		return;
	EVP_PKEY_CTX_free(key->verifier);
	EVP_PKEY_free(key->pkey);
	free(key);
}

struct crypto_key *crypto_key_retain(struct crypto_key *key)
{
	atomic_fetch_add(&key->owners, 1);
	return key;
}

enum jose_alg crypto_key_alg(const struct crypto_key *key)
{
	return key->alg;
}

int crypto_key_generate(enum jose_alg alg, struct crypto_key **ret_key)
{
	EVP_PKEY *pkey = NULL;

	if (alg == JOSE_ES256)
		pkey = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	else if (alg == JOSE_RS256)
		pkey = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)CRYPTO_RSA_BITS);
	else if (alg == JOSE_EDDSA)
		pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	if (!pkey)
		return failed(ERROR_CRYPTO);
	return key_wrap(alg, pkey, true, ret_key);
}

static bool is_p256(const EVP_PKEY *pkey)
{
	char name[32];
	size_t length;

	return EVP_PKEY_get_group_name(pkey, name, sizeof(name), &length) == 1 &&
	       !strcmp(name, SN_X9_62_prime256v1);
}

/* Modulus and exponent within the bounds of the header. */
static bool rsa_numbers_fit(const BIGNUM *n, const BIGNUM *e)
{
	return BN_num_bits(n) >= CRYPTO_RSA_BITS && BN_num_bits(n) <= RSA_BITS_MAX &&
	       BN_is_odd(n) && BN_is_odd(e) && !BN_is_one(e) &&
	       BN_num_bits(e) <= RSA_EXPONENT_BITS_MAX;
}

static bool rsa_fits(const EVP_PKEY *pkey)
{
	BIGNUM *n = NULL;
	BIGNUM *e = NULL;
	bool fits = EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_N, &n) == 1 &&
		    EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_E, &e) == 1 &&
		    rsa_numbers_fit(n, e);

	BN_free(n);
	BN_free(e);
	return fits;
}

/* Whether both halves of the key belong together. An RSA key is not asked: it
 * would be proven prime again, for a second or more. */
static bool halves_match(EVP_PKEY *pkey)
{
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
	bool match = context && EVP_PKEY_pairwise_check(context) == 1;

	EVP_PKEY_CTX_free(context);
	return match;
}

static bool private_fits(enum jose_alg alg, EVP_PKEY *pkey)
{
	if (alg == JOSE_RS256)
		return EVP_PKEY_is_a(pkey, "RSA") && rsa_fits(pkey);
	if (alg == JOSE_ES256)
		return EVP_PKEY_is_a(pkey, "EC") && is_p256(pkey) && halves_match(pkey);
	return alg == JOSE_EDDSA && EVP_PKEY_is_a(pkey, "ED25519");
}

int crypto_key_from_private(
	enum jose_alg alg, const struct secret *der, struct crypto_key **ret_key)
{
	const unsigned char *at = der->bytes;
	PKCS8_PRIV_KEY_INFO *info = NULL;
	EVP_PKEY *pkey = NULL;

	if (der->length <= 16 * 1024)
		info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &at, (long)der->length);
	if (info && at == der->bytes + der->length)
		pkey = EVP_PKCS82PKEY(info);
	PKCS8_PRIV_KEY_INFO_free(info);
	if (!pkey || !private_fits(alg, pkey)) {
		EVP_PKEY_free(pkey);
		return failed(ERROR_INVALID);
	}
	return key_wrap(alg, pkey, true, ret_key);
}

int crypto_key_to_private(const struct crypto_key *key, struct secret *ret_der)
{
	PKCS8_PRIV_KEY_INFO *info = NULL;
	unsigned char *at;
	int error = ERROR_CRYPTO;
	int length = 0;

	if (!key->is_private)
		return ERROR_INVALID;
	info = EVP_PKEY2PKCS8(key->pkey);
	if (info)
		length = i2d_PKCS8_PRIV_KEY_INFO(info, NULL);
	if (length > 0)
		error = secret_init_empty(ret_der, (size_t)length);
	if (!error) {
		at = ret_der->bytes;
		(void)i2d_PKCS8_PRIV_KEY_INFO(info, &at);
	}
	PKCS8_PRIV_KEY_INFO_free(info);
	return error ? failed(error) : 0;
}

static EVP_PKEY *key_from_params(const char *type, OSSL_PARAM *params)
{
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	EVP_PKEY *pkey = NULL;

	if (!context || !params || EVP_PKEY_fromdata_init(context) != 1 ||
		EVP_PKEY_fromdata(context, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1)
		pkey = NULL;
	EVP_PKEY_CTX_free(context);
	return pkey;
}

/* OpenSSL refuses a point that is not on the curve. */
static EVP_PKEY *ec_from_public(const struct crypto_public *parts)
{
	char group[] = SN_X9_62_prime256v1;
	unsigned char point[1 + 2 * ECDSA_NUMBER_SIZE] = {POINT_CONVERSION_UNCOMPRESSED};
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
		OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point)),
		OSSL_PARAM_construct_end(),
	};

	if (parts->first_length != ECDSA_NUMBER_SIZE || !parts->second ||
		parts->second_length != ECDSA_NUMBER_SIZE)
		return NULL;
	memcpy(point + 1, parts->first, ECDSA_NUMBER_SIZE);
	memcpy(point + 1 + ECDSA_NUMBER_SIZE, parts->second, ECDSA_NUMBER_SIZE);
	return key_from_params("EC", params);
}

static EVP_PKEY *rsa_from_numbers(const BIGNUM *n, const BIGNUM *e)
{
	OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
	OSSL_PARAM *params = NULL;
	EVP_PKEY *pkey;

	if (builder && OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
		OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, e) == 1)
		params = OSSL_PARAM_BLD_to_param(builder);
	pkey = key_from_params("RSA", params);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(builder);
	return pkey;
}

static EVP_PKEY *rsa_from_public(const struct crypto_public *parts)
{
	BIGNUM *n = NULL;
	BIGNUM *e = NULL;
	EVP_PKEY *pkey = NULL;

	/* In as few bytes as possible (RFC 7518, 2: Base64urlUInt). */
	if (!parts->second || !parts->first_length || parts->first_length > RSA_SIZE_MAX ||
		!parts->second_length || parts->second_length > RSA_SIZE_MAX || !parts->first[0] ||
		!parts->second[0] || roca_marked(parts->first, parts->first_length))
		return NULL;
	n = BN_bin2bn(parts->first, (int)parts->first_length, NULL);
	e = BN_bin2bn(parts->second, (int)parts->second_length, NULL);
	if (n && e && rsa_numbers_fit(n, e))
		pkey = rsa_from_numbers(n, e);
	BN_free(n);
	BN_free(e);
	return pkey;
}

int crypto_key_from_public(
	enum jose_alg alg, const struct crypto_public *public_parts, struct crypto_key **ret_key)
{
	EVP_PKEY *pkey = NULL;

	if (alg == JOSE_ES256)
		pkey = ec_from_public(public_parts);
	else if (alg == JOSE_RS256)
		pkey = rsa_from_public(public_parts);
	else if (alg == JOSE_EDDSA && public_parts->first_length == ED25519_SIZE)
		pkey = EVP_PKEY_new_raw_public_key_ex(
			NULL, "ED25519", NULL, public_parts->first, ED25519_SIZE);
	if (!pkey)
		return failed(ERROR_INVALID);
	return key_wrap(alg, pkey, false, ret_key);
}

/* A number of the key, big-endian, at least `size` bytes. */
static int get_number(
	const EVP_PKEY *pkey, const char *name, int size, unsigned char *bytes, size_t *ret_length)
{
	BIGNUM *number = NULL;
	int length = -1;

	if (EVP_PKEY_get_bn_param(pkey, name, &number) == 1 && BN_num_bytes(number) <= RSA_SIZE_MAX)
		length = BN_bn2binpad(
			number, bytes, size > BN_num_bytes(number) ? size : BN_num_bytes(number));
	BN_free(number);
	if (length < 0)
		return failed(ERROR_CRYPTO);
	*ret_length = (size_t)length;
	return 0;
}

static int get_numbers(const EVP_PKEY *pkey, const char *const names[2], int size,
	unsigned char *bytes, struct crypto_public *parts)
{
	int error = get_number(pkey, names[0], size, bytes, &parts->first_length);

	if (error)
		return error;
	parts->second = bytes + parts->first_length;
	return get_number(pkey, names[1], size, bytes + parts->first_length, &parts->second_length);
}

int crypto_key_public(const struct crypto_key *key, unsigned char bytes[CRYPTO_PUBLIC_MAX],
	struct crypto_public *ret_public)
{
	static const char *const ec_names[2] = {OSSL_PKEY_PARAM_EC_PUB_X, OSSL_PKEY_PARAM_EC_PUB_Y};
	static const char *const rsa_names[2] = {OSSL_PKEY_PARAM_RSA_N, OSSL_PKEY_PARAM_RSA_E};
	struct crypto_public parts = {.first = bytes, .first_length = ED25519_SIZE};
	int error = 0;

	if (key->alg == JOSE_ES256)
		error = get_numbers(key->pkey, ec_names, ECDSA_NUMBER_SIZE, bytes, &parts);
	else if (key->alg == JOSE_RS256)
		error = get_numbers(key->pkey, rsa_names, 0, bytes, &parts);
	else if (EVP_PKEY_get_raw_public_key(key->pkey, bytes, &parts.first_length) != 1)
		error = failed(ERROR_CRYPTO);
	if (error)
		return error;
	*ret_public = parts;
	return 0;
}

int crypto_signer_create(struct crypto_key *private_key, struct crypto_signer **ret_signer)
{
	struct crypto_signer *signer;

	if (!private_key->is_private)
		return ERROR_INVALID;
	signer = calloc(1, sizeof(*signer));
	if (!signer)
		return ERROR_MEMORY;
	signer->key = crypto_key_retain(private_key);
	signer->digest = EVP_MD_CTX_new();
	if (private_key->alg != JOSE_EDDSA)
		signer->context = prepare(private_key->pkey, private_key->alg, EVP_PKEY_sign_init);
	if (!signer->digest || (private_key->alg != JOSE_EDDSA && !signer->context)) {
		crypto_signer_destroy(signer);
		return failed(ERROR_CRYPTO);
	}
	*ret_signer = signer;
	return 0;
}

void crypto_signer_destroy(struct crypto_signer *signer)
{
	if (!signer)
		return;
	EVP_PKEY_CTX_free(signer->context);
	EVP_MD_CTX_free(signer->digest);
	crypto_key_destroy(signer->key);
	free(signer);
}

static int sign_eddsa(struct crypto_signer *signer, const void *data, size_t length,
	unsigned char *signature, size_t *ret_length)
{
	size_t size = CRYPTO_SIGNATURE_MAX;

	if (EVP_DigestSignInit_ex(
		    signer->digest, NULL, NULL, NULL, NULL, signer->key->pkey, NULL) != 1 ||
		EVP_DigestSign(signer->digest, signature, &size, data, length) != 1)
		return failed(ERROR_CRYPTO);
	*ret_length = size;
	return 0;
}

int crypto_signer_sign(struct crypto_signer *signer, const void *data, size_t length,
	unsigned char signature[CRYPTO_SIGNATURE_MAX], size_t *ret_length)
{
	unsigned char digest[CRYPTO_SHA256_SIZE];
	unsigned char der[ECDSA_DER_MAX];
	bool is_ec = signer->key->alg == JOSE_ES256;
	size_t size = is_ec ? sizeof(der) : CRYPTO_SIGNATURE_MAX;

	if (signer->key->alg == JOSE_EDDSA)
		return sign_eddsa(signer, data, length, signature, ret_length);
	if (EVP_DigestInit_ex2(signer->digest, fetched_sha256(), NULL) != 1 ||
		EVP_DigestUpdate(signer->digest, data, length) != 1 ||
		EVP_DigestFinal_ex(signer->digest, digest, NULL) != 1 ||
		EVP_PKEY_sign(signer->context, is_ec ? der : signature, &size, digest,
			sizeof(digest)) != 1)
		return failed(ERROR_CRYPTO);
	/* OpenSSL 3.0 gives success and an impossible size where it finds no memory to encode. */
	if (is_ec && (size > sizeof(der) || !ecdsa_from_der(der, size, signature)))
		return ERROR_CRYPTO;
	*ret_length = is_ec ? 2 * ECDSA_NUMBER_SIZE : size;
	return 0;
}

static int verify_eddsa(const struct crypto_key *key, const void *data, size_t length,
	const unsigned char *signature)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	int error = ERROR_REFUSED;

	if (!context ||
		EVP_DigestVerifyInit_ex(context, NULL, NULL, NULL, NULL, key->pkey, NULL) != 1)
		error = ERROR_CRYPTO;
	else if (EVP_DigestVerify(context, signature, ED25519_SIGNATURE_SIZE, data, length) == 1)
		error = 0;
	EVP_MD_CTX_free(context);
	return error ? failed(error) : 0;
}

/* By a copy of what the key has prepared, since threads share the key. */
static int verify_digest(const struct crypto_key *key,
	const unsigned char digest[CRYPTO_SHA256_SIZE], const unsigned char *signature,
	size_t signature_length)
{
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_dup(key->verifier);
	int error = ERROR_REFUSED;

	if (!context)
		error = ERROR_CRYPTO;
	else if (EVP_PKEY_verify(
			 context, signature, signature_length, digest, CRYPTO_SHA256_SIZE) == 1)
		error = 0;
	EVP_PKEY_CTX_free(context);
	return error ? failed(error) : 0;
}

int crypto_verify(const struct crypto_key *key, const void *data, size_t length,
	const unsigned char *signature, size_t signature_length)
{
	unsigned char digest[CRYPTO_SHA256_SIZE];
	unsigned char der[ECDSA_DER_MAX];
	int error;

	if (signature_length != (key->alg == JOSE_RS256 ? (size_t)EVP_PKEY_get_size(key->pkey)
							: (size_t)(2 * ECDSA_NUMBER_SIZE)))
		return ERROR_REFUSED;
	if (key->alg == JOSE_EDDSA)
		return verify_eddsa(key, data, length, signature);
	if (key->alg == JOSE_ES256) {
		if (!ecdsa_in_range(signature))
			return ERROR_REFUSED;
		signature_length = ecdsa_to_der(signature, der);
		signature = der;
	}
	error = crypto_sha256(data, length, digest);
	return error ? error : verify_digest(key, digest, signature, signature_length);
}

int crypto_sha256(const void *data, size_t length, unsigned char digest[CRYPTO_SHA256_SIZE])
{
	if (EVP_Digest(data, length, digest, NULL, fetched_sha256(), NULL) != 1)
		return failed(ERROR_CRYPTO);
	return 0;
}

int crypto_sha512(const void *data, size_t length, unsigned char digest[CRYPTO_SHA512_SIZE])
{
	if (EVP_Digest(data, length, digest, NULL, EVP_sha512(), NULL) != 1)
		return failed(ERROR_CRYPTO);
	return 0;
}
