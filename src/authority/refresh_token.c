/* SPDX-License-Identifier: Apache-2.0 */
#include "authority/refresh_token.h"

#include "base/random.h"
#include "codec/base64url.h"

#include <string.h>

#define REFRESH_TOKEN_PREFIX "adr_"

enum {
	PREFIX_LENGTH = 4,
	LAYOUT = 1,
	HEAD_LENGTH = KEYRING_KID_LENGTH + CRYPTO_SEAL_NONCE_SIZE,
	SEALED_MAX = HEAD_LENGTH + REFRESH_TOKEN_PLAIN_MAX + CRYPTO_SEAL_TAG_SIZE,
	BOUND_SIZE = PREFIX_LENGTH + KEYRING_KID_LENGTH + STORE_ISSUER_SIZE,
};

/* --- the plain layout: numbers of 8 bytes, texts with a length before them --- */

static void put_number(struct buf *buf, int64_t number)
{
	unsigned char bytes[8];

	for (int i = 7; i >= 0; i--) {
		bytes[i] = (unsigned char)(number & 0xff);
		number >>= 8;
	}
	(void)buf_append(buf, bytes, sizeof(bytes));
}

static void put_text(struct buf *buf, const char *text)
{
	size_t length = strlen(text);
	unsigned char bytes[2] = {(unsigned char)(length >> 8), (unsigned char)(length & 0xff)};

	(void)buf_append(buf, bytes, sizeof(bytes));
	(void)buf_append(buf, text, length);
}

static int encode(struct buf *buf, const struct refresh_token *token)
{
	(void)buf_append_char(buf, LAYOUT);
	put_number(buf, token->epoch);
	(void)buf_append(buf, token->family_id, sizeof(token->family_id));
	put_number(buf, token->seq);
	(void)buf_append(buf, token->grant_id, sizeof(token->grant_id));
	put_number(buf, token->generation);
	put_number(buf, token->auth_time);
	put_number(buf, token->issued_at);
	put_number(buf, token->family_expires_at);
	put_text(buf, token->client_id);
	put_text(buf, token->user_id);
	put_text(buf, token->scope);
	put_text(buf, token->resource);
	put_text(buf, token->amr);
	put_text(buf, token->cnf);
	put_text(buf, token->credential_id);
	return buf_status(buf);
}

struct reader {
	const unsigned char *next;
	size_t left;
	bool failed;
};

static const unsigned char *take(struct reader *reader, size_t length)
{
	const unsigned char *bytes = reader->next;

	if (reader->failed || reader->left < length) {
		reader->failed = true;
		return NULL;
	}
	reader->next += length;
	reader->left -= length;
	return bytes;
}

static int64_t take_number(struct reader *reader)
{
	const unsigned char *bytes = take(reader, 8);
	uint64_t number = 0;

	for (int i = 0; bytes && i < 8; i++)
		number = number << 8 | bytes[i];
	return (int64_t)number;
}

static void take_bytes(struct reader *reader, unsigned char *to, size_t length)
{
	const unsigned char *bytes = take(reader, length);

	if (bytes)
		memcpy(to, bytes, length);
}

static void take_text(struct reader *reader, char *to, size_t size)
{
	const unsigned char *head = take(reader, 2);
	size_t length = head ? (size_t)head[0] << 8 | head[1] : 0;
	const unsigned char *bytes = take(reader, length);

	if (!bytes || length >= size || memchr(bytes, '\0', length)) {
		reader->failed = true;
		return;
	}
	memcpy(to, bytes, length);
	to[length] = '\0';
}

static int decode(const unsigned char *plain, size_t length, struct refresh_token *ret_token)
{
	struct reader reader = {.next = plain, .left = length};
	const unsigned char *layout = take(&reader, 1);
	struct refresh_token token = {0};

	if (!layout || *layout != LAYOUT)
		return ERROR_REFUSED;
	token.epoch = take_number(&reader);
	take_bytes(&reader, token.family_id, sizeof(token.family_id));
	token.seq = take_number(&reader);
	take_bytes(&reader, token.grant_id, sizeof(token.grant_id));
	token.generation = take_number(&reader);
	token.auth_time = take_number(&reader);
	token.issued_at = take_number(&reader);
	token.family_expires_at = take_number(&reader);
	take_text(&reader, token.client_id, sizeof(token.client_id));
	take_text(&reader, token.user_id, sizeof(token.user_id));
	take_text(&reader, token.scope, sizeof(token.scope));
	take_text(&reader, token.resource, sizeof(token.resource));
	take_text(&reader, token.amr, sizeof(token.amr));
	take_text(&reader, token.cnf, sizeof(token.cnf));
	take_text(&reader, token.credential_id, sizeof(token.credential_id));
	if (reader.failed || reader.left)
		return ERROR_REFUSED;
	*ret_token = token;
	return 0;
}

/* --- sealing -------------------------------------------------------------- */

/* Prefix, key id and issuer: what is authenticated and not hidden. */
static int compose_bound(
	const unsigned char *kid, const char *issuer, char bytes[], size_t *ret_length)
{
	struct buf bound;

	buf_init_fixed(&bound, bytes, BOUND_SIZE);
	(void)buf_append(&bound, REFRESH_TOKEN_PREFIX, PREFIX_LENGTH);
	(void)buf_append(&bound, kid, KEYRING_KID_LENGTH);
	(void)buf_append_text(&bound, issuer);
	*ret_length = bound.len;
	return buf_status(&bound);
}

int refresh_token_seal(const struct keyring_snapshot *snapshot, const char *issuer, int64_t now_s,
	const struct refresh_token *token, struct buf *buf)
{
	const struct keyring_key *key = keyring_sealing_key(snapshot, now_s);
	char plain_bytes[REFRESH_TOKEN_PLAIN_MAX + 1];
	char bound_bytes[BOUND_SIZE];
	unsigned char sealed[SEALED_MAX];
	struct crypto_part bound = {.bytes = bound_bytes};
	struct buf plain;
	int error;

	if (!key || strlen(key->kid) != KEYRING_KID_LENGTH)
		return ERROR_NOT_FOUND;
	memcpy(sealed, key->kid, KEYRING_KID_LENGTH);
	buf_init_fixed(&plain, plain_bytes, sizeof(plain_bytes));
	error = encode(&plain, token);
	if (!error)
		error = compose_bound(sealed, issuer, bound_bytes, &bound.length);
	if (!error)
		error = random_bytes(sealed + KEYRING_KID_LENGTH, CRYPTO_SEAL_NONCE_SIZE);
	if (!error)
		error = crypto_seal(&key->bytes, sealed + KEYRING_KID_LENGTH, &bound, plain.data,
			plain.len, sealed + HEAD_LENGTH);
	if (!error) {
		(void)buf_append(buf, REFRESH_TOKEN_PREFIX, PREFIX_LENGTH);
		error = base64url_append(
			buf, sealed, HEAD_LENGTH + plain.len + CRYPTO_SEAL_TAG_SIZE);
	}
	buf_finish(&plain);
	return error;
}

static int open_sealed(const struct keyring_snapshot *snapshot, const char *issuer, int64_t now_s,
	const unsigned char *sealed, size_t length, struct refresh_token *ret_token)
{
	char bound_bytes[BOUND_SIZE];
	unsigned char plain[REFRESH_TOKEN_PLAIN_MAX];
	struct crypto_part bound = {.bytes = bound_bytes};
	char kid[KEYRING_KID_LENGTH + 1] = "";
	const struct keyring_key *key;
	int error;

	memcpy(kid, sealed, KEYRING_KID_LENGTH);
	key = keyring_find_sealing(snapshot, kid, now_s);
	if (!key)
		return ERROR_REFUSED;
	error = compose_bound(sealed, issuer, bound_bytes, &bound.length);
	if (!error)
		error = crypto_open(&key->bytes, sealed + KEYRING_KID_LENGTH, &bound,
			sealed + HEAD_LENGTH, length - HEAD_LENGTH, plain);
	if (!error)
		error = decode(plain, length - HEAD_LENGTH - CRYPTO_SEAL_TAG_SIZE, ret_token);
	memory_wipe(plain, sizeof(plain));
	return error;
}

int refresh_token_open(const struct keyring_snapshot *snapshot, const char *issuer, int64_t now_s,
	const char *text, struct refresh_token *ret_token)
{
	unsigned char sealed[SEALED_MAX];
	size_t text_length = strnlen(text, REFRESH_TOKEN_MAX + 1);
	size_t length = 0;

	if (text_length > REFRESH_TOKEN_MAX ||
		strncmp(text, REFRESH_TOKEN_PREFIX, PREFIX_LENGTH) != 0)
		return ERROR_REFUSED;
	if (base64url_decode(text + PREFIX_LENGTH, text_length - PREFIX_LENGTH, sealed,
		    sizeof(sealed), &length))
		return ERROR_REFUSED;
	if (length < HEAD_LENGTH + CRYPTO_SEAL_TAG_SIZE)
		return ERROR_REFUSED;
	return open_sealed(snapshot, issuer, now_s, sealed, length, ret_token);
}
