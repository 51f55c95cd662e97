/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a client reads from an authority's token endpoint (RFC 6749, 5.1 and 5.2) and
 * device authorization endpoint (RFC 8628, 3.2): strictly, within bounds, and without
 * leaving tokens in freed memory.
 */
#ifndef OAUTH_TOKEN_MESSAGE_H
#define OAUTH_TOKEN_MESSAGE_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

enum {
	TOKEN_REPLY_MAX = 64 * 1024, /* bytes of any of these replies */
	TOKEN_TEXT_MAX = 16 * 1024,  /* of one token */
	TOKEN_REPLY_SCOPE_MAX = 4096,
	/* A longer lifetime is taken for this: no clock is compared over more. */
	TOKEN_LIFETIME_MAX_S = 365 * 24 * 3600,
};

/* All texts are owned; NULL where the reply has none. Tokens are visible ASCII characters
 * only, so that they can stand in a header field. */
struct token_reply {
	char *access_token;   /* never NULL */
	char *token_type;     /* never NULL; "Bearer" in any case of its letters */
	char *scope;	      /* NULL: the one that was asked for (RFC 6749, 5.1) */
	char *refresh_token;  /* an empty one counts as none */
	char *id_token;	      /* an empty one counts as none */
	int64_t expires_in_s; /* 0 to TOKEN_LIFETIME_MAX_S; -1: not said */
};

/* Reads the body of a 200. A null member counts as absent; expires_in may be a text of
 * digits, as some authorities send it.
 * 0; ERROR_NOT_FOUND: it has an `error` and no access token, error_reply_read() reads it;
 * ERROR_INVALID, ERROR_LIMIT: not as the standard has it; ERROR_REFUSED: a token type other
 * than Bearer; ERROR_MEMORY. `fault` holds nothing of the tokens. The caller finishes it. */
int token_reply_read(
	const char *text, size_t length, struct token_reply *ret_reply, struct fault *fault);

/* Wipes and frees. Accepts a zeroed one. */
void token_reply_finish(struct token_reply *reply);

/* RFC 6749, 5.2, with Adit's correlation_id; also RFC 7009's and RFC 8628's. Cut to size;
 * whatever is no printable ASCII character is '?'. "" where absent, `error` apart. */
struct error_reply {
	char error[64];
	char error_description[256];
	char correlation_id[64];
};

/* 0; ERROR_INVALID: no JSON object with a text `error`; ERROR_LIMIT, ERROR_MEMORY. */
int error_reply_read(const char *text, size_t length, struct error_reply *ret_reply);

enum {
	DEVICE_INTERVAL_S = 5, /* where the reply has none (RFC 8628, 3.2) */
	DEVICE_INTERVAL_MAX_S = 60,
	DEVICE_LIFETIME_MAX_S = 24 * 3600,
};

/* RFC 8628, 3.2. */
struct device_reply {
	char *device_code;		 /* owned; a secret */
	char *user_code;		 /* owned; printable ASCII characters */
	char *verification_uri;		 /* owned; https, or http on loopback */
	char *verification_uri_complete; /* owned; the same, or NULL */
	int64_t expires_in_s;		 /* 1 to DEVICE_LIFETIME_MAX_S; a longer one is cut */
	int interval_s;			 /* 1 to DEVICE_INTERVAL_MAX_S; others are moved there */
};

/* As token_reply_read(). `verification_url`, as the drafts had it, is taken too. */
int device_reply_read(
	const char *text, size_t length, struct device_reply *ret_reply, struct fault *fault);
void device_reply_finish(struct device_reply *reply);

#endif
