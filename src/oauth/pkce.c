/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 7636, 4.1 and 4.2. */
#include "oauth/pkce.h"

#include "base/error.h"
#include "base/random.h"
#include "base/secret.h"
#include "codec/base64url.h"
#include "jose/crypto.h"

#include <string.h>

enum { VERIFIER_BYTES = 32 };

int pkce_make_verifier(char ret_verifier[PKCE_VERIFIER_SIZE])
{
	unsigned char bytes[VERIFIER_BYTES];

	if (random_bytes(bytes, sizeof(bytes)))
		return ERROR_IO;
	base64url_encode(ret_verifier, bytes, sizeof(bytes));
	ret_verifier[PKCE_VERIFIER_SIZE - 1] = '\0';
	memory_wipe(bytes, sizeof(bytes));
	return 0;
}

int pkce_challenge(const char *verifier, char ret_challenge[PKCE_CHALLENGE_SIZE])
{
	unsigned char digest[CRYPTO_SHA256_SIZE];
	int error = crypto_sha256(verifier, strlen(verifier), digest);

	if (error)
		return error;
	base64url_encode(ret_challenge, digest, sizeof(digest));
	ret_challenge[PKCE_CHALLENGE_SIZE - 1] = '\0';
	return 0;
}
