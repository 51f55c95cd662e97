/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading the audit; docs/man/aditd-audit.8.
 */
#include "authority/audit_read.h"
#include "authority/audit_verify.h"
#include "authority/command/command.h"
#include "codec/json.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	DEFAULT_LIMIT = 100,
	LIMIT_MAX = 1000000,
	SHOWN_SIZE = 384, /* bytes of one cell */
	CHANGE_SIZE = 96, /* of them, what a change is told by */
	DAY_S = 86400,
};

static const struct option_spec list_specs[] = {
	{"since", "TIME", "not before this date, such as 2027-03-31, or time ago, such as 24h",
		false, false},
	{"until", "TIME", "not after it", false, false},
	{"event", "EVENT", "only these, such as token_refused", false, false},
	{"reason", "REASON", "only with this reason, such as wrong_password", false, false},
	{"sub", "SUB", "only of this Service User, by its id", false, false},
	{"client", "ID", "only of this client", false, false},
	{"site", "ID", "only of this site", false, false},
	{"source", "ADDR", "only from this address", false, false},
	{"limit", "N", "the newest so many (100; 0: all)", false, false},
	COMMAND_OPTION_JSON,
	COMMAND_OPTIONS_COMMON,
	{0},
};

static const struct option_spec export_specs[] = {
	{"out", "FILE", "write to this new file (0600) instead of stdout", false, false},
	COMMAND_OPTIONS_COMMON,
	{0},
};

static int take_snapshot(struct invocation *invocation, const struct administration *administration,
	struct audit_snapshot *ret_snapshot)
{
	return audit_snapshot_take(
		administration->directory.path, ret_snapshot, &invocation->fault);
}

static int fail_to_read(struct invocation *invocation, int error)
{
	if (error)
		fault_set(&invocation->fault, "the audit can't be read: %s; try again",
			error_text(error));
	return error;
}

/* --- list --------------------------------------------------------------------- */

struct criterion {
	const char *option;
	const char *member;
	const char *wanted; /* NULL: any */
};

struct listing {
	struct criterion criteria[6];
	int64_t since;
	int64_t until;
	size_t limit; /* 0: none */
	char **lines; /* the newest `limit` that match, in a ring */
	size_t room;
	size_t count; /* of all that match */
};

static bool matches(const struct listing *listing, const struct json *entry)
{
	int64_t time = 0;

	if (json_integer(json_member(entry, "time"), &time) || time < listing->since ||
		time > listing->until)
		return false;
	for (size_t i = 0; i < sizeof(listing->criteria) / sizeof(listing->criteria[0]); i++) {
		const struct criterion *criterion = &listing->criteria[i];
		const char *text = json_member_text(entry, criterion->member);

		if (criterion->wanted && (!text || strcmp(text, criterion->wanted) != 0))
			return false;
	}
	return true;
}

/* Spares most lines being parsed. */
static bool may_match(const struct listing *listing, const struct audit_place *place)
{
	for (size_t i = 0; i < sizeof(listing->criteria) / sizeof(listing->criteria[0]); i++) {
		const char *wanted = listing->criteria[i].wanted;

		if (wanted && !memmem(place->text, place->length, wanted, strlen(wanted)))
			return false;
	}
	return true;
}

static int keep_line(struct listing *listing, const struct audit_place *place)
{
	char *line = strndup(place->text, place->length);
	size_t at = listing->limit ? listing->count % listing->limit : listing->count;

	if (line && at >= listing->room) {
		size_t room = listing->room ? listing->room * 2 : 128;
		char **lines = reallocarray(listing->lines, room, sizeof(*lines));

		if (lines) {
			memset(lines + listing->room, 0, (room - listing->room) * sizeof(*lines));
			listing->lines = lines;
			listing->room = room;
		}
	}
	if (!line || at >= listing->room) {
		free(line);
		return ERROR_MEMORY;
	}
	free(listing->lines[at]);
	listing->lines[at] = line;
	listing->count++;
	return 0;
}

static int list_line(void *context, const struct audit_place *place)
{
	struct listing *listing = context;
	struct json *entry = NULL;
	int error;

	if (!place->whole || !may_match(listing, place))
		return 0;
	error = json_parse(place->text, place->length, AUDIT_LINE_MAX, &entry);
	if (error)
		return error == ERROR_MEMORY ? error : 0; /* verify is for those */
	error = matches(listing, entry) ? keep_line(listing, place) : 0;
	json_free(entry);
	return error;
}

/* A text as a terminal may have it. */
static const char *shown_text(const char *found, char text[SHOWN_SIZE])
{
	struct buf buf;

	if (!*found || !admin_check_text("", found, strlen(found), NULL))
		return found;
	buf_init_fixed(&buf, text, SHOWN_SIZE);
	(void)buf_append_json_text(&buf, found, strnlen(found, SHOWN_SIZE / 8));
	return text;
}

static const char *shown(const struct json *entry, const char *name, char text[SHOWN_SIZE])
{
	const char *found = json_member_text(entry, name);

	return found ? shown_text(found, text) : "";
}

/* As many of its characters as have room. */
static void append_word(struct buf *buf, const char *word)
{
	size_t length;

	if (word && buf->len)
		(void)buf_append_char(buf, ' ');
	for (; word && *word; word += length) {
		length = utf8_character(word, strlen(word));
		if (!length || buf_append(buf, word, length))
			return;
	}
}

/* Why; of a change, what: its verb with its arguments, whom it named and what it made. */
static const char *shown_reason(
	const struct json *entry, char words[SHOWN_SIZE], char text[SHOWN_SIZE])
{
	const char *verb = json_member_text(entry, "verb");
	const char *reason = json_member_text(entry, "reason");
	const struct json *arguments = json_member(entry, "arguments");
	const struct json *users = json_member(entry, "service_users");
	struct buf buf;

	if (!verb)
		return shown(entry, "reason", text);
	buf_init_fixed(&buf, words, CHANGE_SIZE);
	append_word(&buf, reason);
	(void)buf_append_text(&buf, reason ? ": " : "");
	append_word(&buf, verb);
	for (size_t i = 0; i < json_length(arguments); i++)
		append_word(&buf, json_text(json_at(arguments, i)));
	for (size_t i = 0; i < json_length(users); i++)
		append_word(&buf, json_member_text(json_at(users, i), "username"));
	append_word(&buf, json_member_text(entry, "made"));
	if (buf_status(&buf))
		memcpy(words + buf.len, "…", sizeof("…"));
	return shown_text(words, text);
}

static int64_t number_of(const struct json *entry, const char *name)
{
	int64_t number = 0;

	(void)json_integer(json_member(entry, name), &number);
	return number;
}

/* Its own id, or the first of a flood's. */
static const char *id_of(const struct json *entry)
{
	const char *id = json_member_text(entry, "correlation_id");

	if (!id)
		id = json_text(json_at(json_member(entry, "correlation_ids"), 0));
	return id ? id : "";
}

static void print_row(struct output *output, const char *line)
{
	struct json *entry = NULL;
	char texts[7][SHOWN_SIZE];
	int64_t count;

	if (output->json) {
		json_write_raw(&output->writer, NULL, line, strlen(line));
		return;
	}
	if (json_parse(line, strlen(line), AUDIT_LINE_MAX, &entry))
		return;
	count = number_of(entry, "count");
	output_row(output, (const struct output_field[]){
				   output_time("time", number_of(entry, "time")),
				   output_text("event", shown(entry, "event", texts[1])),
				   output_text("reason", shown_reason(entry, texts[6], texts[0])),
				   output_number("count", count ? count : 1),
				   output_text("client_id", shown(entry, "client_id", texts[2])),
				   output_text("sub", shown(entry, "sub", texts[3])),
				   output_text("site", shown(entry, "site", texts[4])),
				   output_text("source", shown(entry, "source", texts[5])),
				   output_text("correlation_id", id_of(entry)),
				   {0},
			   });
	json_free(entry);
}

static int print_list(struct invocation *invocation, const struct listing *listing)
{
	size_t shown_count =
		listing->limit && listing->count > listing->limit ? listing->limit : listing->count;
	struct output output;

	output_begin(&output, options_flag(&invocation->options, "json"), true);
	for (size_t i = listing->count - shown_count; i < listing->count; i++)
		print_row(&output, listing->lines[listing->limit ? i % listing->limit : i]);
	return command_output_end(invocation, &output);
}

/* A date, whose beginning counts for --since and its end for --until; or how long ago. */
static int take_time(
	struct invocation *invocation, const char *name, int64_t otherwise, int64_t *ret_time)
{
	const char *text = options_text(&invocation->options, name);
	int64_t time = 0;
	int error;

	if (!text) {
		*ret_time = otherwise;
		return 0;
	}
	if (!strchr(text, '-')) {
		error = options_duration(&invocation->options, name, 0, &time, &invocation->fault);
		time = clock_now_s(&invocation->clock) - time;
	} else {
		error = options_date(&invocation->options, name, &time, &invocation->fault);
		if (strlen(text) == strlen("2027-03-31") && !strcmp(name, "since"))
			time -= DAY_S - 1;
	}
	if (!error)
		*ret_time = time;
	return error;
}

static int take_criteria(struct invocation *invocation, struct listing *listing)
{
	static const struct criterion criteria[] = {{.option = "event", .member = "event"},
		{.option = "reason", .member = "reason"}, {.option = "sub", .member = "sub"},
		{.option = "client", .member = "client_id"}, {.option = "site", .member = "site"},
		{.option = "source", .member = "source"}};
	const struct number_range limits = {0, LIMIT_MAX, DEFAULT_LIMIT};
	int64_t limit = 0;
	int error = take_time(invocation, "since", INT64_MIN, &listing->since);

	for (size_t i = 0; i < sizeof(criteria) / sizeof(criteria[0]); i++) {
		listing->criteria[i] = criteria[i];
		listing->criteria[i].wanted =
			options_text(&invocation->options, criteria[i].option);
	}
	if (!error)
		error = take_time(invocation, "until", INT64_MAX, &listing->until);
	if (!error)
		error = options_number(
			&invocation->options, "limit", &limits, &limit, &invocation->fault);
	listing->limit = (size_t)limit;
	return error;
}

static int run_list(struct invocation *invocation, const struct administration *administration)
{
	struct listing listing = {0};
	struct audit_snapshot snapshot;
	int error = take_criteria(invocation, &listing);

	if (!error)
		error = take_snapshot(invocation, administration, &snapshot);
	if (error)
		return error;
	error = fail_to_read(invocation, audit_snapshot_each(&snapshot, list_line, &listing));
	audit_snapshot_finish(&snapshot);
	if (!error)
		error = print_list(invocation, &listing);
	for (size_t i = 0; i < listing.room; i++)
		free(listing.lines[i]);
	free(listing.lines);
	return error;
}

/* --- verify ------------------------------------------------------------------- */

static int run_verify(struct invocation *invocation, const struct administration *administration)
{
	const struct data_directory *directory = &administration->directory;
	struct store_audit_head head;
	struct audit_verdict verdict;
	struct output output;
	int error = store_audit_head_get(directory->store, &head);
	bool known = !error;

	if (error && error != ERROR_NOT_FOUND)
		return fail_to_read(invocation, error);
	error = audit_verify(directory->path, &directory->secret_key, known ? &head : NULL,
		&verdict, &invocation->fault);
	if (error)
		return error;
	output_begin(&output, options_flag(&invocation->options, "json"), false);
	output_row(&output, (const struct output_field[]){
				    output_text("result", *verdict.problem ? "broken" : "whole"),
				    output_number("entries", verdict.entries),
				    output_number("files", (int64_t)verdict.files),
				    output_number("first_seq", verdict.first_seq),
				    output_number("last_seq", verdict.last_seq),
				    output_number("stored_seq", known ? head.seq : 0),
				    output_time("first_time", verdict.first_time),
				    output_time("last_time", verdict.last_time),
				    output_text("problem", verdict.problem),
				    {0},
			    });
	error = command_output_end(invocation, &output);
	if (error || !*verdict.problem)
		return error;
	fault_set(&invocation->fault, "the audit is broken: %s", verdict.problem);
	return ERROR_REFUSED;
}

/* --- export ------------------------------------------------------------------- */

static int export_line(void *context, const struct audit_place *place)
{
	FILE *out = context;

	if (!place->whole)
		return 0;
	return fwrite(place->text, 1, place->length, out) != place->length || putc('\n', out) == EOF
		       ? ERROR_LIMIT
		       : 0;
}

static int open_out(struct invocation *invocation, const char *path, FILE **ret_out)
{
	FILE *out = NULL;
	int fd;

	if (!path) {
		*ret_out = stdout;
		return 0;
	}
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd >= 0)
		out = fdopen(fd, "w");
	if (!out) {
		fault_set(&invocation->fault, "--out %s can't be made: %s", path, strerror(errno));
		if (fd >= 0)
			(void)close(fd);
		return ERROR_INVALID;
	}
	*ret_out = out;
	return 0;
}

/* Closes `out`, but for stdout. */
static int write_lines(const struct audit_snapshot *snapshot, FILE *out)
{
	int error = audit_snapshot_each(snapshot, export_line, out);
	int failed = fflush(out);

	if (out != stdout && fclose(out))
		failed = EOF;
	return failed && !error ? ERROR_LIMIT : error;
}

static int run_export(struct invocation *invocation, const struct administration *administration)
{
	const char *path = options_text(&invocation->options, "out");
	struct audit_snapshot snapshot;
	FILE *out = NULL;
	int error = take_snapshot(invocation, administration, &snapshot);

	if (error)
		return error;
	error = open_out(invocation, path, &out);
	if (!error) {
		error = write_lines(&snapshot, out);
		if (error == ERROR_LIMIT) {
			fault_set(&invocation->fault, "%s can't be written: %s",
				path ? path : "stdout", strerror(errno));
			invocation->exit_code = EXIT_OTHER;
		} else {
			(void)fail_to_read(invocation, error);
		}
	}
	audit_snapshot_finish(&snapshot);
	return error;
}

const struct verb audit_verbs[] = {
	{.noun = "audit",
		.name = "list",
		.arguments = "",
		.summary = "list what happened, the newest last",
		.specs = list_specs,
		.administer = run_list},
	{.noun = "audit",
		.name = "verify",
		.arguments = "",
		.summary = "see whether every entry is there and unchanged",
		.specs = command_plain_options,
		.administer = run_verify},
	{.noun = "audit",
		.name = "export",
		.arguments = "",
		.summary = "write every entry, in order",
		.specs = export_specs,
		.administer = run_export},
	{0},
};
