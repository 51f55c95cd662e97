/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One request to an API: paced, with a token (RFC 6750, 2.1), and once more with a new one
 * where the API says 401.
 */
#ifndef CLIENT_CALL_H
#define CLIENT_CALL_H

#include "client/report.h"

#include <adit/client.h>

/* As adit_client_call(), with a call that is whole. Thread-safe. */
int call_api(struct adit_client *client, const struct adit_call *call,
	struct adit_answer **ret_answer, struct report *report);

void call_answer_free(struct adit_answer *answer);

#endif
