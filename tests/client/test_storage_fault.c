/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every system call of a storage fails in turn, and the process dies at each: afterwards a
 * part is what it was or what it was to become, whole, and nothing piles up.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "child.h"
#include "storage_place.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { DIED = 9, CALLS_MAX = 200 };

#define OLD "what was there before"
#define NEW "and what is to be there"

/* Calls until one fails; negative: none does. And how: errno, 0: the process ends. */
static long left = -1;
static int failure;
static bool one_byte; /* write(2) takes no more at a time */

static const int failures[] = {EIO, ENOSPC, EDQUOT, EROFS, EACCES, EMFILE};

/* What was called, of what makes a write last. */
static char order[200];
static bool is_recorded;

static bool fails(const char *name)
{
	static const char *const lasting[] = {"write", "fsync", "renameat"};

	for (size_t i = 0; is_recorded && i < 3; i++)
		if (!strcmp(lasting[i], name))
			(void)strcat(strcat(order, name), " ");
	if (left < 0 || left--)
		return false;
	if (!failure)
		child_end(DIED);
	errno = failure;
	return true;
}

#define WRAP(type, name, parameters, arguments)                                                    \
	type __real_##name parameters;                                                             \
	type __wrap_##name parameters;                                                             \
	type __wrap_##name parameters                                                              \
	{                                                                                          \
		return fails(#name) ? -1 : __real_##name arguments;                                \
	}

WRAP(int, open64, (const char *path, int flags, mode_t mode), (path, flags, mode))
WRAP(int, openat64, (int at, const char *path, int flags, mode_t mode), (at, path, flags, mode))
WRAP(ssize_t, read, (int fd, void *bytes, size_t length), (fd, bytes, length))
WRAP(int, fsync, (int fd), (fd))
WRAP(int, fchmod, (int fd, mode_t mode), (fd, mode))
WRAP(int, flock, (int fd, int operation), (fd, operation))
WRAP(int, mkdir, (const char *path, mode_t mode), (path, mode))
WRAP(int, renameat, (int from, const char *a, int to, const char *b), (from, a, to, b))
WRAP(int, unlinkat, (int at, const char *path, int flags), (at, path, flags))
WRAP(int, fstat64, (int fd, struct stat *status), (fd, status))
WRAP(int, renameat2, (int from, const char *a, int to, const char *b, unsigned flags),
	(from, a, to, b, flags))
WRAP(int, linkat, (int from, const char *a, int to, const char *b, int flags),
	(from, a, to, b, flags))
WRAP(int, fstatat64, (int at, const char *path, struct stat *status, int flags),
	(at, path, status, flags))
WRAP(int, scandirat64,
	(int at, const char *path, struct dirent ***list, int (*filter)(const struct dirent *),
		int (*compare)(const struct dirent **, const struct dirent **)),
	(at, path, list, filter, compare))
WRAP(ssize_t, getrandom, (void *bytes, size_t length, unsigned flags), (bytes, length, flags))

ssize_t __real_write(int fd, const void *bytes, size_t length);
ssize_t __wrap_write(int fd, const void *bytes, size_t length);
ssize_t __wrap_write(int fd, const void *bytes, size_t length)
{
	if (fails("write"))
		return -1;
	return __real_write(fd, bytes, one_byte && length ? 1 : length);
}

static void arm(long at, int how)
{
	left = at;
	failure = how;
}

/* Whether the failure was met. */
static bool disarm(void)
{
	bool met = left < 0;

	left = -1;
	return met;
}

static int set_up(void **state)
{
	struct place *place = calloc(1, sizeof(*place));

	assert_non_null(place);
	place_make(place);
	*state = place;
	return 0;
}

static int tear_down(void **state)
{
	one_byte = false;
	place_remove(*state);
	free(*state);
	return 0;
}

/* What the part is, read by another. */
static const char *now(const struct place *place)
{
	static char text[100];
	struct storage *storage = place_open(place, STORAGE_SEALED);
	struct buf bytes = {0};
	struct fault fault = {0};
	int error = storage_read(storage, ACCOUNT, "account", &bytes, &fault);

	if (error && error != ERROR_NOT_FOUND)
		fail_msg("%d: %s", error, fault.text);
	(void)snprintf(text, sizeof(text), "%s", error ? "" : bytes.data);
	buf_finish(&bytes);
	storage_close(storage);
	return text;
}

static void put_old(const struct place *place)
{
	struct storage *storage = place_open(place, STORAGE_SEALED);

	put_part(storage, ACCOUNT, "account", OLD);
	assert_int_equal(place_count(place, ".new-"), 0);
	storage_close(storage);
}

/* --- writing and removing ---------------------------------------------------------------- */

/* Whether the failure was met. */
static bool write_failing(const struct place *place, long at, int how)
{
	struct storage *storage;
	struct fault fault = {0};
	const char *text;
	int error;
	bool met;

	put_old(place);
	storage = place_open(place, STORAGE_SEALED);
	arm(at, how);
	error = storage_write(storage, ACCOUNT, "account", NEW, strlen(NEW), &fault);
	met = disarm();
	storage_close(storage);
	text = now(place);
	if (!error && strcmp(text, NEW) != 0)
		fail_msg("call %ld, %d: written, and it is %s", at, how, text);
	if (error && (!met || !*fault.text || (strcmp(text, OLD) && strcmp(text, NEW))))
		fail_msg("call %ld, %d: %d: %s: %s", at, how, error, fault.text, text);
	/* More than one is left by nobody. */
	assert_in_range(place_count(place, ".new-"), 0, 1);
	return met;
}

static void test_writing(void **state)
{
	int met = 0;

	for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++)
		for (long at = 0; at < CALLS_MAX && write_failing(*state, at, failures[i]); at++)
			met++;
	/* The key, the sweep, the file, its name and the directory. */
	assert_in_range(met, 10 * 6, 40 * 6);
}

/* No crash of the machine may find the name before the content, or lose the name. */
static void test_writing_in_order(void **state)
{
	struct storage *storage;

	put_old(*state);
	storage = place_open(*state, STORAGE_SEALED);
	is_recorded = true;
	put_part(storage, ACCOUNT, "account", NEW);
	is_recorded = false;
	assert_string_equal(order, "write fsync renameat fsync ");
	storage_close(storage);
}

static void test_writing_bit_by_bit(void **state)
{
	int met = 0;

	one_byte = true;
	for (long at = 0; at < CALLS_MAX && write_failing(*state, at, ENOSPC); at++)
		met++;
	assert_in_range(met, 70, CALLS_MAX - 1);
}

static bool write_dying(const struct place *place, long at)
{
	int status;
	pid_t child;
	const char *text;

	put_old(place);
	child = fork();
	assert_true(child >= 0);
	if (!child) {
		struct storage *storage = place_open(place, STORAGE_SEALED);

		arm(at, 0);
		child_end(storage_write(storage, ACCOUNT, "account", NEW, strlen(NEW), NULL));
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_in_range(place_count(place, ".new-"), 0, 1);
	text = now(place);
	if (strcmp(text, OLD) != 0 && strcmp(text, NEW) != 0)
		fail_msg("call %ld: %s", at, text);
	if (WEXITSTATUS(status) == DIED)
		return true;
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_string_equal(text, NEW);
	return false;
}

static void test_dying_while_writing(void **state)
{
	long at = 0;

	while (at < CALLS_MAX && write_dying(*state, at))
		at++;
	assert_in_range(at, 10, 40);
}

static bool remove_failing(const struct place *place, long at, int how)
{
	struct storage *storage;
	struct fault fault = {0};
	const char *text;
	int error;
	bool met;

	put_old(place);
	storage = place_open(place, STORAGE_SEALED);
	arm(at, how);
	error = storage_remove(storage, ACCOUNT, "account", &fault);
	met = disarm();
	storage_close(storage);
	text = now(place);
	assert_int_equal(error, met ? ERROR_IO : 0);
	assert_int_equal(*fault.text != '\0', met);
	assert_true(!*text || (error && !strcmp(text, OLD)));
	return met;
}

static void test_removing(void **state)
{
	for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++) {
		long at = 0;

		while (remove_failing(*state, at, failures[i]))
			at++;
		assert_int_equal(at, 2);
	}
}

/* --- reading and locking ----------------------------------------------------------------- */

static bool read_failing(const struct place *place, long at, int how)
{
	struct storage *storage = place_open(place, STORAGE_SEALED);
	struct fault fault = {0};
	struct buf bytes = {0};
	int error;
	bool met;

	arm(at, how);
	error = storage_read(storage, ACCOUNT, "account", &bytes, &fault);
	met = disarm();
	if (met && (!error || error == ERROR_NOT_FOUND || !*fault.text || bytes.data))
		fail_msg("call %ld, %d: %d: %s", at, how, error, fault.text);
	if (!met)
		assert_int_equal(error, 0);
	buf_finish(&bytes);
	/* It was no lasting harm. */
	assert_part(storage, ACCOUNT, "account", OLD);
	storage_close(storage);
	return met;
}

static void test_reading(void **state)
{
	put_old(*state);
	for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++) {
		long at = 0;

		while (at < CALLS_MAX && read_failing(*state, at, failures[i]))
			at++;
		assert_in_range(at, 6, 20);
	}
}

static bool lock_failing(const struct place *place, long at, int how)
{
	struct storage *storage = place_open(place, STORAGE_SEALED);
	struct storage_lock lock = {0};
	struct fault fault = {0};
	int error;
	bool met;

	arm(at, how);
	error = storage_lock_try(storage, ACCOUNT, &lock, &fault);
	met = disarm();
	assert_int_equal(lock.held, !error);
	if (!met || error == 0)
		assert_int_equal(error, 0);
	else if (error != ERROR_IO && error != ERROR_BUSY)
		fail_msg("call %ld, %d: %d: %s", at, how, error, fault.text);
	storage_unlock(&lock);
	/* Nobody holds it now. */
	assert_int_equal(storage_lock_try(storage, ACCOUNT, &lock, NULL), 0);
	storage_unlock(&lock);
	storage_close(storage);
	return met;
}

static void test_locking(void **state)
{
	for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++) {
		long at = 0;

		while (at < CALLS_MAX && lock_failing(*state, at, failures[i]))
			at++;
		assert_in_range(at, 4, 10);
	}
}

/* --- making a directory ------------------------------------------------------------------ */

static bool make_failing(const struct place *place, long at, int how)
{
	struct storage *storage = NULL;
	struct fault fault = {0};
	int error;
	bool met;

	arm(at, how);
	error = place_try(place, STORAGE_SEALED, NULL, &storage, &fault);
	met = disarm();
	if (error && (!met || !*fault.text))
		fail_msg("call %ld, %d: %d: %s", at, how, error, fault.text);
	storage_close(storage);
	/* Whatever was made meanwhile is taken up by the next. */
	storage = NULL;
	error = place_try(place, STORAGE_SEALED, NULL, &storage, &fault);
	if (error)
		fail_msg("after call %ld, %d: %d: %s", at, how, error, fault.text);
	put_part(storage, ACCOUNT, "account", OLD);
	storage_close(storage);
	assert_int_equal(place_count(place, ".new-"), 0);
	return met;
}

static void test_making(void **state)
{
	struct place *place = *state;

	(void)unsetenv("CREDENTIALS_DIRECTORY");
	(void)unsetenv("DBUS_SESSION_BUS_ADDRESS");
	(void)unsetenv("XDG_RUNTIME_DIR");
	for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++) {
		long at = 0;
		bool met = true;

		for (; met && at < CALLS_MAX; at++) {
			(void)snprintf(place->directory, sizeof(place->directory), "%s/%d-%ld/adit",
				place->root, failures[i], at);
			met = make_failing(place, at, failures[i]);
		}
		assert_in_range(at, 20, 100);
	}
}

/* Some file systems can't rename without replacing. */
static void test_making_by_links(void **state)
{
	struct place *place = *state;
	int met = 0;

	(void)unsetenv("CREDENTIALS_DIRECTORY");
	(void)unsetenv("DBUS_SESSION_BUS_ADDRESS");
	(void)unsetenv("XDG_RUNTIME_DIR");
	for (long at = 0; at < CALLS_MAX; at++) {
		struct storage *storage = NULL;

		(void)snprintf(
			place->directory, sizeof(place->directory), "%s/%ld/adit", place->root, at);
		arm(at, EINVAL);
		if (!place_try(place, STORAGE_SEALED, NULL, &storage, NULL))
			met += disarm();
		(void)disarm();
		storage_close(storage);
	}
	/* The sweep, both syncs of directories, both renames. */
	assert_in_range(met, 4, 40);
}

#define IN_PLACE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_PLACE(test_writing),
		IN_PLACE(test_writing_in_order),
		IN_PLACE(test_writing_bit_by_bit),
		IN_PLACE(test_dying_while_writing),
		IN_PLACE(test_removing),
		IN_PLACE(test_reading),
		IN_PLACE(test_locking),
		IN_PLACE(test_making),
		IN_PLACE(test_making_by_links),
	};

	return cmocka_run_group_tests_name("client storage faults", tests, NULL, NULL);
}
