/* SPDX-License-Identifier: Apache-2.0 */
#include "authority/audit_verify.h"

#include "authority/audit_read.h"
#include "codec/json.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { BROKEN = 1 }; /* ends the reading; the verdict says why */

struct verifying {
	struct secret key;
	const struct store_audit_head *head;
	struct audit_verdict verdict;
	struct audit_line last;
	int64_t begins_at; /* by the newest entry that says so; 0: none does */
	bool head_met;
};

static int __attribute__((format(printf, 2, 3)))
found(struct verifying *verifying, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(
		verifying->verdict.problem, sizeof(verifying->verdict.problem), format, arguments);
	va_end(arguments);
	return BROKEN;
}

static int check_order(
	struct verifying *verifying, const struct audit_place *place, const struct audit_line *line)
{
	static const unsigned char none[AUDIT_MAC_SIZE];
	int64_t expected = verifying->last.seq + 1;
	const char *file = place->file->name;
	bool begins = !verifying->last.seq;

	if (!begins && line->seq > expected)
		return found(verifying,
			"%s, line %" PRId64 ": entries are missing, from %" PRId64 " to %" PRId64,
			file, place->number, expected, line->seq - 1);
	if (!begins && line->seq < expected)
		return found(verifying,
			"%s, line %" PRId64 ": entry %" PRId64 " stands where %" PRId64
			" should: it was moved or copied here",
			file, place->number, line->seq, expected);
	if (memcmp(line->prev, begins ? none : verifying->last.mac, sizeof(line->prev)) != 0 &&
		(!begins || line->seq == 1))
		return found(verifying,
			"%s, line %" PRId64 ": entry %" PRId64
			" does not follow the one before it: that one is another than it was",
			file, place->number, line->seq);
	if (place->number == 1 && line->seq != place->file->first_seq)
		return found(verifying,
			"%s begins with entry %" PRId64
			": it was renamed, or its beginning removed",
			file, line->seq);
	return 0;
}

static int check_head(
	struct verifying *verifying, const struct audit_place *place, const struct audit_line *line)
{
	const struct store_audit_head *head = verifying->head;

	if (!head || line->seq != head->seq)
		return 0;
	verifying->head_met = true;
	if (!memcmp(line->mac, head->mac, sizeof(line->mac)) &&
		!strcmp(place->file->name, head->file))
		return 0;
	return found(verifying,
		"%s, line %" PRId64 ": entry %" PRId64
		" is another one than the store knows (in %s): these files are not the ones that "
		"were written with it",
		place->file->name, place->number, line->seq, head->file);
}

/* Removed files leave an entry that says where the chain begins now. */
static int note_beginning(struct verifying *verifying, const struct audit_place *place)
{
	static const char event[] = ",\"event\":\"audit_removed\",";
	struct json *entry = NULL;
	int error;

	if (!memmem(place->text, place->length, event, sizeof(event) - 1))
		return 0;
	error = json_parse(place->text, place->length, AUDIT_LINE_MAX, &entry);
	if (error == ERROR_MEMORY)
		return error;
	if (!error && json_member_text(entry, "event") &&
		!strcmp(json_member_text(entry, "event"), "audit_removed"))
		(void)json_integer(json_member(entry, "first_seq"), &verifying->begins_at);
	json_free(entry);
	return 0;
}

static int verify_line(void *context, const struct audit_place *place)
{
	struct verifying *verifying = context;
	struct audit_verdict *verdict = &verifying->verdict;
	const char *file = place->file->name;
	struct audit_line line = {0};
	int error = audit_line_read(&verifying->key, place->text, place->length, &line);

	if (!place->whole && place->length < AUDIT_LINE_MAX)
		return found(verifying,
			"%s, line %" PRId64 ": the last line is not whole; a crash leaves one so, "
			"and the next start of "
			"aditd cuts it off and records that",
			file, place->number);
	if (error == ERROR_INVALID || !place->whole)
		return found(verifying, "%s, line %" PRId64 ": this is no entry: it was changed",
			file, place->number);
	if (error == ERROR_REFUSED)
		return found(verifying,
			"%s, line %" PRId64
			": the entry was changed, or written under another secret key",
			file, place->number);
	if (!error)
		error = check_order(verifying, place, &line);
	if (!error)
		error = check_head(verifying, place, &line);
	if (!error)
		error = note_beginning(verifying, place);
	if (error)
		return error;
	if (!verdict->entries++) {
		verdict->first_seq = line.seq;
		verdict->first_time = line.time;
	}
	verdict->last_seq = line.seq;
	verdict->last_time = line.time;
	verifying->last = line;
	return 0;
}

static int verify_files(struct verifying *verifying, const struct audit_snapshot *snapshot)
{
	const struct audit_files *files = &snapshot->files;
	int error = 0;

	for (size_t i = 0; i < files->count && !error; i++) {
		bool newest = i + 1 == files->count;

		if (files->list[i].size < 0 || (!files->list[i].size && !newest))
			error = found(verifying, "%s is empty: its entries were removed",
				files->list[i].name);
		else
			error = audit_file_each(
				snapshot->directory, &files->list[i], verify_line, verifying);
	}
	verifying->verdict.files = files->count;
	return error;
}

static int check_ends(struct verifying *verifying)
{
	const struct audit_verdict *verdict = &verifying->verdict;
	int64_t known = verifying->head ? verifying->head->seq : 0;

	if (verdict->last_seq < known)
		return found(verifying,
			"the end is missing: the store knows entry %" PRId64
			" in %s, and the files end with %" PRId64,
			known, verifying->head->file, verdict->last_seq);
	if (verdict->entries && verdict->first_seq > 1 && verdict->first_seq > verifying->begins_at)
		return found(verifying,
			"the beginning is missing: the files begin with entry %" PRId64
			", and none says that those before were removed in turn",
			verdict->first_seq);
	verifying->verdict.ahead = verdict->last_seq - known;
	if (verifying->verdict.ahead > AUDIT_AHEAD_MAX)
		return found(verifying,
			"the store knows entry %" PRId64 ", and the files end with %" PRId64
			": adit.db is an older one, put back by hand",
			known, verdict->last_seq);
	return 0;
}

int audit_verify(const char *data_directory, const struct secret *secret_key,
	const struct store_audit_head *head, struct audit_verdict *ret_verdict, struct fault *fault)
{
	struct verifying verifying = {.head = head};
	struct audit_snapshot snapshot = {.directory = -1};
	int error = audit_key_derive(secret_key, &verifying.key);

	if (!error)
		error = audit_snapshot_take(data_directory, &snapshot, fault);
	if (error == ERROR_NOT_FOUND) {
		error = check_ends(&verifying);
	} else if (!error) {
		error = verify_files(&verifying, &snapshot);
		if (!error)
			error = check_ends(&verifying);
		audit_snapshot_finish(&snapshot);
	}
	secret_finish(&verifying.key);
	if (error < 0) {
		fault_set(fault, "%s/audit can't be read: %s; try again", data_directory,
			error_text(error));
		return error;
	}
	*ret_verdict = verifying.verdict;
	return 0;
}
