/* SPDX-License-Identifier: Apache-2.0 */
/* A copy of a store in a file: what is in it, and where none can be made. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "place.h"
#include "suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct fixture {
	struct place place;
	struct store *store;
	char backup[96];
};

static int set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	struct store_access_grant grant;

	assert_non_null(fixture);
	place_make(&fixture->place);
	(void)snprintf(
		fixture->backup, sizeof(fixture->backup), "%s/copy", fixture->place.directory);
	fixture->store = place_open(&fixture->place, NULL);
	make_world(fixture->store, &grant);
	*state = fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	store_close(fixture->store);
	place_remove(&fixture->place);
	free(fixture);
	return 0;
}

static void test_backup(void **state)
{
	struct fixture *fixture = *state;
	struct store_service_user user = some_user("su_2", "later", "north");
	struct store_options options = {0};
	struct store *copy = NULL;
	struct fault fault = {""};
	struct stat status;

	options.path = fixture->backup;
	assert_int_equal(store_check(fixture->store), 0);
	assert_int_equal(store_backup(fixture->store, fixture->backup, &fault), 0);
	assert_int_equal(stat(fixture->backup, &status), 0);
	assert_int_equal(status.st_mode, S_IFREG | 0600);
	assert_int_equal(store_service_user_add(fixture->store, &user), 0);
	assert_int_equal(store_open(&options, &copy, &fault), 0);
	assert_int_equal(store_check(copy), 0);
	assert_int_equal(store_service_user_get(copy, "north-reader", &user), 0);
	assert_string_equal(user.id, "su_1");
	assert_int_equal(store_service_user_get(copy, "later", &user), ERROR_NOT_FOUND);
	assert_int_equal(store_service_user_get(fixture->store, "later", &user), 0);
	store_close(copy);
}

static void test_backup_is_refused(void **state)
{
	struct fixture *fixture = *state;
	struct fault fault = {""};
	char path[128];
	char unfinished[136];

	(void)snprintf(path, sizeof(path), "%s/none/backup", fixture->place.directory);
	assert_int_equal(store_backup(fixture->store, path, &fault), ERROR_INVALID);
	assert_int_equal(store_backup(fixture->store, "", &fault), ERROR_INVALID);
	(void)snprintf(path, sizeof(path), "%s/backup", fixture->place.directory);
	(void)snprintf(unfinished, sizeof(unfinished), "%s.new", path);
	assert_int_equal(mknod(unfinished, S_IFREG | 0600, 0), 0);
	assert_int_equal(store_backup(fixture->store, path, &fault), ERROR_EXISTS);
	assert_non_null(strstr(fault.text, unfinished));
	assert_int_equal(unlink(unfinished), 0);
	assert_int_equal(symlink("nowhere", path), 0);
	assert_int_equal(store_backup(fixture->store, path, &fault), ERROR_EXISTS);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(store_backup(fixture->store, path, &fault), 0);
	assert_int_equal(store_backup(fixture->store, path, &fault), ERROR_EXISTS);
	assert_int_equal(access(unfinished, F_OK), -1);
}

static void test_memory_is_refused(void **state)
{
	struct fixture *fixture = *state;
	struct store_options options = {.create = true};
	struct store *store = NULL;
	struct fault fault = {""};

	assert_int_equal(store_open(&options, &store, &fault), 0);
	assert_int_equal(store_backup(store, fixture->backup, &fault), ERROR_REFUSED);
	assert_int_equal(access(fixture->backup, F_OK), -1);
	store_close(store);
}

/* Whatever byte it ends with. */
static void test_length(void **state)
{
	struct fixture *fixture = *state;
	struct fault fault = {""};
	struct stat status;

	assert_int_equal(store_check_length(fixture->backup), ERROR_IO);
	assert_int_equal(store_backup(fixture->store, fixture->backup, &fault), 0);
	assert_int_equal(store_check_length(fixture->backup), 0);
	assert_int_equal(stat(fixture->backup, &status), 0);
	assert_int_equal(truncate(fixture->backup, status.st_size + 1), 0);
	assert_int_equal(store_check_length(fixture->backup), ERROR_INVALID);
	assert_int_equal(truncate(fixture->backup, status.st_size - 1), 0);
	assert_int_equal(store_check_length(fixture->backup), ERROR_INVALID);
	assert_int_equal(truncate(fixture->backup, 20), 0);
	assert_int_equal(store_check_length(fixture->backup), ERROR_INVALID);
	/* That it is no database, store_open() says. */
	assert_int_equal(truncate(fixture->backup, 0), 0);
	assert_int_equal(store_check_length(fixture->backup), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_backup, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_backup_is_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_memory_is_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_length, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("backup", tests, NULL, NULL);
}
