/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the audit's files end. To be asked under their lock.
 */
#ifndef AUTHORITY_AUDIT_TAIL_H
#define AUTHORITY_AUDIT_TAIL_H

#include "authority/audit_files.h"
#include "authority/audit_line.h"

struct audit_tail {
	int file; /* the newest one, open for appending; -1: there is none */
	char name[AUDIT_NAME_SIZE];
	struct audit_line line; /* its last entry; seq 0: there is none */
	int64_t cut;		/* bytes of half a line that were cut off */
	bool unreadable;	/* the last line is no entry: `line` is the last that is */
};

/* 0, or ERROR_IO, ERROR_MEMORY, ERROR_CRYPTO. The caller closes the file, also after an
 * error. */
int audit_tail_find(int directory, const struct secret *key, struct audit_tail *tail);

#endif
