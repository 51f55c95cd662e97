/* SPDX-License-Identifier: Apache-2.0 */
#include "client/browser.h"

#include "base/clock.h"
#include "codec/uri.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	LOOK_EVERY_MS = 10,
	/* Beside the exit statuses of 0 to 255. */
	STILL_RUNS = 256,
	DIED = 257,
};

/* What is needed after fork(), where nothing may be allocated. */
struct run {
	char path[PATH_MAX];
	const char *url;
	int report;
};

static bool is_program(const char *path)
{
	struct stat status;

	return !stat(path, &status) && S_ISREG(status.st_mode) && !access(path, X_OK);
}

/* Of the absolute folders of PATH: what lies in the working directory is not asked for. */
static int find_program(char ret_path[PATH_MAX])
{
	const char *at = secure_getenv("PATH");

	at = at && *at ? at : "/usr/local/bin:/usr/bin:/bin";
	while (*at) {
		size_t length = strcspn(at, ":");
		int written = snprintf(ret_path, PATH_MAX, "%.*s/xdg-open",
			length < PATH_MAX ? (int)length : 0, at);

		if (*at == '/' && written > 0 && written < PATH_MAX && is_program(ret_path))
			return 0;
		at += length + (at[length] == ':');
	}
	return ERROR_UNAVAILABLE;
}

/* A query may be longer than uri_parse() takes: a scope is in it. */
static bool is_page(const char *url)
{
	size_t length = strcspn(url, "?");
	char place[URI_MAX + 1];
	struct uri uri;

	if (length > URI_MAX)
		return false;
	memcpy(place, url, length);
	place[length] = '\0';
	if (uri_parse(place, &uri) || !uri_is_safe(&uri))
		return false;
	for (const char *at = url + length; *at; at++) {
		if (*at <= ' ' || *at >= 0x7f || *at == '#')
			return false;
	}
	return strlen(url) <= BROWSER_URL_MAX;
}

static bool is_set(const char *name)
{
	const char *value = getenv(name);

	return value && *value;
}

static void reset_signals(void)
{
	sigset_t none;

	for (int number = 1; number < NSIG; number++)
		(void)signal(number, SIG_DFL);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static _Noreturn void become(const struct run *run)
{
	char *const arguments[] = {
		(char *)(uintptr_t) "xdg-open", (char *)(uintptr_t)run->url, NULL};
	int nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);

	(void)setsid();
	for (int fd = 0; nowhere >= 0 && fd < 3; fd++)
		(void)dup2(nowhere, fd);
	closefrom(3);
	if (nowhere >= 0)
		(void)execv(run->path, arguments);
	_exit(127);
}

static int outcome_of(pid_t pid)
{
	int status = 0;

	for (int waited_ms = 0; waited_ms < BROWSER_WAIT_MS; waited_ms += LOOK_EVERY_MS) {
		pid_t ended = waitpid(pid, &status, WNOHANG);

		if (ended == pid)
			return WIFEXITED(status) ? WEXITSTATUS(status) : DIED;
		if (ended < 0 && errno != EINTR)
			return DIED;
		(void)poll(NULL, 0, LOOK_EVERY_MS);
	}
	return STILL_RUNS;
}

/* In a process that nobody waits for, so that who it waits for becomes init's child when
 * that takes too long. */
static _Noreturn void watch(const struct run *run)
{
	int outcome = DIED;
	pid_t pid = fork();

	if (!pid)
		become(run);
	if (pid > 0)
		outcome = outcome_of(pid);
	_exit(write(run->report, &outcome, sizeof(outcome)) < 0);
}

/* 0 or ERROR_IO. */
static int start(const struct run *run)
{
	sigset_t all;
	sigset_t before;
	pid_t pid;

	/* The program's handlers must not run in the child. */
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	pid = fork();
	if (!pid) {
		reset_signals();
		if (!fork())
			watch(run);
		_exit(0);
	}
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (pid < 0)
		return ERROR_IO;
	/* Ends at once. Where the program has its children reaped by others, it is gone. */
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return 0;
}

int browser_start(const char *url, int *ret_fd, struct fault *fault)
{
	struct run run = {.url = url};
	int ends[2];
	int error;

	if (!is_page(url)) {
		fault_set(fault, "the page to show is neither https nor http on loopback");
		return ERROR_INVALID;
	}
	if (!is_set("DISPLAY") && !is_set("WAYLAND_DISPLAY")) {
		fault_set(fault,
			"there is no desktop to show a page on (DISPLAY and WAYLAND_DISPLAY are "
			"not set)");
		return ERROR_UNAVAILABLE;
	}
	if (find_program(run.path)) {
		fault_set(fault, "there is no xdg-open to show a page with (package xdg-utils)");
		return ERROR_UNAVAILABLE;
	}
	if (pipe2(ends, O_CLOEXEC)) {
		fault_set(fault, "xdg-open can't be run: %s", strerror(errno));
		return ERROR_IO;
	}
	run.report = ends[1];
	error = start(&run);
	if (error)
		fault_set(fault, "xdg-open can't be run: %s", strerror(errno));
	(void)close(ends[1]);
	if (error)
		(void)close(ends[0]);
	else
		*ret_fd = ends[0];
	return error;
}

int browser_finish(int fd, struct fault *fault)
{
	int outcome = DIED;
	ssize_t length;

	do {
		length = read(fd, &outcome, sizeof(outcome));
	} while (length < 0 && errno == EINTR);
	(void)close(fd);
	if (length != (ssize_t)sizeof(outcome))
		outcome = DIED;
	switch (outcome) {
	case 0:
	case STILL_RUNS:
		return 0;
	case DIED:
		fault_set(fault, "xdg-open was ended before it had shown the page");
		break;
	case 3:
		fault_set(fault, "xdg-open found no browser to show the page with");
		break;
	default:
		fault_set(fault, "xdg-open could not show the page (it ended with %d)", outcome);
		break;
	}
	return ERROR_UNAVAILABLE;
}

int browser_open(const char *url, struct fault *fault)
{
	int fd;
	int error = browser_start(url, &fd, fault);

	return error ? error : browser_finish(fd, fault);
}
