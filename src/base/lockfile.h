/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A lock that one process at a time holds, on a file of its own. It ends with
 * the process, however that ends.
 */
#ifndef BASE_LOCKFILE_H
#define BASE_LOCKFILE_H

#include <stdbool.h>

struct lockfile {
	int fd; /* -1: not held */
};

/* Creates the file (0600) where it is missing and takes the lock without
 * waiting, but for those who look: 0, ERROR_BUSY (another process has it) or ERROR_IO. */
int lockfile_acquire(struct lockfile *lock, const char *path);

/* Whether a process holds it now: 0, or ERROR_IO. Makes no file, and keeps nobody from taking
 * the lock. */
int lockfile_look(const char *path, bool *ret_held);

/* Accepts one that is not held. Leaves the file. */
void lockfile_release(struct lockfile *lock);

#endif
