/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the key of a storage directory comes from: "keyring", "systemd:NAME", "file:PATH".
 * All functions return 0 or a negative enum error as storage.h has them, and set `fault`.
 */
#ifndef CLIENT_STORAGE_KEY_H
#define CLIENT_STORAGE_KEY_H

#include "client/storage_disk.h"
#include "client/storage_format.h"

#define STORAGE_KEY_KEYRING "keyring"

/* The source as it is kept: a file's path is absolute, or but a name of the directory's own.
 * 0 or ERROR_INVALID. */
int storage_key_source(const struct storage_disk *disk, const char *given,
	char ret_source[STORAGE_SOURCE_MAX], struct fault *fault);

/* Reads the key. The caller finishes it. */
int storage_key_read(const struct storage_disk *disk, const char *source, const char *id,
	struct secret *ret_key, struct fault *fault);

/* The same for a directory that is being made: a key that the keyring or the directory is to
 * have is made where it is absent. `given` may be NULL: what there is, the first of the
 * systemd credential `adit.key`, the keyring, the file `key` in the directory. */
int storage_key_make(struct storage_disk *disk, const char *given, const char *id,
	char ret_source[STORAGE_SOURCE_MAX], struct secret *ret_key, struct fault *fault);

/* Undoes the making, as far as that is possible: another process was faster. */
void storage_key_unmake(const char *source, const char *id);

#endif
