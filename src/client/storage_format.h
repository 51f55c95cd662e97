/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of a storage directory look like. A part's file is
 *
 *	"adit", the version (a byte), 'S' or 'P' for sealed or plain,
 *	sealed: the key's id (16 hex digits), a nonce (24 bytes), the part by XChaCha20-Poly1305
 *	with the first six bytes, the account's id, '/' and the part's name authenticated;
 *	plain: the part.
 *
 * The file `format` says how the directory was made, as JSON.
 */
#ifndef CLIENT_STORAGE_FORMAT_H
#define CLIENT_STORAGE_FORMAT_H

#include "base/secret.h"
#include "client/storage.h"
#include "client/storage_name.h"

enum {
	STORAGE_KEY_SIZE = 32,
	STORAGE_KEY_TEXT = 43, /* base64url of it */
	STORAGE_ID_SIZE = 17,
	STORAGE_SOURCE_MAX = 4200, /* "file:PATH" */
	STORAGE_FORMAT_MAX = 8192,
	STORAGE_FILE_MAX = STORAGE_PART_MAX + 128,
};

/* How a directory was made. */
struct storage_format {
	enum storage_kind kind;	  /* STORAGE_SEALED or STORAGE_PLAIN */
	char id[STORAGE_ID_SIZE]; /* of the directory: what the keyring knows its key by */
	char key_id[STORAGE_KEY_ID_SIZE];
	char key[STORAGE_SOURCE_MAX]; /* where it is; "file:" with a relative path: from here */
};

int storage_format_print(const struct storage_format *format, struct buf *buf);

/* 0, ERROR_INVALID, ERROR_VERSION, ERROR_MEMORY. */
int storage_format_parse(const char *text, size_t length, struct storage_format *ret_format);

/* 32 bytes; 43 characters of base64url or 64 hex digits, and a line feed. 0 or ERROR_INVALID. */
int storage_key_parse(const struct secret *text, unsigned char ret_key[STORAGE_KEY_SIZE]);

/* Which part of which account a file holds, and how. */
struct storage_seal {
	enum storage_kind kind;
	const struct secret *key; /* NULL where plain */
	const char *key_id;
	const char *account;
	const char *part;
};

/* Appends the file. */
int storage_file_close(
	const struct storage_seal *seal, const void *bytes, size_t length, struct buf *file);

enum storage_file_fault {
	STORAGE_FILE_DAMAGED = 1,
	STORAGE_FILE_NEWER,
	STORAGE_FILE_OTHER_KIND,
	STORAGE_FILE_OTHER_KEY,
	STORAGE_FILE_MEMORY,
};

/* Appends what is in the file: 0 or an enum storage_file_fault. */
int storage_file_open(
	const struct storage_seal *seal, const void *file, size_t length, struct buf *bytes);

#endif
