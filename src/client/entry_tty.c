/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A secret asked for on the process's terminal (termios(3)), which is as it was however
 * that ends. A library sets no signal handlers, so:
 *
 *   - Signals that would end or stop the process are blocked in this thread and watched by
 *     a signalfd. When one is pending, the terminal is set right first and the signal is let
 *     in after it.
 *   - A guardian, a forked child that does nothing else, waits for the process to be gone.
 *     It sets the terminal right where the process could not: after SIGKILL, or when
 *     another thread took the signal.
 */
#include "client/entry.h"

#include "base/clock.h"

#include <adit/error.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

enum {
	PERSON_LIMIT_MS = 300000,
	WRITE_LIMIT_MS = 2000,
};

#define NOBODY                                                                                     \
	"; give the secret as file:PATH, fd:N, systemd:NAME or exec:PROGRAM, or run it where a "   \
	"person can answer"

struct terminal {
	int fd;
	struct termios before;
	struct termios silent;
	sigset_t watched; /* would end or stop the process, or tell it to */
	sigset_t blocked; /* these, and what a terminal does to the background */
	sigset_t mask;	  /* the thread's own */
	int signal_fd;
	int guardian_pipe[2]; /* its end without a byte before it is the process's */
	pid_t guardian;
};

/* Told by a person or a system that it is to end: a handler of the program's own that
 * comes back from one has it end the question too. */
static bool asks_to_end(int number)
{
	return number == SIGINT || number == SIGTERM || number == SIGHUP || number == SIGQUIT;
}

/* Never blocked: faults of the program, what no process can block, what only tells. */
static bool left_alone(int number)
{
	static const int numbers[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT,
		SIGKILL, SIGSTOP, SIGCHLD, SIGURG, SIGWINCH, SIGTTIN, SIGTTOU};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		if (numbers[i] == number)
			return true;
	return false;
}

static bool is_watched(const struct terminal *terminal, int number)
{
	struct sigaction action;

	if (left_alone(number) || sigismember(&terminal->mask, number) == 1)
		return false;
	if (sigaction(number, NULL, &action))
		return false;
	/* A shell may have set the terminal while the process was stopped (SIGSTOP too). */
	if (number == SIGCONT)
		return true;
	if (action.sa_handler == SIG_IGN)
		return false;
	return action.sa_handler == SIG_DFL || asks_to_end(number) || number == SIGTSTP;
}

static int open_signals(struct terminal *terminal)
{
	(void)sigemptyset(&terminal->watched);
	if (pthread_sigmask(SIG_BLOCK, NULL, &terminal->mask))
		return ERROR_IO;
	for (int number = 1; number <= SIGRTMAX; number++)
		if (is_watched(terminal, number))
			(void)sigaddset(&terminal->watched, number);
	terminal->blocked = terminal->watched;
	/* Blocked they do not stop a process in the background: reads fail instead. */
	(void)sigaddset(&terminal->blocked, SIGTTIN);
	(void)sigaddset(&terminal->blocked, SIGTTOU);
	terminal->signal_fd = signalfd(-1, &terminal->watched, SFD_CLOEXEC | SFD_NONBLOCK);
	return terminal->signal_fd < 0 ? ERROR_IO : 0;
}

/* Runs in the child, with every signal blocked: nothing here but system calls. It keeps
 * nothing open but the pipe and the terminal, which become 0 and 1. */
static _Noreturn void guard_terminal(const struct terminal *terminal)
{
	struct termios now;
	int pipe_fd = fcntl(terminal->guardian_pipe[0], F_DUPFD, 3);
	int tty_fd = fcntl(terminal->fd, F_DUPFD, 3);
	char byte;

	if (pipe_fd < 0 || tty_fd < 0 || dup2(pipe_fd, 0) < 0 || dup2(tty_fd, 1) < 0)
		_exit(1);
	(void)close_range(2, ~0U, 0);
	(void)prctl(PR_SET_DUMPABLE, 0);
	/* A shell that has the terminal again may have set it as it likes: then it stays so. */
	if (!read(0, &byte, 1) && !tcgetattr(1, &now) && !(now.c_lflag & ECHO) &&
		(now.c_lflag & ICANON))
		(void)tcsetattr(1, TCSAFLUSH, &terminal->before);
	_exit(0);
}

/* Best effort: without one SIGKILL leaves the terminal silent, as it does elsewhere. */
static void start_guardian(struct terminal *terminal)
{
	sigset_t all;

	(void)sigfillset(&all);
	if (pipe2(terminal->guardian_pipe, O_CLOEXEC))
		return;
	(void)pthread_sigmask(SIG_SETMASK, &all, NULL);
	terminal->guardian = fork();
	if (!terminal->guardian)
		guard_terminal(terminal);
	(void)pthread_sigmask(SIG_SETMASK, &terminal->mask, NULL);
	if (terminal->guardian > 0)
		return;
	(void)close(terminal->guardian_pipe[0]);
	(void)close(terminal->guardian_pipe[1]);
}

static void end_guardian(const struct terminal *terminal)
{
	if (terminal->guardian <= 0)
		return;
	/* The end for reading is open here too, so that this is no SIGPIPE. */
	(void)!write(terminal->guardian_pipe[1], "", 1);
	(void)close(terminal->guardian_pipe[1]);
	while (waitpid(terminal->guardian, NULL, 0) < 0 && errno == EINTR)
		;
	(void)close(terminal->guardian_pipe[0]);
}

static bool in_foreground(const struct terminal *terminal)
{
	return tcgetpgrp(terminal->fd) == getpgrp();
}

/* The terminal may have been stopped (^S): not for ever. */
static int show(const struct terminal *terminal, const char *text)
{
	size_t left = strlen(text);

	while (left) {
		struct pollfd wait = {.fd = terminal->fd, .events = POLLOUT};
		ssize_t done = write(terminal->fd, text, left);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0 && (errno != EAGAIN || poll(&wait, 1, WRITE_LIMIT_MS) <= 0))
			return ERROR_IO;
		text += done > 0 ? done : 0;
		left -= done > 0 ? (size_t)done : 0;
	}
	return 0;
}

/* Whatever was typed and not read must not reach the shell. */
static void restore(const struct terminal *terminal)
{
	int number = errno;

	(void)tcsetattr(terminal->fd, TCSAFLUSH, &terminal->before);
	if (in_foreground(terminal))
		(void)show(terminal, "\n");
	errno = number;
}

static int silence(const struct terminal *terminal, const char *prompt, struct fault *fault)
{
	if (!in_foreground(terminal)) {
		fault_set(fault,
			"the program runs in the background, where nobody can answer" NOBODY);
		return ADIT_ERROR_PERSON;
	}
	/* What was typed ahead was typed visibly, and not for this. */
	if (!tcsetattr(terminal->fd, TCSAFLUSH, &terminal->silent)) {
		if (!show(terminal, prompt))
			return 0;
		restore(terminal);
	}
	fault_set(fault, "the terminal does not answer: %s" NOBODY, strerror(errno));
	return ADIT_ERROR_PERSON;
}

/* The terminal is right again. Which signals come in now; the default of most ends or stops
 * the process here. */
static int let_signals_in(const struct terminal *terminal)
{
	sigset_t pending;
	bool end = false;

	(void)sigemptyset(&pending);
	(void)sigpending(&pending);
	for (int number = 1; number <= SIGRTMAX; number++)
		if (asks_to_end(number) && sigismember(&terminal->watched, number) == 1 &&
			sigismember(&pending, number) == 1)
			end = true;
	(void)pthread_sigmask(SIG_SETMASK, &terminal->mask, NULL);
	return end ? ADIT_ERROR_CANCELLED : 0;
}

/* 0: there is something to read; 1: a signal is pending. */
static int wait_for_answer(
	const struct terminal *terminal, const struct entry_options *options, int64_t deadline_ms)
{
	struct pollfd waits[] = {{.fd = terminal->fd, .events = POLLIN},
		{.fd = terminal->signal_fd, .events = POLLIN},
		{.fd = options->cancel_fd, .events = POLLIN}};

	for (;;) {
		int64_t left_ms = deadline_ms - clock_monotonic_ms();
		int ready = poll(waits, 3, left_ms > 0 ? (int)left_ms : 0);

		if (ready < 0 && errno == EINTR)
			continue;
		if (ready < 0)
			return ERROR_IO;
		if (waits[1].revents)
			return 1;
		if (waits[2].revents)
			return ADIT_ERROR_CANCELLED;
		if (waits[0].revents)
			return 0;
		if (left_ms <= 0)
			return ERROR_TIMEOUT;
	}
}

/* In canonical mode a line is given whole, up to what is asked for. */
static int read_answer(const struct terminal *terminal, struct buf *secret, struct fault *fault)
{
	ssize_t got = read(terminal->fd, secret->data, ENTRY_READ_MAX);

	if (got < 0 && (errno == EINTR || errno == EAGAIN))
		return ADIT_AGAIN;
	if (got <= 0) {
		fault_set(fault, "nobody entered the secret on the terminal" NOBODY);
		return ADIT_ERROR_PERSON;
	}
	secret->len = (size_t)got;
	return 0;
}

/* One question: until there is an answer, or a signal that stopped the process is over. */
static int question(const struct terminal *terminal, const struct entry_options *options,
	int64_t deadline_ms, struct buf *secret, struct fault *fault)
{
	int error = ADIT_AGAIN;

	while (error == ADIT_AGAIN) {
		error = wait_for_answer(terminal, options, deadline_ms);
		if (error == 1)
			return ADIT_AGAIN;
		if (!error)
			error = read_answer(terminal, secret, fault);
	}
	if (error == ERROR_TIMEOUT || error == ERROR_IO) {
		fault_set(fault, "nobody entered the secret on the terminal in time" NOBODY);
		return ADIT_ERROR_PERSON;
	}
	return error;
}

static int ask_until_answered(const struct terminal *terminal, const struct entry_options *options,
	struct buf *secret, struct fault *fault)
{
	int limit_ms = options->person_limit_ms ? options->person_limit_ms : PERSON_LIMIT_MS;
	int64_t deadline_ms = clock_monotonic_ms() + limit_ms;
	int error;

	do {
		int ended;

		(void)pthread_sigmask(SIG_BLOCK, &terminal->blocked, NULL);
		error = silence(terminal, options->prompt ? options->prompt : "Password: ", fault);
		if (!error) {
			error = question(terminal, options, deadline_ms, secret, fault);
			restore(terminal);
		}
		ended = let_signals_in(terminal);
		if (error == ADIT_AGAIN && ended)
			error = ended;
	} while (error == ADIT_AGAIN);
	if (error == ADIT_ERROR_CANCELLED)
		fault_set(fault, "entering the secret was cancelled");
	return error;
}

int entry_read_tty(const struct entry_options *options, struct buf *secret, struct fault *fault)
{
	struct terminal terminal = {.signal_fd = -1, .guardian = -1};
	int error = 0;

	terminal.fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (terminal.fd < 0 || tcgetattr(terminal.fd, &terminal.before)) {
		fault_set(fault, "there is no terminal to ask on" NOBODY);
		error = ADIT_ERROR_PERSON;
	} else if (open_signals(&terminal)) {
		fault_set(fault, "signals can't be watched: %s", strerror(errno));
		error = ADIT_ERROR_PERSON;
	}
	if (!error) {
		terminal.silent = terminal.before;
		terminal.silent.c_iflag |= ICRNL;
		terminal.silent.c_lflag |= ICANON | ISIG;
		terminal.silent.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
		start_guardian(&terminal);
		error = ask_until_answered(&terminal, options, secret, fault);
		end_guardian(&terminal);
	}
	if (terminal.signal_fd >= 0)
		(void)close(terminal.signal_fd);
	if (terminal.fd >= 0)
		(void)close(terminal.fd);
	return error;
}
