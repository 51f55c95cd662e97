/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What uses a Service User, when a password or secret was last used, and when it ends.
 */
#include "authority/command/command.h"

#include "authority/reminder.h"

#include <stdio.h>

struct output_field command_expiry(const struct store_credential *list, size_t count, int64_t now_s,
	char note[REMINDER_TEXT_SIZE + COMMAND_NOTE_ROOM])
{
	const struct store_credential *ending =
		reminder_find(list, count, now_s + (int64_t)REMINDER_DAYS * REMINDER_DAY_S);
	struct output_field field = output_time("expires_at", count ? list[0].expires_at : 0);
	char text[REMINDER_TEXT_SIZE];

	if (!ending)
		return field;
	reminder_text(ending->expires_at, now_s, text);
	(void)snprintf(note, REMINDER_TEXT_SIZE + COMMAND_NOTE_ROOM, "%s%s",
		ending == list ? "" : "the one before, still used, ", text);
	field.note = note;
	return field;
}

void command_print_credentials(struct output *output, const char *name,
	const struct store_credential *list, size_t count, int64_t now_s)
{
	output_part(output, name);
	for (size_t i = 0; i < count; i++) {
		char text[REMINDER_TEXT_SIZE];
		struct output_field fields[] = {
			output_time("created_at", list[i].created_at),
			output_time("expires_at", list[i].expires_at),
			output_time("last_used_at", list[i].last_used_at),
			{0},
		};

		if (list[i].expires_at &&
			list[i].expires_at - now_s < (int64_t)REMINDER_DAYS * REMINDER_DAY_S) {
			reminder_text(list[i].expires_at, now_s, text);
			fields[1].note = text;
		}
		output_row(output, fields);
	}
}

static int print_use(void *context, const struct store_last_use *use)
{
	const struct output_field fields[] = {
		output_text("client_id", use->client_id),
		output_text("grant_type", use->grant_type),
		output_time("first_used_at", use->first_used_at),
		output_time("last_used_at", use->last_used_at),
		{0},
	};

	output_row(context, fields);
	return 0;
}

static int print_sources(void *context, const struct store_last_use *use)
{
	for (size_t i = 0; i < use->source_count; i++) {
		const struct store_use_source *source = &use->sources[i];
		const struct output_field fields[] = {
			output_text("client_id", use->client_id),
			output_text("source", source->source),
			output_time("first_used_at", source->first_used_at),
			output_time("last_used_at", source->last_used_at),
			{0},
		};

		output_row(context, fields);
	}
	return 0;
}

int command_print_uses(struct output *output, struct store *store, const char *user_id)
{
	int error;

	output_part(output, "clients");
	error = store_last_use_list(store, user_id, print_use, output);
	if (error)
		return error;
	output_part(output, "sources");
	return store_last_use_list(store, user_id, print_sources, output);
}
