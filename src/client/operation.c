/* SPDX-License-Identifier: Apache-2.0 */
#include "client/operation.h"

#include "base/clock.h"
#include "client/context.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>

enum {
	GO = 0,
	WAIT = 1,
	/* A descriptor is not waited for longer than this without a look at the clock. */
	SLICE_MAX_MS = 60000,
};

int operation_next(struct operation *operation, operation_state *state)
{
	operation->stack[operation->depth - 1] = state;
	return GO;
}

int operation_sub(struct operation *operation, operation_state *sub, operation_state *then)
{
	/* The depth is the program's own: a flow that nests deeper is a mistake. */
	if (operation->depth == OPERATION_DEPTH_MAX)
		abort();
	operation->stack[operation->depth - 1] = then;
	operation->stack[operation->depth++] = sub;
	return GO;
}

int operation_end(struct operation *operation, int result)
{
	operation->depth--;
	operation->result = result;
	return GO;
}

int operation_wait(struct operation *operation, int64_t wake_ms)
{
	operation->wake_ms = wake_ms;
	return WAIT;
}

int operation_watch(struct operation *operation, int fd)
{
	struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

	if (!epoll_ctl(operation->client->epoll_fd, EPOLL_CTL_ADD, fd, &event) || errno == EEXIST)
		return 0;
	return report_set(
		&operation->report, ADIT_ERROR_MEMORY, "no room to wait for another file");
}

void operation_unwatch(struct operation *operation, int fd)
{
	(void)epoll_ctl(operation->client->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
}

void operation_begin(struct operation *operation, struct adit_client *client,
	operation_state *first, int64_t timeout_ms)
{
	*operation = (struct operation){
		.client = client,
		.stack = {first},
		.depth = 1,
		.deadline_ms = clock_monotonic_ms() + timeout_ms,
		.wake_ms = INT64_MAX,
		.cancels = context_cancels(client),
	};
	report_init(&operation->report);
}

void operation_extend(struct operation *operation, int64_t timeout_ms)
{
	operation->deadline_ms += timeout_ms;
}

/* What ends it from outside, or 0. */
static int interrupted(const struct operation *operation)
{
	if (context_cancels(operation->client) != operation->cancels)
		return ADIT_ERROR_CANCELLED;
	return clock_monotonic_ms() < operation->deadline_ms ? 0 : ADIT_ERROR_TIMEOUT;
}

int operation_say_ending(struct operation *operation)
{
	struct report *report = &operation->report;

	if (operation->ending == ADIT_ERROR_CANCELLED)
		return report_set(report, operation->ending, "cancelled");
	(void)report_set(report, operation->ending, "%s: it took longer than it may",
		operation->client->authority);
	return report_action(report, "try again, or allow it more time");
}

static void stop(struct operation *operation)
{
	operation->depth = 0;
	operation->result = operation_say_ending(operation);
}

/* A request that is under way ends as if it had failed, so that the states behind it put down
 * what they know: whether a refresh token may be spent, and that nobody needs to ask for a
 * while. What waits for something else just stops. */
static void interrupt(struct operation *operation, int reason)
{
	operation->ending = reason;
	if (operation->exchange.begun)
		exchange_interrupt(operation);
	else
		stop(operation);
}

int operation_step(struct operation *operation)
{
	context_drain_cancels(operation->client);
	while (operation->depth) {
		int reason = operation->ending ? 0 : interrupted(operation);

		if (reason) {
			interrupt(operation, reason);
			continue;
		}
		operation->wake_ms = INT64_MAX;
		if (operation->stack[operation->depth - 1](operation) != WAIT)
			continue;
		if (!operation->ending)
			return ADIT_AGAIN;
		stop(operation);
	}
	return operation->result;
}

int operation_timeout_ms(const struct operation *operation)
{
	int64_t until_ms = operation->wake_ms < operation->deadline_ms ? operation->wake_ms
								       : operation->deadline_ms;
	int64_t wait_ms = until_ms - clock_monotonic_ms();

	if (wait_ms < 0)
		return 0;
	return wait_ms < SLICE_MAX_MS ? (int)wait_ms : SLICE_MAX_MS;
}

int operation_run(struct operation *operation)
{
	struct pollfd wait = {.fd = operation->client->epoll_fd, .events = POLLIN};
	int result = operation_step(operation);

	while (result == ADIT_AGAIN) {
		/* A signal that ends the wait early does no harm: the state looks again. */
		(void)poll(&wait, 1, operation_timeout_ms(operation));
		result = operation_step(operation);
	}
	return result;
}

void operation_finish(struct operation *operation)
{
	if (operation->flow)
		operation->flow->destroy(operation->flow, operation);
	operation->flow = NULL;
	if (operation->exchange.begun && operation->client->http)
		http_client_abandon(operation->client->http);
	exchange_finish(&operation->exchange);
	context_unlock_account(operation);
}
