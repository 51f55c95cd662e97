/* SPDX-License-Identifier: Apache-2.0 */
#include "authority/keyring.h"

#include "base/buf.h"
#include "base/random.h"
#include "jose/jwk.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct keyring {
	struct store *store;
	const struct clock *clock;
	const struct secret *secret_key;
	pthread_mutex_t lock; /* guards current */
	struct keyring_snapshot *current;
};

struct loading {
	struct keyring *keyring;
	struct keyring_snapshot *snapshot;
};

/* What a sealed key is bound to: none can be put in another's place. */
static struct crypto_part binding(const struct store_key *key, char text[160])
{
	size_t length = 0;
	const char *const parts[] = {"adit-key-1", key->purpose, key->kid, key->alg};

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		size_t part = strlen(parts[i]) + 1;

		memcpy(text + length, parts[i], part);
		length += part;
	}
	return (struct crypto_part){.bytes = text, .length = length};
}

static int seal_key(
	const struct secret *secret_key, const struct secret *plain, struct store_key *key)
{
	size_t length = CRYPTO_SEAL_NONCE_SIZE + plain->length + CRYPTO_SEAL_TAG_SIZE;
	char text[160];
	struct crypto_part bound = binding(key, text);
	int error;

	if (length > sizeof(key->sealed))
		return ERROR_LIMIT;
	error = random_bytes(key->sealed, CRYPTO_SEAL_NONCE_SIZE);
	if (!error)
		error = crypto_seal(secret_key, key->sealed, &bound, plain->bytes, plain->length,
			key->sealed + CRYPTO_SEAL_NONCE_SIZE);
	key->sealed_length = length;
	return error;
}

static int open_key(
	const struct secret *secret_key, const struct store_key *key, struct secret *ret_plain)
{
	const size_t overhead = CRYPTO_SEAL_NONCE_SIZE + CRYPTO_SEAL_TAG_SIZE;
	char text[160];
	struct crypto_part bound = binding(key, text);
	struct secret plain = {0};
	int error;

	if (key->sealed_length < overhead)
		return ERROR_REFUSED;
	error = secret_init_empty(&plain, key->sealed_length - overhead);
	if (!error)
		error = crypto_open(secret_key, key->sealed, &bound,
			key->sealed + CRYPTO_SEAL_NONCE_SIZE,
			key->sealed_length - CRYPTO_SEAL_NONCE_SIZE, plain.bytes);
	if (error)
		secret_finish(&plain);
	else
		*ret_plain = plain;
	return error;
}

static void snapshot_destroy(struct keyring_snapshot *snapshot)
{
	for (size_t i = 0; i < snapshot->signing_count; i++)
		crypto_key_destroy(snapshot->signing[i].key);
	for (size_t i = 0; i < snapshot->sealing_count; i++)
		secret_finish(&snapshot->sealing[i].bytes);
	for (size_t i = 0; i < snapshot->pepper_count; i++)
		secret_finish(&snapshot->peppers[i].bytes);
	free(snapshot->jwks);
	free(snapshot);
}

static struct keyring_key *next_place(struct keyring_snapshot *snapshot, const char *purpose)
{
	struct keyring_key *keys;
	size_t *count;

	if (!strcmp(purpose, "signing")) {
		keys = snapshot->signing;
		count = &snapshot->signing_count;
	} else if (!strcmp(purpose, "sealing")) {
		keys = snapshot->sealing;
		count = &snapshot->sealing_count;
	} else if (!strcmp(purpose, "pepper")) {
		keys = snapshot->peppers;
		count = &snapshot->pepper_count;
	} else {
		return NULL;
	}
	return *count < KEYRING_KEYS_MAX ? &keys[(*count)++] : NULL;
}

static int load_signing_key(
	struct keyring_key *place, const struct store_key *stored, const struct secret *plain)
{
	if (jose_alg_parse(stored->alg, &place->alg))
		return ERROR_VERSION;
	return crypto_key_from_private(place->alg, plain, &place->key);
}

static int load_key(void *context, const struct store_key *stored)
{
	struct loading *loading = context;
	struct keyring_key *place;
	struct secret plain = {0};
	int error;

	if (stored->gone_at && stored->gone_at <= clock_now_s(loading->keyring->clock))
		return 0;
	error = open_key(loading->keyring->secret_key, stored, &plain);
	if (error)
		return error;
	place = next_place(loading->snapshot, stored->purpose);
	if (!place) {
		secret_finish(&plain);
		return ERROR_LIMIT;
	}
	memcpy(place->kid, stored->kid, sizeof(place->kid));
	place->created_at = stored->created_at;
	place->published_at = stored->published_at;
	place->activates_at = stored->activates_at;
	place->retires_at = stored->retires_at;
	place->gone_at = stored->gone_at;
	if (!strcmp(stored->purpose, "signing")) {
		error = load_signing_key(place, stored, &plain);
		secret_finish(&plain);
	} else {
		place->bytes = plain;
	}
	return error;
}

static int publish(struct keyring_snapshot *snapshot)
{
	struct buf buf;
	int error;

	buf_init(&buf, 256 * 1024);
	snapshot->jwks_until = INT64_MAX;
	(void)buf_append_text(&buf, "{\"keys\":[");
	for (size_t i = 0; i < snapshot->signing_count; i++) {
		const struct keyring_key *key = &snapshot->signing[i];

		if (i)
			(void)buf_append_char(&buf, ',');
		error = jwk_append(&buf, key->key, key->kid);
		if (error) {
			buf_finish(&buf);
			return error;
		}
		if (key->gone_at && key->gone_at < snapshot->jwks_until)
			snapshot->jwks_until = key->gone_at;
	}
	(void)buf_append_text(&buf, "]}");
	snapshot->jwks_length = buf.len;
	snapshot->jwks = buf_take(&buf);
	return snapshot->jwks ? 0 : ERROR_MEMORY;
}

int keyring_reload(struct keyring *keyring)
{
	struct keyring_snapshot *snapshot = calloc(1, sizeof(*snapshot));
	struct loading loading = {.keyring = keyring, .snapshot = snapshot};
	struct keyring_snapshot *old;
	int error;

	if (!snapshot)
		return ERROR_MEMORY;
	atomic_init(&snapshot->owners, 1);
	error = store_key_list(keyring->store, load_key, &loading);
	if (!error)
		error = publish(snapshot);
	if (error) {
		snapshot_destroy(snapshot);
		return error;
	}
	(void)pthread_mutex_lock(&keyring->lock);
	old = keyring->current;
	keyring->current = snapshot;
	(void)pthread_mutex_unlock(&keyring->lock);
	keyring_release(old);
	return 0;
}

static bool has_unpublished(const struct keyring_snapshot *snapshot)
{
	for (size_t i = 0; i < snapshot->signing_count; i++)
		if (!snapshot->signing[i].published_at)
			return true;
	return false;
}

int keyring_publish(struct keyring *keyring)
{
	struct keyring_snapshot *snapshot = keyring_acquire(keyring);
	bool wanted = has_unpublished(snapshot);
	int error;

	keyring_release(snapshot);
	if (!wanted)
		return 0;
	error = store_key_publish(keyring->store, KEYRING_PUBLISH_S);
	return error ? error : keyring_reload(keyring);
}

int keyring_reload_if_due(struct keyring *keyring)
{
	struct keyring_snapshot *snapshot = keyring_acquire(keyring);
	int64_t until = snapshot->jwks_until;

	keyring_release(snapshot);
	return clock_now_s(keyring->clock) >= until ? keyring_reload(keyring) : 0;
}

int keyring_create(struct store *store, const struct clock *clock, const struct secret *secret_key,
	struct keyring **ret_keyring)
{
	struct keyring *keyring = calloc(1, sizeof(*keyring));
	int error;

	if (!keyring)
		return ERROR_MEMORY;
	keyring->store = store;
	keyring->clock = clock;
	keyring->secret_key = secret_key;
	(void)pthread_mutex_init(&keyring->lock, NULL);
	error = keyring_reload(keyring);
	if (error)
		keyring_destroy(keyring);
	else
		*ret_keyring = keyring;
	return error;
}

void keyring_destroy(struct keyring *keyring)
{
	if (!keyring)
		return;
	keyring_release(keyring->current);
	(void)pthread_mutex_destroy(&keyring->lock);
	free(keyring);
}

struct keyring_snapshot *keyring_acquire(struct keyring *keyring)
{
	struct keyring_snapshot *snapshot;

	(void)pthread_mutex_lock(&keyring->lock);
	snapshot = keyring->current;
	atomic_fetch_add(&snapshot->owners, 1);
	(void)pthread_mutex_unlock(&keyring->lock);
	return snapshot;
}

void keyring_release(struct keyring_snapshot *snapshot)
{
	if (snapshot && atomic_fetch_sub(&snapshot->owners, 1) == 1)
		snapshot_destroy(snapshot);
}

static bool is_active(const struct keyring_key *key, int64_t now_s)
{
	return key->activates_at <= now_s && (!key->retires_at || key->retires_at > now_s);
}

static const struct keyring_key *newest_active(
	const struct keyring_key *keys, size_t count, enum jose_alg alg, int64_t now_s)
{
	const struct keyring_key *newest = NULL;

	for (size_t i = 0; i < count; i++)
		if (keys[i].alg == alg && is_active(&keys[i], now_s) &&
			(!newest || keys[i].activates_at >= newest->activates_at))
			newest = &keys[i];
	return newest;
}

/* With `retired` also those that are so: a successor may not have been published in time. */
static const struct keyring_key *newest_published(
	const struct keyring_snapshot *snapshot, enum jose_alg alg, int64_t now_s, bool retired)
{
	const struct keyring_key *newest = NULL;

	for (size_t i = 0; i < snapshot->signing_count; i++) {
		const struct keyring_key *key = &snapshot->signing[i];

		if (key->alg == alg && key->published_at && key->activates_at <= now_s &&
			(!key->gone_at || key->gone_at > now_s) &&
			(retired || is_active(key, now_s)) &&
			(!newest || key->activates_at >= newest->activates_at))
			newest = key;
	}
	return newest;
}

const struct keyring_key *keyring_signing_key(
	const struct keyring_snapshot *snapshot, enum jose_alg alg, int64_t now_s)
{
	const struct keyring_key *key = newest_published(snapshot, alg, now_s, false);

	if (!key)
		key = newest_published(snapshot, alg, now_s, true);
	return key ? key : newest_active(snapshot->signing, snapshot->signing_count, alg, now_s);
}

const struct keyring_key *keyring_sealing_key(
	const struct keyring_snapshot *snapshot, int64_t now_s)
{
	return newest_active(snapshot->sealing, snapshot->sealing_count, 0, now_s);
}

const struct keyring_key *keyring_pepper(const struct keyring_snapshot *snapshot, int64_t now_s)
{
	return newest_active(snapshot->peppers, snapshot->pepper_count, 0, now_s);
}

static const struct keyring_key *find_kept(
	const struct keyring_key *keys, size_t count, const char *kid, int64_t now_s)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(keys[i].kid, kid) && (!keys[i].gone_at || keys[i].gone_at > now_s))
			return &keys[i];
	return NULL;
}

const struct keyring_key *keyring_find_sealing(
	const struct keyring_snapshot *snapshot, const char *kid, int64_t now_s)
{
	return find_kept(snapshot->sealing, snapshot->sealing_count, kid, now_s);
}

const struct keyring_key *keyring_find_signing(
	const struct keyring_snapshot *snapshot, const char *kid, int64_t now_s)
{
	return find_kept(snapshot->signing, snapshot->signing_count, kid, now_s);
}

const struct keyring_key *keyring_find_pepper(
	const struct keyring_snapshot *snapshot, const char *kid)
{
	for (size_t i = 0; i < snapshot->pepper_count; i++)
		if (!strcmp(snapshot->peppers[i].kid, kid))
			return &snapshot->peppers[i];
	return NULL;
}

static int make_plain(const struct keyring_new_key *wanted, struct secret *ret_plain)
{
	struct crypto_key *key = NULL;
	int error;

	if (strcmp(wanted->purpose, "signing") != 0) {
		error = secret_init_empty(ret_plain, KEYRING_SECRET_SIZE);
		return error ? error : random_bytes(ret_plain->bytes, ret_plain->length);
	}
	error = crypto_key_generate(wanted->alg, &key);
	if (!error)
		error = crypto_key_to_private(key, ret_plain);
	crypto_key_destroy(key);
	return error;
}

/* All of it but the key itself. */
static int describe(struct keyring *keyring, const struct keyring_new_key *wanted, const char *kid,
	struct store_key *ret_key)
{
	bool signing = !strcmp(wanted->purpose, "signing");
	struct store_key key = {.activates_at = clock_now_s(keyring->clock)};
	int error = text_copy(key.kid, sizeof(key.kid), kid);

	if (!error)
		error = text_copy(key.purpose, sizeof(key.purpose), wanted->purpose);
	if (!error && signing)
		error = text_copy(key.alg, sizeof(key.alg), jose_alg_name(wanted->alg));
	if (error)
		return error;
	if (wanted->first || !signing)
		key.published_at = key.activates_at;
	else
		key.activates_at += KEYRING_PUBLISH_S;
	*ret_key = key;
	return 0;
}

static int make_key(
	struct keyring *keyring, const struct keyring_new_key *wanted, struct store_key *ret_key)
{
	struct secret plain = {0};
	char kid[KEYRING_KID_LENGTH + 1];
	int error = random_alphanumeric(kid, KEYRING_KID_LENGTH);

	if (!error)
		error = describe(keyring, wanted, kid, ret_key);
	if (!error)
		error = make_plain(wanted, &plain);
	if (!error)
		error = seal_key(keyring->secret_key, &plain, ret_key);
	secret_finish(&plain);
	return error;
}

int keyring_add(
	struct keyring *keyring, const struct keyring_new_key *wanted, char ret_kid[STORE_ID_SIZE])
{
	struct store_key key = {0};
	int error = make_key(keyring, wanted, &key);

	if (!error)
		error = store_key_add(keyring->store, &key, wanted->keep_s, wanted->first);
	if (!error && ret_kid)
		memcpy(ret_kid, key.kid, STORE_ID_SIZE);
	return error ? error : keyring_reload(keyring);
}

/* A server that runs publishes it at once: that is when the plan begins. */
int keyring_plan(struct keyring *keyring, const struct keyring_new_key *wanted,
	int (*each)(void *context, const struct store_key *key), void *context)
{
	struct store_key key;
	int error = describe(keyring, wanted, KEYRING_PLANNED_KID, &key);

	if (error)
		return error;
	key.published_at = clock_now_s(keyring->clock);
	key.sealed_length = 1; /* none, and stored nowhere */
	return store_key_plan(keyring->store, &key, wanted->keep_s, each, context);
}

int keyring_revoke(struct keyring *keyring, const char *kid, const struct keyring_new_key *like)
{
	struct store_key successor = {0};
	int error = make_key(keyring, like, &successor);

	if (!error)
		error = store_key_revoke(keyring->store, kid, &successor);
	return error ? error : keyring_reload(keyring);
}

const char *keyring_state(int64_t published_at, int64_t activates_at, int64_t retires_at,
	int64_t gone_at, int64_t now_s)
{
	if (gone_at && gone_at <= now_s)
		return "gone";
	if (retires_at && retires_at <= now_s)
		return "retired";
	return activates_at <= now_s && published_at ? "active" : "next";
}

const char *keyring_stored_state(const struct store_key *key, int64_t now_s)
{
	return keyring_state(
		key->published_at, key->activates_at, key->retires_at, key->gone_at, now_s);
}
