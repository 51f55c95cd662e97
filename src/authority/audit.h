/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The audit: who got what, who was refused and why, and who changed what, in files that
 * nobody can change unseen (docs/adr/0013). One thread writes what the others hand
 * over, many entries with one sync. Thread-safe.
 */
#ifndef AUTHORITY_AUDIT_H
#define AUTHORITY_AUDIT_H

#include "authority/audit_chain.h"

enum {
	AUDIT_CORRELATION_IDS_MAX = 8,	     /* that an entry of a flood names */
	AUDIT_AHEAD_MAX = 256 * 1024,	     /* entries after the one that the store knows */
	AUDIT_PENDING_MAX = 8 * 1024 * 1024, /* bytes that may wait to be written */
};

struct audit;

/* What happened to a request. A member that is NULL or "" is left out. */
struct audit_entry {
	const char *event; /* "token_issued", "token_refused", "family_revoked", … */
	const char *correlation_id;
	const char *endpoint; /* NULL: the token endpoint */
	const char *error;    /* as the client was told */
	const char *reason;   /* the true one */
	const char *grant_type;
	const char *client_id; /* of a client that there is */
	const char *sub;
	const char *site;
	const char *scope;
	const char *jti;
	const char *family; /* of refresh tokens */
	const char *source;
	const char *note;
	/* A user name or client_id as it was sent, of which there is none: it may be a
	 * password in the wrong field, so only a keyed hash of it is written. */
	const char *unknown_name;
};

/* Somebody who waits until an entry is on disk. It lives until it is called back, from the
 * audit's thread: 0, or an error where it is not. */
typedef void (*audit_done)(void *context, int error);
struct audit_wait {
	struct audit_wait *next; /* the audit's */
	audit_done done;
	void *context;
};

struct audit_options {
	const char *data_directory;
	struct store *store; /* all borrowed; they outlive the audit */
	const struct clock *clock;
	const struct log *log;
	const struct secret *secret_key; /* only during the call */
	struct audit_limits limits;
};

/* Opens the files, begins them where there are none, and starts the thread. */
int audit_create(
	const struct audit_options *options, struct audit **ret_audit, struct fault *fault);
/* Writes what waits. Accepts NULL. */
void audit_destroy(struct audit *audit);

/* Returns when everybody who waited has been called back; floods are ended for it. */
void audit_settle(struct audit *audit);

/* Whether what is handed over now is likely to be written: 0, ERROR_UNAVAILABLE (it can't
 * be written) or ERROR_BUSY (too much waits). */
int audit_check(struct audit *audit);

/* For who only looks: as audit_check(), and the bytes that wait to be written, of
 * AUDIT_PENDING_MAX. */
int audit_state(struct audit *audit, uint64_t *ret_waiting);

/* An entry that is on disk within a second or so. As audit_check(); then it is in no
 * file, and nothing may be issued. */
int audit_record(struct audit *audit, const struct audit_entry *entry);

/* Calls back when the entry is on disk. Where this returns an error, nobody is called. */
int audit_record_durable(
	struct audit *audit, const struct audit_entry *entry, struct audit_wait *wait);

/* The same for a refusal. Equal ones (all but the correlation id) within a second of the
 * first become one entry when that is over, with their count. */
int audit_record_refusal(
	struct audit *audit, const struct audit_entry *entry, struct audit_wait *wait);

/* --- by a verb, beside a server or without one --- */

/* Appends one entry with these members and has it on disk and in the store before it
 * returns. */
struct audit_now {
	const char *data_directory;
	struct store *store;
	const struct clock *clock;
	const struct secret *secret_key;
	bool in_commit; /* called before the store commits: the store is told with the next */
	bool restored;	/* the store is a backup's: a chain is begun where no file is */
};
int audit_members_append_actor(struct buf *members); /* who runs the verb */
int audit_record_now(
	const struct audit_now *now, const char *members, size_t length, struct fault *fault);
/* The same with all that audit_batch_add() has put into `batch`, with one sync. */
int audit_record_batch_now(
	const struct audit_now *now, const struct buf *batch, struct fault *fault);

#endif
