/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The refresh token grant (RFC 6749, 6), for refresh tokens that are good once
 * (RFC 9700, 4.14.2). That one is about to be used is written down and synced before it is,
 * so that whoever finds it later knows that it may be spent.
 */
#ifndef CLIENT_REFRESH_H
#define CLIENT_REFRESH_H

#include "client/operation.h"

/* Sub-operation, with the account locked and read and the metadata there. 0: new tokens
 * are in client->tokens, and written where that was possible. ADIT_ERROR_CREDENTIALS: there
 * is no refresh token, or none that is good any more; then it is gone from the storage too.
 * Any other enum adit_error; with ADIT_ERROR_UNAVAILABLE and _TIMEOUT and _PROTOCOL it may
 * be spent. */
int refresh_begin(struct operation *operation);

/* Whether there is a refresh token that may be tried. */
bool refresh_is_possible(const struct adit_client *client);

#endif
