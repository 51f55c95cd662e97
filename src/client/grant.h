/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all grants share: who asks, and taking the tokens that came (RFC 6749, 5.1).
 */
#ifndef CLIENT_GRANT_H
#define CLIENT_GRANT_H

#include "client/operation.h"
#include "oauth/token_request.h"

/* Who asks the authority: with the secret of the credentials, or the options' key. The
 * asker borrows from the client. 0; ADIT_ERROR_STORAGE: the key can't be read. */
int grant_asker(struct operation *operation, struct token_asker *ret_asker);

/* Where the tokens that came belong. */
struct grant_tokens {
	const char *what;	/* for messages: "password grant" */
	const char *generation; /* of the credentials; "": a person's */
	bool continues;		/* the same grant goes on: what the answer leaves out stays */
	const char *scope;	/* that was asked for; NULL: options.scope */
	bool person;		/* somebody has signed in */
	bool identifies;	/* keep the ID token: the caller checks it */
};

/* Reads the exchange's answer into client->tokens; nothing is written yet.
 * 0; else as exchange_check(), or ADIT_ERROR_PROTOCOL. */
int grant_take(struct operation *operation, const struct grant_tokens *tokens);

/* The request itself could not be made: sets the report. Returns its code. */
int grant_no_request(struct operation *operation, int error, const struct fault *fault);

#endif
