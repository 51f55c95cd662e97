/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program that finds a fresh token in the file that ADIT_TOKEN_FILE names, as long as it
 * runs. It never has the token in its arguments or its environment.
 */
#include "cli/command.h"

#include "base/clock.h"
#include "cli/token_file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	MARGIN_MAX_S = 300, /* so long before a token's end there is another */
	MARGIN_PART = 3,    /* of its life, where that is short */
	LOOK_AGAIN_S = 30,  /* the machine may have slept meanwhile */
	RETRY_S = 10,
	RETRY_MAX_S = 300,
	NOT_RUNNABLE = 126, /* POSIX.1-2017, XCU 2.8.2 */
	NOT_FOUND = 127,
};

struct keeper {
	struct invocation *invocation;
	struct adit_client *client;
	struct token_file file;
	struct adit_token *token; /* what the file has */
	int margin_s;
	int64_t retry_at_ms; /* monotonic; not asked before */
	bool asking;
	bool complained;
	sigset_t signals; /* those that come by `signal_fd` */
	sigset_t signals_before;
	int signal_fd;
	pid_t child;
	bool ended;
	int status; /* of the child, as wait(2) has it */
};

/* --- the token ---------------------------------------------------------------------- */

static int take_token(struct keeper *keeper, struct adit_token *token)
{
	struct fault *fault = &keeper->invocation->fault;
	int64_t ttl_s = adit_token_ttl(token);
	int error = token_file_write(&keeper->file, adit_token_value(token), fault);

	if (error)
		return error;
	adit_token_release(keeper->token);
	keeper->token = adit_token_retain(token);
	ttl_s /= MARGIN_PART;
	keeper->margin_s = ttl_s > MARGIN_MAX_S ? MARGIN_MAX_S : ttl_s < 1 ? 1 : (int)ttl_s;
	return 0;
}

static int first_token(struct keeper *keeper)
{
	struct adit_token *token = NULL;
	int error = adit_token_get(keeper->client, MARGIN_MAX_S, &token);
	int code = EXIT_DONE;

	if (error)
		return complain_of_library(keeper->invocation, error);
	if (token_file_make(&keeper->file, &keeper->invocation->fault) || take_token(keeper, token))
		code = complain(
			keeper->invocation, EXIT_STORAGE, keeper->invocation->fault.text, NULL);
	adit_token_release(token);
	return code;
}

static void ask_later(struct keeper *keeper, int64_t seconds)
{
	if (seconds < 1)
		seconds = 1;
	if (seconds > RETRY_MAX_S)
		seconds = RETRY_MAX_S;
	keeper->retry_at_ms = clock_monotonic_ms() + seconds * 1000;
}

/* The old token stays where it is: the API may take it still. Told once, not each time. */
static void fail_to_renew(struct keeper *keeper, int error)
{
	struct adit_client_error last = {.size = sizeof(last), .retry_after_s = -1};

	(void)adit_client_last_error(&last);
	if (!keeper->complained)
		(void)complain_of_library(keeper->invocation, error);
	keeper->complained = true;
	ask_later(keeper, last.retry_after_s >= 0 ? last.retry_after_s : RETRY_S);
}

static void renewed(struct keeper *keeper)
{
	struct adit_token *token = NULL;
	int64_t before = adit_token_expires_at(keeper->token);
	int error = adit_token_get(keeper->client, keeper->margin_s + 1, &token);

	if (error) {
		fail_to_renew(keeper, error);
		return;
	}
	error = take_token(keeper, token);
	if (error && !keeper->complained)
		(void)complain(
			keeper->invocation, EXIT_STORAGE, keeper->invocation->fault.text, NULL);
	keeper->complained = error != 0;
	/* Or the authority has nothing newer to give for now. */
	ask_later(keeper, !error && adit_token_expires_at(token) > before ? 1 : RETRY_S);
	adit_token_release(token);
}

static int64_t milliseconds_left(const struct keeper *keeper)
{
	int64_t left_ms = (adit_token_ttl(keeper->token) - keeper->margin_s) * 1000;
	int64_t retry_ms = keeper->retry_at_ms - clock_monotonic_ms();

	left_ms = retry_ms > left_ms ? retry_ms : left_ms;
	return left_ms > 0 ? left_ms : 0;
}

/* Does what is due; gives the time until it is to be called again, and what to wait for. */
static int renew(struct keeper *keeper, struct adit_wait *wait)
{
	int64_t left_ms = milliseconds_left(keeper);
	int error = 0;

	if (!keeper->asking && left_ms)
		return (int)(left_ms < LOOK_AGAIN_S * 1000 ? left_ms : LOOK_AGAIN_S * 1000);
	if (!keeper->asking)
		error = adit_client_start(
			keeper->client, ADIT_OPERATION_TOKEN, keeper->margin_s + 1);
	if (!error)
		error = adit_client_step(keeper->client, wait);
	keeper->asking = error == ADIT_AGAIN;
	if (keeper->asking)
		return wait->timeout_ms;
	if (error)
		fail_to_renew(keeper, error);
	else
		renewed(keeper);
	return 0;
}

/* --- the child ---------------------------------------------------------------------- */

static int hold_signals(struct keeper *keeper)
{
	static const int numbers[] = {SIGCHLD, SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2};

	(void)sigemptyset(&keeper->signals);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		(void)sigaddset(&keeper->signals, numbers[i]);
	(void)signal(SIGCHLD, SIG_DFL);
	keeper->signal_fd = signalfd(-1, &keeper->signals, SFD_CLOEXEC | SFD_NONBLOCK);
	if (keeper->signal_fd < 0 ||
		sigprocmask(SIG_BLOCK, &keeper->signals, &keeper->signals_before))
		return ERROR_IO;
	return 0;
}

/* What the terminal sends, it sends to the child too. */
static void pass_on(const struct keeper *keeper, const struct signalfd_siginfo *info)
{
	if (info->ssi_code != SI_KERNEL)
		(void)kill(keeper->child, (int)info->ssi_signo);
}

/* As a container's first process it is given those whose parents have ended. */
static void reap(struct keeper *keeper)
{
	pid_t whose = getpid() == 1 ? -1 : keeper->child;
	int status;
	pid_t ended;

	while ((ended = waitpid(whose, &status, WNOHANG)) > 0) {
		if (ended != keeper->child)
			continue;
		keeper->status = status;
		keeper->ended = true;
	}
}

static void take_signals(struct keeper *keeper)
{
	struct signalfd_siginfo info;

	while (read(keeper->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo != SIGCHLD)
			pass_on(keeper, &info);
		else
			reap(keeper);
	}
}

/* In the child: does not return. */
static void become(const struct keeper *keeper, int report_fd)
{
	char *const *command = keeper->invocation->options.command;
	int reason;

	process_restore();
	(void)sigprocmask(SIG_SETMASK, &keeper->signals_before, NULL);
	(void)execvp(command[0], command);
	reason = errno;
	if (write(report_fd, &reason, sizeof(reason)) < 0)
		reason = 0;
	_exit(NOT_FOUND);
}

static int fail_to_start(const struct keeper *keeper, int reason)
{
	char text[512];

	(void)snprintf(text, sizeof(text), "%.200s can't be run: %s",
		keeper->invocation->options.command[0], strerror(reason));
	(void)complain(keeper->invocation, EXIT_OTHER, text, NULL);
	return reason == ENOENT ? NOT_FOUND : NOT_RUNNABLE;
}

static int start_child(struct keeper *keeper)
{
	int report[2];
	int reason = 0;
	ssize_t got;

	if (setenv("ADIT_TOKEN_FILE", keeper->file.path, 1) || pipe2(report, O_CLOEXEC))
		return fail_to_start(keeper, errno);
	keeper->child = fork();
	if (keeper->child == 0)
		become(keeper, report[1]);
	reason = keeper->child < 0 ? errno : 0;
	(void)close(report[1]);
	do
		got = reason ? 0 : read(report[0], &reason, sizeof(reason));
	while (got < 0 && errno == EINTR);
	(void)close(report[0]);
	if (!reason)
		return EXIT_DONE;
	if (keeper->child > 0)
		(void)waitpid(keeper->child, NULL, 0);
	return fail_to_start(keeper, reason);
}

static int code_of(int status)
{
	return WIFSIGNALED(status) ? EXIT_SIGNALLED + WTERMSIG(status) : WEXITSTATUS(status);
}

static int attend(struct keeper *keeper)
{
	while (!keeper->ended) {
		struct adit_wait wait = {.size = sizeof(wait), .fd = -1};
		int timeout_ms = renew(keeper, &wait);
		struct pollfd waited[] = {{.fd = keeper->signal_fd, .events = POLLIN},
			{.fd = keeper->asking ? wait.fd : -1, .events = wait.events}};

		if (poll(waited, 2, timeout_ms) < 0 && errno != EINTR)
			return EXIT_OTHER;
		take_signals(keeper);
	}
	return code_of(keeper->status);
}

static int keep(struct keeper *keeper)
{
	int code = first_token(keeper);

	if (code != EXIT_DONE)
		return code;
	if (hold_signals(keeper))
		return complain(keeper->invocation, EXIT_OTHER, "signals can't be held", NULL);
	/* One that came just before has nobody yet to be passed on to. */
	if (signals_caught())
		return EXIT_SIGNALLED + signals_caught();
	code = start_child(keeper);
	return code == EXIT_DONE ? attend(keeper) : code;
}

static int run_run(struct invocation *invocation)
{
	const struct session_request request = {.authority = invocation->options.positional[0]};
	struct keeper keeper = {.invocation = invocation, .signal_fd = -1};
	struct session session;
	int code = session_open(invocation, &request, &session);

	keeper.client = session.client;
	if (code == EXIT_DONE)
		code = keep(&keeper);
	if (keeper.signal_fd >= 0)
		(void)close(keeper.signal_fd);
	token_file_remove(&keeper.file);
	adit_token_release(keeper.token);
	session_close(&session);
	return code;
}

const struct command run_command = {
	.name = "run",
	.arguments = "URL -- COMMAND [ARGUMENT...]",
	.summary = "run a command that finds a fresh token in a file",
	.page = "adit-run",
	.uses_client = true,
	.command_at = 1,
	.least = 1,
	.most = 1,
	.run = run_run,
};
