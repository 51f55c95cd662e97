/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program with a loop of its own, which nothing may hold up: a token is fetched in steps,
 * between which other things happen; here, a clock that ticks.
 *
 *	example_event_loop AUTHORITY USERNAME SOURCE
 */
#include <adit/client.h>

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum { MIN_TTL_S = 60, TICK_NS = 1000000 };

static int start_clock(void)
{
	const struct itimerspec every = {
		.it_interval = {.tv_nsec = TICK_NS}, .it_value = {.tv_nsec = TICK_NS}};
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);

	if (fd >= 0 && timerfd_settime(fd, 0, &every, NULL)) {
		(void)close(fd);
		return -1;
	}
	return fd;
}

/* How the operation ended. */
static int loop(struct adit_client *client, int clock_fd, uint64_t *ret_ticks, int *ret_steps)
{
	struct adit_wait wait = {.size = sizeof(wait)};
	int result = adit_client_step(client, &wait);

	while (result == ADIT_AGAIN) {
		struct pollfd waits[] = {
			{.fd = wait.fd, .events = wait.events}, {.fd = clock_fd, .events = POLLIN}};
		int ready = poll(waits, 2, wait.timeout_ms);
		uint64_t ticks;

		if (ready < 0 && errno != EINTR)
			return ADIT_ERROR_MEMORY;
		if (ready > 0 && waits[1].revents &&
			read(clock_fd, &ticks, sizeof(ticks)) == sizeof(ticks))
			*ret_ticks += ticks;
		/* Also where the time passed; a step too many does no harm. */
		if (ready <= 0 || waits[0].revents) {
			result = adit_client_step(client, &wait);
			++*ret_steps;
		}
	}
	return result;
}

int main(int argc, char **argv)
{
	struct adit_client *client = NULL;
	struct adit_token *token = NULL;
	uint64_t ticks = 0;
	int steps = 1;
	int clock_fd = start_clock();
	int failed;

	if (argc != 4 || clock_fd < 0) {
		(void)fprintf(stderr, "usage: %s AUTHORITY USERNAME SOURCE\n", argv[0]);
		return 2;
	}
	failed = adit_client_open(argv[1], "external.customer", &client) ||
		 adit_client_credentials_from(client, argv[2], argv[3]) ||
		 adit_client_start(client, ADIT_OPERATION_TOKEN, MIN_TTL_S) ||
		 loop(client, clock_fd, &ticks, &steps) ||
		 adit_token_get(client, MIN_TTL_S, &token);
	if (failed)
		(void)fprintf(stderr, "%s\n", adit_client_text());
	else
		(void)printf("a token for %lld s in %d steps, and %llu ticks\n",
			(long long)adit_token_ttl(token), steps, (unsigned long long)ticks);
	adit_token_release(token);
	adit_client_close(client);
	(void)close(clock_fd);
	return failed;
}
