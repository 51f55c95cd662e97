/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a client is doing: a stack of states, each a function that does what can be done
 * without waiting for the network, a person or another process, and then says what comes
 * next. So one text serves callers that block and those with an event loop of their own,
 * and every wait can be cancelled and ends with the operation's time.
 *
 *	static int begin(struct operation *operation)
 *	{
 *		return exchange_get(operation, url, take_answer);
 *	}
 *
 *	static int take_answer(struct operation *operation)
 *	{
 *		if (operation->result)
 *			return operation_end(operation, operation->result);
 *		…
 *	}
 */
#ifndef CLIENT_OPERATION_H
#define CLIENT_OPERATION_H

#include "client/exchange.h"
#include "client/report.h"

#include <stdbool.h>
#include <stdint.h>

struct adit_client;
struct operation;

/* Ends with one of the functions below. */
typedef int operation_state(struct operation *operation);

enum { OPERATION_DEPTH_MAX = 12 };

/* What a flow keeps between its states; freed with the operation, however it ends. */
struct operation_flow {
	void (*destroy)(struct operation_flow *flow, struct operation *operation);
};

struct operation {
	struct adit_client *client;
	int (*stack[OPERATION_DEPTH_MAX])(struct operation *operation); /* operation_state */
	int depth;
	int result;	      /* of the sub-operation that ended last */
	int64_t deadline_ms;  /* of the whole (clock_monotonic_ms) */
	int64_t wake_ms;      /* when to look again; INT64_MAX: only when something happens */
	struct report report; /* why the last result was not 0 */
	struct exchange exchange;
	struct operation_flow *flow; /* or NULL */
	unsigned cancels;	     /* the client's count when it began */
	int ending;		     /* why nothing is begun or waited for any more, or 0 */
	int argument;		     /* what it was started with */
	int64_t min_ttl_ms;	     /* of a token operation */
	int64_t pause_ms;	     /* before the lock is tried again */
	bool locked;		     /* holds the account's lock in the storage */
	bool forked;		     /* it is the parent's, which alone goes on with it */
};

/* --- what a state returns ---------------------------------------------------- */

/* Goes on with `state`. */
int operation_next(struct operation *operation, operation_state *state);

/* Does `sub`; when that has ended, `then` goes on, with operation->result. */
int operation_sub(struct operation *operation, operation_state *sub, operation_state *then);

/* Ends the (sub-)operation: 0 or an enum adit_error, operation->report being set. */
int operation_end(struct operation *operation, int result);

/* Calls the same state again when a descriptor of the operation is ready, or at `wake_ms`
 * (clock_monotonic_ms). */
int operation_wait(struct operation *operation, int64_t wake_ms);

/* --- descriptors --------------------------------------------------------------- */

/* Has the operation wake when `fd` is readable, as long as that is open and until it is
 * left out again. 0 or ADIT_ERROR_MEMORY. */
int operation_watch(struct operation *operation, int fd);
void operation_unwatch(struct operation *operation, int fd);

/* --- running -------------------------------------------------------------------- */

/* Begins with `first`. `timeout_ms` is for all of it. */
void operation_begin(struct operation *operation, struct adit_client *client,
	operation_state *first, int64_t timeout_ms);

/* Gives the whole more time: a person is waited for. */
void operation_extend(struct operation *operation, int64_t timeout_ms);

/* ADIT_AGAIN, or how it ended. */
int operation_step(struct operation *operation);

/* Milliseconds until it must be looked at again, 0 or more. */
int operation_timeout_ms(const struct operation *operation);

/* Where it was cancelled or its time is over: sets the report. Returns the reason. */
int operation_say_ending(struct operation *operation);

/* Steps and waits until it has ended. */
int operation_run(struct operation *operation);

/* Wipes, and lets go of what it held, also where it has not ended. */
void operation_finish(struct operation *operation);

#endif
