/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/lockfile.h"
#include "base/secret.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Requirement 76. */
static void test_equal(void **state)
{
	struct secret a = {0};
	struct secret b = {0};

	(void)state;
	assert_int_equal(secret_init(&a, "abc", 3), 0);
	assert_int_equal(secret_init(&b, "abd", 3), 0);
	assert_false(secret_equal(&a, &b));
	b.bytes[2] = 'c';
	assert_true(secret_equal(&a, &b));
	secret_finish(&b);
	assert_int_equal(secret_init(&b, "ab", 2), 0);
	assert_false(secret_equal(&a, &b));
	secret_finish(&a);
	secret_finish(&b);
	secret_finish(NULL);
}

static void test_file_must_be_private(void **state)
{
	char path[] = "/tmp/adit-secret-XXXXXX";
	int fd = mkstemp(path);
	struct secret secret = {0};

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "12345", 5), 5);
	assert_int_equal(secret_init_file(&secret, path, 4, SECRET_OWNER_ONLY), ERROR_LIMIT);
	assert_int_equal(secret_init_file(&secret, path, 5, SECRET_OWNER_ONLY), 0);
	assert_int_equal(secret.length, 5);
	assert_memory_equal(secret.bytes, "12345", 5);
	secret_finish(&secret);
	assert_int_equal(fchmod(fd, 0640), 0);
	assert_int_equal(secret_init_file(&secret, path, 5, SECRET_OWNER_ONLY), ERROR_REFUSED);
	assert_int_equal(secret_init_file(&secret, path, 5, SECRET_OWNER_AND_GROUP), 0);
	secret_finish(&secret);
	assert_int_equal(fchmod(fd, 0660), 0);
	assert_int_equal(secret_init_file(&secret, path, 5, SECRET_OWNER_AND_GROUP), ERROR_REFUSED);
	assert_int_equal(fchmod(fd, 0404), 0);
	assert_int_equal(secret_init_file(&secret, path, 5, SECRET_OWNER_AND_GROUP), ERROR_REFUSED);
	assert_int_equal(secret_init_file(&secret, "/tmp", 5, SECRET_OWNER_ONLY), ERROR_REFUSED);
	assert_int_equal(
		secret_init_file(&secret, "/nonexistent", 5, SECRET_OWNER_ONLY), ERROR_NOT_FOUND);
	assert_null(secret.bytes);
	(void)close(fd);
	(void)unlink(path);
}

static void test_lock_is_held_by_one(void **state)
{
	char path[] = "/tmp/adit-lock-XXXXXX";
	int fd = mkstemp(path);
	struct lockfile lock = {.fd = -1};
	struct lockfile other = {.fd = -1};

	(void)state;
	assert_true(fd >= 0);
	(void)close(fd);
	assert_int_equal(lockfile_acquire(&lock, path), 0);
	assert_int_equal(lockfile_acquire(&other, path), ERROR_BUSY);
	lockfile_release(&lock);
	assert_int_equal(lockfile_acquire(&other, path), 0);
	lockfile_release(&other);
	assert_int_equal(lockfile_acquire(&lock, "/nonexistent/lock"), ERROR_IO);
	(void)unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_equal),
		cmocka_unit_test(test_file_must_be_private),
		cmocka_unit_test(test_lock_is_held_by_one),
	};

	return cmocka_run_group_tests_name("secret", tests, NULL, NULL);
}
