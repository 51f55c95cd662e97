/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is kept of an account: one JSON object for each part of the storage, with the version
 * of its form. Members of this version that are not known are ignored, and gone with the next
 * write; a newer version is not touched (ERROR_VERSION).
 *
 * All functions return 0 or a negative enum error; `fault` may be NULL and says in one line
 * what is wrong and what to do. Reading gives what the storage's reading gives, ERROR_NOT_FOUND
 * included, and ERROR_INVALID: a record that makes no sense. What was read into is finished by
 * the caller; on an error nothing was. Texts in records belong to them (record_set_text()).
 */
#ifndef CLIENT_RECORD_H
#define CLIENT_RECORD_H

#include "client/moment.h"
#include "client/storage.h"

enum {
	RECORD_GENERATION_SIZE = 33, /* 32 hex digits and a NUL */
	RECORD_OAUTH_ERROR_SIZE = 64,
	RECORD_REASON_SIZE = 64,
	RECORD_URL_MAX = 2048, /* bytes of the texts, the NUL apart */
	RECORD_NAME_MAX = 1024,
	RECORD_SECRET_MAX = 1024,
	RECORD_TOKEN_MAX = 65536,
	RECORD_SCOPE_MAX = 4096, /* as TOKEN_REPLY_SCOPE_MAX */
	RECORD_METADATA_MAX = 65536,
};

/* Replaces a text by a copy of another, or by NULL, and wipes what it was. 0 or ERROR_MEMORY,
 * and then it stays. */
int record_set_text(char **text, const char *value);

/* --- the account: its credentials and their breaker -------------------------------- */

enum account_method {
	ACCOUNT_PERSON = 1,    /* has signed in; nothing to get tokens with */
	ACCOUNT_PASSWORD,      /* username and secret (RFC 6749, 4.3) */
	ACCOUNT_CLIENT_SECRET, /* secret (4.4) */
	ACCOUNT_PRIVATE_KEY,   /* options.assertion_key_file (RFC 7523, 2.2) */
};

/* The credentials that the authority refused: not tried again. */
struct account_breaker {
	char generation[RECORD_GENERATION_SIZE]; /* "": none was */
	char oauth_error[RECORD_OAUTH_ERROR_SIZE];
	int http_status;
	struct moment at;
};

/* Zeroed by account_record_init(). */
struct account_record {
	char *authority; /* the issuer */
	char *client_id;
	char *account; /* the application's name of it, or NULL */
	enum account_method method;
	char *username;				 /* or NULL */
	char *secret;				 /* or NULL; wiped */
	char generation[RECORD_GENERATION_SIZE]; /* changes with the credentials; "": none */
	bool verified;				 /* a token was got with them */
	struct account_breaker breaker;
};

void account_record_init(struct account_record *record);
void account_record_finish(struct account_record *record); /* wipes; accepts NULL */
int account_record_read(struct storage *storage, const char *account,
	struct account_record *ret_record, struct fault *fault);
int account_record_write(struct storage *storage, const char *account,
	const struct account_record *record, struct fault *fault);

/* --- the tokens of one scope, and what is being done about them -------------------- */

enum token_rotation { TOKEN_ROTATION_UNKNOWN, TOKEN_ROTATES, TOKEN_ROTATES_NOT };

enum token_intent_kind { TOKEN_INTENT_NONE, TOKEN_INTENT_REFRESH, TOKEN_INTENT_PASSWORD };

/* Written before a request that can't be made twice: who finds it knows that its answer was
 * lost. */
struct token_intent {
	enum token_intent_kind kind;
	struct moment at;
	int tries;
	bool asked_again;
};

struct token_record {
	char *access_token;  /* or NULL: none; wiped, as the other tokens */
	char *token_type;    /* as the authority called it, or NULL */
	char *scope;	     /* as the authority said, or NULL */
	char *refresh_token; /* or NULL */
	char *id_token;	     /* or NULL */
	struct moment received;
	struct moment expires;
	int64_t expires_in_s; /* -1: the authority did not say */
	bool rejected;	      /* the API answered 401 to it */
	int rejections;	      /* of tokens that were new, one after the other */
	struct moment rejected_at;
	enum token_rotation rotates;
	bool person; /* somebody signed in: nobody else's tokens follow by themselves */
	/* Of the credentials that it was got with; "": a person's. */
	char generation[RECORD_GENERATION_SIZE];
	struct token_intent intent;
};

/* Of a token that does not exist yet: expires_in_s is -1. */
void token_record_init(struct token_record *record);
void token_record_finish(struct token_record *record);
int token_record_read(struct storage *storage, const char *account, const char *scope,
	struct token_record *ret_record, struct fault *fault);
int token_record_write(struct storage *storage, const char *account, const char *scope,
	const struct token_record *record, struct fault *fault);
int token_record_remove(
	struct storage *storage, const char *account, const char *scope, struct fault *fault);

/* --- the gate: when the authority may be asked again, and what is known of it ------- */

struct gate_record {
	struct moment not_before;	 /* not set: now */
	int64_t wait_ms;		 /* how long the wait was when it began */
	int http_status;		 /* why; 0: no answer */
	char reason[RECORD_REASON_SIZE]; /* the authority's `error`, or what the fault was */
	int failures;			 /* in a row */
	bool skew_known;
	int64_t skew_ms; /* as struct client_clock */
	struct moment skew_at;
	char *metadata; /* the discovery document as it was fetched, or NULL */
	struct moment metadata_at;
};

void gate_record_init(struct gate_record *record);
void gate_record_finish(struct gate_record *record);
int gate_record_read(struct storage *storage, const char *account, struct gate_record *ret_record,
	struct fault *fault);
int gate_record_write(struct storage *storage, const char *account,
	const struct gate_record *record, struct fault *fault);

/* --- their JSON ---------------------------------------------------------------------- */

/* Append the record; read it. For tests, too, as no storage is needed. */
int account_record_print(const struct account_record *record, struct buf *buf);
int account_record_parse(
	const char *text, size_t length, struct account_record *ret_record, struct fault *fault);
int token_record_print(const struct token_record *record, struct buf *buf);
int token_record_parse(
	const char *text, size_t length, struct token_record *ret_record, struct fault *fault);
int gate_record_print(const struct gate_record *record, struct buf *buf);
int gate_record_parse(
	const char *text, size_t length, struct gate_record *ret_record, struct fault *fault);

#endif
