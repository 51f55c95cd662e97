/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file in memory that has an access token, for a program that reads it again when it needs
 * one: whole whenever it is read, and for nobody else.
 */
#ifndef CLI_TOKEN_FILE_H
#define CLI_TOKEN_FILE_H

#include "base/error.h"

#include <limits.h>

struct token_file {
	char directory[PATH_MAX]; /* of its own; "": none was made */
	char path[PATH_MAX];
};

/* Makes the directory, in $XDG_RUNTIME_DIR or in /dev/shm. 0, or ERROR_IO with the fault;
 * token_file_remove() either way. */
int token_file_make(struct token_file *file, struct fault *fault);

/* Replaces what is there: no line feed behind it. 0, or ERROR_IO with the fault. */
int token_file_write(const struct token_file *file, const char *token, struct fault *fault);

void token_file_remove(const struct token_file *file);

#endif
