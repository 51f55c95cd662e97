/* SPDX-License-Identifier: Apache-2.0 */
/* What of attempts.h outlives a restart, and what another process unlocked. */
#ifndef AUTHORITY_ATTEMPTS_STORE_H
#define AUTHORITY_ATTEMPTS_STORE_H

#include "authority/attempts.h"
#include "store/store.h"

/* Reads what was stored. `ret_ordinal`: of the last account that was unlocked. 0,
 * ERROR_UNAVAILABLE or ERROR_MEMORY. */
int attempts_read(struct attempts *attempts, struct store *store, const struct clock *clock,
	int64_t *ret_ordinal);

/* Forgets what counts against those that were unlocked since *ordinal, and moves it.
 * Likewise. */
int attempts_read_unlocked(struct attempts *attempts, struct store *store, int64_t *ordinal);

/* Stores the account's failures where they have changed by a step. Does not wait; what
 * is not stored is what a restart forgets. */
void attempts_keep_failures(struct store *store, const struct attempt *attempt);

/* Stores a pair that succeeded, likewise. */
void attempts_keep_pair(struct store *store, const char *user_id, uint64_t pair);

#endif
