/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Appending to the audit's files. Several processes do, under a lock; each begins where
 * the files end by then. A line that a crash cut short is cut off, and an end that is
 * missing is left as it is; both are recorded as entries. For one thread.
 */
#ifndef AUTHORITY_AUDIT_CHAIN_H
#define AUTHORITY_AUDIT_CHAIN_H

#include "authority/audit_files.h"
#include "authority/audit_line.h"
#include "base/clock.h"
#include "base/log.h"
#include "store/store.h"

struct audit_limits {
	int64_t file_max;  /* bytes after which a new file is begun; 0: never */
	int64_t total_max; /* of all files: the oldest are removed; 0: never */
};

struct audit_chain {
	int directory;
	int lock;
	int file; /* the newest one; -1: to be looked for */
	char name[AUDIT_NAME_SIZE];
	uint64_t inode;
	int64_t size;
	uint64_t generation;	/* of the lock file: raised with each new file */
	struct audit_line last; /* the last entry that is known of; seq 0: none */
	struct audit_line next; /* the last one that `out` holds */
	struct audit_synced {	/* what is on disk for certain */
		int64_t size;	/* of the newest file */
		struct audit_line last;
		size_t used; /* of the batch */
	} synced;
	size_t used; /* of the batch, as it stands in the files */
	struct buf out;
	struct secret key;
	struct audit_limits limits;
	const struct clock *clock; /* borrowed, as log is */
	const struct log *log;
};

struct audit_chain_options {
	const char *data_directory;
	const struct secret *secret_key;
	const struct clock *clock;
	const struct log *log;		     /* NULL: none */
	const struct store_audit_head *head; /* what the store knows; NULL: nothing */
	struct audit_limits limits;
};

/* Makes the directory where it is missing. */
int audit_chain_open(
	struct audit_chain *chain, const struct audit_chain_options *options, struct fault *fault);
/* Accepts a zeroed one. */
void audit_chain_close(struct audit_chain *chain);

/* Adds an entry to a batch, which is a buf: 0, ERROR_MEMORY or ERROR_LIMIT, and then
 * the batch is as it was. */
int audit_batch_add(struct buf *batch, int64_t time, const char *members, size_t length);

/* Appends a batch from its byte `from` on; where that ends for an error, ret_used says
 * which bytes of it stand in the files. An empty batch only looks where the files end,
 * and begins them. 0, ERROR_IO (errno), ERROR_BUSY, ERROR_MEMORY, ERROR_CRYPTO. */
int audit_chain_append(
	struct audit_chain *chain, const struct buf *batch, size_t from, size_t *ret_used);

/* On disk, all that stands in the files: 0 or ERROR_IO (errno). */
int audit_chain_sync(struct audit_chain *chain);

/* After a sync that failed: takes back what is not on disk for certain, which the next sync
 * would not try again, so that it is appended anew. `used` is of the batch that was appended
 * last. What others have appended behind stays, and all before it. */
void audit_chain_take_back(struct audit_chain *chain, size_t *used);

/* The last entry, for the store. After a sync. */
void audit_chain_head(const struct audit_chain *chain, struct store_audit_head *ret_head);

#endif
