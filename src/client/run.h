/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Running operations: at once, or step by step. Thread-safe, but for the stepping.
 */
#ifndef CLIENT_RUN_H
#define CLIENT_RUN_H

#include "client/report.h"

#include <adit/client.h>

/* What to do. Zeroed: nothing that anybody else could want. */
struct run {
	enum adit_operation operation;
	int argument; /* as adit_client_start() */
};

/* Does it in the calling thread, or waits for the thread that does the same already and
 * takes its outcome. 0 or an enum adit_error. */
int run_operation(struct adit_client *client, const struct run *run, struct report *report);

/* As adit_client_start() and adit_client_step(). */
int run_start(struct adit_client *client, const struct run *run, struct report *report);
int run_step(struct adit_client *client, struct adit_wait *ret_wait, struct report *report);

/* Has the calling thread alone use what belongs to operations, for short calls that are
 * none. 0 or ADIT_ERROR_TIMEOUT. */
int run_enter(struct adit_client *client, struct report *report);
void run_leave(struct adit_client *client);

#endif
