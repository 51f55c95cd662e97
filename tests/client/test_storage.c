/* SPDX-License-Identifier: Apache-2.0 */
/* What every kind of storage does, by one text; and what processes see of each other. */
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
#include <sys/wait.h>
#include <unistd.h>

enum {
	PROCESSES = 16,
	ROUNDS = 25,
	PATIENCE_MS = 60000,
};

struct scene {
	enum storage_kind kind;
	struct place place;
	struct storage *storage;
};

static int set_up(void **state, enum storage_kind kind)
{
	struct scene *scene = calloc(1, sizeof(*scene));

	assert_non_null(scene);
	scene->kind = kind;
	place_make(&scene->place);
	scene->storage = place_open(&scene->place, kind);
	*state = scene;
	return 0;
}

static int set_up_memory(void **state)
{
	return set_up(state, STORAGE_MEMORY);
}

static int set_up_sealed(void **state)
{
	return set_up(state, STORAGE_SEALED);
}

static int set_up_plain(void **state)
{
	return set_up(state, STORAGE_PLAIN);
}

static int tear_down(void **state)
{
	struct scene *scene = *state;

	storage_close(scene->storage);
	place_remove(&scene->place);
	free(scene);
	return 0;
}

/* --- parts --------------------------------------------------------------------------- */

static void test_a_part_is_what_was_written(void **state)
{
	struct scene *scene = *state;
	struct storage *storage = scene->storage;

	assert_part(storage, ACCOUNT, "account", "");
	put_part(storage, ACCOUNT, "account", "one");
	put_part(storage, ACCOUNT, "gate", "two");
	put_part(storage, OTHER_ACCOUNT, "account", "three");
	assert_part(storage, ACCOUNT, "account", "one");
	assert_part(storage, ACCOUNT, "gate", "two");
	assert_part(storage, OTHER_ACCOUNT, "account", "three");
	assert_part(storage, OTHER_ACCOUNT, "gate", "");
	put_part(storage, ACCOUNT, "account", "a longer one");
	assert_part(storage, ACCOUNT, "account", "a longer one");
	put_part(storage, ACCOUNT, "account", "");
	assert_part(storage, ACCOUNT, "account", "");
}

static void test_a_removed_part_is_gone(void **state)
{
	struct scene *scene = *state;
	struct storage *storage = scene->storage;
	struct buf bytes = {0};

	assert_int_equal(storage_remove(storage, ACCOUNT, "account", NULL), 0);
	put_part(storage, ACCOUNT, "account", "one");
	put_part(storage, ACCOUNT, "gate", "two");
	assert_int_equal(storage_remove(storage, ACCOUNT, "account", NULL), 0);
	assert_int_equal(storage_read(storage, ACCOUNT, "account", &bytes, NULL), ERROR_NOT_FOUND);
	assert_null(bytes.data);
	assert_part(storage, ACCOUNT, "gate", "two");
	put_part(storage, ACCOUNT, "account", "again");
	assert_part(storage, ACCOUNT, "account", "again");
}

static void test_any_bytes(void **state)
{
	struct scene *scene = *state;
	static char all[STORAGE_PART_MAX + 1];
	struct buf bytes = {0};
	struct fault fault = {0};

	for (size_t i = 0; i < sizeof(all); i++)
		all[i] = (char)(i * 7 + i / 251);
	assert_int_equal(
		storage_write(scene->storage, ACCOUNT, "gate", all, STORAGE_PART_MAX, NULL), 0);
	assert_int_equal(storage_read(scene->storage, ACCOUNT, "gate", &bytes, NULL), 0);
	assert_int_equal(bytes.len, STORAGE_PART_MAX);
	assert_memory_equal(bytes.data, all, STORAGE_PART_MAX);
	buf_finish(&bytes);
	assert_int_equal(
		storage_write(scene->storage, ACCOUNT, "gate", all, STORAGE_PART_MAX + 1, &fault),
		ERROR_LIMIT);
	assert_non_null(strstr(fault.text, "262145"));
	assert_int_equal(storage_read(scene->storage, ACCOUNT, "gate", &bytes, NULL), 0);
	assert_int_equal(bytes.len, STORAGE_PART_MAX);
	buf_finish(&bytes);
}

static void test_names_that_are_none(void **state)
{
	static const struct {
		const char *account;
		const char *part;
	} names[] = {
		{"", "account"},
		{"../../../../../../../../../../..", "account"},
		{"0123456789abcdef0123456789abcde", "account"},
		{"0123456789abcdef0123456789abcdef0", "account"},
		{"0123456789ABCDEF0123456789abcdef", "account"},
		{ACCOUNT, ""},
		{ACCOUNT, "../account"},
		{ACCOUNT, "Account"},
		{ACCOUNT, "account.new"},
		{ACCOUNT, "0123456789abcdef0123456789abcdef"},
	};
	struct scene *scene = *state;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct buf bytes = {0};
		struct fault fault = {0};

		assert_int_equal(storage_write(scene->storage, names[i].account, names[i].part, "x",
					 1, &fault),
			ERROR_INVALID);
		assert_true(*fault.text);
		assert_int_equal(
			storage_read(scene->storage, names[i].account, names[i].part, &bytes, NULL),
			ERROR_INVALID);
		assert_int_equal(
			storage_remove(scene->storage, names[i].account, names[i].part, NULL),
			ERROR_INVALID);
	}
}

/* --- lists --------------------------------------------------------------------------- */

struct seen {
	char text[1000];
	int stop_after;
};

static int see(void *context, const char *account, const char *part)
{
	struct seen *seen = context;
	size_t length = strlen(seen->text);

	(void)snprintf(seen->text + length, sizeof(seen->text) - length, "%.4s/%s ", account, part);
	return --seen->stop_after ? 0 : 77;
}

static int count_of(const char *text, char c)
{
	int count = 0;

	for (; *text; text++)
		count += *text == c;
	return count;
}

static void test_a_list_has_all_accounts(void **state)
{
	struct scene *scene = *state;
	struct seen seen = {0};

	assert_int_equal(storage_list(scene->storage, see, &seen, NULL), 0);
	assert_string_equal(seen.text, "");
	put_part(scene->storage, ACCOUNT, "gate", "1");
	put_part(scene->storage, OTHER_ACCOUNT, "account", "2");
	put_part(scene->storage, ACCOUNT, "account", "3");
	put_part(scene->storage, OTHER_ACCOUNT, "token-0", "4");
	assert_int_equal(storage_list(scene->storage, see, &seen, NULL), 0);
	assert_int_equal(count_of(seen.text, ' '), 4);
	assert_non_null(strstr(seen.text, "0123/gate "));
	assert_non_null(strstr(seen.text, "0123/account "));
	assert_non_null(strstr(seen.text, "fedc/account "));
	assert_non_null(strstr(seen.text, "fedc/token-0 "));
	/* An account's parts follow one another. */
	assert_true(!strncmp(seen.text, "0123", 4)
			    ? strstr(seen.text, "fedc") > strstr(seen.text, "0123/gate")
			    : strstr(seen.text, "0123") > strstr(seen.text, "fedc/token-0"));
	seen = (struct seen){.stop_after = 2};
	assert_int_equal(storage_list(scene->storage, see, &seen, NULL), 77);
	assert_int_equal(count_of(seen.text, ' '), 2);
}

static void test_an_account_goes_as_a_whole(void **state)
{
	struct scene *scene = *state;
	struct seen seen = {0};

	put_part(scene->storage, ACCOUNT, "gate", "1");
	put_part(scene->storage, ACCOUNT, "account", "2");
	put_part(scene->storage, ACCOUNT, "token-1", "3");
	put_part(scene->storage, OTHER_ACCOUNT, "account", "4");
	assert_int_equal(storage_remove_account(scene->storage, ACCOUNT, NULL), 0);
	assert_int_equal(storage_list(scene->storage, see, &seen, NULL), 0);
	assert_string_equal(seen.text, "fedc/account ");
	assert_int_equal(storage_remove_account(scene->storage, ACCOUNT, NULL), 0);
	assert_int_equal(storage_remove_account(scene->storage, "..", NULL), ERROR_INVALID);
}

static void test_what_it_says_of_itself(void **state)
{
	struct scene *scene = *state;
	struct storage_description description;

	storage_describe(scene->storage, &description);
	if (scene->kind == STORAGE_MEMORY) {
		assert_string_equal(description.kind, "memory");
		assert_null(description.directory);
		assert_false(storage_is_shared(scene->storage));
		return;
	}
	assert_string_equal(description.directory, scene->place.directory);
	assert_true(storage_is_shared(scene->storage));
	if (scene->kind == STORAGE_PLAIN) {
		assert_string_equal(description.kind, "plaintext");
		assert_null(description.key);
	} else {
		assert_string_equal(description.kind, "sealed");
		assert_string_equal(description.key, "file:key");
	}
}

/* --- locks --------------------------------------------------------------------------- */

static void test_a_lock_in_memory_is_always_free(void **state)
{
	struct scene *scene = *state;
	struct storage_lock first = {0};
	struct storage_lock second = {0};
	int fd = -7;

	assert_int_equal(storage_lock_try(scene->storage, ACCOUNT, &first, NULL), 0);
	assert_int_equal(storage_lock_try(scene->storage, ACCOUNT, &second, NULL), 0);
	assert_true(first.held);
	storage_unlock(&first);
	assert_false(first.held);
	storage_unlock(&first);
	storage_unlock(&second);
	assert_int_equal(
		storage_open_beside(scene->storage, ACCOUNT, "pace", &fd, NULL), ERROR_NOT_FOUND);
	assert_int_equal(fd, -7);
}

static void test_a_lock_has_one_holder(void **state)
{
	struct scene *scene = *state;
	struct storage *other = place_open(&scene->place, scene->kind);
	struct storage_lock first = {0};
	struct storage_lock second = {0};
	struct storage_lock third = {0};

	assert_int_equal(storage_lock_try(scene->storage, ACCOUNT, &first, NULL), 0);
	assert_int_equal(storage_lock_try(other, ACCOUNT, &second, NULL), ERROR_BUSY);
	assert_false(second.held);
	assert_int_equal(storage_lock_try(scene->storage, ACCOUNT, &second, NULL), ERROR_BUSY);
	assert_int_equal(storage_lock_try(other, OTHER_ACCOUNT, &third, NULL), 0);
	storage_unlock(&first);
	assert_int_equal(storage_lock_try(other, ACCOUNT, &second, NULL), 0);
	assert_int_equal(storage_lock_try(scene->storage, ACCOUNT, &first, NULL), ERROR_BUSY);
	storage_unlock(&second);
	storage_unlock(&third);
	storage_close(other);
}

/* A child has copies of its parent's descriptors, and so of its locks. */
static void test_a_forked_child_neither_keeps_nor_gives_a_lock(void **state)
{
	struct scene *scene = *state;
	struct storage_lock lock = {0};
	struct storage_lock again = {0};
	int channel[2];
	int status;
	char byte;
	pid_t child;

	assert_int_equal(storage_lock_try(scene->storage, ACCOUNT, &lock, NULL), 0);
	assert_int_equal(pipe(channel), 0);
	child = fork();
	assert_true(child >= 0);
	if (!child) {
		struct storage_lock copy = lock;

		storage_unlock(&copy);
		_exit(storage_lock_try(scene->storage, ACCOUNT, &again, NULL) == ERROR_BUSY ? 0
											    : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(storage_lock_try(scene->storage, ACCOUNT, &again, NULL), ERROR_BUSY);
	child = fork();
	assert_true(child >= 0);
	if (!child) {
		(void)close(channel[1]);
		_exit(read(channel[0], &byte, 1) == 0 ? 0 : 1);
	}
	/* While the child lives, with its copy. */
	storage_unlock(&lock);
	assert_int_equal(storage_lock_try(scene->storage, ACCOUNT, &again, NULL), 0);
	storage_unlock(&again);
	(void)close(channel[1]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	(void)close(channel[0]);
}

static void take_lock(struct storage *storage, struct storage_lock *ret_lock)
{
	for (int i = 0; i < PATIENCE_MS; i++) {
		int error = storage_lock_try(storage, ACCOUNT, ret_lock, NULL);

		if (error != ERROR_BUSY) {
			if (error)
				_exit(2);
			return;
		}
		(void)usleep(1000);
	}
	_exit(3);
}

static void count_once(struct storage *storage)
{
	struct storage_lock lock = {0};
	struct buf bytes = {0};
	char text[20];
	int count;

	take_lock(storage, &lock);
	if (storage_read(storage, ACCOUNT, "token-1", &bytes, NULL))
		_exit(4);
	count = atoi(bytes.data);
	buf_finish(&bytes);
	(void)snprintf(text, sizeof(text), "%d", count + 1);
	if (storage_write(storage, ACCOUNT, "token-1", text, strlen(text), NULL))
		_exit(5);
	storage_unlock(&lock);
}

static void test_processes_take_turns(void **state)
{
	struct scene *scene = *state;
	pid_t children[PROCESSES];
	char expected[20];

	put_part(scene->storage, ACCOUNT, "token-1", "0");
	for (int i = 0; i < PROCESSES; i++) {
		children[i] = fork();
		assert_true(children[i] >= 0);
		if (!children[i]) {
			struct storage *mine = place_open(&scene->place, scene->kind);

			for (int round = 0; round < ROUNDS; round++)
				count_once(mine);
			storage_close(mine);
			_exit(0);
		}
	}
	for (int i = 0; i < PROCESSES; i++) {
		int status;

		assert_int_equal(waitpid(children[i], &status, 0), children[i]);
		assert_int_equal(status, 0);
	}
	(void)snprintf(expected, sizeof(expected), "%d", PROCESSES * ROUNDS);
	assert_part(scene->storage, ACCOUNT, "token-1", expected);
	assert_int_equal(place_count(&scene->place, ".new-"), 0);
}

static void test_a_file_beside_is_shared(void **state)
{
	struct scene *scene = *state;
	struct seen seen = {0};
	char text[6] = "";
	int first = -1;
	int second = -1;

	assert_int_equal(storage_open_beside(scene->storage, ACCOUNT, "pace", &first, NULL), 0);
	assert_int_equal(storage_open_beside(scene->storage, ACCOUNT, "pace", &second, NULL), 0);
	assert_int_equal(write(first, "turns", 5), 5);
	assert_int_equal(pread(second, text, 5, 0), 5);
	assert_string_equal(text, "turns");
	assert_int_equal(storage_list(scene->storage, see, &seen, NULL), 0);
	assert_string_equal(seen.text, "");
	(void)close(first);
	(void)close(second);
}

/* --- names --------------------------------------------------------------------------- */

static void test_names_are_hashes(void **state)
{
	char one[STORAGE_ACCOUNT_SIZE];
	char other[STORAGE_ACCOUNT_SIZE];
	char part[STORAGE_PART_SIZE];

	(void)state;
	assert_int_equal(storage_account_id("https://a.example", "c", NULL, one), 0);
	assert_true(storage_is_account(one));
	/* printf 'https://a.example\0c\0' | sha256sum */
	assert_string_equal(one, "665165a30acc7dd05f93141c05dbe864");
	assert_int_equal(storage_account_id("https://a.example/", "c", NULL, other), 0);
	assert_string_equal(one, other);
	assert_int_equal(storage_account_id("https://a.example", "c", "", other), 0);
	assert_string_not_equal(one, other);
	assert_int_equal(storage_account_id("https://a.exampl", "ec", NULL, other), 0);
	assert_string_not_equal(one, other);
	assert_int_equal(storage_token_part(NULL, part), 0);
	/* printf '' | sha256sum */
	assert_string_equal(part, "token-e3b0c44298fc1c14");
	assert_true(storage_is_part(part));
	assert_int_equal(storage_token_part("cosmos offline_access", part), 0);
	assert_string_not_equal(part, "token-e3b0c44298fc1c14");
}

#define IN_MEMORY(test) cmocka_unit_test_setup_teardown(test, set_up_memory, tear_down)
#define SEALED(test) cmocka_unit_test_setup_teardown(test, set_up_sealed, tear_down)
#define PLAIN(test) cmocka_unit_test_setup_teardown(test, set_up_plain, tear_down)
#define IN_FILES(test) SEALED(test), PLAIN(test)
#define EVERYWHERE(test) IN_MEMORY(test), IN_FILES(test)

int main(void)
{
	const struct CMUnitTest tests[] = {
		EVERYWHERE(test_a_part_is_what_was_written),
		EVERYWHERE(test_a_removed_part_is_gone),
		EVERYWHERE(test_any_bytes),
		EVERYWHERE(test_names_that_are_none),
		EVERYWHERE(test_a_list_has_all_accounts),
		EVERYWHERE(test_an_account_goes_as_a_whole),
		EVERYWHERE(test_what_it_says_of_itself),
		IN_MEMORY(test_a_lock_in_memory_is_always_free),
		IN_FILES(test_a_lock_has_one_holder),
		IN_FILES(test_a_forked_child_neither_keeps_nor_gives_a_lock),
		IN_FILES(test_processes_take_turns),
		IN_FILES(test_a_file_beside_is_shared),
		cmocka_unit_test(test_names_are_hashes),
	};

	return cmocka_run_group_tests_name("client storage", tests, NULL, NULL);
}
