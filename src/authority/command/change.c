/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a verb that changes something leaves in the audit: an entry before its first change
 * is committed, so that none is without, and how it ended after.
 */
#include "authority/command/command.h"

#include "authority/respond.h"
#include "codec/json_writer.h"

#include <string.h>

enum {
	TEXT_MAX = 512,	  /* bytes of an argument; the rest is cut off */
	END_ROOM = 256,	  /* what end_entry() adds */
	USER_ROOM = 1024, /* what one Service User takes, and the entry's end */
};

static void write_bounded(struct json_writer *writer, const char *name, const char *text)
{
	json_write_text_length(writer, name, text, strnlen(text, TEXT_MAX));
}

/* Those that every verb has say nothing of what was changed. */
static bool is_common(const char *name)
{
	static const char *const names[] = {"data", "config", "clock", "json", "help"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(name, names[i]))
			return true;
	return false;
}

static void write_arguments(struct json_writer *writer, const struct options *options)
{
	json_write_array(writer, "arguments");
	for (size_t i = 0; i < options->positional_count; i++)
		write_bounded(writer, NULL, options->positional[i]);
	json_write_array_end(writer);
	json_write_array(writer, "options");
	for (size_t i = 0; i < options->value_count; i++) {
		const struct option_value *value = &options->values[i];

		if (value->from_file || is_common(value->spec->name))
			continue;
		json_write_object(writer, NULL);
		write_bounded(writer, value->spec->name, value->text);
		json_write_object_end(writer);
	}
	json_write_array_end(writer);
}

static void begin_entry(const struct invocation *invocation, const char *event, struct buf *members,
	struct json_writer *ret_writer)
{
	const struct verb *verb = invocation->verb;
	char name[64];
	struct buf text;

	buf_init_fixed(&text, name, sizeof(name));
	(void)buf_printf(
		&text, "%s%s%s", verb->noun ? verb->noun : "", verb->noun ? " " : "", verb->name);
	json_writer_init(ret_writer, members);
	json_write_text(ret_writer, "event", event);
	json_write_text(ret_writer, "verb", name);
}

static int compose(
	const struct invocation *invocation, const char *event, bool whole, struct buf *members)
{
	struct json_writer writer;

	begin_entry(invocation, event, members, &writer);
	if (whole)
		write_arguments(&writer, &invocation->options);
	else
		json_write_text(&writer, "note", "the arguments are too long for an entry");
	if (*invocation->made)
		json_write_text(&writer, "made", invocation->made);
	return audit_members_append_actor(members);
}

/* Ends the entry, and adds it to those that are to be written. */
static int end_entry(
	const struct change *change, const char *reason, struct buf *members, struct buf *batch)
{
	struct json_writer writer = {.buf = members, .comma = true};

	json_write_text(&writer, "reason", reason);
	json_write_text(&writer, "correlation_id", change->correlation_id);
	if (json_writer_status(&writer))
		return ERROR_LIMIT;
	return audit_batch_add(
		batch, clock_now_s(&change->invocation->clock), members->data, members->len);
}

static int add_event(const struct change *change, const char *event, int reason, struct buf *batch)
{
	char bytes[AUDIT_MEMBERS_MAX + 1];
	struct buf members;
	int error;

	buf_init_fixed(&members, bytes, sizeof(bytes) - END_ROOM);
	error = compose(change->invocation, event, true, &members);
	if (error == ERROR_LIMIT) {
		buf_init_fixed(&members, bytes, sizeof(bytes) - END_ROOM);
		error = compose(change->invocation, event, false, &members);
	}
	members.max = sizeof(bytes) - 1;
	members.cap = sizeof(bytes);
	return error ? error
		     : end_entry(change, reason ? error_text(reason) : NULL, &members, batch);
}

/* As many of those who were granted something, from `*at` on, as have room in one entry. */
static int add_detail(const struct change *change, size_t *at, struct buf *batch)
{
	const struct invocation *invocation = change->invocation;
	char bytes[AUDIT_MEMBERS_MAX + 1];
	struct json_writer writer;
	struct buf members;
	int error;

	buf_init_fixed(&members, bytes, sizeof(bytes));
	begin_entry(invocation, "change_detail", &members, &writer);
	json_write_array(&writer, "service_users");
	for (; *at < invocation->granted_count && members.len <= AUDIT_MEMBERS_MAX - USER_ROOM;
		(*at)++) {
		const struct store_service_user *user = &invocation->granted[*at];

		json_write_object(&writer, NULL);
		json_write_text(&writer, "username", user->username);
		json_write_text(&writer, "sub", user->id);
		json_write_text(&writer, "site", user->site);
		json_write_text(&writer, "role", user->role);
		json_write_object_end(&writer);
	}
	json_write_array_end(&writer);
	error = audit_members_append_actor(&members);
	return error ? error : end_entry(change, NULL, &members, batch);
}

static int record_event(
	const struct change *change, const char *event, int reason, struct fault *fault)
{
	const struct invocation *invocation = change->invocation;
	const struct data_directory *directory = &change->administration->directory;
	bool first = !strcmp(event, "change_begun");
	const struct audit_now now = {
		.data_directory = directory->path,
		.store = directory->store,
		.clock = &invocation->clock,
		.secret_key = &directory->secret_key,
		.in_commit = first,
	};
	size_t granted_count = first ? invocation->granted_count : 0;
	struct buf batch;
	int error;

	buf_init(&batch, 2 * (size_t)AUDIT_LINE_MAX + granted_count * USER_ROOM);
	error = add_event(change, event, reason, &batch);
	for (size_t at = 0; !error && at < granted_count;)
		error = add_detail(change, &at, &batch);
	if (!error)
		error = audit_record_batch_now(&now, &batch, fault);
	buf_finish(&batch);
	return error;
}

/* In the store's thread, before it commits. */
static int begin(void *context)
{
	struct change *change = context;

	if (change->begun || change->failed)
		return change->failed;
	change->failed = correlation_id_make(change->correlation_id);
	if (!change->failed)
		change->failed = record_event(change, "change_begun", 0, &change->fault);
	change->begun = !change->failed;
	return change->failed;
}

void change_watch(struct change *change, struct invocation *invocation,
	const struct administration *administration)
{
	*change = (struct change){.invocation = invocation, .administration = administration};
	store_guard_commits(administration->directory.store, begin, change);
}

int change_end(struct change *change, int error)
{
	struct fault *fault = &change->invocation->fault;
	struct fault why = {0};
	int failed;

	if (change->failed) {
		fault_set(fault, "%s; nothing was changed",
			*change->fault.text ? change->fault.text : error_text(change->failed));
		return change->failed;
	}
	if (!change->begun)
		return error;
	failed = record_event(change, error ? "change_failed" : "change_done", error, &why);
	if (error || !failed)
		return error;
	fault_set(fault, "it was done, but the audit can't say so: %s", why.text);
	return failed;
}

int change_record(struct invocation *invocation, const struct administration *administration)
{
	struct change change = {.invocation = invocation, .administration = administration};
	int error = correlation_id_make(change.correlation_id);

	change.begun = !error;
	return error ? error : change_end(&change, 0);
}
