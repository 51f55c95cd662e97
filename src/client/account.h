/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which account a client is for, and what the storage has of it.
 */
#ifndef CLIENT_ACCOUNT_H
#define CLIENT_ACCOUNT_H

#include "client/operation.h"
#include "client/record.h"

/* Opens the storage, and finds the account's id, where that was not done. 0,
 * ADIT_ERROR_STORAGE; ADIT_ERROR_INVALID: there are several accounts. */
int account_open(struct adit_client *client, struct report *report);

/* Reads all three records; what there is none of is as it begins. 0 or ADIT_ERROR_STORAGE. */
int account_read(struct adit_client *client, struct report *report);

/* Writes the account, the tokens, the gate as they are now. 0 or ADIT_ERROR_STORAGE. */
int account_write(struct adit_client *client, struct report *report);
int account_write_tokens(struct adit_client *client, struct report *report);
int account_write_gate(struct adit_client *client, struct report *report);

/* Writes the tokens with the intent to use what they have. Where that fails, nothing has
 * changed, and nothing may be used. */
int account_write_intent(
	struct adit_client *client, const struct token_intent *intent, struct report *report);

/* Sub-operation: waits for the account's lock in the storage, which is let go of by
 * context_unlock_account() or with the operation. 0 or ADIT_ERROR_STORAGE. */
int account_lock(struct operation *operation);

/* Credentials that were set and are those that are stored are nothing new. To be called
 * after account_read(). */
void account_settle(struct adit_client *client);

/* Replaces the client's credentials that are not stored yet. 0, ADIT_ERROR_CREDENTIALS (a
 * typing error in a generated password), ADIT_ERROR_INVALID, ADIT_ERROR_MEMORY. */
int account_give(struct adit_client *client, const char *username, const char *secret,
	struct report *report);

/* The credentials that were given are right: writes them in the place of those that are
 * stored. 0 or ADIT_ERROR_STORAGE; then they are still given, and not stored. */
int account_write_given(struct adit_client *client, struct report *report);

/* The credentials to use: those that were given, else those that are stored; NULL: none. */
const struct account_record *account_credentials(const struct adit_client *client);

/* Removes all that the storage has of the account, and what the client knows of it. */
int account_forget(struct adit_client *client, struct report *report);

#endif
