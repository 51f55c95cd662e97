/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From an issuance to a signed access token (RFC 9068; 2-decisions, 3 and 4).
 */
#ifndef AUTHORITY_ISSUE_H
#define AUTHORITY_ISSUE_H

#include "authority/token_call.h"

/* Fills call->issuance.access_token and expires_in_s. 0, or ERROR_REFUSED with
 * the failure recorded. On the loop's own thread. */
int issue_access_token(struct token_call *call);

#endif
