/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "client/entry.h"
#include "oauth/generated_password.h"

#include <adit/error.h>

#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct entry_options standard = {.cancel_fd = -1};

static char folder[64];

static const char *path_of(const char *name)
{
	static char path[128];

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static const char *write_file(const char *name, const void *bytes, size_t length, mode_t mode)
{
	const char *path = path_of(name);
	int fd;

	/* One that was there may have a mode that keeps its owner out. */
	(void)unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, length), (ssize_t)length);
	assert_int_equal(fchmod(fd, mode), 0);
	assert_int_equal(close(fd), 0);
	return path;
}

/* Reads, and expects that secret, or that error with `expected` in the text. */
static void expect(
	const char *source, const struct entry_options *options, int error, const char *expected)
{
	struct fault fault = {0};
	struct buf secret = {.len = 77};
	int got = entry_read(source, options, &secret, &fault);

	if (got != error)
		print_error("%s: %d, %s\n", source, got, fault.text);
	assert_int_equal(got, error);
	if (error) {
		assert_int_equal(secret.len, 77);
		if (!strstr(fault.text, expected))
			print_error("%s\n", fault.text);
		assert_non_null(strstr(fault.text, expected));
		return;
	}
	assert_string_equal(secret.data, expected);
	assert_int_equal(secret.len, strlen(expected));
	buf_finish(&secret);
}

static void expect_file(const char *content, size_t length, int error, const char *expected)
{
	char source[160];

	(void)snprintf(
		source, sizeof(source), "file:%s", write_file("secret", content, length, 0600));
	expect(source, &standard, error, expected);
}

static void a_file_is_one_line(void **state)
{
	char large[ENTRY_READ_MAX + 2];

	(void)state;
	expect_file("hush", 4, 0, "hush");
	expect_file("hush\n", 5, 0, "hush");
	expect_file("hush\r\n", 6, 0, "hush");
	expect_file(" h\tsh \n", 7, 0, " h\tsh ");
	expect_file("h\xC3\xBCsh\n", 6, 0, "h\xC3\xBCsh");
	expect_file("", 0, ADIT_ERROR_CREDENTIALS, "empty");
	expect_file("\n", 1, ADIT_ERROR_CREDENTIALS, "empty");
	expect_file("\r\n", 2, ADIT_ERROR_CREDENTIALS, "empty");
	expect_file("hush\n\n", 6, ADIT_ERROR_CREDENTIALS, "more than one line");
	expect_file("hu\rsh", 5, ADIT_ERROR_CREDENTIALS, "more than one line");
	expect_file("hu\0sh", 5, ADIT_ERROR_CREDENTIALS, "NUL");
	expect_file("hu\xFFsh", 5, ADIT_ERROR_CREDENTIALS, "UTF-8");
	expect_file("\xEF\xBB\xBFhush", 7, ADIT_ERROR_CREDENTIALS, "byte order mark");
	memset(large, 'x', sizeof(large));
	large[1024] = '\0';
	expect_file(large, 1024, 0, large);
	large[1024] = '\n';
	large[1025] = '\0';
	{
		char source[160];
		struct buf secret;

		(void)snprintf(
			source, sizeof(source), "file:%s", write_file("secret", large, 1025, 0600));
		assert_int_equal(entry_read(source, &standard, &secret, NULL), 0);
		assert_int_equal(secret.len, 1024);
		buf_finish(&secret);
	}
	large[1024] = 'x';
	expect_file(large, 1025, ADIT_ERROR_CREDENTIALS, "longer than 1024");
	large[1025] = 'x';
	large[1026] = 'x';
	expect_file(large, 1027, ADIT_ERROR_CREDENTIALS, "longer than 1024");
}

static void nobody_else_may_read_the_file(void **state)
{
	char source[160];
	const char *path = write_file("secret", "hush", 4, 0600);

	(void)state;
	(void)snprintf(source, sizeof(source), "file:%s", path);
	for (mode_t bit = 1; bit <= 040; bit = (mode_t)(bit << 1)) {
		assert_int_equal(chmod(path, 0600 | bit), 0);
		expect(source, &standard, ADIT_ERROR_STORAGE, "type: chmod 600 /");
	}
	assert_int_equal(chmod(path, 0400), 0);
	expect(source, &standard, 0, "hush");
	if (geteuid()) {
		print_message("# not root: another owner's file is not tried\n");
	} else {
		assert_int_equal(chown(path, 12345, 12345), 0);
		expect(source, &standard, ADIT_ERROR_STORAGE, "chown 0 /");
		assert_int_equal(chown(path, 0, 0), 0);
	}
	expect("file:/nowhere/at all", &standard, ADIT_ERROR_STORAGE, "no file");
	expect("file:", &standard, ADIT_ERROR_INVALID, "path");
	(void)snprintf(source, sizeof(source), "file:%s", folder);
	expect(source, &standard, ADIT_ERROR_STORAGE, "no regular file");
}

static void systemd_names_a_credential(void **state)
{
	(void)state;
	assert_int_equal(unsetenv("CREDENTIALS_DIRECTORY"), 0);
	expect("systemd:secret", &standard, ADIT_ERROR_STORAGE, "LoadCredential=secret:");
	assert_int_equal(setenv("CREDENTIALS_DIRECTORY", folder, 1), 0);
	(void)write_file("plans", "hush\n", 5, 0440);
	expect("systemd:plans", &standard, 0, "hush");
	expect("systemd:other", &standard, ADIT_ERROR_STORAGE, "no file");
	expect("systemd:", &standard, ADIT_ERROR_INVALID, "name");
	expect("systemd:..", &standard, ADIT_ERROR_INVALID, "name");
	expect("systemd:../x", &standard, ADIT_ERROR_INVALID, "name");
	assert_int_equal(unsetenv("CREDENTIALS_DIRECTORY"), 0);
}

static void a_descriptor_gives_a_line(void **state)
{
	char source[32];
	int ends[2];

	(void)state;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	(void)snprintf(source, sizeof(source), "fd:%d", ends[0]);
	assert_int_equal(write(ends[1], "one\ntwo\r\nthree", 14), 14);
	expect(source, &standard, 0, "one");
	expect(source, &standard, 0, "two");
	assert_int_equal(close(ends[1]), 0);
	expect(source, &standard, 0, "three");
	expect(source, &standard, ADIT_ERROR_CREDENTIALS, "empty");
	assert_int_equal(close(ends[0]), 0);
	expect(source, &standard, ADIT_ERROR_STORAGE, "not open");
	expect("fd:", &standard, ADIT_ERROR_INVALID, "number");
	expect("fd:-1", &standard, ADIT_ERROR_INVALID, "number");
	expect("fd:3x", &standard, ADIT_ERROR_INVALID, "number");
	expect("fd:99999999999999999999", &standard, ADIT_ERROR_INVALID, "number");
}

static void a_silent_descriptor_has_a_limit(void **state)
{
	struct entry_options options = {.cancel_fd = -1, .limit_ms = 30};
	char source[32];
	int ends[2];

	(void)state;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	(void)snprintf(source, sizeof(source), "fd:%d", ends[0]);
	assert_int_equal(write(ends[1], "half", 4), 4);
	expect(source, &options, ADIT_ERROR_STORAGE, "nothing came");
	options.limit_ms = 0;
	options.cancel_fd = eventfd(1, EFD_CLOEXEC);
	expect(source, &options, ADIT_ERROR_CANCELLED, "");
	(void)close(options.cancel_fd);
	(void)close(ends[0]);
	(void)close(ends[1]);
}

static void a_terminal_would_show_it(void **state)
{
	char source[32];
	int ends[2];

	(void)state;
	assert_int_equal(openpty(&ends[0], &ends[1], NULL, NULL, NULL), 0);
	(void)snprintf(source, sizeof(source), "fd:%d", ends[1]);
	expect(source, &standard, ADIT_ERROR_INVALID, "tty:");
	(void)close(ends[0]);
	(void)close(ends[1]);
}

static void too_much_from_a_descriptor(void **state)
{
	char source[32];
	char large[3000];
	int ends[2];

	(void)state;
	memset(large, 'x', sizeof(large));
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(write(ends[1], large, sizeof(large)), sizeof(large));
	(void)snprintf(source, sizeof(source), "fd:%d", ends[0]);
	expect(source, &standard, ADIT_ERROR_CREDENTIALS, "longer than 1024");
	(void)close(ends[0]);
	(void)close(ends[1]);
}

/* A source that runs this script. */
static const char *program(const char *script)
{
	static char source[160];
	char text[1024];
	int length = snprintf(text, sizeof(text), "#!/bin/sh\n%s\n", script);

	(void)snprintf(source, sizeof(source), "exec:%s",
		write_file("askpass", text, (size_t)length, 0700));
	return source;
}

static void a_program_prints_it(void **state)
{
	(void)state;
	expect(program("echo hush"), &standard, 0, "hush");
	expect(program("printf hu; sleep 0.1; printf sh"), &standard, 0, "hush");
	/* It has nothing to read, no descriptor of ours, and our environment. */
	assert_int_equal(setenv("ASKPASS_TEST", "kept", 1), 0);
	expect(program("cat; echo $# $ASKPASS_TEST $(ls /proc/self/fd | tr '\\n' ' ')"), &standard,
		0, "0 kept 0 1 2 3");
	/* valgrind makes a fork() of what glibc would be told by. */
	if (strstr(getenv("LD_PRELOAD") ? getenv("LD_PRELOAD") : "", "vgpreload")) {
		print_message("# under valgrind: a program that is not there is not tried\n");
	} else {
		expect("exec:hostname-that-nobody-has", &standard, ADIT_ERROR_STORAGE,
			"can't be run");
		expect("exec:/nowhere", &standard, ADIT_ERROR_STORAGE, "can't be run");
	}
	expect("exec:./askpass", &standard, ADIT_ERROR_INVALID, "whole path");
	expect("exec:", &standard, ADIT_ERROR_INVALID, "whole path");
	assert_int_equal(setenv("PATH", folder, 1), 0);
	(void)program("echo found");
	expect("exec:askpass", &standard, 0, "found");
	assert_int_equal(setenv("PATH", "/usr/bin:/bin", 1), 0);
}

static void a_program_fails(void **state)
{
	(void)state;
	expect(program("echo hush; exit 3"), &standard, ADIT_ERROR_PERSON, "exit status 3");
	expect(program("kill -TERM $$"), &standard, ADIT_ERROR_PERSON, "signal 15");
	expect(program("true"), &standard, ADIT_ERROR_CREDENTIALS, "empty");
	expect(program("echo a; echo b"), &standard, ADIT_ERROR_CREDENTIALS, "one line");
	expect(program("yes | head -c 1000000; sleep 100"), &standard, ADIT_ERROR_CREDENTIALS,
		"more than 1024");
}

static pid_t pid_in(const char *name)
{
	FILE *file = fopen(path_of(name), "re");
	long pid = 0;
	char line[32];

	if (!file)
		return 0;
	if (fgets(line, sizeof(line), file) && strchr(line, '\n'))
		pid = strtol(line, NULL, 10);
	(void)fclose(file);
	return (pid_t)pid;
}

/* Not there, or a zombie that whoever adopted it has not looked at yet. */
static bool is_gone(pid_t pid)
{
	char path[64];
	char line[256] = "";
	FILE *file;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	file = fopen(path, "re");
	if (!file)
		return true;
	(void)!fgets(line, sizeof(line), file);
	(void)fclose(file);
	return strstr(line, ") Z ") != NULL;
}

static void a_program_that_hangs_is_ended_with_its_children(void **state)
{
	const struct entry_options options = {.cancel_fd = -1, .limit_ms = 1500};
	int64_t deadline_ms;
	char script[256];
	pid_t pid;

	(void)state;
	(void)snprintf(script, sizeof(script), "sleep 1000 & echo $! > %s; wait", path_of("pid"));
	expect(program(script), &options, ADIT_ERROR_PERSON, "was ended");
	pid = pid_in("pid");
	assert_true(pid > 0);
	deadline_ms = clock_monotonic_ms() + 10000;
	while (!is_gone(pid))
		assert_true(clock_monotonic_ms() < deadline_ms);
}

/* As those that start an agent do. */
static void a_program_may_leave_a_process_behind(void **state)
{
	char script[256];
	int64_t began_ms = clock_monotonic_ms();

	(void)state;
	(void)snprintf(
		script, sizeof(script), "sleep 1000 & echo $! > %s; echo hush", path_of("left"));
	expect(program(script), &standard, 0, "hush");
	assert_true(clock_monotonic_ms() - began_ms < 50000);
	assert_false(is_gone(pid_in("left")));
	assert_int_equal(kill(pid_in("left"), SIGKILL), 0);
}

static void a_program_is_cancelled(void **state)
{
	struct entry_options options = {.cancel_fd = eventfd(1, EFD_CLOEXEC)};

	(void)state;
	expect(program("sleep 1000"), &options, ADIT_ERROR_CANCELLED, "cancelled");
	(void)close(options.cancel_fd);
}

static void where_nobody_reaps(void **state)
{
	(void)state;
	(void)signal(SIGCHLD, SIG_IGN);
	expect(program("echo hush"), &standard, 0, "hush");
	(void)signal(SIGCHLD, SIG_DFL);
}

static int answer(void *context, const char *prompt, char *ret_secret, size_t size)
{
	assert_string_equal(prompt, "Who? ");
	assert_true(size > ENTRY_SECRET_MAX);
	if (!context)
		return 1;
	(void)snprintf(ret_secret, size, "%s", (const char *)context);
	return 0;
}

static void a_hook_asks(void **state)
{
	struct entry_options options = {.cancel_fd = -1, .prompt = "Who? ", .ask_secret = answer};
	char text[] = "hush";

	(void)state;
	expect("tty:", &options, ADIT_ERROR_PERSON, "nobody");
	options.context = text;
	expect("tty:", &options, 0, "hush");
	expect("tty:x", &options, ADIT_ERROR_INVALID, "nothing behind");
}

static void another_source_is_not_shown(void **state)
{
	struct fault fault = {0};
	struct buf secret;

	(void)state;
	assert_int_equal(entry_read("hunter2", &standard, &secret, &fault), ADIT_ERROR_INVALID);
	assert_null(strstr(fault.text, "hunter2"));
	assert_non_null(strstr(fault.text, "file:PATH"));
}

static void typing_errors_are_told_offline(void **state)
{
	const enum generated_password_kind kinds[] = {
		GENERATED_SERVICE_USER_PASSWORD, GENERATED_CLIENT_SECRET};
	char secret[GENERATED_PASSWORD_SIZE];
	struct fault fault = {0};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(generated_password_make(kinds[i], secret), 0);
		assert_int_equal(entry_check(secret, 37, &fault), 0);
		secret[20] = secret[20] == 'a' ? 'b' : 'a';
		assert_int_equal(entry_check(secret, 37, &fault), ADIT_ERROR_CREDENTIALS);
		assert_non_null(strstr(fault.text, "checksum"));
		assert_null(strstr(fault.text, secret + 5));
		assert_int_equal(entry_check(secret, 36, &fault), ADIT_ERROR_CREDENTIALS);
		assert_non_null(strstr(fault.text, "missing"));
		assert_int_equal(entry_check(secret, 5, &fault), ADIT_ERROR_CREDENTIALS);
		expect_file(secret, 37, ADIT_ERROR_CREDENTIALS, "checksum");
	}
	assert_int_equal(entry_check("adsu", 4, &fault), 0);
	assert_int_equal(entry_check("correct horse battery staple", 28, &fault), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_is_one_line),
		cmocka_unit_test(nobody_else_may_read_the_file),
		cmocka_unit_test(systemd_names_a_credential),
		cmocka_unit_test(a_descriptor_gives_a_line),
		cmocka_unit_test(a_silent_descriptor_has_a_limit),
		cmocka_unit_test(a_terminal_would_show_it),
		cmocka_unit_test(too_much_from_a_descriptor),
		cmocka_unit_test(a_program_prints_it),
		cmocka_unit_test(a_program_fails),
		cmocka_unit_test(a_program_that_hangs_is_ended_with_its_children),
		cmocka_unit_test(a_program_may_leave_a_process_behind),
		cmocka_unit_test(a_program_is_cancelled),
		cmocka_unit_test(where_nobody_reaps),
		cmocka_unit_test(a_hook_asks),
		cmocka_unit_test(another_source_is_not_shown),
		cmocka_unit_test(typing_errors_are_told_offline),
	};
	char command[96];
	int failed;

	(void)strcpy(folder, "/tmp/adit-entry-XXXXXX");
	if (!mkdtemp(folder))
		return 1;
	failed = cmocka_run_group_tests_name("entry", tests, NULL, NULL);
	(void)snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command) || failed;
}
