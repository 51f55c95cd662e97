/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether the audit is as it was written: every entry is there, in its place, and
 * unchanged, from where the chain begins to what the store knows to be its end.
 */
#ifndef AUTHORITY_AUDIT_VERIFY_H
#define AUTHORITY_AUDIT_VERIFY_H

#include "authority/audit.h"

struct audit_verdict {
	int64_t entries;
	size_t files;
	int64_t first_seq;
	int64_t last_seq;
	int64_t first_time;
	int64_t last_time;
	int64_t ahead;	   /* entries after the last one that the store knows */
	char problem[512]; /* the first break, where it is and what it means; "": none */
};

/* `head` is what the store knows, read before; NULL: nothing. 0: the verdict says.
 * ERROR_IO, ERROR_BUSY, ERROR_MEMORY, ERROR_CRYPTO: that could not be found out. */
int audit_verify(const char *data_directory, const struct secret *secret_key,
	const struct store_audit_head *head, struct audit_verdict *ret_verdict,
	struct fault *fault);

#endif
