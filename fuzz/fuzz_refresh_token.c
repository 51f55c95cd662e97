/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Refresh tokens under one fixed key. The input is opened as a token; and it is
 * sealed as what a token holds, so that the layout is read too, which nobody
 * without the key can reach.
 */
#include "authority/refresh_token.h"
#include "base/error.h"
#include "codec/base64url.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ISSUER "https://id.example.com/identity"
#define KID "0123456789abcdef"

enum {
	NOW_S = 1800000000,
	HEAD = KEYRING_KID_LENGTH + CRYPTO_SEAL_NONCE_SIZE,
	TEXT_SIZE = 4096,
};

static unsigned char key_bytes[KEYRING_SECRET_SIZE] = "a fixed key for this target";
static struct keyring_snapshot snapshot = {
	.sealing = {{.kid = KID, .bytes = {.bytes = key_bytes, .length = sizeof(key_bytes)}}},
	.sealing_count = 1,
};

/* What was opened, sealed and opened again is the same. */
static void check_round(const struct refresh_token *token)
{
	char text[TEXT_SIZE];
	struct refresh_token again;
	struct buf buf;

	buf_init_fixed(&buf, text, sizeof(text));
	if (refresh_token_seal(&snapshot, ISSUER, NOW_S, token, &buf))
		abort();
	if (refresh_token_open(&snapshot, ISSUER, NOW_S, buf.data, &again))
		abort();
	if (memcmp(&again, token, sizeof(again)) != 0)
		abort();
}

static void open_text(const char *text)
{
	struct refresh_token token;
	int error = refresh_token_open(&snapshot, ISSUER, NOW_S, text, &token);

	if (!error)
		check_round(&token);
	else if (error != ERROR_REFUSED)
		abort();
}

static void open_as_text(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	if (!text)
		abort();
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	open_text(text);
	free(text);
}

static void open_as_plain(const uint8_t *data, size_t size)
{
	static const char bound_text[] = "adr_" KID ISSUER;
	const struct crypto_part bound = {bound_text, sizeof(bound_text) - 1};
	unsigned char sealed[HEAD + REFRESH_TOKEN_PLAIN_MAX + CRYPTO_SEAL_TAG_SIZE] = KID;
	char text[TEXT_SIZE] = "adr_";

	if (size > REFRESH_TOKEN_PLAIN_MAX)
		return;
	if (crypto_seal(&snapshot.sealing[0].bytes, sealed + KEYRING_KID_LENGTH, &bound, data, size,
		    sealed + HEAD))
		abort();
	base64url_encode(text + 4, sealed, HEAD + size + CRYPTO_SEAL_TAG_SIZE);
	open_text(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	open_as_text(data, size);
	open_as_plain(data, size);
	return 0;
}
