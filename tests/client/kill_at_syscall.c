/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a program and kills it, by SIGKILL, as it begins its N-th system call after it has
 * called close(-77), its threads' calls counted too:
 *
 *	kill_at_syscall N PROGRAM [ARGUMENT]…
 *
 * Prints, on stderr, "killed N NUMBER", NUMBER being the system call's, or "ended COUNT"
 * where the program ended, or called close(-78), before: it made COUNT calls in between.
 * Status 0; 77 where nothing can be traced here; 1 for the rest.
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MARK_BEGIN = -77, MARK_END = -78, SKIPPED = 77 };

struct trace {
	pid_t pid;
	long wanted;
	long count; /* since the mark; -1: before it */
	bool over;
};

/* The system call that a stopped thread begins, or -1: it ends one. */
static int64_t beginning(pid_t thread, int *ret_argument)
{
	struct __ptrace_syscall_info info = {0};

	if (ptrace(PTRACE_GET_SYSCALL_INFO, thread, sizeof(info), &info) <= 0)
		return -1;
	if (info.op != PTRACE_SYSCALL_INFO_ENTRY)
		return -1;
	*ret_argument = (int)info.entry.args[0];
	return (int64_t)info.entry.nr;
}

static void count_call(struct trace *trace, pid_t thread)
{
	int argument = 0;
	int64_t number = beginning(thread, &argument);

	if (number < 0 || trace->over)
		return;
	if (number == SYS_close && argument == MARK_BEGIN) {
		trace->count = 0;
		return;
	}
	if (number == SYS_close && argument == MARK_END) {
		trace->over = true;
		return;
	}
	if (trace->count < 0 || ++trace->count != trace->wanted)
		return;
	(void)kill(trace->pid, SIGKILL);
	(void)fprintf(stderr, "killed %ld %lld\n", trace->count, (long long)number);
	exit(0);
}

/* What a stopped thread gets when it goes on: the signal that it stopped for. */
static int signal_of(int status)
{
	int signal = WSTOPSIG(status);

	if (signal == (SIGTRAP | 0x80) || signal == SIGTRAP || signal == SIGSTOP)
		return 0;
	return signal;
}

static int watch(struct trace *trace)
{
	pid_t thread;
	int status;

	while ((thread = waitpid(-1, &status, __WALL)) > 0) {
		if (!WIFSTOPPED(status)) {
			if (thread == trace->pid)
				break;
			continue;
		}
		if (WSTOPSIG(status) == (SIGTRAP | 0x80))
			count_call(trace, thread);
		(void)ptrace(PTRACE_SYSCALL, thread, 0, (long)signal_of(status));
	}
	(void)fprintf(stderr, "ended %ld\n", trace->count);
	return 0;
}

static void become(char **arguments)
{
	if (ptrace(PTRACE_TRACEME, 0, 0, 0))
		_exit(SKIPPED);
	(void)execv(arguments[0], arguments);
	(void)fprintf(stderr, "%s: %s\n", arguments[0], strerror(errno));
	_exit(1);
}

int main(int argc, char **argv)
{
	struct trace trace = {.count = -1};
	int status;

	if (argc < 3)
		return 1;
	trace.wanted = atol(argv[1]);
	trace.pid = fork();
	if (trace.pid == 0)
		become(argv + 2);
	if (trace.pid < 0 || waitpid(trace.pid, &status, __WALL) != trace.pid)
		return 1;
	if (!WIFSTOPPED(status)) {
		(void)fputs("no process can be traced here\n", stderr);
		return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
	}
	if (ptrace(PTRACE_SETOPTIONS, trace.pid, 0,
		    PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL | PTRACE_O_TRACECLONE |
			    PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK))
		return 1;
	(void)ptrace(PTRACE_SYSCALL, trace.pid, 0, 0);
	return watch(&trace);
}
