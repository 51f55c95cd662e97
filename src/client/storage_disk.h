/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The directory that a storage has to itself, and files in it that are read and replaced as a
 * whole. All functions return 0 or a negative enum error as storage.h has them, and set
 * `fault`, which may be NULL.
 */
#ifndef CLIENT_STORAGE_DISK_H
#define CLIENT_STORAGE_DISK_H

#include "base/buf.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

enum {
	STORAGE_PATH_MAX = 4096,
	STORAGE_NAME_MAX = 100, /* of a file in the directory */
};

struct storage_disk {
	int fd;
	char path[STORAGE_PATH_MAX];
	bool swept; /* what others left half-written is gone */
};

/* $XDG_STATE_HOME/adit, else ~/.local/state/adit (XDG Base Directory Specification). */
int storage_standard_directory(char ret_path[STORAGE_PATH_MAX], struct fault *fault);

/* Opens a directory of this user's that nobody else may enter. With `make` it is made where it
 * is absent, and its parents; else ERROR_NOT_FOUND. */
int storage_disk_open(
	const char *path, bool make, struct storage_disk *ret_disk, struct fault *fault);
void storage_disk_close(struct storage_disk *disk);

/* ERROR_NOT_FOUND: there is none; no fault then. The caller finishes the buf. */
int storage_disk_read(const struct storage_disk *disk, const char *name, size_t max,
	struct buf *ret_bytes, struct fault *fault);

/* Once it has returned 0, the file has this content also after a crash; before, it has what
 * it had. */
int storage_disk_replace(struct storage_disk *disk, const char *name, const void *bytes,
	size_t length, struct fault *fault);

/* The same for a file that must not be there yet: ERROR_EXISTS, and no fault then. */
int storage_disk_make(struct storage_disk *disk, const char *name, const void *bytes, size_t length,
	struct fault *fault);

/* 0 also where there is none. */
int storage_disk_remove(struct storage_disk *disk, const char *name, struct fault *fault);

/* Opens for reading and writing a file that is made empty where it is absent; where nothing
 * may be written, for reading. The caller closes it. */
int storage_disk_open_file(
	struct storage_disk *disk, const char *name, int *ret_fd, struct fault *fault);

/* What errno means for a person. Sets `fault`, returns ERROR_IO. */
int storage_disk_fault(
	const struct storage_disk *disk, const char *name, const char *what, struct fault *fault);

#endif
