/* SPDX-License-Identifier: Apache-2.0 */
/* Files of a storage that are damaged, another's, newer, half-written or gone. */
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
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FILE_ROOM = 4096, WRITERS = 8, ROUNDS = 50 };

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

static void test_files_can_not_be_swapped(void **state)
{
	struct place *place = *state;
	struct storage *storage = place_open(place, STORAGE_SEALED);
	char bytes[FILE_ROOM];
	size_t length;

	put_part(storage, OTHER_ACCOUNT, "account", "another's");
	put_part(storage, ACCOUNT, "gate", "the gate");
	length = read_whole(place_path(place, OTHER_ACCOUNT ".account"), bytes, sizeof(bytes));
	write_whole(place_path(place, PART_FILE), bytes, length);
	assert_unread(storage, ERROR_INVALID, "is damaged");
	length = read_whole(place_path(place, ACCOUNT ".gate"), bytes, sizeof(bytes));
	write_whole(place_path(place, PART_FILE), bytes, length);
	assert_unread(storage, ERROR_INVALID, "is damaged");
	storage_close(storage);
}

/* Whatever byte is another: an error, and never other bytes than were written. */
static void check_damage(struct storage *storage, const char *path, char *bytes, size_t length)
{
	struct buf read = {0};
	struct fault fault = {0};
	int error;

	write_whole(path, bytes, length);
	error = storage_read(storage, ACCOUNT, "account", &read, &fault);
	if (error != ERROR_INVALID && error != ERROR_VERSION && error != ERROR_REFUSED)
		fail_msg("%zu bytes: %d", length, error);
	assert_non_null(strstr(fault.text, PART_FILE));
	assert_null(read.data);
}

static void test_every_byte_counts(void **state)
{
	struct place *place = *state;
	struct storage *storage = place_open(place, STORAGE_SEALED);
	char path[300];
	char bytes[FILE_ROOM];
	size_t length;

	put_part(storage, ACCOUNT, "account", TEXT);
	(void)snprintf(path, sizeof(path), "%s", place_path(place, PART_FILE));
	length = read_whole(path, bytes, sizeof(bytes));
	assert_int_equal(length, 6 + 16 + 24 + strlen(TEXT) + 16);
	for (size_t i = 0; i < length; i++) {
		check_damage(storage, path, bytes, i);
		for (int bit = 0; bit < 8; bit++) {
			bytes[i] = (char)(bytes[i] ^ 1 << bit);
			check_damage(storage, path, bytes, length);
			bytes[i] = (char)(bytes[i] ^ 1 << bit);
		}
	}
	bytes[length] = 'x';
	check_damage(storage, path, bytes, length + 1);
	write_whole(path, bytes, length);
	assert_part(storage, ACCOUNT, "account", TEXT);
	storage_close(storage);
}

static void test_what_a_damaged_file_says(void **state)
{
	struct place *place = *state;
	struct storage *storage = place_open(place, STORAGE_SEALED);
	static char large[STORAGE_PART_MAX + 1000];

	write_whole(place_path(place, PART_FILE), "", 0);
	assert_unread(storage, ERROR_INVALID, "is damaged: remove it, and sign in");
	write_whole(place_path(place, PART_FILE), "adit\2S", 6);
	assert_unread(storage, ERROR_VERSION, "newer version of adit: upgrade this one");
	write_whole(place_path(place, PART_FILE), "adit\1Pplain", 11);
	assert_unread(storage, ERROR_REFUSED, "is of another kind");
	write_whole(place_path(place, PART_FILE), "adit\1Xplain", 11);
	assert_unread(storage, ERROR_INVALID, "is damaged");
	write_whole(place_path(place, PART_FILE), large, sizeof(large));
	assert_unread(storage, ERROR_INVALID, "is damaged, it is too large");
	storage_close(storage);
}

static void test_a_damaged_format(void **state)
{
	struct place *place = *state;
	struct storage *storage = place_open(place, STORAGE_SEALED);
	char text[FILE_ROOM];
	size_t length;

	put_part(storage, ACCOUNT, "account", TEXT);
	storage_close(storage);
	length = read_whole(place_path(place, "format"), text, sizeof(text));
	assert_int_equal(text[length - 1], '\n');
	/* Without its line feed it is whole. */
	for (size_t i = 0; i + 1 < length; i++) {
		write_whole(place_path(place, "format"), text, i);
		assert_refused(place, STORAGE_SEALED, ERROR_INVALID, "format is damaged");
	}
	assert_int_equal(unlink(place_path(place, "format")), 0);
	assert_refused(place, STORAGE_SEALED, ERROR_INVALID, "has lost its file \"format\"");
	assert_refused(place, STORAGE_PLAIN, ERROR_INVALID, "has lost its file \"format\"");
	write_whole(place_path(place, "format"), text, length);
	storage = place_open(place, STORAGE_SEALED);
	assert_part(storage, ACCOUNT, "account", TEXT);
	storage_close(storage);
}

static void test_a_newer_format(void **state)
{
	static const char newer[] = "{\"format\":\"adit-storage\",\"version\":2,\"kind\":\"odd\"}";
	static const char *const none[] = {"[]", "{}", "{\"format\":\"x\",\"version\":1}",
		"{\"format\":\"adit-storage\",\"version\":0}",
		"{\"format\":\"adit-storage\",\"version\":\"1\"}",
		"{\"format\":\"adit-storage\",\"version\":1,\"kind\":\"plaintext\",\"id\":\"..\"}",
		/* The parentheses say that these two lines are one text. */
		("{\"format\":\"adit-storage\",\"version\":1,\"kind\":\"odd\","
		 "\"id\":\"0123456789abcdef\",\"key\":\"keyring\",\"key_id\":"
		 "\"0123456789abcdef\"}")};
	struct place *place = *state;

	storage_close(place_open(place, STORAGE_SEALED));
	write_whole(place_path(place, "format"), newer, strlen(newer));
	assert_refused(place, STORAGE_SEALED, ERROR_VERSION, "newer version of adit: upgrade");
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		write_whole(place_path(place, "format"), none[i], strlen(none[i]));
		assert_refused(place, STORAGE_SEALED, ERROR_INVALID, "format is damaged");
	}
}

/* What a killed process was writing goes; what one is writing stays. */
static void test_what_was_left_half_written(void **state)
{
	struct place *place = *state;
	struct storage *storage = place_open(place, STORAGE_SEALED);
	int fd;

	storage_close(storage);
	write_whole(place_path(place, ".new-aaaaaaaaaaaaaaaa"), "half", 4);
	write_whole(place_path(place, ".new-bbbbbbbbbbbbbbbb"), "half", 4);
	fd = open(place_path(place, ".new-bbbbbbbbbbbbbbbb"), O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	storage = place_open(place, STORAGE_SEALED);
	assert_int_equal(place_count(place, ".new-"), 2);
	put_part(storage, ACCOUNT, "account", TEXT);
	assert_int_equal(place_count(place, ".new-"), 1);
	assert_int_equal(place_count(place, ".new-b"), 1);
	(void)close(fd);
	storage_close(storage);
}

/* Each opens anew, so that each sweeps while the others write. */
static void write_and_sweep(const struct place *place, int number)
{
	char account[STORAGE_ACCOUNT_SIZE];

	(void)snprintf(account, sizeof(account), "%032x", (unsigned)number);
	for (int round = 0; round < ROUNDS; round++) {
		struct storage *storage = place_open(place, STORAGE_SEALED);

		if (storage_write(storage, account, "account", TEXT, strlen(TEXT), NULL))
			_exit(1);
		storage_close(storage);
	}
	_exit(0);
}

static void test_what_is_being_written_is_spared(void **state)
{
	struct place *place = *state;
	pid_t children[WRITERS];

	storage_close(place_open(place, STORAGE_SEALED));
	for (int i = 0; i < WRITERS; i++) {
		children[i] = fork();
		assert_true(children[i] >= 0);
		if (!children[i])
			write_and_sweep(place, i);
	}
	for (int i = 0; i < WRITERS; i++) {
		int status;

		assert_int_equal(waitpid(children[i], &status, 0), children[i]);
		assert_int_equal(status, 0);
	}
	assert_int_equal(place_count(place, ".new-"), 0);
}

static void test_a_directory_that_went_away(void **state)
{
	struct place *place = *state;
	struct storage *storage = place_open(place, STORAGE_SEALED);
	struct fault fault = {0};

	place_remove(place);
	assert_int_equal(
		storage_write(storage, ACCOUNT, "account", TEXT, strlen(TEXT), &fault), ERROR_IO);
	assert_non_null(strstr(fault.text, "removed while it was in use"));
	storage_close(storage);
}

#define IN_PLACE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_PLACE(test_files_can_not_be_swapped),
		IN_PLACE(test_every_byte_counts),
		IN_PLACE(test_what_a_damaged_file_says),
		IN_PLACE(test_a_damaged_format),
		IN_PLACE(test_a_newer_format),
		IN_PLACE(test_what_was_left_half_written),
		IN_PLACE(test_what_is_being_written_is_spared),
		IN_PLACE(test_a_directory_that_went_away),
	};

	return cmocka_run_group_tests_name("client storage damage", tests, NULL, NULL);
}
