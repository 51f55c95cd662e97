/* SPDX-License-Identifier: Apache-2.0 */
#include "authority/audit_members.h"

#include "base/error.h"
#include "codec/base64url.h"
#include "codec/json_writer.h"
#include "jose/crypto.h"

#include <string.h>

enum {
	NAME_HASH_BYTES = 12,
	NAME_HASH_TEXT = 16,
};

static int write_unknown_name(
	struct json_writer *writer, const struct secret *key, const char *name)
{
	static const char label[] = "name";
	const struct crypto_part parts[] = {
		{.bytes = label, .length = sizeof(label)},
		{.bytes = name, .length = strlen(name)},
	};
	unsigned char digest[CRYPTO_SHA256_SIZE];
	char text[NAME_HASH_TEXT];
	int error = crypto_hmac_sha256(key, parts, 2, digest);

	if (error)
		return error;
	base64url_encode(text, digest, NAME_HASH_BYTES);
	json_write_text_length(writer, "unknown_name", text, sizeof(text));
	return 0;
}

static void write_text(struct json_writer *writer, const char *name, const char *text)
{
	if (text && *text)
		json_write_text(writer, name, text);
}

int audit_members_append(struct buf *buf, const struct secret *key, const struct audit_entry *entry)
{
	struct json_writer writer;
	int error = 0;

	json_writer_init(&writer, buf);
	write_text(&writer, "event", entry->event);
	write_text(&writer, "endpoint", entry->endpoint);
	write_text(&writer, "error", entry->error);
	write_text(&writer, "reason", entry->reason);
	write_text(&writer, "grant_type", entry->grant_type);
	write_text(&writer, "client_id", entry->client_id);
	write_text(&writer, "sub", entry->sub);
	write_text(&writer, "site", entry->site);
	write_text(&writer, "scope", entry->scope);
	write_text(&writer, "jti", entry->jti);
	write_text(&writer, "family", entry->family);
	write_text(&writer, "source", entry->source);
	write_text(&writer, "note", entry->note);
	if (entry->unknown_name && *entry->unknown_name)
		error = write_unknown_name(&writer, key, entry->unknown_name);
	return error ? error : json_writer_status(&writer);
}

int audit_members_append_id(struct buf *buf, const char *correlation_id)
{
	struct json_writer writer = {.buf = buf, .comma = true};

	write_text(&writer, "correlation_id", correlation_id);
	return json_writer_status(&writer);
}

int audit_members_append_count(struct buf *buf, const struct audit_count *count)
{
	struct json_writer writer = {.buf = buf, .comma = true};

	json_write_number(&writer, "count", count->count);
	json_write_array(&writer, "correlation_ids");
	for (size_t i = 0; i < count->id_count; i++)
		json_write_text(&writer, NULL, count->ids[i]);
	json_write_array_end(&writer);
	return json_writer_status(&writer);
}
