/* SPDX-License-Identifier: Apache-2.0 */
#include "client/turn.h"

#include "base/clock.h"
#include "client/account.h"
#include "client/context.h"

#include <poll.h>
#include <string.h>

enum {
	SLICE_MS = 1000, /* at most, without a look at whether it was cancelled */
	SLICE_TOLD_MS = 50,
};

static int open_file(void *context, int *ret_fd, struct fault *fault)
{
	const struct turns *turns = context;

	return storage_open_beside(turns->storage, turns->account_id, "pace", ret_fd, fault);
}

/* By the thread that works for the client. */
static int open_pace(struct adit_client *client, struct report *report)
{
	const struct adit_client_options *options = &client->options;
	struct pace_options pace = {
		.requests = {options->requests_per_10_s, options->requests_per_minute,
			options->requests_per_4_h},
		.boot_id = client->clock.boot_id,
		.context = &client->turns,
	};
	struct pace *made = NULL;
	int error;

	if (client->turns.pace)
		return 0;
	error = account_open(client, report);
	if (error)
		return error;
	client->turns.storage = client->storage;
	memcpy(client->turns.account_id, client->account_id, sizeof(client->account_id));
	if (storage_is_shared(client->storage))
		pace.open_file = open_file;
	if (pace_create(&pace, &made))
		return report_set(report, ADIT_ERROR_MEMORY, "no memory for turns");
	/* From here on other threads use it. */
	(void)pthread_mutex_lock(&client->mutex);
	client->turns.pace = made;
	(void)pthread_mutex_unlock(&client->mutex);
	return 0;
}

static struct pace *pace_of(struct adit_client *client)
{
	struct pace *pace;

	(void)pthread_mutex_lock(&client->mutex);
	pace = client->turns.pace;
	(void)pthread_mutex_unlock(&client->mutex);
	return pace;
}

static int find_pace(struct adit_client *client, struct pace **ret_pace, struct report *report)
{
	int error = 0;

	context_notice_fork(client);
	*ret_pace = pace_of(client);
	if (*ret_pace)
		return 0;
	error = run_enter(client, report);
	if (error)
		return error;
	error = open_pace(client, report);
	run_leave(client);
	*ret_pace = pace_of(client);
	return error;
}

int turn_wait(const struct adit_client *client, int fd, int64_t until_ms, unsigned cancels)
{
	struct pollfd waits[] = {
		{.fd = fd, .events = POLLIN}, {.fd = client->event_fd, .events = POLLIN}};
	int64_t left_ms = until_ms - clock_monotonic_ms();

	if (left_ms > SLICE_MS)
		left_ms = SLICE_MS;
	if (left_ms > 0 && context_cancels(client) == cancels)
		(void)poll(waits, 2, (int)left_ms);
	if (context_cancels(client) != cancels)
		return ADIT_ERROR_CANCELLED;
	/* It still says what somebody was told before; whoever begins an operation reads it. */
	if (waits[1].revents && left_ms > 0)
		(void)poll(waits, 1, left_ms < SLICE_TOLD_MS ? (int)left_ms : SLICE_TOLD_MS);
	return 0;
}

static int too_late(struct report *report, int64_t wait_ms)
{
	int64_t wait_s = (wait_ms + 999) / 1000;

	(void)report_set(report, ADIT_ERROR_WAIT,
		"the API's limits leave no turn in the time given: the next one is in %lld s",
		(long long)wait_s);
	report->retry_after_s = wait_s;
	return report_action(report, "wait so long, or allow more time");
}

static int failed(struct report *report, int error, const struct fault *fault)
{
	if (error == ADIT_ERROR_CANCELLED)
		return report_set(report, error, "cancelled");
	return report_storage(report, error, fault);
}

/* 0: it has come, and stands; ADIT_AGAIN: it does not stand any more. */
static int await(struct adit_client *client, struct pace *pace, const struct pace_turn *turn,
	int64_t until_ms, unsigned cancels)
{
	bool stands = false;
	int error = 0;

	while (!error && clock_monotonic_ms() < until_ms)
		error = turn_wait(client, -1, until_ms, cancels);
	if (error) {
		pace_give_back(pace, turn);
		return error;
	}
	error = pace_look(pace, turn, &stands, NULL);
	/* What was promised stands where nobody says otherwise. */
	return error || stands ? 0 : ADIT_AGAIN;
}

int turn_take(struct adit_client *client, int timeout_ms, struct report *report)
{
	int64_t deadline_ms = clock_monotonic_ms() + timeout_ms;
	unsigned cancels = context_cancels(client);
	struct pace *pace = NULL;
	int error = find_pace(client, &pace, report);

	if (error)
		return error;
	do {
		struct pace_turn turn = {0};
		struct fault fault = {0};
		int64_t mono_ms = clock_monotonic_ms();
		int64_t now_ms = client_clock_boot_ms(&client->clock);
		int64_t limit_ms = mono_ms < deadline_ms ? deadline_ms - mono_ms : 0;

		error = pace_take(pace, now_ms, limit_ms, &turn, &fault);
		if (error == ERROR_BUSY)
			return too_late(report, turn.at_ms - now_ms);
		if (error)
			return failed(report, error, &fault);
		if (turn.at_ms <= now_ms)
			return 0;
		context_log(client, "the next turn at the API is in %lld ms",
			(long long)(turn.at_ms - now_ms));
		error = await(client, pace, &turn, mono_ms + turn.at_ms - now_ms, cancels);
	} while (error == ADIT_AGAIN);
	return error ? failed(report, error, NULL) : 0;
}

int turn_answer(
	struct adit_client *client, int status, int64_t retry_after_s, struct report *report)
{
	struct pace *pace = NULL;
	struct fault fault = {0};
	int error;

	if ((status != 429 && status != 503) || retry_after_s <= 0)
		return 0;
	error = find_pace(client, &pace, report);
	if (error)
		return error;
	context_log(client, "the API answered %d: no turn for %lld s", status,
		(long long)retry_after_s);
	error = pace_hold(pace, client_clock_boot_ms(&client->clock), retry_after_s, &fault);
	return error ? failed(report, error, &fault) : 0;
}

int turn_left(struct adit_client *client, int ret_left[PACE_WINDOWS])
{
	struct report report;
	int error = open_pace(client, &report);

	if (error)
		return error;
	return pace_left(client->turns.pace, client_clock_boot_ms(&client->clock), ret_left, NULL);
}

void turns_notice_fork(struct turns *turns)
{
	if (turns->pace)
		pace_notice_fork(turns->pace);
}

void turns_finish(struct turns *turns)
{
	pace_destroy(turns->pace);
	turns->pace = NULL;
}
