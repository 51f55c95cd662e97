/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which client asks, and whether it is that client (RFC 6749, 2.3).
 */
#ifndef AUTHORITY_CLIENT_AUTH_H
#define AUTHORITY_CLIENT_AUTH_H

#include "authority/token_call.h"

/* Fills call->claim from the Authorization field and the parameters. 0, or
 * ERROR_REFUSED with the failure recorded. */
int client_auth_identify(struct token_call *call, const struct http_request *request);

/* Loads call->client and checks its secret. A refresh without client_id takes the
 * client that the refresh token names (3-wire). Same returns. */
int client_auth_verify(struct token_call *call);

/* The beginning of a request about a token (RFC 7009, RFC 7662): reads the form,
 * identifies and verifies the client, and finds the token. Same returns. */
int client_auth_token_request(
	struct token_call *call, const struct http_request *request, const char **ret_token);

#endif
