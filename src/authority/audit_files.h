/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of the audit in DIR/audit: named by their first entry's seq and its date,
 * so that their names sort as their entries do; and the lock that each process holds
 * while it appends.
 */
#ifndef AUTHORITY_AUDIT_FILES_H
#define AUTHORITY_AUDIT_FILES_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { AUDIT_NAME_SIZE = 40 }; /* of "000000000000000001-2026-11-21.jsonl" */

struct audit_file {
	char name[AUDIT_NAME_SIZE];
	int64_t first_seq; /* as the name says */
	int64_t size;
	uint64_t inode;
};

struct audit_files {
	struct audit_file *list; /* oldest first */
	size_t count;
};

/* Opens DIR/audit; with `create` makes it (0700) where it is missing. ERROR_NOT_FOUND:
 * there is none. ERROR_INVALID: another's, or open to others. */
int audit_directory_open(
	const char *data_directory, bool create, int *ret_directory, struct fault *fault);

/* Opens the lock file, which `create` makes. */
int audit_lock_open(int directory, bool create, int *ret_lock);
/* Waits five seconds at most: 0, ERROR_BUSY or ERROR_IO. */
int audit_lock_take(int lock, bool shared);
void audit_lock_release(int lock);

int audit_name_make(char ret_name[AUDIT_NAME_SIZE], int64_t first_seq, int64_t time);
/* 0 or ERROR_INVALID: no file of the audit's is called so. */
int audit_name_parse(const char *name, int64_t *ret_first_seq);

/* All there are; other names are passed over. To be finished after 0. */
int audit_files_list(int directory, struct audit_files *ret_files);
void audit_files_finish(struct audit_files *files);

#endif
