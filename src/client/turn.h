/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client's turns at the API: pace.h with the client's storage, its options and its cancel.
 * Thread-safe.
 */
#ifndef CLIENT_TURN_H
#define CLIENT_TURN_H

#include "client/pace.h"
#include "client/report.h"
#include "client/storage.h"

#include <stdbool.h>
#include <stdint.h>

struct adit_client;

/* Lies in the client. Zeroed: not used yet. */
struct turns {
	struct pace *pace; /* set once, by the thread that works for the client */
	struct storage *storage;
	char account_id[STORAGE_ACCOUNT_SIZE];
};

/* As adit_client_pace(). */
int turn_take(struct adit_client *client, int timeout_ms, struct report *report);

/* As adit_client_pace_answer(). */
int turn_answer(
	struct adit_client *client, int status, int64_t retry_after_s, struct report *report);

/* As pace_left(), for the thread that works for the client, its account being open. */
int turn_left(struct adit_client *client, int ret_left[PACE_WINDOWS]);

void turns_notice_fork(struct turns *turns);
void turns_finish(struct turns *turns);

/* Waits until `fd` (-1: none) is readable or until `until_ms` of clock_monotonic_ms(): 0, or
 * ADIT_ERROR_CANCELLED: adit_client_cancel() was called since `cancels` was read
 * (context_cancels()). May return early. */
int turn_wait(const struct adit_client *client, int fd, int64_t until_ms, unsigned cancels);

#endif
