/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which passwords and secrets end soon, and somebody should know: for lists, and once a day
 * for the log.
 */
#ifndef AUTHORITY_REMINDER_H
#define AUTHORITY_REMINDER_H

#include "base/log.h"
#include "store/store.h"

#include <stdbool.h>

enum {
	REMINDER_DAYS = 14,
	REMINDER_DAY_S = 86400,
	REMINDER_RECENT_S = 7 * REMINDER_DAY_S,
	REMINDER_TEXT_SIZE = 64,
};

/* The first of a list (newest first) that ends by `until_s`, or NULL. An older one that a
 * rotation is ending does not count, unless it was used since the newest was made. */
const struct store_credential *reminder_find(
	const struct store_credential *list, size_t count, int64_t until_s);

/* "expires in 3 days", "expires today" where it is less than one. */
void reminder_text(int64_t expires_at, int64_t now_s, char ret_text[REMINDER_TEXT_SIZE]);

/* How many enabled Service Users, and clients, have one that ends within REMINDER_DAYS. */
struct reminder_counts {
	uint64_t service_users;
	uint64_t clients;
};
int reminder_count(struct store *store, int64_t now_s, struct reminder_counts *ret_counts);

/* Logs them, each on a line, at most so many lines and one that counts the others. */
int reminder_log(struct store *store, const struct log *log, int64_t now_s);

#endif
