/* SPDX-License-Identifier: Apache-2.0 */
/* The names under which things are stored. libsodium's SHA-256, since the first use of
 * OpenSSL's costs more time than a token that is fresh in the storage may take in all. */
#include "client/storage_name.h"

#include "base/error.h"
#include "codec/hex.h"

#include <sodium.h>
#include <string.h>

enum { DIGEST_SIZE = crypto_hash_sha256_BYTES };

/* The NUL parts the texts: no text has one. */
static void add_text(crypto_hash_sha256_state *state, const char *text)
{
	(void)crypto_hash_sha256_update(state, (const unsigned char *)text, strlen(text) + 1);
}

int storage_account_id(const char *authority, const char *client_id, const char *name,
	char ret_account[STORAGE_ACCOUNT_SIZE])
{
	crypto_hash_sha256_state state;
	unsigned char digest[DIGEST_SIZE];
	size_t length = strlen(authority);

	if (sodium_init() < 0)
		return ERROR_CRYPTO;
	/* One slash at the end does not make another authority. */
	if (length && authority[length - 1] == '/')
		length--;
	(void)crypto_hash_sha256_init(&state);
	(void)crypto_hash_sha256_update(&state, (const unsigned char *)authority, length);
	add_text(&state, "");
	add_text(&state, client_id);
	if (name)
		add_text(&state, name);
	(void)crypto_hash_sha256_final(&state, digest);
	hex_encode(ret_account, digest, (STORAGE_ACCOUNT_SIZE - 1) / 2);
	return 0;
}

int storage_token_part(const char *scope, char ret_part[STORAGE_PART_SIZE])
{
	static const char prefix[] = "token-";
	unsigned char digest[DIGEST_SIZE];

	if (sodium_init() < 0)
		return ERROR_CRYPTO;
	if (!scope)
		scope = "";
	(void)crypto_hash_sha256(digest, (const unsigned char *)scope, strlen(scope));
	memcpy(ret_part, prefix, sizeof(prefix));
	hex_encode(ret_part + sizeof(prefix) - 1, digest, 8);
	return 0;
}

int storage_key_id(const unsigned char *key, size_t length, char ret_id[STORAGE_KEY_ID_SIZE])
{
	static const char purpose[] = "adit storage key id";
	unsigned char digest[DIGEST_SIZE];

	if (sodium_init() < 0)
		return ERROR_CRYPTO;
	if (crypto_generichash(digest, sizeof(digest), (const unsigned char *)purpose,
		    sizeof(purpose), key, length))
		return ERROR_CRYPTO;
	hex_encode(ret_id, digest, (STORAGE_KEY_ID_SIZE - 1) / 2);
	return 0;
}

bool storage_is_account(const char *text)
{
	return strlen(text) == STORAGE_ACCOUNT_SIZE - 1 &&
	       strspn(text, "0123456789abcdef") == STORAGE_ACCOUNT_SIZE - 1;
}

bool storage_is_part(const char *text)
{
	size_t length = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-");

	return length && !text[length] && length < STORAGE_PART_SIZE;
}
