/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a Service User's rows: one for each live credential. */
#ifndef STORE_SERVICE_USER_H
#define STORE_SERVICE_USER_H

#include "store/credential.h"

/* For a SELECT from SERVICE_USER_TABLES, whose live credentials are those at
 * `now`; ordered by the user and then c.ordinal DESC. */
#define SERVICE_USER_COLUMNS                                                                       \
	"u.id, u.username, u.site_id, u.role, u.label, u.created_at, u.disabled_at,"               \
	" s.disabled_at, " CREDENTIAL_COLUMNS ", c.password_hash"
#define SERVICE_USER_TABLES(now)                                                                   \
	"service_user u JOIN site s ON s.id = u.site_id"                                           \
	" LEFT JOIN service_user_credential c ON c.owner_id = u.id AND " CREDENTIAL_LIVE(now)

enum {
	SERVICE_USER_COLUMN_COUNT = 8 + CREDENTIAL_COLUMN_COUNT + 1,
};

/* Reads the row's user, and its credential beside those that are there. */
void service_user_read(struct statement *statement, struct store_service_user *user);

#endif
