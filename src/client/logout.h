/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ending a grant: revocation (RFC 7009), then forgetting the tokens.
 */
#ifndef CLIENT_LOGOUT_H
#define CLIENT_LOGOUT_H

#include "client/operation.h"

/* First state of ADIT_OPERATION_LOGOUT. */
int logout_begin(struct operation *operation);

#endif
