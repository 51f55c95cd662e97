/* SPDX-License-Identifier: Apache-2.0 */
#include "client/record_read.h"

#include "codec/base64url.h"

#include <string.h>

static const int64_t time_max = INT64_C(1) << 53;

int record_set_text(char **text, const char *value)
{
	char *copy = value ? strdup(value) : NULL;

	if (value && !copy)
		return ERROR_MEMORY;
	secret_text_free(*text);
	*text = copy;
	return 0;
}

/* --- reading --------------------------------------------------------------------- */

static void fail(struct record_reader *reader, int error, const char *name)
{
	if (reader->error)
		return;
	reader->error = error;
	if (error == ERROR_MEMORY)
		fault_set(reader->fault, "no memory left to read the stored %s", reader->part);
	else
		fault_set(reader->fault,
			"the stored %s makes no sense at \"%s\": remove it, and sign in or enter "
			"the credentials again",
			reader->part, name);
}

static void check_version(struct record_reader *reader)
{
	int64_t version = 0;

	if (reader->error)
		return;
	if (!json_is_object(reader->object) ||
		json_integer(json_member(reader->object, "version"), &version) || version < 1) {
		fail(reader, ERROR_INVALID, "version");
	} else if (version > RECORD_VERSION) {
		reader->error = ERROR_VERSION;
		fault_set(reader->fault,
			"the stored %s was written by a newer version of adit: upgrade this one, "
			"or use another storage directory",
			reader->part);
	}
}

void record_reader_init(struct record_reader *reader, const struct record_source *source,
	struct json **ret_document, struct fault *fault)
{
	int error = json_parse_secrets(source->text, source->length, RECORD_JSON_MAX,
		source->secrets, source->secret_count, ret_document);

	*reader = (struct record_reader){.part = source->part, .fault = fault};
	if (error) {
		*ret_document = NULL;
		fail(reader, error == ERROR_MEMORY ? error : ERROR_INVALID, "");
	}
	reader->object = *ret_document;
	check_version(reader);
}

struct record_reader record_reader_in(struct record_reader *reader, const char *name)
{
	struct record_reader inner = *reader;

	inner.object = reader->error ? NULL : json_member(reader->object, name);
	if (inner.object && !json_is_object(inner.object))
		fail(&inner, ERROR_INVALID, name);
	return inner;
}

void record_reader_join(struct record_reader *reader, const struct record_reader *inner)
{
	if (!reader->error)
		reader->error = inner->error;
}

static const struct json *member(const struct record_reader *reader, const char *name)
{
	return reader->error ? NULL : json_member(reader->object, name);
}

void record_read_text(struct record_reader *reader, const char *name, size_t max, char **text)
{
	const struct json *value = member(reader, name);
	const char *found = json_text(value);

	if (!value)
		return;
	if (!found || strlen(found) > max)
		fail(reader, ERROR_INVALID, name);
	else if (record_set_text(text, found))
		fail(reader, ERROR_MEMORY, name);
}

void record_read_secret(struct record_reader *reader, const struct json_secret *secret)
{
	if (member(reader, secret->name) && !secret->text)
		fail(reader, ERROR_INVALID, secret->name);
}

/* 0, ERROR_INVALID or ERROR_MEMORY. */
static int decode(const char *encoded, size_t max, char **text)
{
	struct buf bytes;
	int error;

	buf_init(&bytes, max);
	error = buf_reserve(&bytes, max);
	if (!error)
		error = base64url_decode(encoded, strlen(encoded), (unsigned char *)bytes.data, max,
				&bytes.len)
				? ERROR_INVALID
				: 0;
	if (!error && memchr(bytes.data, 0, bytes.len))
		error = ERROR_INVALID;
	if (!error) {
		bytes.data[bytes.len] = '\0';
		error = record_set_text(text, bytes.data);
	}
	buf_finish(&bytes);
	return error;
}

void record_read_encoded(
	struct record_reader *reader, const struct json_secret *found, size_t max, char **text)
{
	int error;

	record_read_secret(reader, found);
	if (reader->error || !found->text)
		return;
	error = decode(found->text, max, text);
	if (error)
		fail(reader, error, found->name);
}

void record_read_fixed(struct record_reader *reader, const char *name, size_t size, char *text)
{
	const struct json *value = member(reader, name);
	const char *found = json_text(value);

	if (value && (!found || text_copy(text, size, found)))
		fail(reader, ERROR_INVALID, name);
}

void record_read_generation(
	struct record_reader *reader, const char *name, char text[RECORD_GENERATION_SIZE])
{
	size_t length;

	record_read_fixed(reader, name, RECORD_GENERATION_SIZE, text);
	length = strlen(text);
	if (strspn(text, "0123456789abcdef") != length ||
		(length && length != RECORD_GENERATION_SIZE - 1))
		fail(reader, ERROR_INVALID, name);
}

void record_read_number(
	struct record_reader *reader, const char *name, int64_t min, int64_t max, int64_t *number)
{
	const struct json *value = member(reader, name);
	int64_t found = 0;

	if (!value)
		return;
	if (json_integer(value, &found) || found < min || found > max)
		fail(reader, ERROR_INVALID, name);
	else
		*number = found;
}

void record_read_int(struct record_reader *reader, const char *name, int max, int *number)
{
	int64_t found = *number;

	record_read_number(reader, name, 0, max, &found);
	*number = (int)found;
}

void record_read_boolean(struct record_reader *reader, const char *name, bool *boolean)
{
	const struct json *value = member(reader, name);

	if (value && json_boolean(value, boolean))
		fail(reader, ERROR_INVALID, name);
}

void record_read_moment(struct record_reader *reader, const char *name, struct moment *moment)
{
	struct record_reader inner = record_reader_in(reader, name);

	record_read_fixed(&inner, "boot", sizeof(moment->boot_id), moment->boot_id);
	record_read_number(&inner, "boot_ms", 0, time_max, &moment->boot_ms);
	record_read_number(&inner, "unix_ms", 0, time_max, &moment->unix_ms);
	record_reader_join(reader, &inner);
}

void record_read_word(
	struct record_reader *reader, const char *name, const char *const *words, int *number)
{
	const struct json *value = member(reader, name);
	const char *found = json_text(value);

	if (!value)
		return;
	for (int i = 0; found && words[i]; i++)
		if (!strcmp(words[i], found)) {
			*number = i;
			return;
		}
	fail(reader, ERROR_INVALID, name);
}

void record_require(struct record_reader *reader, const char *name, bool is_there)
{
	if (!is_there)
		fail(reader, ERROR_INVALID, name);
}

/* --- writing --------------------------------------------------------------------- */

int record_check_texts(const struct record_text *texts, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (!texts[i].text)
			continue;
		if (strlen(texts[i].text) > texts[i].max)
			return ERROR_LIMIT;
		if (!utf8_valid(texts[i].text, strlen(texts[i].text)))
			return ERROR_INVALID;
	}
	return 0;
}

bool record_is_visible(const char *text)
{
	for (size_t i = 0; text && text[i]; i++)
		if (text[i] <= 0x20 || text[i] >= 0x7f)
			return false;
	return true;
}

void record_write_begin(struct json_writer *writer, struct buf *buf)
{
	json_writer_init(writer, buf);
	json_write_object(writer, NULL);
	json_write_number(writer, "version", RECORD_VERSION);
}

void record_write_encoded(struct json_writer *writer, const char *name, const char *text)
{
	struct buf encoded;

	if (!text)
		return;
	buf_init(&encoded, RECORD_ENCODED(RECORD_METADATA_MAX));
	(void)base64url_append(&encoded, text, strlen(text));
	if (!encoded.failed)
		json_write_text_length(writer, name, encoded.data, encoded.len);
	else if (!writer->buf->failed)
		writer->buf->failed = encoded.failed;
	buf_finish(&encoded);
}

void record_write_moment(struct json_writer *writer, const char *name, const struct moment *moment)
{
	if (!moment_is_set(moment))
		return;
	json_write_object(writer, name);
	json_write_text(writer, "boot", moment->boot_id);
	json_write_number(writer, "boot_ms", moment->boot_ms);
	json_write_number(writer, "unix_ms", moment->unix_ms);
	json_write_object_end(writer);
}

int record_store(struct storage *storage, const char *account, const char *part,
	record_printer print, const void *record, struct fault *fault)
{
	struct buf text;
	int error;

	buf_init(&text, RECORD_JSON_MAX);
	error = print(record, &text);
	if (error)
		fault_set(fault, "%s of account %s can't be written: %s", part, account,
			error == ERROR_LIMIT	 ? "it is too large"
			: error == ERROR_INVALID ? "a text in it is none"
						 : "no memory is left");
	else
		error = storage_write(storage, account, part, text.data, text.len, fault);
	buf_finish(&text);
	return error;
}
