/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/lockfile.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { TIMES = 300 };

struct looker {
	char path[64];
	atomic_bool ended;
	atomic_uint looked;
	atomic_uint held;
	atomic_uint failed;
};

static void *look_on(void *context)
{
	struct looker *looker = context;

	while (!looker->ended) {
		bool held = false;

		looker->failed += lockfile_look(looker->path, &held) != 0;
		looker->held += held;
		looker->looked++;
	}
	return NULL;
}

static void wait_for(const atomic_uint *count)
{
	unsigned before = *count;

	while (*count == before)
		(void)usleep(100);
}

/* A plan that is asked for, again and again, keeps no server from starting. */
static void test_looking_is_in_nobodys_way(void **state)
{
	struct looker looker = {.path = "/tmp/adit-lock-XXXXXX"};
	struct lockfile lock = {.fd = -1};
	struct lockfile other = {.fd = -1};
	pthread_t thread;
	int fd = mkstemp(looker.path);

	(void)state;
	assert_true(fd >= 0);
	(void)close(fd);
	assert_int_equal(pthread_create(&thread, NULL, look_on, &looker), 0);
	wait_for(&looker.looked);
	for (int i = 0; i < TIMES; i++) {
		assert_int_equal(lockfile_acquire(&lock, looker.path), 0);
		assert_int_equal(lockfile_acquire(&other, looker.path), ERROR_BUSY);
		lockfile_release(&lock);
	}
	assert_int_equal(lockfile_acquire(&lock, looker.path), 0);
	wait_for(&looker.held);
	lockfile_release(&lock);
	looker.ended = true;
	(void)pthread_join(thread, NULL);
	assert_int_equal(looker.failed, 0);
	(void)unlink(looker.path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_looking_is_in_nobodys_way),
	};

	return cmocka_run_group_tests_name("base lockfile", tests, NULL, NULL);
}
