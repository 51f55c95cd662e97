/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a client sends to an authority's token endpoint (RFC 6749, 4), revocation endpoint
 * (RFC 7009, 2.1) and device authorization endpoint (RFC 8628, 3.1), and how it shows there
 * who it is (RFC 6749, 2.3; RFC 7523, 2.2).
 */
#ifndef OAUTH_TOKEN_REQUEST_H
#define OAUTH_TOKEN_REQUEST_H

#include "base/buf.h"
#include "jose/crypto.h"
#include "oauth/metadata.h"

enum {
	TOKEN_REQUEST_MAX = 128 * 1024,
	CLIENT_ASSERTION_LIFETIME_S = 60,
};

#define TOKEN_REQUEST_TYPE "Content-Type: application/x-www-form-urlencoded"
#define CLIENT_ASSERTION_JWT_BEARER "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

/* Who asks, whom, and for what. All is borrowed; texts may be NULL but `client_id`. A client
 * with neither secret nor key is a public one: its client_id goes in the body. With a key it
 * is private_key_jwt; with a secret Basic, or where the authority lists only that,
 * client_secret_post. */
struct token_asker {
	const struct metadata *metadata;
	const char *client_id;
	const char *client_secret;
	struct crypto_key *key; /* private */
	const char *kid;
	const char *audience; /* of an assertion; NULL: the issuer */
	int64_t now_s;	      /* Unix time by the authority's clock: of an assertion */
	const char *scope;
	const char *resource; /* RFC 8707, 2 */
};

/* Both hold secrets. The body is a form; begin the call with TOKEN_REQUEST_TYPE. */
struct token_request {
	struct buf body;
	struct buf authorization; /* the line "Authorization: Basic …"; len 0: none is sent */
};

/* All: 0; ERROR_REFUSED: the authority lists no way to authenticate that the client has, as
 * `fault` says; ERROR_LIMIT: over TOKEN_REQUEST_MAX; ERROR_CRYPTO, ERROR_IO (no random
 * bytes), ERROR_MEMORY. The caller finishes the request.
 * An assertion is good once, so that a request with one is made anew for each sending. */
int token_request_password(const struct token_asker *asker, const char *username,
	const char *password, struct token_request *ret_request, struct fault *fault);
/* The scope is not sent: it stays as it was granted (RFC 6749, 6). */
int token_request_refresh(const struct token_asker *asker, const char *refresh_token,
	struct token_request *ret_request, struct fault *fault);
int token_request_client_credentials(
	const struct token_asker *asker, struct token_request *ret_request, struct fault *fault);

/* RFC 6749, 4.1.3, and RFC 7636, 4.5. The scope is not sent. */
struct token_code {
	const char *code;
	const char *redirect_uri;
	const char *verifier;
};
int token_request_code(const struct token_asker *asker, const struct token_code *code,
	struct token_request *ret_request, struct fault *fault);

/* RFC 8628, 3.4; and 3.1, to the device authorization endpoint. */
int token_request_device(const struct token_asker *asker, const char *device_code,
	struct token_request *ret_request, struct fault *fault);
int device_request(
	const struct token_asker *asker, struct token_request *ret_request, struct fault *fault);

/* RFC 7009, 2.1; `hint` is "refresh_token" or "access_token". */
int revocation_request(const struct token_asker *asker, const char *token, const char *hint,
	struct token_request *ret_request, struct fault *fault);

/* Wipes and frees. Accepts a zeroed one. */
void token_request_finish(struct token_request *request);

#endif
