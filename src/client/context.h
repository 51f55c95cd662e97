/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client: what it was opened with, what it knows, and who may use it now. One thread
 * at a time does I/O for it (`busy`); the token in memory is read by all.
 */
#ifndef CLIENT_CONTEXT_H
#define CLIENT_CONTEXT_H

#include "client/moment.h"
#include "client/operation.h"
#include "client/record.h"
#include "client/report.h"
#include "client/run.h"
#include "client/storage.h"
#include "client/token.h"
#include "client/turn.h"
#include "jose/jwks.h"
#include "jose/jws.h"
#include "net/http_client.h"
#include "oauth/metadata.h"

#include <adit/client.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

/* Which of the authority's keys is looked for. */
struct wanted_key {
	bool has_kid;
	char kid[JWS_KID_MAX + 1];
	enum jose_alg alg;
};

/* By which one tells whether a record of tokens has been replaced. */
struct token_mark {
	struct token_intent intent;
	struct moment received;
	bool rejected;
};

/* What the last operation brought, for the threads that waited for it. */
struct outcome {
	uint64_t number; /* of operations that have ended */
	enum adit_operation operation;
	int argument;
	int result;
	struct report report;
};

struct adit_client {
	char *configured; /* the authority's URL as given */
	char *authority;  /* the same, one slash at its end apart: what accounts go by */
	char *client_id;
	struct adit_client_options options; /* its texts are owned */
	struct adit_client_hooks hooks;
	struct client_clock clock;
	atomic_uchar *fork_mark; /* enum fork_mark, on a page that is zero in a child */

	int epoll_fd;
	int event_fd; /* readable once adit_client_cancel() was called */
	atomic_uint cancels;

	pthread_mutex_t mutex; /* over what follows */
	pthread_cond_t ended;
	bool used; /* options can't change any more */
	bool busy; /* an operation is under way; what is below `token` is its own */
	struct outcome outcome;
	struct adit_token *token; /* the newest, or NULL */
	int64_t patient_until_ms; /* on the boot's clock: `token` serves so long as it lives */
	struct turns turns;
	struct http_client *call_http; /* to the API; NULL: a call has it, or none was made */

	pthread_t stepper; /* who began or last stepped `stepped` */
	bool is_stepped;   /* changed with the mutex held */

	struct operation stepped; /* what adit_client_step() does */
	struct run stepped_run;
	struct http_client *http;
	struct crypto_key *assertion_key; /* of options.assertion_key_file; NULL: not read yet */
	struct metadata metadata;
	bool has_metadata;
	int64_t metadata_at_ms; /* on the boot's clock: when it was fetched */
	struct jwks *keys;	/* or NULL */
	int64_t keys_at_ms;
	struct wanted_key wanted_key;
	struct storage *storage; /* NULL: not opened yet */
	char account_id[STORAGE_ACCOUNT_SIZE];
	bool has_name; /* the account's id is of a name, not of the only account there was */
	struct storage_lock lock;
	struct account_record account; /* as last read */
	struct token_record tokens;
	struct token_mark stored; /* what the storage has, as last seen or written */
	/* The storage could not take the tokens: they are newer than what it has, as long as
	 * it has that. */
	bool tokens_unwritten;
	struct gate_record gate;
	bool gate_changed;	     /* since it was read */
	bool skew_learnt;	     /* since the gate was read */
	struct account_record given; /* credentials that were set and not yet shown to be right */
	bool has_given;
	/* Of the credentials refused last, for where the storage could not take that. */
	char refused[RECORD_GENERATION_SIZE];
};

/* As adit_client_open(). */
int context_create(const char *authority, const char *client_id, struct adit_client **ret_client,
	struct report *report);
void context_destroy(struct adit_client *client);
int context_set_options(struct adit_client *client, const struct adit_client_options *options,
	struct report *report);
int context_set_hooks(
	struct adit_client *client, const struct adit_client_hooks *hooks, struct report *report);

/* From any thread, and from a signal handler. */
void context_cancel(struct adit_client *client);
unsigned context_cancels(const struct adit_client *client);

/* Takes back what wakes those who wait: it has been seen, or is looked at next. */
void context_drain_cancels(const struct adit_client *client);

/* In a child of fork(): makes the copy of a client usable. Cheap where there was none. */
void context_notice_fork(struct adit_client *client);

/* --- for the states ------------------------------------------------------------ */

/* As http_client_create(), with the client's options. Thread-safe. */
int context_create_http(
	const struct adit_client *client, struct http_client **ret_http, struct fault *fault);

/* Loads libcurl when first needed. 0 or an enum adit_error. */
int context_open_http(struct adit_client *client, struct report *report);

/* 0, ADIT_AGAIN: another process has it; ADIT_ERROR_STORAGE. */
int context_lock_account(struct operation *operation);
void context_unlock_account(struct operation *operation);

/* Makes the token of the record the one that is given out: 0 or ADIT_ERROR_MEMORY. */
int context_adopt_token(struct adit_client *client, struct report *report);

/* No token is given out until there is a new one. */
void context_drop_token(struct adit_client *client);

/* Where the hook is set. Nothing secret may be in it. */
void context_log(const struct adit_client *client, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
