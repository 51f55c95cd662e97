/* SPDX-License-Identifier: Apache-2.0 */
/* The credentials of Service Users and of clients, which are kept alike. */
#ifndef STORE_CREDENTIAL_H
#define STORE_CREDENTIAL_H

#include "store/store.h"
#include "store/writer.h"

/* For a SELECT with the table as c: its columns, in credential_read()'s order,
 * and which of its rows are live at $N. */
#define CREDENTIAL_COLUMNS "c.id, c.pepper_kid, c.mac, c.created_at, c.expires_at, c.last_used_at"
#define CREDENTIAL_LIVE(now) "(c.expires_at = 0 OR c.expires_at > " now ")"

enum {
	CREDENTIAL_COLUMN_COUNT = 6,
};

/* Appends the row's credential, whose columns begin at `column`, if it has one
 * and there is room. */
void credential_read(struct statement *statement, int column,
	struct store_credential list[STORE_CREDENTIALS_MAX], size_t *count);

/* One with a password_hash is a Service User's. */
int credential_add(struct writing *writing, enum store_credential_owner owner, const char *owner_id,
	const struct store_credential *credential);

/* store_service_user_rotate() but for the grants. *ret_ended: an older one ended now. */
int credential_rotate(struct writing *writing, enum store_credential_owner owner,
	const char *owner_id, const struct store_credential *credential, int64_t overlap_s,
	bool *ret_ended);

#endif
