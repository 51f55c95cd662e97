/* SPDX-License-Identifier: Apache-2.0 */
#include "client/record_read.h"

enum { TRIES_MAX = 1000000 };

static const int64_t lifetime_max_s = INT64_C(1) << 40;

static const char *const rotations[] = {"unknown", "yes", "no", NULL};
static const char *const intents[] = {"none", "refresh", "password", NULL};

void token_record_init(struct token_record *record)
{
	*record = (struct token_record){.expires_in_s = -1};
}

void token_record_finish(struct token_record *record)
{
	if (!record)
		return;
	(void)record_set_text(&record->access_token, NULL);
	(void)record_set_text(&record->token_type, NULL);
	(void)record_set_text(&record->scope, NULL);
	(void)record_set_text(&record->refresh_token, NULL);
	(void)record_set_text(&record->id_token, NULL);
	token_record_init(record);
}

static void write_intent(struct json_writer *writer, const struct token_intent *intent)
{
	if (intent->kind == TOKEN_INTENT_NONE)
		return;
	json_write_object(writer, "intent");
	json_write_text(writer, "kind", intents[intent->kind]);
	record_write_moment(writer, "at", &intent->at);
	json_write_number(writer, "tries", intent->tries);
	json_write_boolean(writer, "asked_again", intent->asked_again);
	json_write_object_end(writer);
}

static int check(const struct token_record *record)
{
	const struct record_text texts[] = {
		{record->access_token, RECORD_TOKEN_MAX},
		{record->refresh_token, RECORD_TOKEN_MAX},
		{record->id_token, RECORD_TOKEN_MAX},
		{record->token_type, RECORD_NAME_MAX},
		{record->scope, RECORD_SCOPE_MAX},
	};
	int error = record_check_texts(texts, sizeof(texts) / sizeof(texts[0]));

	if (!error && (!record_is_visible(record->access_token) ||
			      !record_is_visible(record->refresh_token) ||
			      !record_is_visible(record->id_token)))
		error = ERROR_INVALID;
	return error;
}

int token_record_print(const struct token_record *record, struct buf *buf)
{
	struct json_writer writer;
	int error = check(record);

	if (error)
		return error;
	record_write_begin(&writer, buf);
	json_write_text(&writer, "access_token", record->access_token);
	json_write_text(&writer, "token_type", record->token_type);
	json_write_text(&writer, "scope", record->scope);
	json_write_text(&writer, "refresh_token", record->refresh_token);
	json_write_text(&writer, "id_token", record->id_token);
	record_write_moment(&writer, "received", &record->received);
	record_write_moment(&writer, "expires", &record->expires);
	json_write_number(&writer, "expires_in", record->expires_in_s);
	json_write_boolean(&writer, "rejected", record->rejected);
	if (record->rejections) {
		json_write_number(&writer, "rejections", record->rejections);
		record_write_moment(&writer, "rejected_at", &record->rejected_at);
	}
	json_write_boolean(&writer, "person", record->person);
	json_write_text(&writer, "rotates", rotations[record->rotates]);
	json_write_text(&writer, "generation", record->generation);
	write_intent(&writer, &record->intent);
	json_write_object_end(&writer);
	return json_writer_status(&writer);
}

static void read_intent(struct record_reader *reader, struct token_intent *intent)
{
	struct record_reader inner = record_reader_in(reader, "intent");
	int kind = 0;

	record_read_word(&inner, "kind", intents, &kind);
	intent->kind = (enum token_intent_kind)kind;
	record_read_moment(&inner, "at", &intent->at);
	record_read_int(&inner, "tries", TRIES_MAX, &intent->tries);
	record_read_boolean(&inner, "asked_again", &intent->asked_again);
	record_reader_join(reader, &inner);
}

static void read_members(struct record_reader *reader, struct token_record *record)
{
	int rotates = 0;

	record_read_text(reader, "token_type", RECORD_NAME_MAX, &record->token_type);
	record_read_text(reader, "scope", RECORD_SCOPE_MAX, &record->scope);
	record_read_moment(reader, "received", &record->received);
	record_read_moment(reader, "expires", &record->expires);
	record_read_number(reader, "expires_in", -1, lifetime_max_s, &record->expires_in_s);
	record_read_boolean(reader, "rejected", &record->rejected);
	record_read_boolean(reader, "person", &record->person);
	record_read_int(reader, "rejections", TRIES_MAX, &record->rejections);
	record_read_moment(reader, "rejected_at", &record->rejected_at);
	record_read_word(reader, "rotates", rotations, &rotates);
	record->rotates = (enum token_rotation)rotates;
	record_read_generation(reader, "generation", record->generation);
	read_intent(reader, &record->intent);
}

int token_record_parse(
	const char *text, size_t length, struct token_record *ret_record, struct fault *fault)
{
	struct json_secret secrets[] = {
		{"access_token", RECORD_TOKEN_MAX, NULL},
		{"refresh_token", RECORD_TOKEN_MAX, NULL},
		{"id_token", RECORD_TOKEN_MAX, NULL},
	};
	const struct record_source source = {.part = "token",
		.text = text,
		.length = length,
		.secrets = secrets,
		.secret_count = sizeof(secrets) / sizeof(secrets[0])};
	struct record_reader reader;
	struct token_record record;
	struct json *document = NULL;

	token_record_init(&record);
	record_reader_init(&reader, &source, &document, fault);
	record.access_token = secrets[0].text;
	record.refresh_token = secrets[1].text;
	record.id_token = secrets[2].text;
	for (size_t i = 0; i < source.secret_count; i++)
		record_read_secret(&reader, &secrets[i]);
	read_members(&reader, &record);
	json_free(document);
	if (reader.error)
		token_record_finish(&record);
	else
		*ret_record = record;
	return reader.error;
}

int token_record_read(struct storage *storage, const char *account, const char *scope,
	struct token_record *ret_record, struct fault *fault)
{
	char part[STORAGE_PART_SIZE];
	struct buf text = {0};
	int error = storage_token_part(scope, part);

	if (!error)
		error = storage_read(storage, account, part, &text, fault);
	if (!error)
		error = token_record_parse(text.data, text.len, ret_record, fault);
	buf_finish(&text);
	return error;
}

static int print(const void *record, struct buf *buf)
{
	return token_record_print(record, buf);
}

int token_record_write(struct storage *storage, const char *account, const char *scope,
	const struct token_record *record, struct fault *fault)
{
	char part[STORAGE_PART_SIZE];
	int error = storage_token_part(scope, part);

	return error ? error : record_store(storage, account, part, print, record, fault);
}

int token_record_remove(
	struct storage *storage, const char *account, const char *scope, struct fault *fault)
{
	char part[STORAGE_PART_SIZE];
	int error = storage_token_part(scope, part);

	return error ? error : storage_remove(storage, account, part, fault);
}
