/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading the audit, also while others append to it.
 */
#ifndef AUTHORITY_AUDIT_READ_H
#define AUTHORITY_AUDIT_READ_H

#include "authority/audit_files.h"
#include "authority/audit_line.h"

/* The files as they are at one moment, between two entries. */
struct audit_snapshot {
	int directory;
	struct audit_files files;
};

/* ERROR_NOT_FOUND: there is no audit. To be finished after 0. */
int audit_snapshot_take(
	const char *data_directory, struct audit_snapshot *ret_snapshot, struct fault *fault);
void audit_snapshot_finish(struct audit_snapshot *snapshot);

struct audit_place {
	const struct audit_file *file;
	int64_t number;	  /* of the line, from 1 */
	const char *text; /* without the line feed */
	size_t length;	  /* of a line that is too long, only what comes first */
	bool whole;	  /* it is not too long, and a line feed ends it */
};

/* Calls `each` for every line of that file, until it returns non-zero, which is then
 * returned. Or ERROR_IO: the file can't be read, or is shorter by now. */
int audit_file_each(int directory, const struct audit_file *file,
	int (*each)(void *context, const struct audit_place *place), void *context);
/* The same of all files, oldest first. */
int audit_snapshot_each(const struct audit_snapshot *snapshot,
	int (*each)(void *context, const struct audit_place *place), void *context);

#endif
