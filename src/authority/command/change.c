/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a verb that changes something leaves in the audit: an entry before its first change
 * is committed, so that none is without, and how it ended after.
 */
#include "authority/command/command.h"

#include "authority/respond.h"
#include "codec/json_writer.h"

#include <string.h>

enum { TEXT_MAX = 512 }; /* bytes of an argument; the rest is cut off */

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

static int compose(
	const struct invocation *invocation, const char *event, bool whole, struct buf *members)
{
	const struct verb *verb = invocation->verb;
	struct json_writer writer;
	char name[64];
	struct buf text;

	buf_init_fixed(&text, name, sizeof(name));
	(void)buf_printf(
		&text, "%s%s%s", verb->noun ? verb->noun : "", verb->noun ? " " : "", verb->name);
	json_writer_init(&writer, members);
	json_write_text(&writer, "event", event);
	json_write_text(&writer, "verb", name);
	if (whole)
		write_arguments(&writer, &invocation->options);
	else
		json_write_text(&writer, "note", "the arguments are too long for an entry");
	if (*invocation->made)
		json_write_text(&writer, "made", invocation->made);
	return audit_members_append_actor(members);
}

/* Ends the entry, and has it on disk. */
static int record(const struct change *change, const char *reason, bool last, struct buf *members,
	struct fault *fault)
{
	const struct data_directory *directory = &change->administration->directory;
	const struct audit_now now = {
		.data_directory = directory->path,
		.store = directory->store,
		.clock = &change->invocation->clock,
		.secret_key = &directory->secret_key,
		.in_commit = !last,
	};
	struct json_writer writer = {.buf = members, .comma = true};

	json_write_text(&writer, "reason", reason);
	json_write_text(&writer, "correlation_id", change->correlation_id);
	if (json_writer_status(&writer))
		return ERROR_LIMIT;
	return audit_record_now(&now, members->data, members->len, fault);
}

static int record_event(
	const struct change *change, const char *event, int reason, struct fault *fault)
{
	char bytes[AUDIT_MEMBERS_MAX + 1];
	struct buf members;
	bool first = !strcmp(event, "change_begun");
	int error;

	/* The rest is what record() adds. */
	buf_init_fixed(&members, bytes, sizeof(bytes) - 256);
	error = compose(change->invocation, event, true, &members);
	if (error == ERROR_LIMIT) {
		buf_init_fixed(&members, bytes, sizeof(bytes) - 256);
		error = compose(change->invocation, event, false, &members);
	}
	members.max = sizeof(bytes) - 1;
	members.cap = sizeof(bytes);
	return error ? error
		     : record(change, reason ? error_text(reason) : NULL, !first, &members, fault);
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
