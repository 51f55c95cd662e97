/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the authority remembers, by the domain's verbs. Engines: sqlite.c (and
 * later postgres.c), under one suite of tests.
 *
 * Every verb returns 0 or:
 *   ERROR_NOT_FOUND    an answer: there is no such thing
 *   ERROR_EXISTS       an answer: the name is taken
 *   ERROR_REFUSED      an answer: the rule named at the verb forbids it
 *   ERROR_INVALID      the caller's mistake: a value that the schema forbids
 *   ERROR_UNAVAILABLE  a fault: the engine can't read or write now; nothing was
 *                      changed, and nothing is known
 *   ERROR_MEMORY       a fault
 * and writes its outputs only on 0. Every verb is thread-safe. Times are Unix
 * seconds by the store's clock; a `now` is never passed in. A verb that writes
 * returns (or calls back) after its commit is durable. Every write that a cache
 * must see bumps the change counter in its transaction; making an access grant,
 * redeeming, sweeping and last uses do not (a cache keeps no grant that is missing).
 *
 * `each` of a list may use the store. A `done` is called in the store's writing
 * thread: it must not call a verb that writes and waits, nor store_close().
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "base/clock.h"
#include "base/error.h"
#include "base/histogram.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	STORE_ID_SIZE = 64,	   /* "su_…", "key id", a time-ordered text, with its NUL */
	STORE_SITE_SIZE = 65,	   /* [a-z0-9][a-z0-9-]{0,63} */
	STORE_USERNAME_SIZE = 257, /* bytes, UTF-8 */
	STORE_LABEL_SIZE = 257,	   /* bytes, UTF-8 */
	STORE_CLIENT_SIZE = 129,
	STORE_RESOURCE_SIZE = 129,
	STORE_SCOPES_SIZE = 513, /* space-separated */
	STORE_GRANTS_SIZE = 257, /* space-separated */
	STORE_URIS_SIZE = 4097,	 /* one URI a line */
	STORE_JWKS_SIZE = 4097,	 /* a JWK Set */
	STORE_MAC_SIZE = 32,
	STORE_PASSWORD_HASH_SIZE = 257, /* of an imported password, with its NUL */
	STORE_CREDENTIALS_MAX = 2,	/* live ones of one Service User or client */
	STORE_BINARY_ID_SIZE = 16,
	STORE_HASH_SIZE = 32,
	STORE_KEYS_MAX = 64,	 /* of one purpose, gone ones apart */
	STORE_SEALED_MAX = 4096, /* bytes of one sealed key */
	STORE_ISSUER_SIZE = 513,
	STORE_SCHEMA_VERSION = 8,
	STORE_TRUSTED_PAIRS_MAX = 32, /* of one Service User */
	STORE_ACCOUNT_FAILURES_MAX = 4096,
};

struct store;

/* What a verb that does not wait ends with, in the store's writing thread. */
typedef void (*store_done)(void *context, int error);

/* --- opening ------------------------------------------------------------- */

struct store_options {
	const char *path;	   /* database file; NULL: in memory, gone with the store */
	bool create;		   /* make it where it is missing; else ERROR_NOT_FOUND */
	bool upgrade;		   /* bring an older schema up; else ERROR_VERSION */
	const struct clock *clock; /* borrowed; outlives the store; NULL: the system's */
	int busy_timeout_ms;	   /* 0: 5,000: how long to wait for another process's write */
};

/* ERROR_VERSION: the data is of a newer version, or of an older one and `upgrade` is
 * not set, and was not touched. ERROR_INVALID: the file is no Adit database. `fault`
 * says what to do. */
int store_open(const struct store_options *options, struct store **ret_store, struct fault *fault);
/* Finishes what is queued, then closes. Accepts NULL. */
void store_close(struct store *store);

/* From now on `guard` is called, in the store's writing thread, before a transaction that
 * changed something is committed; where it returns an error, nothing is. It may read from
 * a store that is a file. To be called before anything is written. */
void store_guard_commits(struct store *store, int (*guard)(void *context), void *context);

/* Returns when everything that was submitted has been called back. For a caller
 * whose contexts are about to go. */
void store_settle(struct store *store);

/* Whether a read works now, and the last write did: 0 or ERROR_UNAVAILABLE, which then
 * also tries a write, so that a later call can tell that it works again. For /readyz. */
int store_ping(struct store *store);

/* How the writing goes. From any thread. */
struct store_statistics {
	uint64_t waiting;		   /* writes in the queue now */
	uint64_t waiting_max;		   /* as many may wait */
	uint64_t answered;		   /* writes since the store was opened, failed ones too */
	bool failing;			   /* the last transaction could not be written */
	int64_t stalled_ms;		   /* since a write was answered or came where none was;
					      0: none waits or is under way */
	struct histogram_sum transactions; /* from the begin to the end of the commit */
};
void store_statistics(struct store *store, struct store_statistics *ret_statistics);

/* Goes up with every write that a cache must see, also another process's. Cheap
 * enough to be asked several times a second. ERROR_VERSION: a newer Adit has upgraded the
 * database since it was opened; nothing that is read from it means anything now. */
int store_change_counter(struct store *store, int64_t *ret_counter);

/* --- upgrading ------------------------------------------------------------ */

/* One file of sql/. */
struct store_migration {
	int64_t version; /* of the schema that it makes */
	const char *name;
	const char *does; /* one line */
};

/* The one that makes that version of the schema; NULL: there is none. */
const struct store_migration *store_migration_get(int64_t version);

/* The schema's version of a database that nobody has open here, also while another process
 * uses it. Changes nothing, and makes no file beside it. As store_open(). */
int store_schema(const char *path, int64_t *ret_version, struct fault *fault);

/* Brings an older database to STORE_SCHEMA_VERSION by one transaction for each migration:
 * cut short at any point, the next call goes on. A damaged one is refused before. `backup`
 * (may be NULL) is written before the first change, as by store_backup(). No other process
 * may use the database meanwhile. As store_open() and store_backup(). */
int store_upgrade(const char *path, const char *backup, struct fault *fault);

/* --- as a whole ----------------------------------------------------------- */

/* Whether everything in it can be read and fits together, which takes a while: 0,
 * ERROR_INVALID (it is damaged) or a fault. */
int store_check(struct store *store);

/* Whether the closed file is as long as it says: one that lost the end of its last page
 * can look whole to store_check(). 0 (also for one that is no database), ERROR_INVALID or
 * ERROR_IO. */
int store_check_length(const char *path);

/* Writes all that is committed into a new file at `path` (0600), which is whole when it
 * gets that name; `path`.new until then. Others may read and write meanwhile.
 * ERROR_EXISTS: one of the two names is taken. ERROR_INVALID: there can be no file.
 * ERROR_REFUSED: the store is in memory. ERROR_IO or the store's faults: then nothing is left
 * there. */
int store_backup(struct store *store, const char *path, struct fault *fault);

/* --- the authority itself ------------------------------------------------ */

struct store_authority {
	char issuer[STORE_ISSUER_SIZE];
	int64_t epoch; /* sealed in refresh tokens; a restored backup gets another */
	int64_t created_at;
};

/* Once: ERROR_EXISTS afterwards. Epoch 1. */
int store_authority_create(struct store *store, const char *issuer);
int store_authority_get(struct store *store, struct store_authority *ret_authority);

/* Another epoch, so that no refresh token of before is good. It is no less than the time,
 * so that one backup that is restored twice has two. ERROR_NOT_FOUND: no authority. */
int store_authority_bump_epoch(struct store *store);

/* --- where the audit ends ------------------------------------------------ */

/* The last entry that is known to be on disk (docs/adr, the audit's chain). */
struct store_audit_head {
	int64_t seq;
	unsigned char mac[STORE_MAC_SIZE];
	char file[STORE_ID_SIZE];
};

/* ERROR_NOT_FOUND: there is none yet. */
int store_audit_head_get(struct store *store, struct store_audit_head *ret_head);
/* Keeps the one with the larger seq. The first calls back as store_credential_move()
 * does, the second waits. */
int store_audit_head_put(
	struct store *store, const struct store_audit_head *head, store_done done, void *context);
int store_audit_head_put_now(struct store *store, const struct store_audit_head *head);
/* For a restored backup, whose head belongs to another time. */
int store_audit_head_forget(struct store *store);

/* --- keys ---------------------------------------------------------------- */

/* A key's state follows from its times: next until activates_at, active until
 * retires_at, retired until gone_at, then gone. 0 in the last two: not yet set. One whose
 * published_at is 0 is next, whatever the rest says. */
struct store_key {
	char kid[STORE_ID_SIZE];
	char purpose[16]; /* "signing", "sealing", "pepper" */
	char alg[16];	  /* "ES256", "RS256", "EdDSA"; "" for the others */
	int64_t created_at;
	int64_t published_at; /* of a signing key: since when a server shows it; 0: not yet */
	int64_t activates_at;
	int64_t retires_at;
	int64_t gone_at;
	unsigned char sealed[STORE_SEALED_MAX]; /* encrypted under the secret key */
	size_t sealed_length;
};

/* created_at is the store's. In one transaction: every key of the same purpose
 * and alg whose retires_at is 0 gets retires_at = the new key's activates_at and
 * gone_at = that + keep_s (gone_at stays 0 when keep_s is 0: kept for ever).
 * A pepper that retired a day ago and that no credential names is removed.
 * ERROR_EXISTS: the kid. ERROR_LIMIT: there are STORE_KEYS_MAX of that purpose that
 * have not gone. ERROR_REFUSED: only_if_none is set and a key of that
 * purpose and alg that has not retired exists already (two processes making the
 * first key at once). */
int store_key_add(
	struct store *store, const struct store_key *key, int64_t keep_s, bool only_if_none);
/* Calls `each` for every key, oldest first, until it returns non-zero, which is
 * then returned. The key is borrowed during the call. */
int store_key_list(struct store *store, int (*each)(void *context, const struct store_key *key),
	void *context);

/* Does store_key_add() without only_if_none, lists the keys as they are then, as
 * store_key_list() does, and undoes it: nothing was changed. */
int store_key_plan(struct store *store, const struct store_key *key, int64_t keep_s,
	int (*each)(void *context, const struct store_key *key), void *context);

/* That a server shows every signing key from now on. One that was not shown before activates
 * in ahead_s at the earliest, the one before it retires then, and that one's gone_at is put
 * off as much; unless there is none before it. */
int store_key_publish(struct store *store, int64_t ahead_s);

/* Ends a key now. Where none of its purpose and alg is active then, the one that is next
 * activates, or else `successor` is stored, active. ERROR_NOT_FOUND: no such key, or gone.
 * ERROR_REFUSED: a pepper that credentials name. */
int store_key_revoke(struct store *store, const char *kid, const struct store_key *successor);

/* How many credentials the pepper of that id has MACs of. */
int store_pepper_count(struct store *store, const char *kid, int64_t *ret_count);

/* --- resources and scopes ------------------------------------------------ */

/* A scope belongs to one resource (the `aud` of its tokens), or to none (those
 * of OpenID Connect). */
struct store_scope {
	char name[65];
	char resource[129]; /* "" for none */
	char alg[16];	    /* of that resource's access tokens: "ES256" or "RS256" */
};

int store_resource_put(struct store *store, const char *resource, const char *alg);
int store_scope_put(struct store *store, const char *scope, const char *resource /* or "" */);
int store_scope_list(struct store *store,
	int (*each)(void *context, const struct store_scope *scope), void *context);

/* --- sites --------------------------------------------------------------- */

struct store_site {
	char id[STORE_SITE_SIZE];
	char name[STORE_LABEL_SIZE]; /* "" where it has none */
	int64_t created_at;
	int64_t disabled_at; /* 0: enabled */
};

int store_site_add(struct store *store, const char *id, const char *name);
int store_site_get(struct store *store, const char *id, struct store_site *ret_site);
int store_site_list(struct store *store, int (*each)(void *context, const struct store_site *site),
	void *context);
/* Disabling ends every access grant of the site's Service Users (generation + 1).
 * To the state it has already: 0, nothing changes. */
int store_site_set_enabled(struct store *store, const char *id, bool enabled);

/* --- Service Users ------------------------------------------------------- */

/* A generated password or client secret, as its MAC; or a Service User's imported
 * password, as its hash. */
struct store_credential {
	char id[STORE_ID_SIZE];
	char pepper_kid[STORE_ID_SIZE]; /* "" of an imported one, whose mac is zero */
	unsigned char mac[STORE_MAC_SIZE];
	char password_hash[STORE_PASSWORD_HASH_SIZE]; /* "": a generated one */
	int64_t created_at;
	int64_t expires_at;   /* 0: never */
	int64_t last_used_at; /* 0: never; a minute late at most, and not of the caller's giving */
};

struct store_service_user {
	char id[STORE_ID_SIZE]; /* "su_…": the `sub` */
	char username[STORE_USERNAME_SIZE];
	char site[STORE_SITE_SIZE];
	char role[8]; /* "read" or "write" */
	char label[STORE_LABEL_SIZE];
	int64_t created_at;
	int64_t disabled_at;
	bool site_disabled;
	struct store_credential credentials[STORE_CREDENTIALS_MAX]; /* newest first; expired
								       ones are left out */
	size_t credential_count;
};

/* What a Service User has granted a client: made with the first token. */
struct store_access_grant {
	unsigned char id[STORE_BINARY_ID_SIZE]; /* time-ordered */
	int64_t generation;			/* from 1; older tokens are dead */
	bool exists;
	bool disabled; /* by the operator: this client is kept from this Service User */
};

/* ERROR_NOT_FOUND: the site. ERROR_EXISTS: the username (compared byte for
 * byte) or id. credentials[0] is stored where credential_count is 1. */
int store_service_user_add(struct store *store, const struct store_service_user *user);
/* Adds them all or none. On an error `reached` is the index of the one that it is
 * about (the last, if it is about none). */
struct store_import {
	const struct store_service_user *users;
	size_t count;
	size_t reached;
};
int store_service_user_import(struct store *store, struct store_import *import);
int store_service_user_get(
	struct store *store, const char *username, struct store_service_user *ret_user);
int store_service_user_list(struct store *store, const char *site /* NULL: all */,
	int (*each)(void *context, const struct store_service_user *user), void *context);
/* Likewise, of all sites: those with a live credential that expires by `until`. */
int store_service_user_expiring(struct store *store, int64_t until,
	int (*each)(void *context, const struct store_service_user *user), void *context);
/* Disabling ends its access grants (generation + 1). */
int store_service_user_set_enabled(struct store *store, const char *username, bool enabled);
/* Adds a credential; every older one expires at now + overlap_s at the latest, and
 * of those at most one stays (the newest). Where overlap_s is 0, or one was
 * dropped, the access grants end (generation + 1). */
int store_service_user_rotate(struct store *store, const char *username,
	const struct store_credential *credential, int64_t overlap_s);

/* --- clients ------------------------------------------------------------- */

struct store_client {
	char id[STORE_CLIENT_SIZE];
	char type[16];			/* "public", "confidential", "native", "web", "device" */
	char grants[STORE_GRANTS_SIZE]; /* grant_type values */
	char scopes[STORE_SCOPES_SIZE]; /* it may ask for these */
	char default_scopes[STORE_SCOPES_SIZE]; /* what an omitted scope means */
	char redirect_uris[STORE_URIS_SIZE];
	char service_user_id[STORE_ID_SIZE]; /* "" but for client_credentials */
	char resource[STORE_RESOURCE_SIZE];  /* the API that it is, to introspect; else "" */
	char jwks[STORE_JWKS_SIZE];	     /* its public keys, and then it has no secret; or "" */
	int64_t access_ttl_s;		     /* 0: the authority's default */
	int64_t created_at;
	int64_t disabled_at;
	struct store_credential secrets[STORE_CREDENTIALS_MAX]; /* newest first, live ones */
	size_t secret_count;
};

/* Whether a client of that type keeps a secret, or a private key: "confidential" and
 * "web" do (RFC 6749, 2.1). */
bool store_client_type_has_secret(const char *type);

/* ERROR_EXISTS: the id. ERROR_NOT_FOUND: the Service User or the resource.
 * ERROR_REFUSED: a secret or keys at a type without, or both. */
int store_client_add(struct store *store, const struct store_client *client);
int store_client_get(struct store *store, const char *id, struct store_client *ret_client);
int store_client_list(struct store *store,
	int (*each)(void *context, const struct store_client *client), void *context);
/* The redirect_uris of every client of the type "web" that is not disabled. */
int store_client_list_web(
	struct store *store, int (*each)(void *context, const char *redirect_uris), void *context);
/* Disabling ends its access grants (generation + 1). */
int store_client_set_enabled(struct store *store, const char *id, bool enabled);
/* As store_service_user_rotate(), without ending grants. ERROR_REFUSED: the
 * client's type has no secret, or it has keys. */
int store_client_rotate_secret(struct store *store, const char *id,
	const struct store_credential *secret, int64_t overlap_s);
/* These keys in the place of its keys, or of its secrets, and no grant ends.
 * ERROR_REFUSED: the client's type has none. ERROR_INVALID: too long, or "". */
int store_client_set_keys(struct store *store, const char *id, const char *jwks);

/* Keeps the same secret's MAC under another pepper, where it still is the one under
 * from_pepper: that a login makes older peppers unneeded (2-decisions, 2). Called
 * back as store_access_grant_ensure() is; `done` may be NULL. */
enum store_credential_owner { STORE_OWNER_SERVICE_USER, STORE_OWNER_CLIENT };
int store_credential_move(struct store *store, enum store_credential_owner owner,
	const char *from_pepper, const struct store_credential *credential, store_done done,
	void *context);

/* Keeps an imported password under another hash, where it still is under `from`.
 * Called back as store_credential_move() is; `done` may be NULL. */
int store_credential_rehash(struct store *store, const char *credential_id, const char *from,
	const char *to, store_done done, void *context);

/* Whether any Service User has an imported password, ended ones included, and whether the
 * hash of one begins otherwise than `ours`, which is not empty. */
struct store_imported {
	bool exists;
	bool others;
};
int store_imported_find(struct store *store, const char *ours, struct store_imported *ret_imported);

/* --- the way of a token -------------------------------------------------- */

/* Everything that decides about one Service User at one client, read in one
 * statement, so that no part is older than another. */
struct store_subject {
	struct store_service_user user;
	struct store_access_grant grant;
};

int store_subject_by_username(struct store *store, const char *username, const char *client_id,
	struct store_subject *ret_subject);
int store_subject_by_id(struct store *store, const char *user_id, const char *client_id,
	struct store_subject *ret_subject);

/* The grant's row, once: made where it is missing, then read. Answers from the
 * store's writing thread after the commit; `error` may be ERROR_NOT_FOUND (the
 * user or the client has gone, or it or the site is disabled: disabling could not
 * end a grant that was not there yet). Never called back before it returns when it
 * returns an error (ERROR_UNAVAILABLE: closing; ERROR_BUSY: the queue is full;
 * ERROR_MEMORY). */
typedef void (*store_grant_done)(void *context, int error, const struct store_access_grant *grant);
int store_access_grant_ensure(struct store *store, const char *user_id, const char *client_id,
	store_grant_done done, void *context);

/* A grant by its names. */
struct store_grant_row {
	char username[STORE_USERNAME_SIZE];
	char client_id[STORE_CLIENT_SIZE];
	char site[STORE_SITE_SIZE];
	int64_t created_at;
	int64_t disabled_at;
};
/* Ordered by username, then client; NULL: of all. */
int store_access_grant_list(struct store *store, const char *username, const char *client_id,
	int (*each)(void *context, const struct store_grant_row *row), void *context);
/* Disabling ends the grant (generation + 1), and makes the row where there is none yet.
 * ERROR_NOT_FOUND: the user or the client, or what is to be enabled. */
int store_access_grant_set_enabled(
	struct store *store, const char *username, const char *client_id, bool enabled);

/* One redemption of a refresh token (2-decisions, 1). */
struct store_redemption {
	unsigned char family_id[STORE_BINARY_ID_SIZE];
	int64_t seq; /* n, as sealed in the token */
	unsigned char grant_id[STORE_BINARY_ID_SIZE];
	int64_t generation;
	int64_t family_expires_at;
	int64_t grace_s;
	bool unattended;
};

enum store_redeem_outcome {
	STORE_REDEEM_ROTATED = 1, /* n redeemed for the first time: the successor is n + 1 */
	STORE_REDEEM_REPEATED,	  /* n again within the grace window: the same link */
	STORE_REDEEM_REVOKED,	  /* by this redemption: replay, or state lost */
	STORE_REDEEM_DEAD,	  /* already: revoked, or its grant gone or of a newer generation */
};

struct store_redeemed {
	enum store_redeem_outcome outcome;
	int64_t seq;	    /* of the successor, with ROTATED and REPEATED */
	int64_t rotated_at; /* when n was first redeemed: the successor's issued_at */
	char reason[16];    /* with REVOKED: "replay" or "state_lost" */
};

/* As store_access_grant_ensure() is called back. The verdict is committed by
 * then, a revocation too. */
typedef void (*store_redeem_done)(void *context, int error, const struct store_redeemed *redeemed);
int store_refresh_redeem(struct store *store, const struct store_redemption *redemption,
	store_redeem_done done, void *context);

/* Ends a family (RFC 7009), also one without a row yet: nothing of it is ever
 * redeemed again. One that has ended already is left as it is. Called back as
 * store_credential_move() is; ERROR_UNAVAILABLE is not success. */
struct store_revocation {
	unsigned char family_id[STORE_BINARY_ID_SIZE];
	unsigned char grant_id[STORE_BINARY_ID_SIZE];
	int64_t seq; /* as sealed in the token */
	int64_t family_expires_at;
};
int store_refresh_revoke(struct store *store, const struct store_revocation *revocation,
	store_done done, void *context);

/* Uses a client's assertion up (RFC 7523, 3: its jti), whose name here is `id`, until
 * expires_at. Called back as store_credential_move() is; ERROR_EXISTS: it was used
 * before, or has ended by now. */
int store_client_assertion_use(struct store *store, const unsigned char id[STORE_HASH_SIZE],
	int64_t expires_at, store_done done, void *context);

/* Removes at most `most` families whose expires_at is more than a day past. Called back
 * as store_access_grant_ensure() is. */
typedef void (*store_swept)(void *context, int error, int64_t removed);
int store_family_sweep(struct store *store, int64_t most, store_swept done, void *context);
/* Likewise the client assertions that ended more than an hour ago. */
int store_client_assertion_sweep(
	struct store *store, int64_t most, store_swept done, void *context);

/* --- against guessing ---------------------------------------------------- */

/* Numbers are the authority's (attempts.h): nothing can be read from them. Those with a
 * `done` are called back as store_credential_move() is. */
typedef int (*store_attempts_each)(void *context, int64_t number, int64_t value);

/* The Service User's password was right from there, now. Of one user's the newest
 * STORE_TRUSTED_PAIRS_MAX stay. ERROR_NOT_FOUND: the user. */
int store_trusted_pair_put(
	struct store *store, const char *user_id, int64_t pair, store_done done, void *context);
/* Each pair since then, with its time, oldest first. */
int store_trusted_pair_list(
	struct store *store, int64_t since, store_attempts_each each, void *context);
/* Removes those that are as old as that, as store_family_sweep() does. */
int store_trusted_pair_sweep(
	struct store *store, int64_t age_s, int64_t most, store_swept done, void *context);

/* How often chosen passwords of an account have been wrong in a row; 0 removes it. The
 * highest STORE_ACCOUNT_FAILURES_MAX stay. */
int store_account_failures_put(
	struct store *store, int64_t account, int64_t failures, store_done done, void *context);
int store_account_failures_list(struct store *store, store_attempts_each each, void *context);

/* Removes them, and has every running authority forget what it counts for the account.
 * `ret_failures`: those that were stored. */
int store_account_unlock(struct store *store, int64_t account, int64_t *ret_failures);
/* Each account that was unlocked later than the one of ordinal `after`, with its
 * ordinal, in that order. */
int store_account_unlock_list(
	struct store *store, int64_t after, store_attempts_each each, void *context);

/* --- last use ------------------------------------------------------------ */

enum {
	STORE_SOURCE_SIZE = 64,
	STORE_GRANT_TYPE_SIZE = 64,
	STORE_SOURCES_KEPT = 5, /* of a Service User at a client, the last ones */
};

/* Uses of one Service User by one client from one source. */
struct store_use {
	char user_id[STORE_ID_SIZE]; /* "": only the secret was used */
	char client_id[STORE_CLIENT_SIZE];
	char source[STORE_SOURCE_SIZE];
	char grant_type[STORE_GRANT_TYPE_SIZE]; /* of the last one */
	char credential_id[STORE_ID_SIZE];	/* the Service User's password; "": none */
	char secret_id[STORE_ID_SIZE];		/* the client's secret; "": none */
	int64_t first_used_at;			/* the caller's clock, of these uses */
	int64_t last_used_at;
};

/* Keeps them beside what is there, all or none. One of a user or client that has gone is
 * passed over. Copies; called back as store_credential_move() is. Does not bump the change
 * counter. */
int store_use_put(struct store *store, const struct store_use *uses, size_t count, store_done done,
	void *context);

struct store_use_source {
	char source[STORE_SOURCE_SIZE];
	int64_t first_used_at; /* since it is among the last ones */
	int64_t last_used_at;
};

struct store_last_use {
	char client_id[STORE_CLIENT_SIZE];
	char grant_type[STORE_GRANT_TYPE_SIZE]; /* of the last use */
	int64_t first_used_at;
	int64_t last_used_at;
	struct store_use_source sources[STORE_SOURCES_KEPT]; /* the last one first */
	size_t source_count;
};

/* What uses a Service User, the last one first. */
int store_last_use_list(struct store *store, const char *user_id,
	int (*each)(void *context, const struct store_last_use *use), void *context);
/* 0: never. */
int store_service_user_last_used_at(struct store *store, const char *user_id, int64_t *ret_at);
int store_client_last_used_at(struct store *store, const char *client_id, int64_t *ret_at);

#endif
