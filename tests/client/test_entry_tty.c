/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A secret asked for on a real terminal (a pty): a "shell", the leader of the session, runs
 * a "job" that asks, as the shells of people do, and outlives it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/thread.h"
#include "client/entry.h"

#include <adit/error.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

enum { PATIENCE_MS = 20000 };

struct answer {
	int error;
	bool mask_kept;
	bool no_child_left;
	char secret[64];
	char text[512];
};

enum kind { PLAIN, WITH_HANDLER, WITH_THREAD, IN_BACKGROUND };

struct place {
	enum kind kind;
	int limit_ms;
	int cancel_fd;
	int terminal;	/* the pty's master */
	int answers[2]; /* struct answer, from the job */
	int events[2];	/* wait(2)'s status of the job, from the shell */
	int orders[2];	/* 'f' or 'b' to the shell */
	int pids[2];	/* the job's */
	pid_t shell;
	pid_t job;
};

static void nothing(int number)
{
	(void)number;
}

static void *idle(void *context)
{
	sigset_t none;

	(void)sigemptyset(&none);
	(void)pthread_sigmask(SIG_SETMASK, &none, NULL);
	for (;;)
		(void)pause();
	return context;
}

static void become_kind(enum kind kind)
{
	struct sigaction action = {.sa_handler = nothing};
	pthread_t thread;

	if (kind == WITH_HANDLER)
		(void)sigaction(SIGINT, &action, NULL);
	if (kind == WITH_THREAD && thread_start(&thread, idle, NULL))
		_exit(99);
}

static _Noreturn void run_job(const struct place *place)
{
	const struct entry_options options = {.prompt = "Secret, please: ",
		.person_limit_ms = place->limit_ms,
		.cancel_fd = place->cancel_fd};
	struct answer answer = {0};
	struct fault fault = {0};
	struct buf secret = {0};
	sigset_t before;
	sigset_t after;

	become_kind(place->kind);
	(void)pthread_sigmask(SIG_BLOCK, NULL, &before);
	answer.error = entry_read("tty:", &options, &secret, &fault);
	(void)pthread_sigmask(SIG_BLOCK, NULL, &after);
	answer.mask_kept = true;
	for (int number = 1; number <= SIGRTMAX; number++)
		if (sigismember(&before, number) != sigismember(&after, number))
			answer.mask_kept = false;
	answer.no_child_left = waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD;
	if (!answer.error)
		(void)snprintf(answer.secret, sizeof(answer.secret), "%s", secret.data);
	(void)snprintf(answer.text, sizeof(answer.text), "%s", fault.text);
	buf_finish(&secret);
	if (write(place->answers[1], &answer, sizeof(answer)) != sizeof(answer))
		_exit(98);
	_exit(0);
}

/* Waits for the job until it has ended, and gives it the terminal as it is told to. */
static void mind_job(const struct place *place, pid_t job)
{
	int status;
	char order;

	while (waitpid(job, &status, WUNTRACED) == job) {
		if (place->kind != IN_BACKGROUND)
			(void)tcsetpgrp(0, getpgrp());
		(void)!write(place->events[1], &status, sizeof(status));
		if (!WIFSTOPPED(status) || read(place->orders[0], &order, 1) != 1)
			break;
		if (order == 'f')
			(void)tcsetpgrp(0, job);
		(void)kill(-job, SIGCONT);
	}
}

static _Noreturn void run_shell(const struct place *place)
{
	pid_t job;
	char order;

	(void)signal(SIGTTOU, SIG_IGN);
	(void)close(place->orders[1]);
	job = fork();
	if (!job) {
		(void)setpgid(0, 0);
		if (place->kind != IN_BACKGROUND)
			(void)tcsetpgrp(0, getpid());
		(void)signal(SIGTTOU, SIG_DFL);
		run_job(place);
	}
	(void)!write(place->pids[1], &job, sizeof(job));
	mind_job(place, job);
	/* The terminal lives until the test has looked at it. */
	(void)!read(place->orders[0], &order, 1);
	_exit(0);
}

static void open_place(struct place *place, enum kind kind, int limit_ms)
{
	*place = (struct place){.kind = kind, .limit_ms = limit_ms};
	place->cancel_fd = eventfd(0, EFD_CLOEXEC);
	assert_int_equal(pipe2(place->answers, O_CLOEXEC), 0);
	assert_int_equal(pipe2(place->events, O_CLOEXEC), 0);
	assert_int_equal(pipe2(place->orders, O_CLOEXEC), 0);
	assert_int_equal(pipe2(place->pids, O_CLOEXEC), 0);
	place->shell = forkpty(&place->terminal, NULL, NULL, NULL);
	assert_true(place->shell >= 0);
	if (!place->shell)
		run_shell(place);
	assert_int_equal(read(place->pids[0], &place->job, sizeof(pid_t)), sizeof(pid_t));
}

static void close_place(struct place *place)
{
	int *const pipes[] = {place->answers, place->events, place->orders, place->pids};

	for (size_t i = 0; i < 4; i++) {
		(void)close(pipes[i][0]);
		(void)close(pipes[i][1]);
	}
	assert_int_equal(waitpid(place->shell, NULL, 0), place->shell);
	(void)close(place->terminal);
	(void)close(place->cancel_fd);
}

static bool echoes(const struct place *place)
{
	struct termios now;

	assert_int_equal(tcgetattr(place->terminal, &now), 0);
	return (now.c_lflag & ECHO) != 0;
}

static void await_echo(const struct place *place, bool on)
{
	int64_t deadline_ms = clock_monotonic_ms() + PATIENCE_MS;

	while (echoes(place) != on) {
		assert_true(clock_monotonic_ms() < deadline_ms);
		(void)poll(NULL, 0, 2);
	}
}

/* Until the terminal shows `text`; everything shown goes into `ret_shown`. */
static void await_text(const struct place *place, const char *text, char *ret_shown, size_t size)
{
	size_t length = 0;

	ret_shown[0] = '\0';
	while (!strstr(ret_shown, text)) {
		struct pollfd wait = {.fd = place->terminal, .events = POLLIN};
		ssize_t got;

		assert_int_equal(poll(&wait, 1, PATIENCE_MS), 1);
		got = read(place->terminal, ret_shown + length, size - 1 - length);
		assert_true(got > 0);
		length += (size_t)got;
		ret_shown[length] = '\0';
	}
}

static void await_prompt(const struct place *place)
{
	char shown[512];

	await_text(place, "please: ", shown, sizeof(shown));
	assert_false(echoes(place));
}

static void type(const struct place *place, const char *text)
{
	assert_int_equal(write(place->terminal, text, strlen(text)), (ssize_t)strlen(text));
}

static void take_answer(const struct place *place, struct answer *ret_answer)
{
	struct pollfd wait = {.fd = place->answers[0], .events = POLLIN};

	assert_int_equal(poll(&wait, 1, PATIENCE_MS), 1);
	assert_int_equal(
		read(place->answers[0], ret_answer, sizeof(*ret_answer)), sizeof(*ret_answer));
	assert_true(ret_answer->mask_kept);
	assert_true(ret_answer->no_child_left);
	assert_true(echoes(place));
}

static int take_event(const struct place *place)
{
	struct pollfd wait = {.fd = place->events[0], .events = POLLIN};
	int status;

	assert_int_equal(poll(&wait, 1, PATIENCE_MS), 1);
	assert_int_equal(read(place->events[0], &status, sizeof(status)), sizeof(status));
	return status;
}

static void reads_without_showing(void **state)
{
	struct place place;
	struct answer answer;
	char shown[512] = "";

	(void)state;
	open_place(&place, PLAIN, 0);
	await_prompt(&place);
	type(&place, "wörd \x7f!\n");
	take_answer(&place, &answer);
	assert_int_equal(answer.error, 0);
	assert_string_equal(answer.secret, "wörd!");
	await_text(&place, "\n", shown, sizeof(shown));
	assert_null(strstr(shown, "rd"));
	close_place(&place);
}

static void ended_by(enum kind kind, int number)
{
	struct place place;
	int status;

	open_place(&place, kind, 0);
	await_prompt(&place);
	assert_int_equal(kill(place.job, number), 0);
	status = take_event(&place);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), number);
	await_echo(&place, true);
	close_place(&place);
}

static void every_signal_leaves_the_echo_on(void **state)
{
	const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGALRM, SIGPIPE,
		SIGVTALRM, SIGPROF, SIGIO, SIGXCPU, SIGRTMIN, SIGRTMAX - 1, SIGKILL};

	(void)state;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		ended_by(PLAIN, numbers[i]);
}

static void so_where_another_thread_takes_it(void **state)
{
	(void)state;
	ended_by(WITH_THREAD, SIGTERM);
	ended_by(WITH_THREAD, SIGINT);
	ended_by(WITH_THREAD, SIGKILL);
}

static void interrupted_by_key(void **state)
{
	struct place place;
	int status;

	(void)state;
	open_place(&place, PLAIN, 0);
	await_prompt(&place);
	type(&place, "half a sec\x03");
	status = take_event(&place);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGINT);
	await_echo(&place, true);
	close_place(&place);
}

static void a_handler_that_comes_back_cancels(void **state)
{
	struct place place;
	struct answer answer;

	(void)state;
	open_place(&place, WITH_HANDLER, 0);
	await_prompt(&place);
	type(&place, "\x03");
	take_answer(&place, &answer);
	assert_int_equal(answer.error, ADIT_ERROR_CANCELLED);
	close_place(&place);
}

/* It stops no process where a pending SIGTSTP is let in. */
static void skip_under_valgrind(void)
{
	const char *preloaded = getenv("LD_PRELOAD");

	if (!preloaded || !strstr(preloaded, "vgpreload"))
		return;
	print_message("# under valgrind: stopping is not tried\n");
	skip();
}

static void stopped_and_continued(void **state)
{
	struct place place;
	struct answer answer;

	(void)state;
	skip_under_valgrind();
	open_place(&place, PLAIN, 0);
	await_prompt(&place);
	type(&place, "half\x1a");
	assert_true(WIFSTOPPED(take_event(&place)));
	assert_true(echoes(&place));
	assert_int_equal(write(place.orders[1], "f", 1), 1);
	await_prompt(&place);
	type(&place, "whole\n");
	take_answer(&place, &answer);
	assert_int_equal(answer.error, 0);
	assert_string_equal(answer.secret, "whole");
	close_place(&place);
}

/* SIGSTOP can't be noticed before; shells set the terminal right themselves. */
static void silent_again_after_sigstop(void **state)
{
	struct place place;
	struct answer answer;
	struct termios now;

	(void)state;
	open_place(&place, PLAIN, 0);
	await_prompt(&place);
	assert_int_equal(kill(place.job, SIGSTOP), 0);
	assert_true(WIFSTOPPED(take_event(&place)));
	assert_int_equal(tcgetattr(place.terminal, &now), 0);
	now.c_lflag |= ECHO;
	assert_int_equal(tcsetattr(place.terminal, TCSANOW, &now), 0);
	assert_int_equal(write(place.orders[1], "f", 1), 1);
	await_prompt(&place);
	type(&place, "again\n");
	take_answer(&place, &answer);
	assert_string_equal(answer.secret, "again");
	close_place(&place);
}

static void nobody_answers_in_the_background(void **state)
{
	struct place place;
	struct answer answer;

	(void)state;
	open_place(&place, IN_BACKGROUND, 0);
	take_answer(&place, &answer);
	assert_int_equal(answer.error, ADIT_ERROR_PERSON);
	assert_non_null(strstr(answer.text, "background"));
	assert_non_null(strstr(answer.text, "file:PATH"));
	close_place(&place);
}

static void sent_to_the_background_nobody_answers(void **state)
{
	struct place place;
	struct answer answer;

	(void)state;
	skip_under_valgrind();
	open_place(&place, PLAIN, 0);
	await_prompt(&place);
	type(&place, "\x1a");
	assert_true(WIFSTOPPED(take_event(&place)));
	assert_int_equal(write(place.orders[1], "b", 1), 1);
	take_answer(&place, &answer);
	assert_int_equal(answer.error, ADIT_ERROR_PERSON);
	close_place(&place);
}

static void nobody_answers(void **state)
{
	struct place place;
	struct answer answer;

	(void)state;
	open_place(&place, PLAIN, 0);
	await_prompt(&place);
	type(&place, "\x04");
	take_answer(&place, &answer);
	assert_int_equal(answer.error, ADIT_ERROR_PERSON);
	close_place(&place);
	open_place(&place, PLAIN, 1);
	take_answer(&place, &answer);
	assert_int_equal(answer.error, ADIT_ERROR_PERSON);
	assert_non_null(strstr(answer.text, "in time"));
	close_place(&place);
}

static void cancelled(void **state)
{
	struct place place;
	struct answer answer;

	(void)state;
	open_place(&place, PLAIN, 0);
	await_prompt(&place);
	assert_int_equal(eventfd_write(place.cancel_fd, 1), 0);
	take_answer(&place, &answer);
	assert_int_equal(answer.error, ADIT_ERROR_CANCELLED);
	close_place(&place);
}

static void too_long_a_line_is_refused(void **state)
{
	struct place place;
	struct answer answer;
	char line[2001];

	(void)state;
	memset(line, 'x', sizeof(line));
	line[1999] = '\n';
	line[2000] = '\0';
	open_place(&place, PLAIN, 0);
	await_prompt(&place);
	type(&place, line);
	take_answer(&place, &answer);
	assert_int_equal(answer.error, ADIT_ERROR_CREDENTIALS);
	assert_null(strstr(answer.text, "xxx"));
	close_place(&place);
}

static void there_is_no_terminal(void **state)
{
	const struct entry_options options = {.cancel_fd = -1};
	struct fault fault = {0};
	struct buf secret = {0};
	pid_t pid = fork();
	int status;

	(void)state;
	if (!pid) {
		(void)setsid();
		if (entry_read("tty:", &options, &secret, &fault) != ADIT_ERROR_PERSON)
			_exit(1);
		_exit(strstr(fault.text, "no terminal") && strstr(fault.text, "fd:N") ? 0 : 2);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_without_showing),
		cmocka_unit_test(every_signal_leaves_the_echo_on),
		cmocka_unit_test(so_where_another_thread_takes_it),
		cmocka_unit_test(interrupted_by_key),
		cmocka_unit_test(a_handler_that_comes_back_cancels),
		cmocka_unit_test(stopped_and_continued),
		cmocka_unit_test(silent_again_after_sigstop),
		cmocka_unit_test(nobody_answers_in_the_background),
		cmocka_unit_test(sent_to_the_background_nobody_answers),
		cmocka_unit_test(nobody_answers),
		cmocka_unit_test(cancelled),
		cmocka_unit_test(too_long_a_line_is_refused),
		cmocka_unit_test(there_is_no_terminal),
	};

	return cmocka_run_group_tests_name("entry on a terminal", tests, NULL, NULL);
}
