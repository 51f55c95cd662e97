/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A secret that an askpass program prints. The program has nothing to read, a process
 * group of its own, and neither arguments nor descriptors of ours; its environment and its
 * standard error are ours.
 */
#include "client/entry.h"

#include "base/clock.h"

#include <adit/error.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum {
	LIMIT_STANDARD_MS = 60000,
	LOOK_EVERY_MS = 50, /* whether it has ended, while others hold its output open */
};

struct program {
	const char *path;
	int output;
	pid_t pid;
	bool ended;
	int status;
};

static int set_attributes(posix_spawnattr_t *attributes)
{
	sigset_t mask;
	sigset_t all;

	/* In the background of the terminal it would be stopped for ever; so it gets an error. */
	(void)sigemptyset(&mask);
	(void)sigaddset(&mask, SIGTTIN);
	(void)sigaddset(&mask, SIGTTOU);
	(void)sigfillset(&all);
	if (posix_spawnattr_setflags(attributes,
		    POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
		return ERROR_IO;
	if (posix_spawnattr_setpgroup(attributes, 0) ||
		posix_spawnattr_setsigmask(attributes, &mask) ||
		posix_spawnattr_setsigdefault(attributes, &all))
		return ERROR_IO;
	return 0;
}

static int set_descriptors(posix_spawn_file_actions_t *actions, int output)
{
	if (posix_spawn_file_actions_addopen(actions, 0, "/dev/null", O_RDONLY, 0) ||
		posix_spawn_file_actions_adddup2(actions, output, 1) ||
		posix_spawn_file_actions_addclosefrom_np(actions, 3))
		return ERROR_MEMORY;
	return 0;
}

/* 0, or an errno. */
static int spawn(struct program *program, int output)
{
	char *const arguments[] = {(char *)(uintptr_t)program->path, NULL};
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	int number = ENOMEM;

	if (posix_spawn_file_actions_init(&actions))
		return number;
	if (posix_spawnattr_init(&attributes)) {
		(void)posix_spawn_file_actions_destroy(&actions);
		return number;
	}
	if (!set_descriptors(&actions, output) && !set_attributes(&attributes))
		number = posix_spawnp(
			&program->pid, program->path, &actions, &attributes, arguments, environ);
	(void)posix_spawnattr_destroy(&attributes);
	(void)posix_spawn_file_actions_destroy(&actions);
	return number;
}

static int start(struct program *program, struct fault *fault)
{
	int ends[2];
	int number;

	if (pipe2(ends, O_CLOEXEC)) {
		fault_set(fault, "%s can't be run: %s", program->path, strerror(errno));
		return ADIT_ERROR_STORAGE;
	}
	number = spawn(program, ends[1]);
	(void)close(ends[1]);
	if (number) {
		(void)close(ends[0]);
		fault_set(fault, "%s can't be run: %s", program->path, strerror(number));
		return ADIT_ERROR_STORAGE;
	}
	program->output = ends[0];
	return 0;
}

/* Whether the program has ended. Where the caller's process lets the kernel reap its
 * children, how it ended is not known and taken as well. */
static bool look(struct program *program, int flags)
{
	pid_t pid;

	while (!program->ended) {
		pid = waitpid(program->pid, &program->status, flags);
		if (!pid)
			break;
		if (pid < 0 && errno == EINTR)
			continue;
		program->ended = true;
	}
	return program->ended;
}

static int read_some(const struct program *program, struct buf *secret, bool *ret_end)
{
	ssize_t got =
		read(program->output, secret->data + secret->len, ENTRY_READ_MAX - secret->len);

	if (got < 0)
		return errno == EINTR ? 0 : ERROR_IO;
	secret->len += (size_t)got;
	*ret_end = !got || secret->len == ENTRY_READ_MAX;
	return 0;
}

/* Up to the end of what it prints; where a process that it left behind holds that open,
 * up to its own end. */
static int read_output(struct program *program, const struct entry_options *options,
	int64_t deadline_ms, struct buf *secret)
{
	bool end = false;
	int error = 0;

	while (!error && !end) {
		int64_t now_ms = clock_monotonic_ms();
		int64_t until_ms = now_ms + LOOK_EVERY_MS;
		bool over = look(program, WNOHANG);

		if (over)
			until_ms = now_ms;
		error = entry_wait(
			program->output, options, until_ms < deadline_ms ? until_ms : deadline_ms);
		if (!error)
			error = read_some(program, secret, &end);
		else if (error == ERROR_TIMEOUT && over)
			return 0;
		else if (error == ERROR_TIMEOUT && now_ms < deadline_ms)
			error = 0;
	}
	return error;
}

/* It has closed its output; that it ends is the next thing it does. */
static int await_end(
	struct program *program, const struct entry_options *options, int64_t deadline_ms)
{
	int64_t pause_ms = 1;

	while (!look(program, WNOHANG)) {
		int64_t now_ms = clock_monotonic_ms();
		int error = entry_wait(-1, options, now_ms + pause_ms);

		if (error != ERROR_TIMEOUT)
			return error;
		if (now_ms >= deadline_ms)
			return ERROR_TIMEOUT;
		pause_ms = pause_ms < LOOK_EVERY_MS ? pause_ms * 2 : pause_ms;
	}
	return 0;
}

static int judge(const struct program *program, int error, int limit_ms, struct fault *fault)
{
	if (error == ADIT_ERROR_CANCELLED) {
		fault_set(fault, "waiting for %s was cancelled", program->path);
		return error;
	}
	if (error == ERROR_TIMEOUT) {
		fault_set(fault, "%s gave nothing within %d s, and was ended", program->path,
			limit_ms / 1000);
		return ADIT_ERROR_PERSON;
	}
	if (error == ERROR_LIMIT) {
		fault_set(fault, "%s printed more than %d bytes: that is no secret", program->path,
			ENTRY_SECRET_MAX);
		return ADIT_ERROR_CREDENTIALS;
	}
	if (error) {
		fault_set(fault, "what %s prints can't be read", program->path);
		return ADIT_ERROR_STORAGE;
	}
	if (WIFSIGNALED(program->status)) {
		fault_set(fault, "%s was ended by signal %d", program->path,
			WTERMSIG(program->status));
		return ADIT_ERROR_PERSON;
	}
	if (WEXITSTATUS(program->status)) {
		fault_set(fault, "%s failed with exit status %d", program->path,
			WEXITSTATUS(program->status));
		return ADIT_ERROR_PERSON;
	}
	return 0;
}

int entry_read_program(const char *path, const struct entry_options *options, struct buf *secret,
	struct fault *fault)
{
	struct program program = {.path = path, .output = -1};
	int limit_ms = options->limit_ms ? options->limit_ms : LIMIT_STANDARD_MS;
	int64_t deadline_ms = clock_monotonic_ms() + limit_ms;
	int error;

	if (!*path || (*path != '/' && strchr(path, '/'))) {
		fault_set(fault, "exec: must have a program's whole path behind it, or a name that "
				 "PATH has; arguments are not possible");
		return ADIT_ERROR_INVALID;
	}
	error = start(&program, fault);
	if (error)
		return error;
	error = read_output(&program, options, deadline_ms, secret);
	if (!error && secret->len == ENTRY_READ_MAX)
		error = ERROR_LIMIT;
	if (!error)
		error = await_end(&program, options, deadline_ms);
	if (!program.ended) {
		(void)kill(-program.pid, SIGKILL);
		(void)look(&program, 0);
	}
	(void)close(program.output);
	return judge(&program, error, limit_ms, fault);
}
