/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The authority's keys, opened: signing keys, sealing keys of refresh tokens,
 * peppers of generated secrets. In the store they lie encrypted under the secret
 * key of the data directory. A snapshot does not change; a reload makes a new one.
 */
#ifndef AUTHORITY_KEYRING_H
#define AUTHORITY_KEYRING_H

#include "base/secret.h"
#include "jose/crypto.h"
#include "store/store.h"

#include <stdatomic.h>

enum {
	KEYRING_KEYS_MAX = STORE_KEYS_MAX, /* of one purpose */
	KEYRING_KID_LENGTH = 16,	   /* characters of a key id made here */
	KEYRING_SECRET_SIZE = 32,
	KEYRING_JWKS_MAX_AGE_S = 300, /* Cache-Control of the JWKS */
	/* From the making of a key to its first signature: everybody who follows the
	 * JWKS's max-age has seen it by then (2-decisions, 3). */
	KEYRING_PUBLISH_S = KEYRING_JWKS_MAX_AGE_S + 60,
};

#define KEYRING_PLANNED_KID "(new)"

struct keyring_key {
	char kid[STORE_ID_SIZE];
	enum jose_alg alg; /* signing keys only */
	int64_t created_at;
	int64_t published_at; /* of a signing key; 0: not known to have been */
	int64_t activates_at;
	int64_t retires_at;	/* 0: not yet known */
	int64_t gone_at;	/* 0: not yet known */
	struct crypto_key *key; /* signing keys only */
	struct secret bytes;	/* the others */
};

struct keyring_snapshot {
	atomic_uint owners;
	struct keyring_key signing[KEYRING_KEYS_MAX]; /* oldest first */
	size_t signing_count;
	struct keyring_key sealing[KEYRING_KEYS_MAX];
	size_t sealing_count;
	struct keyring_key peppers[KEYRING_KEYS_MAX];
	size_t pepper_count;
	char *jwks; /* the published document, as of the snapshot's making */
	size_t jwks_length;
	int64_t jwks_until; /* when a key goes from it; INT64_MAX: never */
};

struct keyring;

/* Opens what the store has. ERROR_REFUSED: a key does not open under
 * `secret_key`, which then belongs to another data directory. The store, clock
 * and secret key outlive the keyring. Thread-safe afterwards. */
int keyring_create(struct store *store, const struct clock *clock, const struct secret *secret_key,
	struct keyring **ret_keyring);
void keyring_destroy(struct keyring *keyring);

/* For a process that serves: what is in the snapshot's document is published from now on, and
 * a key that was not before counts from now, which is stored. 0, or the store's error: the key
 * is not used then, and this is to be called again. */
int keyring_publish(struct keyring *keyring);

/* Reads the store again. On an error the old snapshot stays. */
int keyring_reload(struct keyring *keyring);
/* The same, only if the published document has changed by the clock alone. */
int keyring_reload_if_due(struct keyring *keyring);

/* The snapshot of now; each acquire is released. */
struct keyring_snapshot *keyring_acquire(struct keyring *keyring);
void keyring_release(struct keyring_snapshot *snapshot);

/* The key that signs (seals, MACs) at `now_s`, or NULL. Nothing is signed by a key that is not
 * known to be published while there is another: the one before it goes on. */
const struct keyring_key *keyring_signing_key(
	const struct keyring_snapshot *snapshot, enum jose_alg alg, int64_t now_s);
const struct keyring_key *keyring_sealing_key(
	const struct keyring_snapshot *snapshot, int64_t now_s);
const struct keyring_key *keyring_pepper(const struct keyring_snapshot *snapshot, int64_t now_s);

/* The key of that id, gone ones excepted, or NULL. */
const struct keyring_key *keyring_find_sealing(
	const struct keyring_snapshot *snapshot, const char *kid, int64_t now_s);
const struct keyring_key *keyring_find_signing(
	const struct keyring_snapshot *snapshot, const char *kid, int64_t now_s);
const struct keyring_key *keyring_find_pepper(
	const struct keyring_snapshot *snapshot, const char *kid);

/* What a new key is to be. */
struct keyring_new_key {
	const char *purpose; /* "signing", "sealing", "pepper" */
	enum jose_alg alg;   /* of a signing key */
	int64_t keep_s;	     /* how long the one before it is kept after it retires; 0: for ever */
	bool first;	     /* active at once, and ERROR_REFUSED where there is one already */
};

/* Makes a key, stores it and reloads. `ret_kid` may be NULL; it is written where the
 * key was stored, even if reloading then fails. ERROR_LIMIT: there are
 * KEYRING_KEYS_MAX of that purpose that have not gone. */
int keyring_add(
	struct keyring *keyring, const struct keyring_new_key *wanted, char ret_kid[STORE_ID_SIZE]);

/* As keyring_add(), without making anything: `each` gets the keys as they would be then, the
 * new one with the id KEYRING_PLANNED_KID. */
int keyring_plan(struct keyring *keyring, const struct keyring_new_key *wanted,
	int (*each)(void *context, const struct store_key *key), void *context);

/* Ends the key of that id now, and sees to it that there is another of `like`'s purpose and
 * algorithm. As store_key_revoke(), then reloads. */
int keyring_revoke(struct keyring *keyring, const char *kid, const struct keyring_new_key *like);

/* "next", "active", "retired" or "gone". */
const char *keyring_state(int64_t published_at, int64_t activates_at, int64_t retires_at,
	int64_t gone_at, int64_t now_s);
const char *keyring_stored_state(const struct store_key *key, int64_t now_s);

#endif
