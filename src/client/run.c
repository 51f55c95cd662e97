/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who works for a client: one thread at a time. Threads that want the same as the one that
 * works wait for it and take what it brought, so that many make one request.
 */
#include "client/run.h"

#include "base/clock.h"
#include "client/context.h"
#include "client/discover.h"
#include "client/login.h"
#include "client/logout.h"
#include "client/token_get.h"

#include <poll.h>
#include <time.h>

static operation_state *first_state(enum adit_operation operation)
{
	switch (operation) {
	case ADIT_OPERATION_TOKEN:
		return token_get_begin;
	case ADIT_OPERATION_LOGIN:
		return login_begin;
	case ADIT_OPERATION_DISCOVER:
		return discover_anew;
	case ADIT_OPERATION_VERIFY:
		return token_get_verify;
	case ADIT_OPERATION_LOGOUT:
		return logout_begin;
	default:
		return NULL;
	}
}

enum { SLICE_MS = 500 }; /* at most, without a look at whether it was cancelled */

/* When a call began: how long it may take, waiting for other threads included, and who was
 * cancelled before. */
struct entry_point {
	int64_t deadline_ms;
	unsigned cancels;
};

static struct entry_point enter_now(const struct adit_client *client)
{
	return (struct entry_point){
		.deadline_ms = clock_monotonic_ms() + client->options.call_timeout_ms,
		.cancels = context_cancels(client),
	};
}

static void wait_for_end(struct adit_client *client, int64_t until_ms)
{
	int64_t slice_ms = clock_monotonic_ms() + SLICE_MS;

	until_ms = until_ms < slice_ms ? until_ms : slice_ms;
	const struct timespec until = {
		.tv_sec = until_ms / 1000, .tv_nsec = (long)(until_ms % 1000) * 1000000};

	(void)pthread_cond_timedwait(&client->ended, &client->mutex, &until);
}

/* What another thread's work brought is what this one wanted: the same, at least. */
static bool serves(const struct outcome *outcome, enum adit_operation operation, int argument)
{
	/* Who was cancelled is found otherwise: it may have been before this one came. */
	if (outcome->operation != operation || outcome->result == ADIT_ERROR_CANCELLED)
		return false;
	if (operation == ADIT_OPERATION_TOKEN)
		return outcome->argument >= argument;
	return outcome->argument == argument;
}

/* With the lock held: becomes the one that works, or takes another's outcome (`ret_taken`). */
static int become_worker(struct adit_client *client, const struct run *run,
	const struct entry_point *entry, bool *ret_taken, struct report *report)
{
	uint64_t number = client->outcome.number;

	*ret_taken = false;
	client->used = true;
	if (client->is_stepped && pthread_equal(client->stepper, pthread_self())) {
		(void)report_set(report, ADIT_ERROR_INVALID,
			"this thread has an operation of this client under way, which nobody "
			"else steps");
		return report_action(report, "step it to its end first, or open another client");
	}
	while (client->busy) {
		if (clock_monotonic_ms() >= entry->deadline_ms) {
			(void)report_set(report, ADIT_ERROR_TIMEOUT,
				"another thread works with this client for too long");
			return report_action(report, "try again, or allow it more time");
		}
		wait_for_end(client, entry->deadline_ms);
		if (context_cancels(client) != entry->cancels)
			return report_set(report, ADIT_ERROR_CANCELLED, "cancelled");
		if (client->outcome.number != number &&
			serves(&client->outcome, run->operation, run->argument)) {
			*ret_taken = true;
			*report = client->outcome.report;
			return client->outcome.result;
		}
		number = client->outcome.number;
	}
	client->busy = true;
	return 0;
}

static void begin(struct adit_client *client, const struct run *run,
	const struct entry_point *entry, struct operation *operation)
{
	operation_begin(
		operation, client, first_state(run->operation), client->options.call_timeout_ms);
	operation->deadline_ms = entry->deadline_ms;
	operation->cancels = entry->cancels;
	operation->argument = run->argument;
	operation->min_ttl_ms = (int64_t)run->argument * 1000;
}

static void end(
	struct adit_client *client, const struct run *run, struct operation *operation, int result)
{
	struct report report = operation->report;

	operation_finish(operation);
	(void)pthread_mutex_lock(&client->mutex);
	client->busy = false;
	client->is_stepped = false;
	client->outcome = (struct outcome){
		.number = client->outcome.number + 1,
		.operation = run->operation,
		.argument = run->argument,
		.result = result,
		.report = report,
	};
	(void)pthread_cond_broadcast(&client->ended);
	(void)pthread_mutex_unlock(&client->mutex);
}

int run_operation(struct adit_client *client, const struct run *run, struct report *report)
{
	const struct entry_point entry = enter_now(client);
	struct operation operation;
	bool taken;
	int result;

	(void)pthread_mutex_lock(&client->mutex);
	result = become_worker(client, run, &entry, &taken, report);
	(void)pthread_mutex_unlock(&client->mutex);
	if (result || taken)
		return result;
	begin(client, run, &entry, &operation);
	result = operation_run(&operation);
	if (result)
		*report = operation.report;
	end(client, run, &operation, result);
	return result;
}

int run_start(struct adit_client *client, const struct run *run, struct report *report)
{
	const struct entry_point entry = enter_now(client);
	bool busy;

	if (!first_state(run->operation))
		return report_set(report, ADIT_ERROR_INVALID, "no such operation");
	if (run->operation == ADIT_OPERATION_LOGIN && run->argument != ADIT_FLOW_BROWSER &&
		run->argument != ADIT_FLOW_DEVICE)
		return report_set(report, ADIT_ERROR_INVALID, "no such flow");
	(void)pthread_mutex_lock(&client->mutex);
	busy = client->busy;
	if (!busy) {
		client->busy = true;
		client->is_stepped = true;
		client->stepper = pthread_self();
	}
	client->used = true;
	(void)pthread_mutex_unlock(&client->mutex);
	if (busy)
		return report_set(report, ADIT_ERROR_INVALID, "an operation is under way already");
	begin(client, run, &entry, &client->stepped);
	client->stepped_run = *run;
	return 0;
}

int run_step(struct adit_client *client, struct adit_wait *ret_wait, struct report *report)
{
	bool is_stepped;
	int result;

	(void)pthread_mutex_lock(&client->mutex);
	is_stepped = client->is_stepped;
	client->stepper = pthread_self();
	(void)pthread_mutex_unlock(&client->mutex);
	if (!is_stepped)
		return report_set(report, ADIT_ERROR_INVALID, "no operation was started");
	result = operation_step(&client->stepped);
	if (result == ADIT_AGAIN) {
		ret_wait->fd = client->epoll_fd;
		ret_wait->events = POLLIN;
		ret_wait->timeout_ms = operation_timeout_ms(&client->stepped);
		return result;
	}
	if (result)
		*report = client->stepped.report;
	end(client, &client->stepped_run, &client->stepped, result);
	return result;
}

int run_enter(struct adit_client *client, struct report *report)
{
	const struct entry_point entry = enter_now(client);
	const struct run nothing = {0};
	bool taken;
	int result;

	(void)pthread_mutex_lock(&client->mutex);
	result = become_worker(client, &nothing, &entry, &taken, report);
	(void)pthread_mutex_unlock(&client->mutex);
	if (result)
		return result;
	context_drain_cancels(client);
	if (context_cancels(client) == entry.cancels)
		return 0;
	run_leave(client);
	return report_set(report, ADIT_ERROR_CANCELLED, "cancelled");
}

void run_leave(struct adit_client *client)
{
	(void)pthread_mutex_lock(&client->mutex);
	client->busy = false;
	(void)pthread_cond_broadcast(&client->ended);
	(void)pthread_mutex_unlock(&client->mutex);
}
