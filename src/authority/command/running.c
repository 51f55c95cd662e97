/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a process must not leave behind, and when one that serves ends.
 */
#include "authority/command/command.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/un.h>
#include <time.h>

enum {
	TICK_MS = 250,
	DRAIN_MS = 10000,
};

static bool port_has_form(const char *text)
{
	size_t length = strlen(text);

	return length > 0 && length <= 5 && strspn(text, "0123456789") == length &&
	       strtol(text, NULL, 10) <= UINT16_MAX;
}

bool listen_has_form(const char *address)
{
	const char *colon = strrchr(address, ':');
	char host[INET6_ADDRSTRLEN + 2];
	unsigned char bytes[sizeof(struct in6_addr)];
	size_t length = colon ? (size_t)(colon - address) : 0;

	if (!strncmp(address, "unix:", 5))
		return address[5] &&
		       strlen(address + 5) < sizeof(((struct sockaddr_un *)0)->sun_path);
	if (!length || length >= sizeof(host) || !port_has_form(colon + 1))
		return false;
	memcpy(host, address, length);
	host[length] = '\0';
	if (host[0] != '[')
		return inet_pton(AF_INET, host, bytes) == 1;
	host[length - 1] = '\0';
	return address[length - 1] == ']' && inet_pton(AF_INET6, host + 1, bytes) == 1;
}

bool listen_is_local(const char *address)
{
	return !strncmp(address, "127.", 4) || !strncmp(address, "[::1]:", 6) ||
	       !strncmp(address, "unix:", 5);
}

static void held_signals(sigset_t *ret_set, bool reloads)
{
	(void)sigemptyset(ret_set);
	(void)sigaddset(ret_set, SIGTERM);
	(void)sigaddset(ret_set, SIGINT);
	if (reloads)
		(void)sigaddset(ret_set, SIGHUP);
}

void command_leave_no_core(void)
{
	const struct rlimit none = {0, 0};

	(void)setrlimit(RLIMIT_CORE, &none);
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

void command_prepare_process(bool reloads)
{
	sigset_t set;

	(void)signal(SIGPIPE, SIG_IGN);
	held_signals(&set, reloads);
	(void)pthread_sigmask(SIG_BLOCK, &set, NULL);
}

/* Until a signal says to stop. */
static void run_until_stopped(const struct running *running)
{
	const struct timespec tick = {.tv_nsec = TICK_MS * 1000000L};
	sigset_t set;
	int number;

	held_signals(&set, running->reload != NULL);
	while (!running->authority->outdated) {
		number = sigtimedwait(&set, NULL, &tick);
		if (number == SIGHUP && running->reload)
			running->reload(running->context);
		else if (number > 0)
			break;
		authority_tick(running->authority);
		if (running->tick)
			running->tick(running->context);
	}
}

int command_serve(const struct running *running, struct fault *fault)
{
	struct authority *authority = running->authority;
	int error = authority_start(authority, running->listen, running->listen_count, fault);

	if (!error && running->ready)
		error = running->ready(running->context);
	if (!error) {
		run_until_stopped(running);
		if (running->stopping)
			running->stopping(running->context);
		LOG_EVENT(authority->log, LOG_LEVEL_INFO, "stopping", {0});
	}
	authority_stop(authority, DRAIN_MS);
	if (!error && authority->outdated) {
		fault_set(
			fault, "the data was upgraded by a newer Adit; start that version's aditd");
		error = ERROR_VERSION;
	}
	return error;
}
