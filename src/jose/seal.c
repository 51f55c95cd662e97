/* SPDX-License-Identifier: Apache-2.0 */
/* Sealing by XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha), of libsodium. */
#include "base/error.h"
#include "jose/crypto.h"

#include <sodium.h>

_Static_assert(CRYPTO_SEAL_KEY_SIZE == crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "key");
_Static_assert(CRYPTO_SEAL_NONCE_SIZE == crypto_aead_xchacha20poly1305_ietf_NPUBBYTES, "nonce");
_Static_assert(CRYPTO_SEAL_TAG_SIZE == crypto_aead_xchacha20poly1305_ietf_ABYTES, "tag");

/* sodium_init() may be called again, by any thread, and then does nothing. */
static int ready(const struct secret *key)
{
	if (key->length != CRYPTO_SEAL_KEY_SIZE)
		return ERROR_INVALID;
	return sodium_init() < 0 ? ERROR_CRYPTO : 0;
}

int crypto_seal(const struct secret *key, const unsigned char nonce[CRYPTO_SEAL_NONCE_SIZE],
	const struct crypto_part *authenticated, const void *plain, size_t length,
	unsigned char *out)
{
	int error = ready(key);

	if (error)
		return error;
	if (crypto_aead_xchacha20poly1305_ietf_encrypt(out, NULL, plain, length,
		    authenticated ? authenticated->bytes : NULL,
		    authenticated ? authenticated->length : 0, NULL, nonce, key->bytes))
		return ERROR_CRYPTO;
	return 0;
}

int crypto_open(const struct secret *key, const unsigned char nonce[CRYPTO_SEAL_NONCE_SIZE],
	const struct crypto_part *authenticated, const void *sealed, size_t length,
	unsigned char *out)
{
	int error = ready(key);

	if (error)
		return error;
	if (length < CRYPTO_SEAL_TAG_SIZE)
		return ERROR_REFUSED;
	if (crypto_aead_xchacha20poly1305_ietf_decrypt(out, NULL, NULL, sealed, length,
		    authenticated ? authenticated->bytes : NULL,
		    authenticated ? authenticated->length : 0, nonce, key->bytes))
		return ERROR_REFUSED;
	return 0;
}
