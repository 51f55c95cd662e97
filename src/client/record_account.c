/* SPDX-License-Identifier: Apache-2.0 */
#include "client/record_read.h"

#include <string.h>

static const char *const methods[] = {
	"", "person", "password", "client_secret", "private_key", NULL};

void account_record_init(struct account_record *record)
{
	*record = (struct account_record){0};
}

void account_record_finish(struct account_record *record)
{
	if (!record)
		return;
	(void)record_set_text(&record->authority, NULL);
	(void)record_set_text(&record->client_id, NULL);
	(void)record_set_text(&record->account, NULL);
	(void)record_set_text(&record->username, NULL);
	(void)record_set_text(&record->secret, NULL);
	*record = (struct account_record){0};
}

static void write_breaker(struct json_writer *writer, const struct account_breaker *breaker)
{
	if (!*breaker->generation)
		return;
	json_write_object(writer, "breaker");
	json_write_text(writer, "generation", breaker->generation);
	json_write_text(writer, "oauth_error", breaker->oauth_error);
	json_write_number(writer, "http_status", breaker->http_status);
	record_write_moment(writer, "at", &breaker->at);
	json_write_object_end(writer);
}

static int check(const struct account_record *record)
{
	const struct record_text texts[] = {
		{record->authority, RECORD_URL_MAX},
		{record->client_id, RECORD_NAME_MAX},
		{record->account, RECORD_NAME_MAX},
		{record->username, RECORD_NAME_MAX},
		{record->breaker.oauth_error, RECORD_OAUTH_ERROR_SIZE - 1},
	};
	int error = record_check_texts(texts, sizeof(texts) / sizeof(texts[0]));

	if (!error && record->secret && strlen(record->secret) > RECORD_SECRET_MAX)
		error = ERROR_LIMIT;
	return error;
}

int account_record_print(const struct account_record *record, struct buf *buf)
{
	struct json_writer writer;
	int error = check(record);

	if (error)
		return error;
	record_write_begin(&writer, buf);
	json_write_text(&writer, "authority", record->authority);
	json_write_text(&writer, "client_id", record->client_id);
	json_write_text(&writer, "account", record->account);
	json_write_text(&writer, "method", methods[record->method]);
	json_write_text(&writer, "username", record->username);
	/* A password may have any character. */
	record_write_encoded(&writer, "secret", record->secret);
	json_write_text(&writer, "generation", record->generation);
	json_write_boolean(&writer, "verified", record->verified);
	write_breaker(&writer, &record->breaker);
	json_write_object_end(&writer);
	return json_writer_status(&writer);
}

static void read_breaker(struct record_reader *reader, struct account_breaker *breaker)
{
	struct record_reader inner = record_reader_in(reader, "breaker");

	record_read_generation(&inner, "generation", breaker->generation);
	record_read_fixed(
		&inner, "oauth_error", sizeof(breaker->oauth_error), breaker->oauth_error);
	record_read_int(&inner, "http_status", 999, &breaker->http_status);
	record_read_moment(&inner, "at", &breaker->at);
	record_reader_join(reader, &inner);
}

static void read_members(struct record_reader *reader, struct account_record *record)
{
	int method = 0;

	record_read_text(reader, "authority", RECORD_URL_MAX, &record->authority);
	record_read_text(reader, "client_id", RECORD_NAME_MAX, &record->client_id);
	record_read_text(reader, "account", RECORD_NAME_MAX, &record->account);
	record_read_word(reader, "method", methods, &method);
	record_read_text(reader, "username", RECORD_NAME_MAX, &record->username);
	record_read_generation(reader, "generation", record->generation);
	record_read_boolean(reader, "verified", &record->verified);
	read_breaker(reader, &record->breaker);
	record_require(reader, "authority", record->authority);
	record_require(reader, "client_id", record->client_id);
	record_require(reader, "method", method != 0);
	record->method = (enum account_method)method;
}

int account_record_parse(
	const char *text, size_t length, struct account_record *ret_record, struct fault *fault)
{
	struct json_secret secret = {.name = "secret", .max = RECORD_ENCODED(RECORD_SECRET_MAX)};
	const struct record_source source = {.part = STORAGE_PART_ACCOUNT,
		.text = text,
		.length = length,
		.secrets = &secret,
		.secret_count = 1};
	struct record_reader reader;
	struct account_record record;
	struct json *document = NULL;

	account_record_init(&record);
	record_reader_init(&reader, &source, &document, fault);
	record_read_encoded(&reader, &secret, RECORD_SECRET_MAX, &record.secret);
	read_members(&reader, &record);
	json_secret_finish(&secret);
	json_free(document);
	if (reader.error)
		account_record_finish(&record);
	else
		*ret_record = record;
	return reader.error;
}

int account_record_read(struct storage *storage, const char *account,
	struct account_record *ret_record, struct fault *fault)
{
	struct buf text = {0};
	int error = storage_read(storage, account, STORAGE_PART_ACCOUNT, &text, fault);

	if (!error)
		error = account_record_parse(text.data, text.len, ret_record, fault);
	buf_finish(&text);
	return error;
}

static int print(const void *record, struct buf *buf)
{
	return account_record_print(record, buf);
}

int account_record_write(struct storage *storage, const char *account,
	const struct account_record *record, struct fault *fault)
{
	return record_store(storage, account, STORAGE_PART_ACCOUNT, print, record, fault);
}
