/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An access token as applications hold it: never changes, is counted, and outlives the
 * client that it came from.
 */
#ifndef CLIENT_TOKEN_H
#define CLIENT_TOKEN_H

#include "client/moment.h"
#include "client/record.h"

#include <adit/client.h>

#include <stdbool.h>
#include <stdint.h>

/* Of a record that has an access token. 0 or ERROR_MEMORY. The caller releases it. */
int token_create(const struct token_record *record, const struct client_clock *clock,
	struct adit_token **ret_token);

/* How long it lived when it came. */
int64_t token_lifetime_ms(const struct adit_token *token);

/* Whether it has `min_ttl_ms` to live; 0: whether it is alive. */
bool token_lives(const struct adit_token *token, int64_t min_ttl_ms);

/* From then on it lives no more. */
void token_mark_rejected(struct adit_token *token);

#endif
