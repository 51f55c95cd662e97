/* SPDX-License-Identifier: Apache-2.0 */
/* A copy of a database that has its name only when it is whole. */
#ifndef STORE_BACKUP_H
#define STORE_BACKUP_H

#include "base/error.h"

/* As store_backup(). `copy` fills the empty file at `path`: 0 or an error. */
int backup_write(const char *path, int (*copy)(void *context, const char *path), void *context,
	struct fault *fault);

#endif
