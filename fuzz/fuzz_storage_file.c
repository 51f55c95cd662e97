/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of a client's storage, under one fixed key: the input as a part's file, sealed and
 * plain, as the file `format` and as a key; and as a part, which is sealed and opened again.
 */
#include "client/storage_format.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

#define ACCOUNT "0123456789abcdef0123456789abcdef"
#define KEY_ID "0011223344556677"

static unsigned char key_bytes[STORAGE_KEY_SIZE] = "a fixed key for this target";
static const struct secret key = {.bytes = key_bytes, .length = sizeof(key_bytes)};

static struct storage_seal seal_of(enum storage_kind kind)
{
	return (struct storage_seal){
		.kind = kind, .key = &key, .key_id = KEY_ID, .account = ACCOUNT, .part = "account"};
}

static void try_open(enum storage_kind kind, const unsigned char *data, size_t size)
{
	struct storage_seal seal = seal_of(kind);
	struct buf bytes;
	int what;

	buf_init(&bytes, STORAGE_PART_MAX);
	what = storage_file_open(&seal, data, size, &bytes);
	if (what < 0 || what == STORAGE_FILE_MEMORY)
		abort();
	if (what && bytes.len)
		abort();
	if (!what && (size < bytes.len + 6 || memcmp(data, "adit\1", 5) != 0))
		abort();
	buf_finish(&bytes);
}

/* Opens where it belongs, and nowhere else. */
static void try_round(enum storage_kind kind, const unsigned char *data, size_t size)
{
	struct storage_seal seal = seal_of(kind);
	struct buf file;
	struct buf bytes;

	buf_init(&file, STORAGE_FILE_MAX);
	buf_init(&bytes, STORAGE_PART_MAX);
	if (storage_file_close(&seal, data, size, &file))
		abort();
	if (storage_file_open(&seal, file.data, file.len, &bytes))
		abort();
	if (bytes.len != size || (size && memcmp(bytes.data, data, size) != 0))
		abort();
	buf_reset(&bytes);
	seal.part = "gate";
	if (kind == STORAGE_SEALED &&
		storage_file_open(&seal, file.data, file.len, &bytes) != STORAGE_FILE_DAMAGED)
		abort();
	buf_finish(&file);
	buf_finish(&bytes);
}

static void try_format(const unsigned char *data, size_t size)
{
	struct storage_format format;
	struct storage_format again;
	struct buf text;
	int error = storage_format_parse((const char *)data, size, &format);

	if (error == ERROR_INVALID || error == ERROR_VERSION)
		return;
	buf_init(&text, 8 * (size_t)STORAGE_FORMAT_MAX);
	if (error || storage_format_print(&format, &text))
		abort();
	if (text.len <= STORAGE_FORMAT_MAX &&
		(storage_format_parse(text.data, text.len, &again) ||
			strcmp(format.key, again.key) != 0 || format.kind != again.kind))
		abort();
	buf_finish(&text);
}

static void try_key(const unsigned char *data, size_t size)
{
	unsigned char copy[256];
	unsigned char parsed[STORAGE_KEY_SIZE];
	struct secret text = {.bytes = copy, .length = size};

	if (size > sizeof(copy))
		return;
	if (size)
		memcpy(copy, data, size);
	(void)storage_key_parse(&text, parsed);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	try_open(STORAGE_SEALED, data, size);
	try_open(STORAGE_PLAIN, data, size);
	try_format(data, size);
	try_key(data, size);
	if (size > STORAGE_PART_MAX)
		return 0;
	try_round(STORAGE_SEALED, data, size);
	try_round(STORAGE_PLAIN, data, size);
	return 0;
}
