/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who has signed in, as the ID token says (OpenID Connect Core 1.0, 3.1.3.7 and 12.2).
 */
#ifndef CLIENT_IDENTITY_H
#define CLIENT_IDENTITY_H

#include "client/operation.h"

/* Says which key keys_begin() is to look for: that of client->tokens.id_token.
 * 0; ADIT_ERROR_TRUST: there is none that could be verified. `what` is for the message. */
int identity_want_key(struct operation *operation, const char *what);

struct identity_check {
	const char *what;
	const char *nonce;  /* that was sent, or NULL */
	const char *before; /* the ID token of the login before, or NULL */
};

/* With client->keys there: whether client->tokens.id_token is to be believed, and says the
 * same person as the one before. 0; ADIT_ERROR_TRUST: it is not; ADIT_ERROR_DENIED: another
 * person. */
int identity_verify(struct operation *operation, const struct identity_check *check);

/* Of one that came with a refresh, from the token endpoint itself, so that its signature need
 * not be verified (3.1.3.7, 6): whether it says what `before` says (12.2). 0 or
 * ADIT_ERROR_TRUST. */
int identity_check_refreshed(struct operation *operation, const char *id_token,
	const char *access_token, const char *before);

#endif
