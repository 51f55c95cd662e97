/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way to a token: fresh in memory, fresh in the storage, by the refresh token, by the
 * credentials, by a person if that is allowed.
 */
#ifndef CLIENT_TOKEN_GET_H
#define CLIENT_TOKEN_GET_H

#include "client/operation.h"

#include <adit/client.h>

/* As adit_token_get(). */
int token_get(struct adit_client *client, int min_ttl_s, struct adit_token **ret_token,
	struct report *report);

/* As adit_token_reject(). */
int token_reject(struct adit_client *client, const struct adit_token *token, struct report *report);

/* First states: of ADIT_OPERATION_TOKEN, and of ADIT_OPERATION_VERIFY. */
int token_get_begin(struct operation *operation);
int token_get_verify(struct operation *operation);

#endif
