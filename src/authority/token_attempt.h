/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Limits on guessing (attempts.h), as the steps of a token call need them. What is over
 * one is answered with 429 at the time of every failure, and says nothing of whether the
 * name is known or the secret right.
 */
#ifndef AUTHORITY_TOKEN_ATTEMPT_H
#define AUTHORITY_TOKEN_ATTEMPT_H

#include "authority/token_call.h"

/* The password that was sent for the user name; call->issuance.subject.user is who it
 * is where `known`. Borrows from the call. */
struct attempt_sent token_attempt_user(const struct token_call *call, bool known);

/* Counts it as a failure, before a chosen password is compared and after a generated one
 * was wrong. 0: go on (or refuse it as wrong); ERROR_REFUSED with the failure recorded:
 * there were too many. */
int token_attempt_take(struct token_call *call, const struct attempt_sent *sent);

/* It was right: nothing was counted, and the pair is trusted from now on. */
void token_attempt_right(struct token_call *call, const struct attempt_sent *sent);

/* Whether the pair has succeeded within 30 days. */
bool token_attempt_is_trusted(const struct token_call *call, const struct attempt_sent *sent);

/* It was not compared after all. */
void token_attempt_return(struct token_call *call);

/* The same as token_attempt_take() for a client's secret, or its assertion's signature, that
 * was wrong. */
int token_attempt_wrong_client(struct token_call *call);

#endif
