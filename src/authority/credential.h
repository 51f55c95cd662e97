/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Generated secrets: Service Users' passwords and clients' secrets, made and
 * checked (2-decisions, 2). What is submitted decides the cost of a check, never
 * the name: two MACs, real or not, for a secret of the generated form. What has
 * another form is password_queue.h's.
 */
#ifndef AUTHORITY_CREDENTIAL_H
#define AUTHORITY_CREDENTIAL_H

#include "authority/keyring.h"
#include "oauth/generated_password.h"

/* Makes a secret and its MAC under the newest pepper. `owner_id` is the Service
 * User's or client's id. The credential's expires_at is left 0. */
int credential_make(struct keyring *keyring, const struct clock *clock,
	enum generated_password_kind kind, const char *owner_id,
	char ret_secret[GENERATED_PASSWORD_SIZE], struct store_credential *ret_credential);

struct credential_check {
	enum generated_password_kind kind;
	const char *owner_id; /* "" where there is no such user: the same work is done */
	const struct store_credential *credentials; /* imported ones are passed over */
	size_t count;
	const char *secret; /* as submitted */
	int64_t now_s;	    /* expired credentials do not count */
};

/* 0: it is right, and `ret_match` (may be NULL) is the credential that it is;
 * ERROR_REFUSED: it is not; another error: it could not be told. */
int credential_verify(const struct keyring_snapshot *snapshot, const struct credential_check *check,
	const struct store_credential **ret_match);

/* The one among them that was imported and lives, or NULL. */
const struct store_credential *credential_imported(
	const struct store_credential *credentials, size_t count, int64_t now_s);

/* Keeps a secret that was right under the newest pepper, where its MAC is under an
 * older one. Does not wait; what fails is tried again at the next login. */
void credential_renew(struct store *store, const struct keyring_snapshot *snapshot,
	const struct credential_check *check, const struct store_credential *match);

#endif
