/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A refresh token is its own record, sealed: "adr_" and base64url of key id,
 * nonce and XChaCha20-Poly1305 of the fields below (2-decisions, 1). Prefix, key
 * id and issuer are authenticated with it. Thread-safe.
 */
#ifndef AUTHORITY_REFRESH_TOKEN_H
#define AUTHORITY_REFRESH_TOKEN_H

#include "authority/keyring.h"
#include "base/buf.h"

enum {
	REFRESH_TOKEN_MAX = 2048, /* characters of one that is looked at */
	REFRESH_TOKEN_PLAIN_MAX = 1400,
	REFRESH_TOKEN_TEXT_SIZE = 256, /* of a text in it, with the NUL */
	REFRESH_TOKEN_SCOPE_SIZE = 513,
};

struct refresh_token {
	int64_t epoch;
	unsigned char family_id[STORE_BINARY_ID_SIZE];
	int64_t seq; /* 0 for the first of a family */
	unsigned char grant_id[STORE_BINARY_ID_SIZE];
	int64_t generation;
	int64_t auth_time;	   /* seconds; so are the next two */
	int64_t issued_at;	   /* idle expiry counts from here */
	int64_t family_expires_at; /* absolute */
	char client_id[STORE_CLIENT_SIZE];
	char user_id[STORE_ID_SIZE];
	char scope[REFRESH_TOKEN_SCOPE_SIZE];
	char resource[REFRESH_TOKEN_TEXT_SIZE];
	char amr[REFRESH_TOKEN_TEXT_SIZE];
	char cnf[REFRESH_TOKEN_TEXT_SIZE]; /* "": not bound to a key */
	char credential_id[STORE_ID_SIZE]; /* it ends with this password; "": with none */
};

/* Appends the token's text. ERROR_NOT_FOUND: there is no sealing key now. */
int refresh_token_seal(const struct keyring_snapshot *snapshot, const char *issuer, int64_t now_s,
	const struct refresh_token *token, struct buf *buf);

/* ERROR_REFUSED: not a refresh token that this authority sealed under a key that
 * still opens. Says nothing about whether it is still good. */
int refresh_token_open(const struct keyring_snapshot *snapshot, const char *issuer, int64_t now_s,
	const char *text, struct refresh_token *ret_token);

#endif
