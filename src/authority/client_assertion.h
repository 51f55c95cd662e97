/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client's assertion: a JWT that it signed with a key of its own, to show who it is
 * (RFC 7521, 4.2; RFC 7523, 2.2 and 3; OpenID Connect Core, 9: private_key_jwt).
 */
#ifndef AUTHORITY_CLIENT_ASSERTION_H
#define AUTHORITY_CLIENT_ASSERTION_H

#include "jose/jwt.h"

#include <stdbool.h>

#define CLIENT_ASSERTION_TYPE "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

enum {
	/* How far ahead `exp` may lie: as far as Authlib sets it where nothing else is said. */
	CLIENT_ASSERTION_AHEAD_S = 3600,
	CLIENT_ASSERTION_TEXT_MAX = 8192,
};

struct client_assertion {
	struct jws jws;
	struct jwt jwt;
	bool verified;
	/* What follows is there once it is. */
	unsigned char id[CRYPTO_SHA256_SIZE]; /* of the client and the jti: counts once */
	int64_t expires_at;		      /* taken until then, the leeway included */
};

/* Takes it apart; nothing in it is to be believed yet, but that jwt.sub names the client
 * that is meant. `text` must outlive it. 0; ERROR_INVALID: no such JWT, or of an algorithm
 * that is not ours; ERROR_MEMORY. */
int client_assertion_read(const char *text, struct client_assertion *ret_assertion);
/* Accepts NULL. */
void client_assertion_finish(struct client_assertion *assertion);

struct client_assertion_check {
	const char *client_id;
	const char *jwks; /* the client's; "": it has none */
	const char *issuer;
	const char *token_endpoint;
	int64_t now_s;
	/* When the data was made of a backup, which does not know what was used after it; the
	 * authority's epoch, which is below every time where that never happened. */
	int64_t restored_at;
};

/* What is wrong with it: for the log; and for the client, NULL unless it has shown that
 * the key is its own. Static. */
struct client_assertion_problem {
	const char *reason;
	const char *description;
};

/* 0; ERROR_REFUSED with the problem; ERROR_MEMORY, ERROR_CRYPTO. Whether it was used
 * before is the store's to say. */
int client_assertion_verify(struct client_assertion *assertion,
	const struct client_assertion_check *check, struct client_assertion_problem *ret_problem);

#endif
