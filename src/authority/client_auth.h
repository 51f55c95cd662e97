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

/* Loads call->client and checks its secret, or its assertion. A refresh without client_id
 * takes the client that the refresh token names (3-wire). Same returns. */
int client_auth_verify(struct token_call *call);

/* To be called once all that is read is read, however it went: uses up the assertion by
 * which the client showed who it is, if it was one, and goes on with `next`, at once or
 * from the store's writing thread; or refuses the call. Either owns the call. */
void client_auth_consume(struct token_call *call, void (*next)(struct token_call *call));

/* The beginning of a request about a token (RFC 7009, RFC 7662): reads the form,
 * identifies and verifies the client, and sees that there is a token. Same returns. */
int client_auth_token_request(struct token_call *call, const struct http_request *request);

#endif
