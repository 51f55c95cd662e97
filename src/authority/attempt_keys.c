/* SPDX-License-Identifier: Apache-2.0 */
#include "authority/attempt_keys.h"

#include "authority/source.h"
#include "base/error.h"
#include "base/random.h"
#include "jose/crypto.h"

#include <string.h>

static int derive(const struct secret *secret_key, struct secret *ret_key)
{
	static const char label[] = "adit-attempts-1";
	const struct crypto_part part = {label, sizeof(label)};
	struct secret key;
	int error = secret_init_empty(&key, CRYPTO_SHA256_SIZE);

	if (error)
		return error;
	error = crypto_hmac_sha256(secret_key, &part, 1, key.bytes);
	if (error)
		secret_finish(&key);
	else
		*ret_key = key;
	return error;
}

/* A key of a table, never 0. */
static int make_key(
	const struct secret *key, const struct crypto_part *parts, size_t count, uint64_t *ret_key)
{
	unsigned char digest[CRYPTO_SHA256_SIZE];
	uint64_t made;
	int error = crypto_hmac_sha256(key, parts, count, digest);

	if (error)
		return error;
	memcpy(&made, digest, sizeof(made));
	*ret_key = made ? made : 1;
	return 0;
}

static const char *kind_label(enum attempt_kind kind)
{
	if (kind == ATTEMPT_CLIENT)
		return "client";
	return kind == ATTEMPT_USER ? "user" : "name";
}

static struct crypto_part text_part(const char *text)
{
	return (struct crypto_part){text ? text : "", text ? strlen(text) + 1 : 1};
}

static int account_key(
	const struct secret *key, enum attempt_kind kind, const char *name, uint64_t *ret_key)
{
	const struct crypto_part parts[] = {text_part(kind_label(kind)), text_part(name)};

	return make_key(key, parts, sizeof(parts) / sizeof(parts[0]), ret_key);
}

static int pair_key(const struct secret *key, const struct attempt_sent *sent, uint64_t *ret_key)
{
	const struct crypto_part parts[] = {
		text_part("pair"),
		text_part(kind_label(sent->kind)),
		text_part(sent->account),
		{&sent->source, sizeof(sent->source)},
	};

	return make_key(key, parts, sizeof(parts) / sizeof(parts[0]), ret_key);
}

static int source_key(const struct secret *key, uint64_t number, uint64_t *ret_key)
{
	const struct crypto_part parts[] = {text_part("source"), {&number, sizeof(number)}};

	if (number)
		return make_key(key, parts, sizeof(parts) / sizeof(parts[0]), ret_key);
	*ret_key = 0;
	return 0;
}

static int fingerprint_key(const struct attempt_key *key, const struct attempt_sent *sent,
	uint64_t pair, uint64_t *ret_fingerprint)
{
	const struct crypto_part parts[] = {
		{key->salt, sizeof(key->salt)},
		{&pair, sizeof(pair)},
		text_part(sent->client_id),
		text_part(sent->secret),
	};

	return make_key(&key->derived, parts, sizeof(parts) / sizeof(parts[0]), ret_fingerprint);
}

int attempt_key_init(struct attempt_key *key, const struct secret *secret_key)
{
	int error;

	*key = (struct attempt_key){0};
	error = random_bytes(key->salt, sizeof(key->salt));
	return error ? error : derive(secret_key, &key->derived);
}

void attempt_key_finish(struct attempt_key *key)
{
	secret_finish(&key->derived);
}

int attempt_key_pair(
	const struct attempt_key *key, const struct attempt_sent *sent, uint64_t *ret_pair)
{
	return pair_key(&key->derived, sent, ret_pair);
}

int attempt_key_numbers(const struct attempt_key *key, const struct attempt_sent *sent,
	struct attempt_numbers *ret_numbers)
{
	struct attempt_numbers numbers;
	int error = pair_key(&key->derived, sent, &numbers.pair);

	if (!error)
		error = account_key(&key->derived, sent->kind, sent->account, &numbers.account);
	if (!error)
		error = source_key(&key->derived, sent->source, &numbers.source);
	if (!error)
		error = source_key(&key->derived, source_network(sent->source), &numbers.network);
	if (!error)
		error = fingerprint_key(key, sent, numbers.pair, &numbers.fingerprint);
	if (!error)
		*ret_numbers = numbers;
	return error;
}

int attempts_account(const struct secret *secret_key, const char *user_id, uint64_t *ret_account)
{
	struct secret key = {0};
	int error = derive(secret_key, &key);

	if (!error)
		error = account_key(&key, ATTEMPT_USER, user_id, ret_account);
	secret_finish(&key);
	return error;
}
