/* SPDX-License-Identifier: Apache-2.0 */
/* A storage on a disk that is full, and on one that is read-only: a small one of the test's own,
 * mounted in a namespace that ends with the test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "storage_place.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NO_MOUNT = 77, LARGE = 100000 };

#define OLD "what was there before"

/* Else an assertion would end the child as if it were the test. */
#define DEMAND(condition)                                                                          \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			(void)fprintf(stderr, "# %s:%d: %s\n", __FILE__, __LINE__, #condition);    \
			_exit(1);                                                                  \
		}                                                                                  \
	} while (0)

static bool mount_disk(const struct place *place)
{
	return !unshare(CLONE_NEWNS) && !mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) &&
	       !mount("none", place->root, "tmpfs", 0, "size=128k,mode=700");
}

static struct storage *open_and_put(const struct place *place)
{
	struct storage *storage = NULL;

	DEMAND(!place_try(place, STORAGE_SEALED, NULL, &storage, NULL));
	DEMAND(!storage_write(storage, ACCOUNT, "account", OLD, strlen(OLD), NULL));
	return storage;
}

static void demand_old(struct storage *storage)
{
	struct buf bytes = {0};

	DEMAND(!storage_read(storage, ACCOUNT, "account", &bytes, NULL));
	DEMAND(bytes.len == strlen(OLD) && !memcmp(bytes.data, OLD, bytes.len));
	buf_finish(&bytes);
}

/* --- full ------------------------------------------------------------------------------ */

static void fill(const char *path)
{
	static const char block[4096];
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	DEMAND(fd >= 0);
	while (write(fd, block, sizeof(block)) > 0)
		;
	DEMAND(errno == ENOSPC);
	(void)close(fd);
}

static void use_full(const struct place *place)
{
	static char large[LARGE];
	struct storage *storage = open_and_put(place);
	struct fault fault = {0};

	/* Not even an empty disk has room for two of them. */
	DEMAND(!storage_write(storage, ACCOUNT, "gate", large, sizeof(large), NULL));
	DEMAND(storage_write(storage, ACCOUNT, "account", large, sizeof(large), &fault) ==
		ERROR_IO);
	demand_old(storage);
	DEMAND(place_count(place, ".new-") == 0);
	DEMAND(!storage_remove(storage, ACCOUNT, "gate", NULL));
	fill(place_path(place, "filler"));
	DEMAND(storage_write(storage, ACCOUNT, "account", large, sizeof(large), &fault) ==
		ERROR_IO);
	DEMAND(strstr(fault.text, ".account can't be written: the disk is full: make room"));
	demand_old(storage);
	DEMAND(storage_write(storage, ACCOUNT, "gate", OLD, strlen(OLD), &fault) == ERROR_IO);
	DEMAND(strstr(fault.text, ".gate can't be written: the disk is full: make room"));
	DEMAND(place_count(place, ".new-") == 0);
	DEMAND(!unlink(place_path(place, "filler")));
	DEMAND(!storage_write(storage, ACCOUNT, "gate", OLD, strlen(OLD), NULL));
	demand_old(storage);
	storage_close(storage);
}

/* --- read-only ------------------------------------------------------------------------- */

static void use_read_only(const struct place *place)
{
	struct storage *storage = open_and_put(place);
	struct storage_lock lock = {0};
	struct fault fault = {0};

	DEMAND(!storage_lock_try(storage, ACCOUNT, &lock, NULL));
	storage_unlock(&lock);
	storage_close(storage);
	DEMAND(!mount("none", place->root, "tmpfs", MS_REMOUNT | MS_RDONLY, NULL));
	storage = NULL;
	DEMAND(!place_try(place, STORAGE_SEALED, NULL, &storage, NULL));
	demand_old(storage);
	DEMAND(storage_write(storage, ACCOUNT, "account", "new", 3, &fault) == ERROR_IO);
	DEMAND(strstr(fault.text, "the file system is read-only: use another storage directory"));
	DEMAND(storage_remove(storage, ACCOUNT, "account", &fault) == ERROR_IO);
	demand_old(storage);
	DEMAND(!storage_lock_try(storage, ACCOUNT, &lock, NULL));
	storage_unlock(&lock);
	storage_close(storage);
}

static void make_on_read_only(const struct place *place)
{
	struct storage *storage = NULL;
	struct fault fault = {0};

	DEMAND(!mount("none", place->root, "tmpfs", MS_REMOUNT | MS_RDONLY, NULL));
	DEMAND(place_try(place, STORAGE_SEALED, NULL, &storage, &fault) == ERROR_IO);
	DEMAND(strstr(fault.text, "can't be made: the file system is read-only"));
}

/* --- */

static void run(void (*use)(const struct place *))
{
	struct place place;
	int status;
	pid_t child;

	place_make(&place);
	child = fork();
	assert_true(child >= 0);
	if (!child) {
		if (!mount_disk(&place))
			_exit(NO_MOUNT);
		use(&place);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	place_remove(&place);
	if (WIFEXITED(status) && WEXITSTATUS(status) == NO_MOUNT) {
		print_message("skipped: mounting a disk takes root\n");
		skip();
	}
	assert_int_equal(status, 0);
}

static void test_a_full_disk(void **state)
{
	(void)state;
	run(use_full);
}

static void test_a_read_only_disk(void **state)
{
	(void)state;
	run(use_read_only);
}

static void test_making_on_a_read_only_disk(void **state)
{
	(void)state;
	run(make_on_read_only);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_full_disk),
		cmocka_unit_test(test_a_read_only_disk),
		cmocka_unit_test(test_making_on_a_read_only_disk),
	};

	(void)unsetenv("CREDENTIALS_DIRECTORY");
	(void)unsetenv("DBUS_SESSION_BUS_ADDRESS");
	(void)unsetenv("XDG_RUNTIME_DIR");
	return cmocka_run_group_tests_name("client storage disk", tests, NULL, NULL);
}
