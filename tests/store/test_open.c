/* SPDX-License-Identifier: Apache-2.0 */
/* What a database file may be, and what becomes of one that can't be opened. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "place.h"
#include "suite.h"

#include <dirent.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	FILE_MAX = 1 << 20,
	VERSION_OFFSET = 60, /* of user_version in the header, big-endian */
};

struct content {
	unsigned char bytes[FILE_MAX];
	ssize_t length;
};

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

static int try_open(const char *path, bool create, struct fault *fault)
{
	struct store_options options = {.path = path, .create = create};
	struct store *store = NULL;
	int error = store_open(&options, &store, fault);

	assert_true(!error == (store != NULL));
	store_close(store);
	return error;
}

static int files_in(const struct place *place)
{
	DIR *directory = opendir(place->directory);
	struct dirent *entry;
	int count = 0;

	assert_non_null(directory);
	while ((entry = readdir(directory)))
		count += entry->d_name[0] != '.';
	(void)closedir(directory);
	return count;
}

static void read_content(const char *path, struct content *content)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	content->length = read(fd, content->bytes, sizeof(content->bytes));
	assert_true(content->length >= 0 && content->length < FILE_MAX);
	(void)close(fd);
}

static void write_at(const char *path, off_t offset, const void *bytes, size_t length)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, bytes, length, offset), length);
	(void)close(fd);
}

static void sql(const char *path, const char *text)
{
	sqlite3 *db = NULL;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* Fails to open, says so, and leaves every byte and no file beside it. */
static void assert_left_alone(const struct place *place, bool create, int expected)
{
	static struct content before;
	static struct content after;
	struct fault fault = {""};
	int files = files_in(place);

	read_content(place->path, &before);
	assert_int_equal(try_open(place->path, create, &fault), expected);
	assert_non_null(strstr(fault.text, place->path));
	read_content(place->path, &after);
	assert_int_equal(after.length, before.length);
	assert_memory_equal(after.bytes, before.bytes, (size_t)before.length);
	assert_int_equal(files_in(place), files);
}

static void test_missing(void **state)
{
	const struct place *place = *state;
	struct fault fault = {""};

	assert_int_equal(try_open(place->path, false, &fault), ERROR_NOT_FOUND);
	assert_non_null(strstr(fault.text, place->path));
	assert_int_equal(files_in(place), 0);
	assert_int_equal(try_open("/nonexistent/adit.db", false, NULL), ERROR_NOT_FOUND);
	assert_int_equal(try_open("/nonexistent/adit.db", true, &fault), ERROR_UNAVAILABLE);
	assert_non_null(strstr(fault.text, "/nonexistent/adit.db"));
}

static void test_made_for_its_owner_alone(void **state)
{
	const struct place *place = *state;
	struct store *store;
	struct stat status;
	char beside[100];

	(void)umask(0);
	store = place_open(place, NULL);
	assert_int_equal(store_site_add(store, "north", ""), 0);
	assert_int_equal(stat(place->path, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
	(void)snprintf(beside, sizeof(beside), "%s-wal", place->path);
	assert_int_equal(stat(beside, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
	store_close(store);
	(void)umask(022);
	/* Closed, it is one file. */
	assert_int_equal(files_in(place), 1);
}

static void test_kept(void **state)
{
	const struct place *place = *state;
	struct store *store = place_open(place, NULL);
	struct store_options options = {.path = place->path};
	struct store_access_grant grant;
	struct store_subject subject;
	struct fault fault;

	make_world(store, &grant);
	store_close(store);
	assert_int_equal(store_open(&options, &store, &fault), 0);
	assert_int_equal(store_subject_by_username(store, "north-reader", "api", &subject), 0);
	assert_memory_equal(subject.grant.id, grant.id, STORE_BINARY_ID_SIZE);
	store_close(store);
}

static void test_newer_version(void **state)
{
	const struct place *place = *state;
	const unsigned char version[4] = {0, 0, 0, STORE_SCHEMA_VERSION + 1};

	store_close(place_open(place, NULL));
	write_at(place->path, VERSION_OFFSET, version, sizeof(version));
	assert_left_alone(place, false, ERROR_VERSION);
	assert_left_alone(place, true, ERROR_VERSION);
}

static void test_older_version(void **state)
{
	const struct place *place = *state;
	const unsigned char version[4] = {0, 0, 0, STORE_SCHEMA_VERSION - 1};

	store_close(place_open(place, NULL));
	write_at(place->path, VERSION_OFFSET, version, sizeof(version));
	assert_left_alone(place, false, ERROR_VERSION);
	assert_left_alone(place, true, ERROR_VERSION);
}

/* The newer program was killed: its version stands in the log alone. */
static void test_newer_version_in_the_log(void **state)
{
	const struct place *place = *state;
	char sql_text[64];
	int status;
	pid_t child;

	store_close(place_open(place, NULL));
	(void)snprintf(
		sql_text, sizeof(sql_text), "PRAGMA user_version = %d", STORE_SCHEMA_VERSION + 1);
	child = fork();
	assert_true(child >= 0);
	if (!child) {
		sqlite3 *db = NULL;

		_exit(sqlite3_open(place->path, &db) ||
			sqlite3_exec(db, sql_text, NULL, NULL, NULL));
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(files_in(place), 3);
	assert_left_alone(place, true, ERROR_VERSION);
}

static void copy_beside(const struct place *place, const char *copy, const char *ending)
{
	static struct content content;
	char path[100];

	(void)snprintf(path, sizeof(path), "%s%s", place->path, ending);
	read_content(path, &content);
	(void)snprintf(path, sizeof(path), "%s%s", copy, ending);
	write_at(path, 0, content.bytes, (size_t)content.length);
}

/* Killed while it moved its log into the file: the first page, which goes first, counts
 * pages that are not there yet. All of it is in the log. */
static void test_moved_in_part(void **state)
{
	const struct place *place = *state;
	static struct content whole;
	struct fault fault = {""};
	char copy[100];
	int64_t version = 0;
	int status;
	pid_t child;

	store_close(place_open(place, NULL));
	child = fork();
	assert_true(child >= 0);
	if (!child) {
		sqlite3 *db = NULL;

		_exit(sqlite3_open(place->path, &db) ||
			sqlite3_exec(db, "CREATE TABLE more AS SELECT zeroblob(100000)", NULL, NULL,
				NULL));
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	(void)snprintf(copy, sizeof(copy), "%s/copy", place->directory);
	copy_beside(place, copy, "");
	copy_beside(place, copy, "-wal");
	sql(copy, "PRAGMA wal_checkpoint(TRUNCATE)");
	read_content(copy, &whole);
	write_at(place->path, 0, whole.bytes, 4096);
	assert_int_equal(store_schema(place->path, &version, &fault), 0);
	assert_int_equal(version, STORE_SCHEMA_VERSION);
	assert_int_equal(try_open(place->path, false, &fault), 0);
}

/* Without a log there is nothing that could make it whole. */
static void test_cut_short(void **state)
{
	const struct place *place = *state;

	store_close(place_open(place, NULL));
	assert_int_equal(truncate(place->path, 8192), 0);
	assert_int_equal(try_open(place->path, false, NULL), ERROR_UNAVAILABLE);
}

static void test_not_ours(void **state)
{
	const struct place *place = *state;
	char text[8192];

	memset(text, 'x', sizeof(text));
	write_at(place->path, 0, text, sizeof(text));
	assert_left_alone(place, true, ERROR_INVALID);
	assert_int_equal(truncate(place->path, 5), 0);
	assert_left_alone(place, true, ERROR_INVALID);
	assert_int_equal(truncate(place->path, 0), 0);
	assert_left_alone(place, false, ERROR_INVALID);
	sql(place->path, "CREATE TABLE site (id); INSERT INTO site VALUES (1)");
	assert_left_alone(place, true, ERROR_INVALID);
	sql(place->path, "PRAGMA journal_mode = WAL; INSERT INTO site VALUES (2)");
	assert_left_alone(place, true, ERROR_INVALID);
}

static void test_not_a_file(void **state)
{
	const struct place *place = *state;
	struct fault fault = {""};
	char long_path[5000];

	assert_int_equal(try_open(place->directory, true, &fault), ERROR_INVALID);
	assert_non_null(strstr(fault.text, place->directory));
	memset(long_path, 'a', sizeof(long_path));
	long_path[sizeof(long_path) - 1] = '\0';
	assert_int_equal(try_open(long_path, true, &fault), ERROR_INVALID);
}

/* Made, and killed before the first write. */
static void test_begun_and_left(void **state)
{
	const struct place *place = *state;

	write_at(place->path, 0, "", 0);
	assert_int_equal(try_open(place->path, true, NULL), 0);
	assert_int_equal(try_open(place->path, false, NULL), 0);
}

static void test_odd_names(void **state)
{
	const struct place *place = *state;
	const char *const names[] = {":memory:", "file:a?mode=ro", "50%41#x y\xc3\xa9.db"};
	char doubled[100];
	struct stat status;
	int fd = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(chdir(place->directory), 0);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		assert_int_equal(try_open(names[i], true, NULL), 0);
		assert_int_equal(stat(names[i], &status), 0);
		assert_true(status.st_size > 0);
		assert_int_equal(try_open(names[i], false, NULL), 0);
	}
	assert_int_equal(files_in(place), 3);
	(void)snprintf(doubled, sizeof(doubled), "/%s", place->path);
	assert_int_equal(try_open(doubled, true, NULL), 0);
	assert_int_equal(files_in(place), 4);
	assert_int_equal(fchdir(fd), 0);
	(void)close(fd);
}

/* As another user where the test runs as root, who may everything. */
static void test_not_writable(void **state)
{
	const struct place *place = *state;
	pid_t child;
	int status;

	store_close(place_open(place, NULL));
	assert_int_equal(chmod(place->path, 0444), 0);
	assert_int_equal(chmod(place->directory, 0555), 0);
	child = fork();
	assert_true(child >= 0);
	if (!child) {
		struct fault fault = {""};

		if (!geteuid() && setuid(65534))
			_exit(2);
		_exit(try_open(place->path, false, &fault) != ERROR_UNAVAILABLE ||
			!strstr(fault.text, place->path));
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(chmod(place->directory, 0700), 0);
	assert_int_equal(status, 0);
	assert_int_equal(files_in(place), 1);
}

/* The schema forbids what no verb can ask for. */
static void test_schema_forbids(void **state)
{
	const struct place *place = *state;
	const char *const forbidden[] = {
		"UPDATE service_user SET site_id = 'south'",
		"UPDATE service_user SET site_id = NULL",
		"UPDATE service_user SET role = 'admin'",
		"UPDATE service_user SET disabled_at = 'never'",
		"UPDATE access_grant SET generation = 0",
		"DELETE FROM site WHERE id = 'north'",
		"INSERT INTO authority VALUES (2, 'x', 1, 1)",
	};
	struct store *store = place_open(place, NULL);
	struct store_access_grant grant;
	sqlite3 *db = NULL;

	make_world(store, &grant);
	assert_int_equal(store_site_add(store, "south", ""), 0);
	store_close(store);
	assert_int_equal(sqlite3_open(place->path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "PRAGMA foreign_keys = ON", NULL, NULL, NULL), 0);
	for (size_t i = 0; i < sizeof(forbidden) / sizeof(forbidden[0]); i++)
		assert_int_equal(
			sqlite3_exec(db, forbidden[i], NULL, NULL, NULL), SQLITE_CONSTRAINT);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

int main(void)
{
#define PLACED(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		PLACED(test_missing),
		PLACED(test_made_for_its_owner_alone),
		PLACED(test_kept),
		PLACED(test_newer_version),
		PLACED(test_older_version),
		PLACED(test_newer_version_in_the_log),
		PLACED(test_moved_in_part),
		PLACED(test_cut_short),
		PLACED(test_not_ours),
		PLACED(test_not_a_file),
		PLACED(test_begun_and_left),
		PLACED(test_odd_names),
		PLACED(test_not_writable),
		PLACED(test_schema_forbids),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
