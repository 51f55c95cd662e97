/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a process must not leave behind, and when one that serves ends.
 */
#include "authority/command/command.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>

enum {
	TICK_MS = 250,
	DRAIN_MS = 10000,
};

bool listen_is_local(const char *address)
{
	return !strncmp(address, "127.", 4) || !strncmp(address, "[::1]:", 6) ||
	       !strncmp(address, "unix:", 5);
}

static void stop_signals(sigset_t *ret_set)
{
	(void)sigemptyset(ret_set);
	(void)sigaddset(ret_set, SIGTERM);
	(void)sigaddset(ret_set, SIGINT);
}

void command_leave_no_core(void)
{
	const struct rlimit none = {0, 0};

	(void)setrlimit(RLIMIT_CORE, &none);
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

void command_prepare_process(void)
{
	sigset_t set;

	(void)signal(SIGPIPE, SIG_IGN);
	stop_signals(&set);
	(void)pthread_sigmask(SIG_BLOCK, &set, NULL);
}

int command_serve(const struct running *running, struct fault *fault)
{
	const struct timespec tick = {.tv_nsec = TICK_MS * 1000000L};
	struct authority *authority = running->authority;
	sigset_t set;
	int error = authority_start(authority, running->listen, running->listen_count, fault);

	if (!error && running->ready)
		error = running->ready(running->context);
	stop_signals(&set);
	if (!error) {
		while (sigtimedwait(&set, NULL, &tick) < 0)
			authority_tick(authority);
		LOG_EVENT(authority->log, LOG_LEVEL_INFO, "stopping", {0});
	}
	authority_stop(authority, DRAIN_MS);
	return error;
}
