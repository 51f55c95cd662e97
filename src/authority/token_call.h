/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One token request on its way: what the steps of endpoint/token.c and the grants
 * hand to one another. It lives from the request to its answer, which for a grant
 * with something to consume comes from the store's writing thread.
 */
#ifndef AUTHORITY_TOKEN_CALL_H
#define AUTHORITY_TOKEN_CALL_H

#include "authority/attempts.h"
#include "authority/audit.h"
#include "authority/client_assertion.h"
#include "authority/context.h"
#include "authority/refresh_token.h"
#include "authority/request.h"
#include "authority/respond.h"
#include "base/arena.h"

enum {
	TOKEN_CALL_ARENA_MAX = 256 * 1024,
	TOKEN_CALL_ARENA_FIRST = 6 * 1024,
	ACCESS_TOKEN_MAX = 4096, /* bytes of one, signed */
	TOKEN_CALL_JTI_SIZE = 32,
};

/* Why a request is refused: what the client is told, and what the log is. */
struct token_failure {
	int status;
	const char *error;
	const char *description; /* may be NULL */
	const char *reason;	 /* for the operator; never sent */
	bool at_fixed_time;	 /* leaves when every such failure does */
	enum challenge challenge;
	int64_t retry_after_s;
};

/* Who the client says it is. */
struct client_claim {
	const char *id;	    /* NULL: not said */
	const char *secret; /* NULL: none */
	bool by_header;
	bool two_secrets;		    /* one in Authorization and one in the body */
	struct client_assertion *assertion; /* NULL: none; in the arena, but what it owns */
};

/* What is to be issued; a grant's verify fills it, issue.c signs it. */
struct issuance {
	struct store_subject subject;
	char scope[STORE_SCOPES_SIZE];	       /* of the access token */
	char refresh_scope[STORE_SCOPES_SIZE]; /* of the refresh token; "": none is given */
	char resource[STORE_CLIENT_SIZE];      /* the access token's aud */
	enum jose_alg alg;
	const char *amr;
	char credential_id[STORE_ID_SIZE]; /* the password that was right */
	int64_t auth_time;
	struct refresh_token refresh; /* the one that is given, once consume has filled it */
	char jti[TOKEN_CALL_JTI_SIZE];
	char access_token[ACCESS_TOKEN_MAX];
	int64_t expires_in_s;
};

struct token_call {
	struct authority *authority;
	struct worker *worker;
	struct http_ticket ticket;
	const char *endpoint; /* NULL: the token endpoint */
	const struct grant *grant;
	void (*resume)(struct token_call *call, int error); /* goes on after a verify */
	struct keyring_snapshot *keys;
	int64_t now_s;
	int64_t arrived_at_ms;
	struct parameters parameters;
	struct client_claim claim;
	void (*next)(struct token_call *call); /* once the client's assertion is used up */
	bool secret_ignored;		       /* a public client sent one */
	bool presented_opened;
	bool user_known;       /* by the password grant: there is such a Service User */
	int64_t slow_until_ms; /* a failure leaves after this; 0: no slow hash was computed */
	bool family_revoked;   /* by this request */
	struct audit_wait audit_wait; /* until what is said of it is on disk */
	struct token_failure failure;
	char correlation_id[CORRELATION_ID_LENGTH + 1];
	char source[HTTP_SOURCE_SIZE];
	uint64_t source_number; /* for limits; 0: not known */
	struct attempt attempt;
	struct store_client client;
	struct refresh_token presented; /* by the refresh_token grant */
	struct issuance issuance;
	struct arena arena;
	_Alignas(16) char arena_first[TOKEN_CALL_ARENA_FIRST]; /* last: not zeroed */
};

/* Begins a call; NULL when that could not be, which has been answered then. */
struct token_call *token_call_create(
	struct authority *authority, const struct http_request *request, struct http_ticket ticket);

/* Reads the form. 0, or ERROR_REFUSED with the failure recorded. */
int token_call_read_parameters(struct token_call *call, const struct http_request *request);

/* Ends a call that was answered by other means. */
void token_call_destroy(struct token_call *call);

/* Records the failure, and returns ERROR_REFUSED. */
int token_call_fail(struct token_call *call, const struct token_failure *failure);

/* The store or the keys can't be used now: 503 server_error. Returns ERROR_REFUSED. */
int token_call_fault(struct token_call *call, int error, const char *what);

/* A queue is full: 503 temporarily_unavailable. Returns ERROR_REFUSED. */
int token_call_busy(struct token_call *call);

/* The one answer to everything that is wrong with a user's name or password. */
int token_call_wrong_credentials(struct token_call *call, const char *reason);

/* The one answer to everything that is wrong with a refresh token. */
int token_call_wrong_refresh_token(struct token_call *call, const char *reason);

/* Opens the presented refresh token into call->presented, once. 0, or ERROR_REFUSED
 * with the failure recorded. */
int token_call_open_refresh_token(struct token_call *call, const char *text);

/* 0, or ERROR_REFUSED with the failure recorded: nothing is issued, and no refresh token
 * spent, while the audit can't be written. */
int token_call_check_audit(struct token_call *call);

/* Writes to the audit that the family of the presented token has ended, and calls `done`
 * when that is on disk, or with an error where it is not. */
void token_call_audit_revocation(struct token_call *call, audit_done done);

/* Sends the failure or the tokens, once the audit has it; logs it, and frees the call.
 * Any thread. */
void token_call_refuse(struct token_call *call);
void token_call_answer(struct token_call *call);

#endif
