/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looking: how things stand, for a person who is asked for help, and what a token says.
 */
#ifndef CLIENT_INSPECT_H
#define CLIENT_INSPECT_H

#include "client/operation.h"

#include <adit/client.h>

/* As adit_client_diagnose() and adit_accounts(). The text is freed by free(). */
int inspect_client(struct adit_client *client, char **ret_text, struct report *report);
int inspect_accounts(
	const struct adit_client_options *options, char **ret_text, struct report *report);

/* As adit_client_token_verify(). */
int inspect_token(
	struct adit_client *client, const char *text, char **ret_claims, struct report *report);

#endif
