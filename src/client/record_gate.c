/* SPDX-License-Identifier: Apache-2.0 */
#include "client/record_read.h"

#include <string.h>

enum { FAILURES_MAX = 1000000 };

static const int64_t skew_max_ms = INT64_C(1) << 53;
static const int64_t wait_max_ms = INT64_C(1) << 40;

void gate_record_init(struct gate_record *record)
{
	*record = (struct gate_record){0};
}

void gate_record_finish(struct gate_record *record)
{
	if (!record)
		return;
	(void)record_set_text(&record->metadata, NULL);
	*record = (struct gate_record){0};
}

int gate_record_print(const struct gate_record *record, struct buf *buf)
{
	const struct record_text texts[] = {
		{record->reason, sizeof(record->reason) - 1},
	};
	struct json_writer writer;
	int error = record_check_texts(texts, sizeof(texts) / sizeof(texts[0]));

	if (!error && record->metadata && strlen(record->metadata) > RECORD_METADATA_MAX)
		error = ERROR_LIMIT;
	if (error)
		return error;
	record_write_begin(&writer, buf);
	record_write_moment(&writer, "not_before", &record->not_before);
	json_write_number(&writer, "wait_ms", record->wait_ms);
	json_write_number(&writer, "http_status", record->http_status);
	json_write_text(&writer, "reason", record->reason);
	json_write_number(&writer, "failures", record->failures);
	if (record->skew_known) {
		json_write_number(&writer, "skew_ms", record->skew_ms);
		record_write_moment(&writer, "skew_at", &record->skew_at);
	}
	record_write_encoded(&writer, "metadata", record->metadata);
	record_write_moment(&writer, "metadata_at", &record->metadata_at);
	json_write_object_end(&writer);
	return json_writer_status(&writer);
}

static void read_members(struct record_reader *reader, struct gate_record *record)
{
	record_read_moment(reader, "not_before", &record->not_before);
	record_read_number(reader, "wait_ms", 0, wait_max_ms, &record->wait_ms);
	record_read_int(reader, "http_status", 999, &record->http_status);
	record_read_fixed(reader, "reason", sizeof(record->reason), record->reason);
	record_read_int(reader, "failures", FAILURES_MAX, &record->failures);
	record_read_number(reader, "skew_ms", -skew_max_ms, skew_max_ms, &record->skew_ms);
	record->skew_known = !reader->error && json_member(reader->object, "skew_ms");
	record_read_moment(reader, "skew_at", &record->skew_at);
	record_read_moment(reader, "metadata_at", &record->metadata_at);
}

int gate_record_parse(
	const char *text, size_t length, struct gate_record *ret_record, struct fault *fault)
{
	struct record_reader reader;
	struct gate_record record;
	struct json *document = NULL;
	/* No secret: a document in a document would be all escapes. */
	struct json_secret metadata = {
		.name = "metadata", .max = RECORD_ENCODED(RECORD_METADATA_MAX)};
	const struct record_source source = {.part = STORAGE_PART_GATE,
		.text = text,
		.length = length,
		.secrets = &metadata,
		.secret_count = 1};

	gate_record_init(&record);
	record_reader_init(&reader, &source, &document, fault);
	read_members(&reader, &record);
	record_read_encoded(&reader, &metadata, RECORD_METADATA_MAX, &record.metadata);
	json_secret_finish(&metadata);
	json_free(document);
	if (reader.error)
		gate_record_finish(&record);
	else
		*ret_record = record;
	return reader.error;
}

int gate_record_read(struct storage *storage, const char *account, struct gate_record *ret_record,
	struct fault *fault)
{
	struct buf text = {0};
	int error = storage_read(storage, account, STORAGE_PART_GATE, &text, fault);

	if (!error)
		error = gate_record_parse(text.data, text.len, ret_record, fault);
	buf_finish(&text);
	return error;
}

static int print(const void *record, struct buf *buf)
{
	return gate_record_print(record, buf);
}

int gate_record_write(struct storage *storage, const char *account,
	const struct gate_record *record, struct fault *fault)
{
	return record_store(storage, account, STORAGE_PART_GATE, print, record, fault);
}
