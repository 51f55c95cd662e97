/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tokens by credentials, when nobody is there: the password grant (RFC 6749, 4.3) and
 * client_credentials (4.4). Credentials that were refused are not tried again, by any
 * process, until they change: no client of this library ever locks an account.
 */
#ifndef CLIENT_UNATTENDED_H
#define CLIENT_UNATTENDED_H

#include "client/operation.h"

/* Sub-operation, with the account locked and read and the metadata there. 0: credentials that
 * were given are written; new tokens are in client->tokens, and written where that was possible.
 * ADIT_ERROR_PERSON: there are none; ADIT_ERROR_CREDENTIALS: refused, now or before. */
int unattended_begin(struct operation *operation);

#endif
