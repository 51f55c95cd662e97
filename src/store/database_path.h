/* SPDX-License-Identifier: Apache-2.0 */
/* Where a database lies: what is to be known of its path before SQLite gets it. */
#ifndef STORE_DATABASE_PATH_H
#define STORE_DATABASE_PATH_H

#include "store/engine.h"

enum {
	DATABASE_PATH_SIZE = 4096,
	DATABASE_URI_SIZE = DATABASE_PATH_SIZE * 3 + 64,
};

/* The path as a name and nothing more. 0, or ERROR_INVALID: it is too long. */
int database_path_make(const char *path, char ret_path[DATABASE_PATH_SIZE]);

/* The URI by which a file is read as if it could not change. `path` is one of
 * database_path_make(). */
void database_path_immutable_uri(const char *path, char ret_uri[DATABASE_URI_SIZE]);

/* Whether a log with something in it lies beside the file. */
bool database_path_has_log(const char *path);

/* Whether there is a file, made (0600) where `options` say so: 0, ERROR_NOT_FOUND,
 * ERROR_INVALID (no file) or ERROR_UNAVAILABLE. The fault names options->path. */
int database_path_find(const char *path, const struct engine_options *options, struct fault *fault);

#endif
