/* SPDX-License-Identifier: Apache-2.0 */
#include "authority/reminder.h"

#include <inttypes.h>
#include <stdio.h>

enum { LINES_MAX = 20 };

struct reminding {
	const struct log *log; /* NULL: they are only counted */
	int64_t now_s;
	uint64_t lines;
	struct reminder_counts counts;
};

const struct store_credential *reminder_find(
	const struct store_credential *list, size_t count, int64_t until_s)
{
	const struct store_credential *first = NULL;

	for (size_t i = 0; i < count; i++) {
		const struct store_credential *credential = &list[i];

		if (!credential->expires_at || credential->expires_at > until_s)
			continue;
		if (i && credential->last_used_at < list[0].created_at)
			continue;
		if (!first || credential->expires_at < first->expires_at)
			first = credential;
	}
	return first;
}

void reminder_text(int64_t expires_at, int64_t now_s, char ret_text[REMINDER_TEXT_SIZE])
{
	int64_t days = (expires_at - now_s) / REMINDER_DAY_S;

	if (days < 1)
		(void)snprintf(ret_text, REMINDER_TEXT_SIZE, "expires today");
	else
		(void)snprintf(ret_text, REMINDER_TEXT_SIZE, "expires in %" PRId64 " day%s", days,
			days == 1 ? "" : "s");
}

/* One of the three is NULL: a Service User has two names, a client one. */
static void tell(struct reminding *reminding, const struct store_credential *credential,
	const char *sub, const char *username, const char *client_id)
{
	int64_t now_s = reminding->now_s;
	bool recent =
		credential->last_used_at && credential->last_used_at > now_s - REMINDER_RECENT_S;

	if (!reminding->log || reminding->lines++ >= LINES_MAX)
		return;
	LOG_EVENT(reminding->log, LOG_LEVEL_WARNING, "credential_expires_soon",
		log_text("client_id", client_id), log_text("sub", sub),
		log_text("username", username), log_number("expires_at", credential->expires_at),
		log_number("days_left", (credential->expires_at - now_s) / REMINDER_DAY_S),
		log_text("used_in_last_7_days", recent ? "yes" : "no"));
}

static int remind_of_user(void *context, const struct store_service_user *user)
{
	struct reminding *reminding = context;
	const struct store_credential *credential = reminder_find(user->credentials,
		user->credential_count, reminding->now_s + REMINDER_DAYS * REMINDER_DAY_S);

	if (!credential || user->disabled_at || user->site_disabled)
		return 0;
	reminding->counts.service_users++;
	tell(reminding, credential, user->id, user->username, NULL);
	return 0;
}

static int remind_of_client(void *context, const struct store_client *client)
{
	struct reminding *reminding = context;
	const struct store_credential *credential = reminder_find(client->secrets,
		client->secret_count, reminding->now_s + REMINDER_DAYS * REMINDER_DAY_S);

	if (!credential || client->disabled_at)
		return 0;
	reminding->counts.clients++;
	tell(reminding, credential, NULL, NULL, client->id);
	return 0;
}

static int remind(struct store *store, struct reminding *reminding)
{
	int error = store_service_user_expiring(store,
		reminding->now_s + REMINDER_DAYS * REMINDER_DAY_S, remind_of_user, reminding);

	return error ? error : store_client_list(store, remind_of_client, reminding);
}

int reminder_count(struct store *store, int64_t now_s, struct reminder_counts *ret_counts)
{
	struct reminding reminding = {.now_s = now_s};
	int error = remind(store, &reminding);

	if (!error)
		*ret_counts = reminding.counts;
	return error;
}

int reminder_log(struct store *store, const struct log *log, int64_t now_s)
{
	struct reminding reminding = {.log = log, .now_s = now_s};
	int error = remind(store, &reminding);

	if (!error && reminding.lines > LINES_MAX)
		LOG_EVENT(log, LOG_LEVEL_WARNING, "more_credentials_expire_soon",
			log_number("count", (int64_t)(reminding.lines - LINES_MAX)),
			log_text("advice", "aditd service-user list --expiring 14"));
	return error;
}
