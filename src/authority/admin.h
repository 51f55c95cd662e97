/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an operator does, one file a noun: checks, then the store's verb. The
 * commands of `aditd` call these, and an admin API will. Every function returns 0
 * or an error with `fault` saying what is wrong and what to do.
 */
#ifndef AUTHORITY_ADMIN_H
#define AUTHORITY_ADMIN_H

#include "authority/credential.h"
#include "authority/keyring.h"
#include "store/store.h"

struct admin {
	struct store *store;
	struct keyring *keyring;
	const struct clock *clock;
};

/* --- sites --- */
int admin_site_add(
	const struct admin *admin, const char *id, const char *name, struct fault *fault);
int admin_site_get(const struct admin *admin, const char *id, struct store_site *ret_site,
	struct fault *fault);
int admin_site_set_enabled(
	const struct admin *admin, const char *id, bool enabled, struct fault *fault);

/* --- grants: which client has tokens of which Service User --- */
int admin_grant_set_enabled(const struct admin *admin, const char *username, const char *client_id,
	bool enabled, struct fault *fault);

/* --- resources: the APIs that tokens are for --- */
struct admin_resource {
	const char *id;
	const char *alg;	   /* of its access tokens; NULL: as it is, ES256 for a new one */
	const char *const *scopes; /* that belong to it, NULL at the end; added to those it has */
};
/* `add` needs a scope; `set` needs that there is such a resource. */
int admin_resource_add(
	const struct admin *admin, const struct admin_resource *wanted, struct fault *fault);
int admin_resource_set(
	const struct admin *admin, const struct admin_resource *wanted, struct fault *fault);

/* --- Service Users --- */
struct admin_new_service_user {
	const char *username; /* NULL: one is made up, su-<site>-<6 letters> */
	const char *site;
	const char *role;
	const char *label;  /* NULL: none */
	int64_t expires_at; /* of its password; 0: never */
	/* Called with the password before anything is stored; an error of its ends the
	 * matter. Where storing then fails, it is called again with NULL. */
	int (*deliver)(void *context, const char *username, const char *password);
	void *context;
};
/* What `add` does before a password is made: the checks, and a user without one. */
int admin_service_user_check(const struct admin *admin, const struct admin_new_service_user *wanted,
	struct fault *fault);
int admin_service_user_compose(const struct admin *admin,
	const struct admin_new_service_user *wanted, struct store_service_user *ret_user);
int admin_service_user_add(const struct admin *admin, const struct admin_new_service_user *wanted,
	struct store_service_user *ret_user, struct fault *fault);
/* Service Users with the passwords that they have elsewhere: a JSON object a line, all of
 * them or none. A fault names the line; it never holds a password. */
enum {
	IMPORT_TEXT_MAX = 16 * 1024 * 1024, /* bytes in all */
	IMPORT_LINES_MAX = 10000,
};
struct admin_import {
	const char *text;
	size_t length;
	/* Called with all, as they will be stored, before they are; may be NULL. */
	void (*before)(void *context, const struct store_service_user *users, size_t count);
	/* Called for each, in the order of the lines, once all are stored; may be NULL. */
	void (*each)(void *context, const struct store_service_user *user);
	void *context;
};
int admin_service_user_import(
	const struct admin *admin, const struct admin_import *import, struct fault *fault);
int admin_service_user_get(const struct admin *admin, const char *username,
	struct store_service_user *ret_user, struct fault *fault);
int admin_service_user_set_enabled(
	const struct admin *admin, const char *username, bool enabled, struct fault *fault);
/* Forgets the failed attempts that count against it, in running servers too. `secret_key`
 * is the data directory's. `ret_failures`: those in a row that were stored. */
int admin_service_user_unlock(const struct admin *admin, const struct secret *secret_key,
	const char *username, int64_t *ret_failures, struct fault *fault);
struct admin_rotation {
	const char *name; /* username or client id */
	int64_t overlap_s;
	int64_t expires_at; /* of the new secret; 0: never */
	bool never;	    /* so it is meant; else it may be 0 only where that of now has none */
	int (*deliver)(void *context, const char *name, const char *secret);
	void *context;
};
/* Refused while two of its passwords are alive, unless the overlap is 0, which ends them
 * all. `ret_user`: the Service User with its new credential, as it was stored. */
int admin_service_user_rotate(const struct admin *admin, const struct admin_rotation *rotation,
	struct store_service_user *ret_user, struct fault *fault);

/* --- clients --- */
struct admin_new_client {
	const char *id;
	const char *type;
	const char *resource;		  /* the API that it is, to introspect tokens; NULL: none */
	const char *service_user;	  /* a username; NULL: none */
	bool secret_wanted;		  /* a type without a secret is refused */
	const struct secret *jwks;	  /* its public keys instead of a secret; NULL: a secret */
	const char *const *scopes;	  /* NULL at the end; none: cosmos offline_access */
	const char *const *grants;	  /* NULL at the end; none: the type's own */
	const char *const *redirect_uris; /* NULL at the end */
	int64_t access_ttl_s;		  /* 0: the default */
	int (*deliver)(void *context, const char *id, const char *secret);
	void *context;
};
int admin_client_add(const struct admin *admin, const struct admin_new_client *wanted,
	struct store_client *ret_client, struct fault *fault);
int admin_client_get(const struct admin *admin, const char *id, struct store_client *ret_client,
	struct fault *fault);
int admin_client_set_enabled(
	const struct admin *admin, const char *id, bool enabled, struct fault *fault);
/* Likewise. */
int admin_client_rotate_secret(const struct admin *admin, const struct admin_rotation *rotation,
	struct store_client *ret_client, struct fault *fault);
/* A JWK Set's keys in the place of those that it has, or of its secrets. */
int admin_client_set_keys(const struct admin *admin, const char *id, const struct secret *jwks,
	struct store_client *ret_client, struct fault *fault);

/* --- keys --- */
struct admin_key_rotation {
	const char *purpose; /* "signing", "sealing", "pepper" */
	const char *alg;     /* of a signing key: "ES256" or "RS256" */
};
int admin_key_rotate(const struct admin *admin, const struct admin_key_rotation *rotation,
	char ret_kid[STORE_ID_SIZE], struct fault *fault);
/* What admin_key_rotate() would make of the keys, each as it would be then, the new one with
 * the id KEYRING_PLANNED_KID; changes nothing. */
int admin_key_plan(const struct admin *admin, const struct admin_key_rotation *rotation,
	int (*each)(void *context, const struct store_key *key), void *context,
	struct fault *fault);
/* Ends a key now: what it signed or sealed is good no more. ERROR_REFUSED: a pepper that
 * credentials name. */
int admin_key_revoke(const struct admin *admin, const char *kid, struct fault *fault);
int admin_key_get(
	const struct admin *admin, const char *kid, struct store_key *ret_key, struct fault *fault);

/* --- shared checks --- */

/* The error of a verb of the store's that reads, or that changes something, in words;
 * returns `error`. `thing` is "site", `name` its name. */
int admin_read_fault(int error, const char *thing, const char *name, struct fault *fault);
int admin_change_fault(int error, const char *thing, const char *name, struct fault *fault);
/* One line of UTF-8 of 1 to `max` bytes, without what a terminal would obey. */
int admin_check_text(const char *what, const char *text, size_t max, struct fault *fault);
/* What the store's rotation makes of a list of credentials. To be shown after it: a
 * secret that was stored must not be lost because the store can't be read again. */
void admin_put_first(struct store_credential list[STORE_CREDENTIALS_MAX], size_t *count,
	const struct store_credential *credential, int64_t overlap_s);
/* Whether `count` live secrets may be rotated so: a third would end one that is in use,
 * which only an overlap of 0 says, and an expiry is not dropped unsaid. */
int admin_check_rotation(const struct admin *admin, const struct admin_rotation *rotation,
	const struct store_credential *live, size_t count, struct fault *fault);
/* A secret's expiry must lie ahead; 0: never. */
int admin_check_expiry(const struct admin *admin, int64_t expires_at, struct fault *fault);

#endif
