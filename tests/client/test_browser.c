/* SPDX-License-Identifier: Apache-2.0 */
/* Opening a page, by an xdg-open of the test's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "client/browser.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE "https://login.example.com/authorize?a=b&c=$(touch%20x);d"

enum { WAIT_MS = 20000 };

struct scene {
	char folder[64];
	char program[96];
	char notes[96];
};

static int make_scene(void **state)
{
	struct scene *scene = calloc(1, sizeof(*scene));

	if (!scene)
		return -1;
	(void)snprintf(scene->folder, sizeof(scene->folder), "/tmp/adit-browser-XXXXXX");
	assert_non_null(mkdtemp(scene->folder));
	(void)snprintf(scene->program, sizeof(scene->program), "%s/xdg-open", scene->folder);
	(void)snprintf(scene->notes, sizeof(scene->notes), "%s/notes", scene->folder);
	(void)setenv("PATH", scene->folder, 1);
	(void)setenv("DISPLAY", ":9", 1);
	(void)unsetenv("WAYLAND_DISPLAY");
	*state = scene;
	return 0;
}

static int end_scene(void **state)
{
	struct scene *scene = *state;

	(void)unlink(scene->program);
	(void)unlink(scene->notes);
	(void)rmdir(scene->folder);
	free(scene);
	return 0;
}

/* `$notes` is a file for what is to be seen; it is whole once it has a line "end". */
static void write_program(const struct scene *scene, const char *body)
{
	FILE *file;

	(void)unlink(scene->notes);
	(void)unlink(scene->program);
	file = fopen(scene->program, "we");
	assert_non_null(file);
	assert_true(fprintf(file, "#!/bin/sh\nPATH=/usr/bin:/bin\nnotes='%s'\n%s\n", scene->notes,
			    body) > 0);
	assert_int_equal(fchmod(fileno(file), 0700), 0);
	assert_int_equal(fclose(file), 0);
}

/* The notes, with `word` in them; static. */
static const char *notes_with(const struct scene *scene, const char *word)
{
	static char text[4096];
	int64_t until_ms = clock_monotonic_ms() + WAIT_MS;

	do {
		FILE *file = fopen(scene->notes, "re");
		size_t length = file ? fread(text, 1, sizeof(text) - 1, file) : 0;

		text[length] = '\0';
		if (file)
			(void)fclose(file);
		if (strstr(text, word))
			return text;
		(void)poll(NULL, 0, 5);
	} while (clock_monotonic_ms() < until_ms);
	fail_msg("no \"%s\" in \"%s\"", word, text);
	return "";
}

static void expect_no_children(void)
{
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

static void test_shown(void **state)
{
	const struct scene *scene = *state;
	struct fault fault = {""};
	const char *notes;
	char session[32];

	write_program(scene,
		"{ echo \"$#\"; echo \"<$1>\"; ls -l /proc/self/fd/0 /proc/$$/fd; "
		"echo \"session $(ps -o sid= -p $$ | tr -d ' ')\"; echo end; } > \"$notes\"\n"
		"echo noise; echo noise >&2");
	if (browser_open(PAGE, &fault))
		fail_msg("%s", fault.text);
	notes = notes_with(scene, "end\n");
	assert_non_null(strstr(notes, "1\n<" PAGE ">\n"));
	/* Neither our streams nor our session nor any other descriptor. */
	assert_non_null(strstr(notes, " 0 -> /dev/null"));
	assert_non_null(strstr(notes, " 2 -> /dev/null"));
	assert_null(strstr(notes, "pipe:"));
	assert_null(strstr(notes, "socket:"));
	(void)snprintf(session, sizeof(session), "session %d\n", (int)getsid(0));
	assert_null(strstr(notes, session));
	expect_no_children();
}

static void test_not_shown(void **state)
{
	static const struct {
		const char *body;
		const char *word;
	} cases[] = {
		{"exit 3", "no browser"},
		{"exit 4", "ended with 4"},
		{"kill -9 $$", "was ended"},
	};
	struct fault fault = {""};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		write_program(*state, cases[i].body);
		assert_int_equal(browser_open(PAGE, &fault), ERROR_UNAVAILABLE);
		assert_non_null(strstr(fault.text, cases[i].word));
	}
	expect_no_children();
}

/* A browser that stays: it is neither waited for nor ended, and when it ends, it is not ours
 * to bury. This process takes orphans, to see them. */
static void test_that_stays(void **state)
{
	const struct scene *scene = *state;
	struct fault fault = {""};
	struct pollfd waits = {.events = POLLIN};
	int64_t begun_ms = clock_monotonic_ms();
	pid_t pid;

	write_program(scene, "echo \"$$ runs\" > \"$notes\"\nsleep 600 & sleep 600");
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	assert_int_equal(browser_start(PAGE, &waits.fd, &fault), 0);
	assert_true(clock_monotonic_ms() - begun_ms < BROWSER_WAIT_MS);
	assert_int_equal(poll(&waits, 1, WAIT_MS), 1);
	assert_true(clock_monotonic_ms() - begun_ms >= BROWSER_WAIT_MS / 2);
	assert_int_equal(browser_finish(waits.fd, &fault), 0);
	pid = (pid_t)atoi(notes_with(scene, "runs"));
	assert_true(pid > 0);
	/* It leads a session: all of it ends. */
	assert_int_equal(kill(-pid, SIGKILL), 0);
	while (waitpid(-1, NULL, 0) > 0)
		;
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 0), 0);
	expect_no_children();
}

/* Who stops caring, and programs that have their children reaped by the kernel. */
static void test_signals(void **state)
{
	const struct scene *scene = *state;
	struct fault fault = {""};
	struct sigaction before;
	struct sigaction after;
	int fd;

	write_program(scene, "exit 4");
	assert_int_equal(browser_start(PAGE, &fd, &fault), 0);
	(void)close(fd);
	(void)signal(SIGCHLD, SIG_IGN);
	(void)sigaction(SIGCHLD, NULL, &before);
	assert_int_equal(browser_open(PAGE, &fault), ERROR_UNAVAILABLE);
	assert_non_null(strstr(fault.text, "ended with 4"));
	(void)sigaction(SIGCHLD, NULL, &after);
	assert_ptr_equal(before.sa_handler, after.sa_handler);
	(void)signal(SIGCHLD, SIG_DFL);
}

static void test_no_desktop(void **state)
{
	struct fault fault = {""};

	write_program(*state, "exit 0");
	(void)unsetenv("DISPLAY");
	assert_int_equal(browser_open(PAGE, &fault), ERROR_UNAVAILABLE);
	assert_non_null(strstr(fault.text, "DISPLAY"));
	(void)setenv("DISPLAY", "", 1);
	assert_int_equal(browser_open(PAGE, &fault), ERROR_UNAVAILABLE);
	(void)setenv("WAYLAND_DISPLAY", "wayland-0", 1);
	assert_int_equal(browser_open(PAGE, &fault), 0);
}

static void test_no_program(void **state)
{
	const struct scene *scene = *state;
	struct fault fault = {""};
	char before[4096];

	assert_int_equal(browser_open(PAGE, &fault), ERROR_UNAVAILABLE);
	assert_non_null(strstr(fault.text, "no xdg-open"));
	/* Neither one of the working directory, nor what is no program. */
	write_program(scene, "exit 0");
	assert_non_null(getcwd(before, sizeof(before)));
	assert_int_equal(chdir(scene->folder), 0);
	(void)setenv("PATH", ":.:", 1);
	assert_int_equal(browser_open(PAGE, &fault), ERROR_UNAVAILABLE);
	assert_int_equal(chdir(before), 0);
	(void)setenv("PATH", "/nonexistent::/", 1);
	assert_int_equal(browser_open(PAGE, &fault), ERROR_UNAVAILABLE);
	(void)setenv("PATH", scene->folder, 1);
	assert_int_equal(browser_open(PAGE, &fault), 0);
	assert_int_equal(chmod(scene->program, 0600), 0);
	/* Root may run no file either that nobody may. */
	assert_int_equal(browser_open(PAGE, &fault), ERROR_UNAVAILABLE);
}

static void test_urls_that_are_not_shown(void **state)
{
	static const char *const urls[] = {"", "-h", "--help", "/etc/passwd", "file:///etc/passwd",
		"javascript:alert(1)", "http://login.example.com/", "https://user:secret@x/",
		"https://x/a b", "https://x/?a b", "https://x/?a#b", "https://x/?\xc3\xa4",
		"mailto:a@example.com", "https://x/\n", "https://x/?\n"};
	const struct scene *scene = *state;
	char large[BROWSER_URL_MAX + 2];
	struct fault fault = {""};

	write_program(scene, "touch \"$notes\"");
	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		assert_int_equal(browser_open(urls[i], &fault), ERROR_INVALID);
		assert_null(strstr(fault.text, "secret"));
		assert_int_not_equal(access(scene->notes, F_OK), 0);
	}
	memset(large, 'a', sizeof(large));
	memcpy(large, "https://x/?", strlen("https://x/?"));
	large[sizeof(large) - 1] = '\0';
	assert_int_equal(browser_open(large, &fault), ERROR_INVALID);
	assert_int_not_equal(access(scene->notes, F_OK), 0);
	large[sizeof(large) - 2] = '\0';
	assert_int_equal(browser_open(large, &fault), 0);
	assert_int_equal(access(scene->notes, F_OK), 0);
	assert_int_equal(browser_open("http://127.0.0.1:8480/x", &fault), 0);
}

#define SCENE_TEST(body) cmocka_unit_test_setup_teardown(body, make_scene, end_scene)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE_TEST(test_shown),
		SCENE_TEST(test_not_shown),
		SCENE_TEST(test_that_stays),
		SCENE_TEST(test_signals),
		SCENE_TEST(test_no_desktop),
		SCENE_TEST(test_no_program),
		SCENE_TEST(test_urls_that_are_not_shown),
	};

	return cmocka_run_group_tests_name("browser", tests, NULL, NULL);
}
