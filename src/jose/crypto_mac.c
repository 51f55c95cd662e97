/* SPDX-License-Identifier: Apache-2.0 */
/* HMAC-SHA-256 (RFC 2104) and PBKDF2 (RFC 8018, 5.2), by OpenSSL's EVP. */
#include "base/error.h"
#include "jose/crypto.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include <limits.h>
#include <stdbool.h>
#include <threads.h>

/* Written once, by whoever comes first, and read-only from then on. */
static EVP_MAC_CTX *hmac; /* without a key; copied for each use. NULL: out of memory then */
static once_flag fetched = ONCE_FLAG_INIT;

static EVP_MAC_CTX *new_hmac(void)
{
	char digest[] = "SHA256";
	const OSSL_PARAM parameters[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_end(),
	};
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	EVP_MAC_CTX *context = mac ? EVP_MAC_CTX_new(mac) : NULL;

	EVP_MAC_free(mac);
	if (context && EVP_MAC_CTX_set_params(context, parameters) != 1) {
		EVP_MAC_CTX_free(context);
		context = NULL;
	}
	return context;
}

static void fetch(void)
{
	hmac = new_hmac();
}

static EVP_MAC_CTX *copied_hmac(void)
{
	call_once(&fetched, fetch);
	return hmac ? EVP_MAC_CTX_dup(hmac) : new_hmac();
}

/* A copy of a context that knows its digest: to set one up anew would fetch both. */
int crypto_hmac_sha256(const struct secret *key, const struct crypto_part *parts, size_t count,
	unsigned char digest[CRYPTO_SHA256_SIZE])
{
	static const unsigned char none;
	EVP_MAC_CTX *context = copied_hmac();
	size_t length = 0;
	bool done = context &&
		    EVP_MAC_init(context, key->length ? key->bytes : &none, key->length, NULL) == 1;

	for (size_t i = 0; done && i < count; i++)
		done = EVP_MAC_update(context, parts[i].bytes, parts[i].length) == 1;
	done = done && EVP_MAC_final(context, digest, &length, CRYPTO_SHA256_SIZE) == 1 &&
	       length == CRYPTO_SHA256_SIZE;
	EVP_MAC_CTX_free(context);
	if (done)
		return 0;
	/* What OpenSSL keeps for the thread would be taken by TLS for its own error. */
	ERR_clear_error();
	return ERROR_CRYPTO;
}

int crypto_pbkdf2(const struct crypto_pbkdf2 *parameters, unsigned char *out, size_t length)
{
	const struct crypto_part *password = &parameters->password;
	const struct crypto_part *salt = &parameters->salt;
	const EVP_MD *digest = parameters->digest == CRYPTO_SHA1     ? EVP_sha1()
			       : parameters->digest == CRYPTO_SHA256 ? EVP_sha256()
								     : EVP_sha512();

	if (password->length > INT_MAX || salt->length > INT_MAX || length > INT_MAX ||
		parameters->iterations > INT_MAX)
		return ERROR_INVALID;
	if (PKCS5_PBKDF2_HMAC(password->bytes, (int)password->length, salt->bytes,
		    (int)salt->length, (int)parameters->iterations, digest, (int)length, out) == 1)
		return 0;
	ERR_clear_error();
	return ERROR_CRYPTO;
}
