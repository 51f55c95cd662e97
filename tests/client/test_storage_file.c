/* SPDX-License-Identifier: Apache-2.0 */
/* Whose directory it is, who may read what, and files that are not what they should be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "storage_place.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	SOMEBODY = 65534,
	FILE_ROOM = 4096,
	MAKERS = 12,
};

#define PART_FILE ACCOUNT ".account"
#define TEXT "the secret of north-reader"

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
	place_remove(*state);
	free(*state);
	return 0;
}

static mode_t mode_of(const char *path)
{
	struct stat status;

	assert_int_equal(lstat(path, &status), 0);
	return status.st_mode & 07777;
}

static bool holds(const char *path, const char *text)
{
	static char bytes[FILE_ROOM];
	size_t length = read_whole(path, bytes, sizeof(bytes));

	return memmem(bytes, length, text, strlen(text)) != NULL;
}

/* --- making -------------------------------------------------------------------------- */

static void test_made_for_this_user_alone(void **state)
{
	static const mode_t masks[] = {022, 0, 077, 0777};
	struct place *place = *state;
	char parent[200];

	(void)snprintf(parent, sizeof(parent), "%s/state", place->root);
	for (size_t i = 0; i < sizeof(masks) / sizeof(masks[0]); i++) {
		struct storage *storage;
		mode_t before;

		(void)snprintf(place->directory, sizeof(place->directory), "%s/state/%zu/adit",
			place->root, i);
		/* With the last one not even this user may enter what is made. */
		before = umask(masks[i] == 0777 && geteuid() ? 0 : masks[i]);
		storage = place_open(place, STORAGE_SEALED);
		put_part(storage, ACCOUNT, "account", TEXT);
		(void)umask(before);
		assert_int_equal(mode_of(place_path(place, PART_FILE)), 0600);
		assert_int_equal(mode_of(place_path(place, "key")), 0600);
		assert_int_equal(mode_of(place_path(place, "format")), 0600);
		assert_int_equal(mode_of(place->directory) & 077, 0);
		assert_int_equal(mode_of(parent) & 077, 0);
		storage_close(storage);
	}
}

static void test_sealed_means_unreadable(void **state)
{
	struct place *place = *state;
	struct storage *storage = place_open(place, STORAGE_SEALED);

	put_part(storage, ACCOUNT, "account", TEXT);
	assert_false(holds(place_path(place, PART_FILE), "secret"));
	storage_close(storage);
	storage = place_open(place, STORAGE_SEALED);
	assert_part(storage, ACCOUNT, "account", TEXT);
	storage_close(storage);
}

/* The same text twice is not the same file. */
static void test_no_nonce_twice(void **state)
{
	struct place *place = *state;
	struct storage *storage = place_open(place, STORAGE_SEALED);
	char first[FILE_ROOM];
	char second[FILE_ROOM];
	size_t length;

	put_part(storage, ACCOUNT, "account", TEXT);
	length = read_whole(place_path(place, PART_FILE), first, sizeof(first));
	put_part(storage, ACCOUNT, "account", TEXT);
	assert_int_equal(read_whole(place_path(place, PART_FILE), second, sizeof(second)), length);
	assert_memory_not_equal(first + 22, second + 22, 24);
	assert_memory_not_equal(first + 46, second + 46, length - 46);
	storage_close(storage);
}

static void test_plaintext_is_decided_once(void **state)
{
	struct place *place = *state;
	struct storage *storage = place_open(place, STORAGE_PLAIN);

	put_part(storage, ACCOUNT, "account", TEXT);
	assert_true(holds(place_path(place, PART_FILE), TEXT));
	storage_close(storage);
	assert_refused(place, STORAGE_SEALED, ERROR_REFUSED, "ask for plaintext, or use another");
	assert_int_equal(place_try(place, STORAGE_ANY, NULL, &storage, NULL), 0);
	assert_part(storage, ACCOUNT, "account", TEXT);
	storage_close(storage);
}

static void test_sealed_is_decided_once(void **state)
{
	struct place *place = *state;
	struct storage *storage = place_open(place, STORAGE_SEALED);

	put_part(storage, ACCOUNT, "account", TEXT);
	storage_close(storage);
	assert_refused(place, STORAGE_PLAIN, ERROR_REFUSED, "do not ask for plaintext");
	assert_int_equal(place_try(place, STORAGE_ANY, NULL, &storage, NULL), 0);
	assert_part(storage, ACCOUNT, "account", TEXT);
	storage_close(storage);
}

static void test_looking_makes_nothing(void **state)
{
	struct place *place = *state;
	struct storage_options options = {
		.kind = STORAGE_SEALED, .directory = place->directory, .existing = true};
	struct storage *storage = NULL;
	struct fault fault = {0};

	assert_int_equal(storage_open(&options, &storage, &fault), ERROR_NOT_FOUND);
	assert_non_null(strstr(fault.text, "nothing is stored in"));
	assert_int_equal(place_try(place, STORAGE_ANY, NULL, &storage, NULL), ERROR_NOT_FOUND);
	assert_int_equal(access(place->directory, F_OK), -1);
	assert_int_equal(mkdir(place->directory, 0700), -1);
}

static void make_and_use(const struct place *place, int number)
{
	struct storage *storage = place_open(place, STORAGE_SEALED);
	char account[STORAGE_ACCOUNT_SIZE];

	(void)snprintf(account, sizeof(account), "%032x", (unsigned)number);
	put_part(storage, account, "account", TEXT);
	storage_close(storage);
	_exit(0);
}

/* All begin at once in a directory that nobody has made: they agree on one key. */
static void test_made_by_many_at_once(void **state)
{
	struct place *place = *state;
	pid_t children[MAKERS];
	int channel[2];
	struct storage *storage;
	char byte;

	assert_int_equal(pipe(channel), 0);
	for (int i = 0; i < MAKERS; i++) {
		children[i] = fork();
		assert_true(children[i] >= 0);
		if (!children[i]) {
			(void)close(channel[1]);
			(void)!read(channel[0], &byte, 1);
			make_and_use(place, i);
		}
	}
	(void)close(channel[1]);
	for (int i = 0; i < MAKERS; i++) {
		int status;

		assert_int_equal(waitpid(children[i], &status, 0), children[i]);
		assert_int_equal(status, 0);
	}
	(void)close(channel[0]);
	storage = place_open(place, STORAGE_SEALED);
	for (int i = 0; i < MAKERS; i++) {
		char account[STORAGE_ACCOUNT_SIZE];

		(void)snprintf(account, sizeof(account), "%032x", (unsigned)i);
		assert_part(storage, account, "account", TEXT);
	}
	storage_close(storage);
	assert_int_equal(place_count(place, ".new-"), 0);
}

/* --- where it is ----------------------------------------------------------------------- */

static void assert_standard(const char *state_home, const char *home, const char *expected)
{
	const struct storage_options options = {.kind = STORAGE_SEALED, .existing = true};
	struct storage *storage = NULL;
	struct fault fault = {0};

	(void)(state_home ? setenv("XDG_STATE_HOME", state_home, 1) : unsetenv("XDG_STATE_HOME"));
	(void)(home ? setenv("HOME", home, 1) : unsetenv("HOME"));
	assert_int_equal(storage_open(&options, &storage, &fault), ERROR_NOT_FOUND);
	if (!strstr(fault.text, expected))
		fail_msg("not %s: %s", expected, fault.text);
}

static void test_the_standard_directory(void **state)
{
	const struct place *place = *state;
	const char *state_home = getenv("XDG_STATE_HOME");
	const char *home = getenv("HOME");
	char kept_state_home[400] = "";
	char kept_home[400] = "";
	char expected[400];

	(void)snprintf(
		kept_state_home, sizeof(kept_state_home), "%s", state_home ? state_home : "");
	(void)snprintf(kept_home, sizeof(kept_home), "%s", home ? home : "");
	(void)snprintf(expected, sizeof(expected), "in %s/adit", place->root);
	assert_standard(place->root, "/elsewhere", expected);
	(void)snprintf(expected, sizeof(expected), "in %s/.local/state/adit", place->root);
	assert_standard(NULL, place->root, expected);
	assert_standard("", place->root, expected);
	assert_standard("not/absolute", place->root, expected);
	(void)(state_home ? setenv("XDG_STATE_HOME", kept_state_home, 1)
			  : unsetenv("XDG_STATE_HOME"));
	(void)(home ? setenv("HOME", kept_home, 1) : unsetenv("HOME"));
}

static void test_a_relative_directory_stays_where_it_is(void **state)
{
	struct place *place = *state;
	struct storage_options options = {
		.kind = STORAGE_SEALED, .directory = "here/", .key = "file:here/key"};
	struct storage *storage = NULL;
	struct storage_description description;
	char before[400];

	assert_non_null(getcwd(before, sizeof(before)));
	assert_int_equal(chdir(place->root), 0);
	assert_int_equal(storage_open(&options, &storage, NULL), 0);
	assert_int_equal(chdir("/"), 0);
	put_part(storage, ACCOUNT, "account", TEXT);
	storage_describe(storage, &description);
	assert_int_equal(*description.directory, '/');
	storage_close(storage);
	(void)snprintf(place->directory, sizeof(place->directory), "%s/here", place->root);
	storage = place_open(place, STORAGE_SEALED);
	assert_part(storage, ACCOUNT, "account", TEXT);
	storage_close(storage);
	assert_int_equal(chdir(before), 0);
}

static void test_a_directory_that_others_may_enter(void **state)
{
	static const mode_t modes[] = {0701, 0710, 0704, 0740, 0770, 0755, 01777};
	struct place *place = *state;
	char expected[300];

	storage_close(place_open(place, STORAGE_SEALED));
	(void)snprintf(expected, sizeof(expected), "chmod 700 '%s'", place->directory);
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		assert_int_equal(chmod(place->directory, modes[i]), 0);
		assert_refused(place, STORAGE_SEALED, ERROR_REFUSED, expected);
	}
	assert_int_equal(chmod(place->directory, 0700), 0);
	storage_close(place_open(place, STORAGE_SEALED));
}

static void test_a_directory_of_somebody_else(void **state)
{
	struct place *place = *state;

	if (geteuid()) {
		print_message("skipped: giving a directory away takes root\n");
		skip();
	}
	storage_close(place_open(place, STORAGE_SEALED));
	assert_int_equal(chown(place->directory, SOMEBODY, SOMEBODY), 0);
	assert_refused(place, STORAGE_SEALED, ERROR_REFUSED, "belongs to another user (uid 65534");
}

static void test_what_is_no_directory(void **state)
{
	struct place *place = *state;
	char real[200];
	size_t length;

	(void)snprintf(real, sizeof(real), "%s/real", place->root);
	assert_int_equal(mkdir(real, 0700), 0);
	(void)snprintf(place->directory, sizeof(place->directory), "%s/link", place->root);
	assert_int_equal(symlink(real, place->directory), 0);
	assert_refused(place, STORAGE_SEALED, ERROR_REFUSED, "is a symbolic link or no directory");
	length = strlen(place->directory);
	(void)snprintf(place->directory + length, sizeof(place->directory) - length, "//");
	assert_refused(place, STORAGE_SEALED, ERROR_REFUSED, "is a symbolic link or no directory");
	(void)snprintf(place->directory, sizeof(place->directory), "%s/file", place->root);
	write_whole(place->directory, "x", 1);
	assert_refused(place, STORAGE_SEALED, ERROR_REFUSED, "is a symbolic link or no directory");
	(void)snprintf(place->directory, sizeof(place->directory), "%s/file/in", place->root);
	assert_refused(place, STORAGE_SEALED, ERROR_IO, "can't be made");
	place->directory[0] = '\0';
	assert_refused(place, STORAGE_SEALED, ERROR_INVALID, "has no name");
}

/* --- files that others could have put there -------------------------------------------- */

static void test_a_file_that_others_may_read(void **state)
{
	static const mode_t modes[] = {0604, 0640, 0644, 0620, 0602};
	struct place *place = *state;
	struct storage *storage = place_open(place, STORAGE_SEALED);

	put_part(storage, ACCOUNT, "account", TEXT);
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		assert_int_equal(chmod(place_path(place, PART_FILE), modes[i]), 0);
		assert_unread(storage, ERROR_REFUSED, "chmod 600 '");
	}
	assert_int_equal(chmod(place_path(place, PART_FILE), 0400), 0);
	assert_part(storage, ACCOUNT, "account", TEXT);
	storage_close(storage);
}

static void test_what_is_no_file(void **state)
{
	struct place *place = *state;
	struct storage *storage = place_open(place, STORAGE_SEALED);
	char aside[200];

	put_part(storage, ACCOUNT, "account", TEXT);
	(void)snprintf(aside, sizeof(aside), "%s/aside", place->root);
	assert_int_equal(rename(place_path(place, PART_FILE), aside), 0);
	assert_int_equal(symlink(aside, place_path(place, PART_FILE)), 0);
	assert_unread(storage, ERROR_REFUSED, "is a symbolic link");
	/* Writing replaces it, and what it points to stays. */
	put_part(storage, ACCOUNT, "account", "new");
	assert_part(storage, ACCOUNT, "account", "new");
	assert_int_equal(rename(aside, place_path(place, PART_FILE)), 0);
	assert_part(storage, ACCOUNT, "account", TEXT);
	assert_int_equal(unlink(place_path(place, PART_FILE)), 0);
	assert_int_equal(mkfifo(place_path(place, PART_FILE), 0600), 0);
	assert_unread(storage, ERROR_REFUSED, "is no file of this user's");
	assert_int_equal(unlink(place_path(place, PART_FILE)), 0);
	assert_int_equal(mkdir(place_path(place, PART_FILE), 0700), 0);
	assert_unread(storage, ERROR_REFUSED, "is no file of this user's");
	storage_close(storage);
}

static void test_a_file_of_somebody_else(void **state)
{
	struct place *place = *state;
	struct storage *storage;

	if (geteuid()) {
		print_message("skipped: giving a file away takes root\n");
		skip();
	}
	storage = place_open(place, STORAGE_SEALED);
	put_part(storage, ACCOUNT, "account", TEXT);
	assert_int_equal(chown(place_path(place, PART_FILE), SOMEBODY, SOMEBODY), 0);
	assert_unread(storage, ERROR_REFUSED, "is no file of this user's");
	storage_close(storage);
}

static void test_a_lock_that_is_no_file(void **state)
{
	struct place *place = *state;
	struct storage *storage = place_open(place, STORAGE_SEALED);
	struct storage_lock lock = {0};
	struct fault fault = {0};

	assert_int_equal(symlink("/etc/passwd", place_path(place, ACCOUNT "-lock")), 0);
	assert_int_equal(storage_lock_try(storage, ACCOUNT, &lock, &fault), ERROR_IO);
	assert_non_null(strstr(fault.text, ACCOUNT "-lock can't be opened"));
	assert_false(lock.held);
	storage_close(storage);
}

static void test_read_only_child(const struct place *place)
{
	struct storage *storage = NULL;
	struct fault fault = {0};

	if (!geteuid() && setresuid(SOMEBODY, SOMEBODY, SOMEBODY))
		_exit(2);
	if (place_try(place, STORAGE_SEALED, NULL, &storage, &fault))
		_exit(3);
	assert_part(storage, ACCOUNT, "account", TEXT);
	if (storage_write(storage, ACCOUNT, "account", "new", 3, &fault) != ERROR_IO)
		_exit(4);
	if (!strstr(fault.text, ".account can't be written: no permission"))
		_exit(5);
	if (storage_remove(storage, ACCOUNT, "account", &fault) != ERROR_IO)
		_exit(6);
	assert_part(storage, ACCOUNT, "account", TEXT);
	storage_close(storage);
	_exit(0);
}

/* As another user, since root may write anywhere. */
static void test_where_nothing_may_be_written(void **state)
{
	static const char *const names[] = {"", PART_FILE, "key", "format"};
	struct place *place = *state;
	struct storage *storage;
	int status;
	pid_t child;

	(void)snprintf(place->directory, sizeof(place->directory), "%s/adit", place->root);
	storage = place_open(place, STORAGE_SEALED);
	put_part(storage, ACCOUNT, "account", TEXT);
	storage_close(storage);
	assert_int_equal(chmod(place->root, 0711), 0);
	for (size_t i = 0; !geteuid() && i < sizeof(names) / sizeof(names[0]); i++)
		assert_int_equal(chown(place_path(place, names[i]), SOMEBODY, SOMEBODY), 0);
	assert_int_equal(chmod(place->directory, 0500), 0);
	child = fork();
	assert_true(child >= 0);
	if (!child)
		test_read_only_child(place);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(chmod(place->directory, 0700), 0);
}

#define IN_PLACE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_PLACE(test_made_for_this_user_alone),
		IN_PLACE(test_sealed_means_unreadable),
		IN_PLACE(test_no_nonce_twice),
		IN_PLACE(test_plaintext_is_decided_once),
		IN_PLACE(test_sealed_is_decided_once),
		IN_PLACE(test_looking_makes_nothing),
		IN_PLACE(test_made_by_many_at_once),
		IN_PLACE(test_the_standard_directory),
		IN_PLACE(test_a_relative_directory_stays_where_it_is),
		IN_PLACE(test_a_directory_that_others_may_enter),
		IN_PLACE(test_a_directory_of_somebody_else),
		IN_PLACE(test_what_is_no_directory),
		IN_PLACE(test_a_file_that_others_may_read),
		IN_PLACE(test_what_is_no_file),
		IN_PLACE(test_a_file_of_somebody_else),
		IN_PLACE(test_a_lock_that_is_no_file),
		IN_PLACE(test_where_nothing_may_be_written),
	};

	return cmocka_run_group_tests_name("client storage files", tests, NULL, NULL);
}
