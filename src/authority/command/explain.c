/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What happened to one request, by the correlation id in its answer.
 */
#include "authority/audit_explain.h"
#include "authority/audit_read.h"
#include "authority/command/command.h"
#include "codec/json.h"

#include <string.h>
#include <time.h>

struct search {
	const char *id;
	struct secret key;
	char line[AUDIT_LINE_MAX + 1]; /* the last entry that names it; "": none does */
	size_t length;
	bool changed; /* its MAC is wrong */
	int64_t first_time;
};

static bool names(const struct json *entry, const char *id)
{
	const struct json *ids = json_member(entry, "correlation_ids");
	const char *own = json_member_text(entry, "correlation_id");

	if (own && !strcmp(own, id))
		return true;
	for (size_t i = 0; i < json_length(ids); i++)
		if (json_text(json_at(ids, i)) && !strcmp(json_text(json_at(ids, i)), id))
			return true;
	return false;
}

static int look_at(void *context, const struct audit_place *place)
{
	struct search *search = context;
	struct audit_line line = {0};
	struct json *entry = NULL;
	int error;

	if (!place->whole)
		return 0;
	if (!search->first_time &&
		!audit_line_read(&search->key, place->text, place->length, &line))
		search->first_time = line.time;
	if (!memmem(place->text, place->length, search->id, strlen(search->id)))
		return 0;
	error = json_parse(place->text, place->length, AUDIT_LINE_MAX, &entry);
	if (error)
		return error == ERROR_MEMORY ? error : 0;
	if (names(entry, search->id)) {
		memcpy(search->line, place->text, place->length);
		search->line[place->length] = '\0';
		search->length = place->length;
		search->changed =
			audit_line_read(&search->key, place->text, place->length, &line) != 0;
	}
	json_free(entry);
	return 0;
}

static int find(struct invocation *invocation, const struct administration *administration,
	struct search *search)
{
	const struct data_directory *directory = &administration->directory;
	struct audit_snapshot snapshot;
	int error = audit_key_derive(&directory->secret_key, &search->key);

	if (!error)
		error = audit_snapshot_take(directory->path, &snapshot, &invocation->fault);
	if (!error) {
		error = audit_snapshot_each(&snapshot, look_at, search);
		audit_snapshot_finish(&snapshot);
		if (error)
			fault_set(&invocation->fault, "the audit can't be read: %s; try again",
				error_text(error));
	}
	secret_finish(&search->key);
	return error;
}

static int fail_to_find(struct invocation *invocation, const struct search *search)
{
	char since[32] = "its beginning";
	time_t at = (time_t)search->first_time;
	struct tm parts;

	if (at && gmtime_r(&at, &parts))
		(void)strftime(since, sizeof(since), "%Y-%m-%dT%H:%M:%SZ", &parts);
	fault_set(&invocation->fault,
		"no entry names %s: it is older than the audit, which goes back to %s; or less "
		"than "
		"a second old; or one of more than %d equal ones within a second; or the HTTP "
		"server "
		"refused it, which the log has; or it is another authority's",
		search->id, since, AUDIT_CORRELATION_IDS_MAX + 1);
	return ERROR_NOT_FOUND;
}

/* --- in words --------------------------------------------------------------------- */

static const char *say_event(const char *event)
{
	static const char begun[] =
		"A change was begun by a verb of aditd; how it ended is not recorded, as when the "
		"verb was killed.";
	static const struct {
		const char *event;
		const char *what;
	} events[] = {
		{"token_issued", "A token was issued."},
		{"change_done", "A change was made by a verb of aditd."},
		{"change_failed", "A verb of aditd began a change, and failed."},
		{"change_begun", begun},
		{"change_detail", begun},
	};

	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++)
		if (!strcmp(events[i].event, event))
			return events[i].what;
	return "";
}

static const char *advise(const char *event)
{
	if (!strncmp(event, "change_", strlen("change_")) && strcmp(event, "change_done") != 0)
		return "Look whether it is as it should be, and run the verb again if not.";
	return "Nothing needs to be done.";
}

struct user_search {
	const char *sub;
	char username[STORE_USERNAME_SIZE];
};

static int take_username(void *context, const struct store_service_user *user)
{
	struct user_search *search = context;

	if (strcmp(user->id, search->sub) != 0)
		return 0;
	memcpy(search->username, user->username, sizeof(search->username));
	return 1;
}

static const char *text_of(const struct json *entry, const char *name)
{
	const char *text = json_member_text(entry, name);

	return text && !admin_check_text("", text, strlen(text), NULL) ? text : "";
}

static int print(struct invocation *invocation, const struct administration *administration,
	const struct search *search, const struct json *entry)
{
	const char *event = text_of(entry, "event");
	const char *reason = text_of(entry, "reason");
	bool refusal = !strcmp(event, "token_refused") || !strcmp(event, "family_revoked");
	const struct audit_explanation *explanation = audit_explain(reason);
	struct user_search user = {.sub = text_of(entry, "sub")};
	struct output output;
	int64_t time = 0;
	int64_t count = 1;

	(void)json_integer(json_member(entry, "time"), &time);
	(void)json_integer(json_member(entry, "count"), &count);
	if (*user.sub)
		(void)store_service_user_list(
			administration->directory.store, NULL, take_username, &user);
	output_begin(&output, options_flag(&invocation->options, "json"), false);
	output_row(&output,
		(const struct output_field[]){
			output_text("correlation_id", search->id),
			output_time("time", time),
			output_text("event", event),
			output_text("verb", text_of(entry, "verb")),
			output_text("client_id", text_of(entry, "client_id")),
			output_text("username", user.username),
			output_text("sub", user.sub),
			output_text("site", text_of(entry, "site")),
			output_text("source", text_of(entry, "source")),
			output_text("error", text_of(entry, "error")),
			output_text("reason", reason),
			output_number("count", count),
			output_text("what", refusal ? explanation->what : say_event(event)),
			output_text("advice",
				search->changed
					? "Don't trust this entry: it was changed. aditd audit "
					  "verify says more."
				: refusal ? explanation->advice
					  : advise(event)),
			{0},
		});
	return command_output_end(invocation, &output);
}

static bool is_correlation_id(const char *text)
{
	return strlen(text) == CORRELATION_ID_LENGTH &&
	       strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789") ==
		       CORRELATION_ID_LENGTH;
}

static int run(struct invocation *invocation, const struct administration *administration)
{
	struct search search = {.id = invocation->options.positional[0]};
	struct json *entry = NULL;
	int error;

	if (!is_correlation_id(search.id)) {
		fault_set(&invocation->fault,
			"\"%.64s\" is no correlation id; give the %d letters and digits that the "
			"error's answer has as correlation_id",
			search.id, CORRELATION_ID_LENGTH);
		return ERROR_INVALID;
	}
	error = find(invocation, administration, &search);
	if (error)
		return error;
	if (!search.length)
		return fail_to_find(invocation, &search);
	error = json_parse(search.line, search.length, AUDIT_LINE_MAX, &entry);
	if (!error)
		error = print(invocation, administration, &search, entry);
	json_free(entry);
	return error;
}

const struct verb explain_verbs[] = {
	{.name = "explain",
		.arguments = "ID",
		.summary = "say what happened to a request, and what to do",
		.specs = command_plain_options,
		.least = 1,
		.most = 1,
		.administer = run},
	{0},
};
