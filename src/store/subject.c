/* SPDX-License-Identifier: Apache-2.0 */
#include "store/access.h"
#include "store/service_user.h"

#include <string.h>

/* One statement, so that no part is older than another. */
#define SELECT_SUBJECT                                                                             \
	"SELECT " SERVICE_USER_COLUMNS                                                             \
	", g.id, g.generation, g.disabled_at FROM " SERVICE_USER_TABLES(                           \
		"$3") ""                                                                           \
		      " LEFT JOIN access_grant g ON g.service_user_id = u.id AND g.client_id = $2" \
		      " WHERE "

static int read_subject(struct statement *statement, void *context)
{
	struct store_subject *subject = context;
	bool found = false;
	bool row = false;
	int error = statement_step(statement, &row);

	while (!error && row) {
		found = true;
		service_user_read(statement, &subject->user);
		subject->grant.exists = !statement_is_null(statement, SERVICE_USER_COLUMN_COUNT);
		(void)statement_bytes(statement, SERVICE_USER_COLUMN_COUNT, subject->grant.id,
			sizeof(subject->grant.id));
		subject->grant.generation =
			statement_number(statement, SERVICE_USER_COLUMN_COUNT + 1);
		subject->grant.disabled =
			statement_number(statement, SERVICE_USER_COLUMN_COUNT + 2) != 0;
		error = statement_step(statement, &row);
	}
	return error ? error : found ? 0 : ERROR_NOT_FOUND;
}

int store_subject_by_username(struct store *store, const char *username, const char *client_id,
	struct store_subject *ret_subject)
{
	struct store_subject subject = {0};
	int error = store_read(store, SELECT_SUBJECT "u.username = $1 ORDER BY c.ordinal DESC",
		VALUES(value_text(username), value_text(client_id),
			value_number(store_now_s(store))),
		read_subject, &subject);

	if (!error)
		*ret_subject = subject;
	return error;
}

int store_subject_by_id(struct store *store, const char *user_id, const char *client_id,
	struct store_subject *ret_subject)
{
	struct store_subject subject = {0};
	int error = store_read(store, SELECT_SUBJECT "u.id = $1 ORDER BY c.ordinal DESC",
		VALUES(value_text(user_id), value_text(client_id),
			value_number(store_now_s(store))),
		read_subject, &subject);

	if (!error)
		*ret_subject = subject;
	return error;
}
