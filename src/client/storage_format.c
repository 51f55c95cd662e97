/* SPDX-License-Identifier: Apache-2.0 */
#include "client/storage_format.h"

#include "base/random.h"
#include "codec/base64url.h"
#include "codec/hex.h"
#include "codec/json.h"
#include "codec/json_writer.h"
#include "jose/crypto.h"

#include <string.h>

#define MAGIC "adit"
#define FORMAT_NAME "adit-storage"

enum {
	MAGIC_SIZE = sizeof(MAGIC) - 1,
	VERSION_AT = MAGIC_SIZE,
	KIND_AT,
	HEAD_SIZE,
	KEY_ID_SIZE = STORAGE_KEY_ID_SIZE - 1,
	NONCE_AT = HEAD_SIZE + KEY_ID_SIZE,
	SEALED_AT = NONCE_AT + CRYPTO_SEAL_NONCE_SIZE,
	CONTEXT_MAX = HEAD_SIZE + STORAGE_ACCOUNT_SIZE + STORAGE_PART_SIZE + 1,
};

_Static_assert((int)STORAGE_KEY_SIZE == (int)CRYPTO_SEAL_KEY_SIZE, "key");

static const char *kind_name(enum storage_kind kind)
{
	return kind == STORAGE_SEALED ? "sealed" : "plaintext";
}

static char kind_letter(enum storage_kind kind)
{
	return kind == STORAGE_SEALED ? 'S' : 'P';
}

/* --- the file `format` ------------------------------------------------------------- */

int storage_format_print(const struct storage_format *format, struct buf *buf)
{
	struct json_writer writer;

	json_writer_init(&writer, buf);
	json_write_object(&writer, NULL);
	json_write_text(&writer, "format", FORMAT_NAME);
	json_write_number(&writer, "version", STORAGE_FORMAT_VERSION);
	json_write_text(&writer, "kind", kind_name(format->kind));
	json_write_text(&writer, "id", format->id);
	if (format->kind == STORAGE_SEALED) {
		json_write_text(&writer, "key", format->key);
		json_write_text(&writer, "key_id", format->key_id);
	}
	json_write_object_end(&writer);
	(void)buf_append_char(buf, '\n');
	return json_writer_status(&writer);
}

static int read_hex(const struct json *object, const char *name, char *ret_text, size_t size)
{
	const char *text = json_member_text(object, name);

	if (!text || strlen(text) != size - 1 || strspn(text, "0123456789abcdef") != size - 1)
		return ERROR_INVALID;
	return text_copy(ret_text, size, text);
}

static int read_version(const struct json *object)
{
	const char *name = json_member_text(object, "format");
	int64_t version;

	if (!name || strcmp(name, FORMAT_NAME) != 0)
		return ERROR_INVALID;
	if (json_integer(json_member(object, "version"), &version) || version < 1)
		return ERROR_INVALID;
	return version > STORAGE_FORMAT_VERSION ? ERROR_VERSION : 0;
}

static int read_format(const struct json *object, struct storage_format *format)
{
	const char *kind = json_member_text(object, "kind");
	const char *key = json_member_text(object, "key");
	int error = read_version(object);

	if (error)
		return error;
	if (!kind || read_hex(object, "id", format->id, sizeof(format->id)))
		return ERROR_INVALID;
	if (!strcmp(kind, kind_name(STORAGE_PLAIN))) {
		format->kind = STORAGE_PLAIN;
		return 0;
	}
	format->kind = STORAGE_SEALED;
	if (strcmp(kind, kind_name(STORAGE_SEALED)) != 0 || !key)
		return ERROR_INVALID;
	if (text_copy(format->key, sizeof(format->key), key))
		return ERROR_INVALID;
	return read_hex(object, "key_id", format->key_id, sizeof(format->key_id));
}

int storage_format_parse(const char *text, size_t length, struct storage_format *ret_format)
{
	struct storage_format format = {0};
	struct json *document = NULL;
	int error = json_parse(text, length, STORAGE_FORMAT_MAX, &document);

	if (error)
		return error == ERROR_MEMORY ? error : ERROR_INVALID;
	error = read_format(document, &format);
	json_free(document);
	if (!error)
		*ret_format = format;
	return error;
}

/* --- keys -------------------------------------------------------------------------- */

static int parse_hex(const unsigned char *text, unsigned char ret_key[STORAGE_KEY_SIZE])
{
	for (size_t i = 0; i < STORAGE_KEY_SIZE; i++) {
		int high = hex_value((char)text[2 * i]);
		int low = hex_value((char)text[2 * i + 1]);

		if (high < 0 || low < 0)
			return ERROR_INVALID;
		ret_key[i] = (unsigned char)(high << 4 | low);
	}
	return 0;
}

int storage_key_parse(const struct secret *text, unsigned char ret_key[STORAGE_KEY_SIZE])
{
	size_t length = text->length;
	size_t decoded = 0;

	if (length == STORAGE_KEY_SIZE) {
		memcpy(ret_key, text->bytes, STORAGE_KEY_SIZE);
		return 0;
	}
	if (length && text->bytes[length - 1] == '\n')
		length--;
	if (length == (size_t)STORAGE_KEY_SIZE * 2)
		return parse_hex(text->bytes, ret_key);
	if (length != STORAGE_KEY_TEXT)
		return ERROR_INVALID;
	return base64url_decode(
		(const char *)text->bytes, length, ret_key, STORAGE_KEY_SIZE, &decoded);
}

/* --- a part's file ----------------------------------------------------------------- */

static void write_head(const struct storage_seal *seal, char head[HEAD_SIZE])
{
	memcpy(head, MAGIC, MAGIC_SIZE);
	head[VERSION_AT] = STORAGE_FORMAT_VERSION;
	head[KIND_AT] = kind_letter(seal->kind);
}

/* What keeps a file from being taken for another one. */
static struct crypto_part context_of(const struct storage_seal *seal, char context[CONTEXT_MAX])
{
	struct buf text;

	buf_init_fixed(&text, context, CONTEXT_MAX);
	(void)buf_reserve(&text, HEAD_SIZE);
	write_head(seal, text.data);
	text.len = HEAD_SIZE;
	(void)buf_printf(&text, "%s/%s", seal->account, seal->part);
	return (struct crypto_part){.bytes = context, .length = text.len};
}

static int append_sealed(
	const struct storage_seal *seal, const void *bytes, size_t length, struct buf *file)
{
	unsigned char nonce[CRYPTO_SEAL_NONCE_SIZE];
	char context[CONTEXT_MAX];
	struct crypto_part authenticated = context_of(seal, context);
	int error = random_bytes(nonce, sizeof(nonce));

	if (error)
		return error;
	(void)buf_append(file, seal->key_id, KEY_ID_SIZE);
	(void)buf_append(file, nonce, sizeof(nonce));
	error = buf_reserve(file, length + CRYPTO_SEAL_TAG_SIZE);
	if (!error)
		error = crypto_seal(seal->key, nonce, &authenticated, bytes, length,
			(unsigned char *)file->data + file->len);
	if (!error)
		file->len += length + CRYPTO_SEAL_TAG_SIZE;
	return error;
}

int storage_file_close(
	const struct storage_seal *seal, const void *bytes, size_t length, struct buf *file)
{
	char head[HEAD_SIZE];

	write_head(seal, head);
	(void)buf_append(file, head, sizeof(head));
	if (seal->kind == STORAGE_SEALED)
		return append_sealed(seal, bytes, length, file);
	return buf_append(file, bytes, length);
}

static int append_opened(
	const struct storage_seal *seal, const char *file, size_t length, struct buf *bytes)
{
	char context[CONTEXT_MAX];
	struct crypto_part authenticated = context_of(seal, context);
	size_t sealed = length - SEALED_AT;
	int error;

	if (memcmp(file + HEAD_SIZE, seal->key_id, KEY_ID_SIZE) != 0)
		return STORAGE_FILE_OTHER_KEY;
	if (buf_reserve(bytes, sealed - CRYPTO_SEAL_TAG_SIZE))
		return bytes->failed == ERROR_MEMORY ? STORAGE_FILE_MEMORY : STORAGE_FILE_DAMAGED;
	error = crypto_open(seal->key, (const unsigned char *)file + NONCE_AT, &authenticated,
		file + SEALED_AT, sealed, (unsigned char *)bytes->data + bytes->len);
	if (error)
		return STORAGE_FILE_DAMAGED;
	bytes->len += sealed - CRYPTO_SEAL_TAG_SIZE;
	bytes->data[bytes->len] = '\0';
	return 0;
}

int storage_file_open(
	const struct storage_seal *seal, const void *file, size_t length, struct buf *bytes)
{
	const char *head = file;

	if (length < HEAD_SIZE || memcmp(head, MAGIC, MAGIC_SIZE) != 0 || !head[VERSION_AT])
		return STORAGE_FILE_DAMAGED;
	if (head[VERSION_AT] != STORAGE_FORMAT_VERSION)
		return STORAGE_FILE_NEWER;
	if (head[KIND_AT] != 'S' && head[KIND_AT] != 'P')
		return STORAGE_FILE_DAMAGED;
	if (head[KIND_AT] != kind_letter(seal->kind))
		return STORAGE_FILE_OTHER_KIND;
	if (seal->kind == STORAGE_SEALED) {
		if (length < SEALED_AT + CRYPTO_SEAL_TAG_SIZE)
			return STORAGE_FILE_DAMAGED;
		return append_opened(seal, head, length, bytes);
	}
	if (buf_append(bytes, head + HEAD_SIZE, length - HEAD_SIZE))
		return bytes->failed == ERROR_MEMORY ? STORAGE_FILE_MEMORY : STORAGE_FILE_DAMAGED;
	return 0;
}
