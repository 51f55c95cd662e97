/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "client/pace.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	PROCESSES = 16,
	TURNS_EACH = 100,
	TURNS_MAX = 20000,
	HOUR_MS = 3600000,
};

#define FOREVER ((int64_t)1 << 40)

static char folder[64];
static char path[96];

static int open_file(void *context, int *ret_fd, struct fault *fault)
{
	(void)context;
	(void)fault;
	*ret_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	return *ret_fd < 0 ? ERROR_IO : 0;
}

static struct pace *make(const int requests[PACE_WINDOWS], bool in_file, const char *boot_id)
{
	struct pace_options options = {.boot_id = boot_id, .open_file = in_file ? open_file : NULL};
	struct pace *pace = NULL;

	if (requests)
		memcpy(options.requests, requests, sizeof(options.requests));
	assert_int_equal(pace_create(&options, &pace), 0);
	return pace;
}

static int64_t take(struct pace *pace, int64_t now_ms)
{
	struct pace_turn turn;

	assert_int_equal(pace_take(pace, now_ms, FOREVER, &turn, NULL), 0);
	assert_true(turn.at_ms >= now_ms);
	return turn.at_ms;
}

static void as_the_api_limits(void **state)
{
	(void)state;
	for (int in_file = 0; in_file < 2; in_file++) {
		struct pace *pace = make(NULL, in_file, "boot 1");
		int left[PACE_WINDOWS];

		(void)unlink(path);
		assert_int_equal(pace_left(pace, 1000, left, NULL), 0);
		assert_int_equal(left[0], 20);
		assert_int_equal(left[1], 60);
		assert_int_equal(left[2], 1200);
		for (int i = 0; i < 20; i++)
			assert_int_equal(take(pace, 1000), 1000);
		assert_int_equal(pace_left(pace, 1000, left, NULL), 0);
		assert_int_equal(left[0], 0);
		assert_int_equal(left[1], 40);
		for (int i = 0; i < 20; i++)
			assert_int_equal(take(pace, 1000), 11250);
		for (int i = 0; i < 20; i++)
			assert_int_equal(take(pace, 1000), 21500);
		assert_int_equal(take(pace, 1000), 61250);
		pace_destroy(pace);
	}
	assert_int_equal(unlink(path), 0);
}

/* The rule said in another way: how many of these turns a window that ends at `at_ms` has. */
static int in_window(const int64_t *turns, int count, int64_t at_ms, int64_t window_ms)
{
	int in = 0;

	for (int i = count - 1; i >= 0 && turns[i] > at_ms - window_ms; i--)
		in += turns[i] <= at_ms;
	return in;
}

static void check_model(
	const int requests[PACE_WINDOWS], const int64_t *turns, int count, int64_t asked_ms)
{
	int64_t at_ms = turns[count];
	bool had_to_wait = at_ms == asked_ms || (count && at_ms == turns[count - 1]);

	for (int i = 0; i < PACE_WINDOWS; i++) {
		if (requests[i] < 0)
			continue;
		assert_true(in_window(turns, count + 1, at_ms, pace_window_ms[i]) <= requests[i]);
		if (in_window(turns, count, at_ms - 1, pace_window_ms[i] + PACE_MARGIN_MS) >=
			requests[i])
			had_to_wait = true;
	}
	/* A millisecond earlier would have been too early. */
	assert_true(had_to_wait);
}

static void any_schedule_obeys_the_windows(void **state)
{
	static int64_t turns[TURNS_MAX];
	unsigned seed = 20261122;

	(void)state;
	for (int round = 0; round < 60; round++) {
		const int requests[PACE_WINDOWS] = {rand_r(&seed) % 4 ? rand_r(&seed) % 25 + 1 : -1,
			rand_r(&seed) % 4 ? rand_r(&seed) % 80 + 1 : -1,
			rand_r(&seed) % 4 ? rand_r(&seed) % 400 + 1 : -1};
		struct pace *pace = make(requests, round % 4 == 0, "boot 1");
		int64_t now_ms = rand_r(&seed) % HOUR_MS;
		int pause_ms = 1 << rand_r(&seed) % 16;
		int count = 0;

		(void)unlink(path);
		for (int i = 0; i < 600; i++) {
			struct pace_turn turn;
			int64_t limit_ms = rand_r(&seed) % 3 ? FOREVER : rand_r(&seed) % 30000;
			int error = pace_take(pace, now_ms, limit_ms, &turn, NULL);

			if (error) {
				assert_int_equal(error, ERROR_BUSY);
				/* Nor farther ahead than eight hours, whoever would wait. */
				assert_true(turn.at_ms > now_ms + limit_ms ||
					    turn.at_ms > now_ms + 8 * HOUR_MS);
			} else {
				assert_true(turn.at_ms <= now_ms + limit_ms);
				turns[count] = turn.at_ms;
				check_model(requests, turns, count, now_ms);
				count++;
			}
			now_ms += rand_r(&seed) % 10 ? rand_r(&seed) % pause_ms : pause_ms * 50;
		}
		assert_true(count > 10);
		pace_destroy(pace);
	}
}

static void too_late_a_turn_is_not_taken(void **state)
{
	const int requests[PACE_WINDOWS] = {1, -1, -1};
	struct pace *pace = make(requests, false, "boot 1");
	struct pace_turn turn;

	(void)state;
	assert_int_equal(take(pace, 0), 0);
	assert_int_equal(pace_take(pace, 50, 10199, &turn, NULL), ERROR_BUSY);
	assert_int_equal(turn.at_ms, 10250);
	assert_int_equal(pace_take(pace, 50, 10200, &turn, NULL), 0);
	assert_int_equal(turn.at_ms, 10250);
	pace_destroy(pace);
}

static void told_to_wait_all_wait(void **state)
{
	const int requests[PACE_WINDOWS] = {2, -1, -1};
	struct pace_turn turns[4];
	struct pace *pace = make(requests, true, "boot 1");
	struct pace *other = make(requests, true, "boot 1");
	bool stands;

	(void)state;
	(void)unlink(path);
	for (int i = 0; i < 4; i++)
		assert_int_equal(pace_take(pace, 1000, FOREVER, &turns[i], NULL), 0);
	assert_int_equal(turns[3].at_ms, 11250);
	assert_int_equal(pace_look(other, &turns[3], &stands, NULL), 0);
	assert_true(stands);
	assert_int_equal(pace_hold(other, 2000, 30, NULL), 0);
	assert_int_equal(pace_look(pace, &turns[3], &stands, NULL), 0);
	assert_false(stands);
	assert_int_equal(take(pace, 2000), 32000);
	assert_int_equal(take(other, 2000), 32000);
	assert_int_equal(take(pace, 2000), 42250);
	/* A shorter one does not end a longer one. */
	assert_int_equal(pace_hold(pace, 3000, 1, NULL), 0);
	assert_int_equal(take(pace, 3000), 32000);
	/* Nor is there one for ever. */
	assert_int_equal(pace_hold(pace, 3000, INT64_MAX, NULL), 0);
	assert_int_equal(take(pace, 3000), 3000 + (int64_t)PACE_HOLD_MAX_S * 1000);
	pace_destroy(pace);
	pace_destroy(other);
}

static void the_last_turn_can_be_given_back(void **state)
{
	const int requests[PACE_WINDOWS] = {1, -1, -1};
	struct pace *pace = make(requests, false, "boot 1");
	struct pace_turn turns[3];
	struct pace_turn again;

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_int_equal(pace_take(pace, 0, FOREVER, &turns[i], NULL), 0);
	pace_give_back(pace, &turns[1]); /* not the last one: nothing happens */
	pace_give_back(pace, &turns[2]);
	pace_give_back(pace, &turns[2]);
	assert_int_equal(pace_take(pace, 0, FOREVER, &again, NULL), 0);
	assert_int_equal(again.at_ms, turns[2].at_ms);
	pace_give_back(pace, &again);
	pace_give_back(pace, &turns[1]);
	pace_give_back(pace, &turns[0]);
	assert_int_equal(take(pace, 5), 5);
	pace_destroy(pace);
}

static void another_boot_begins_anew(void **state)
{
	const int requests[PACE_WINDOWS] = {1, 1, 1};
	struct pace *pace = make(requests, true, "boot 1");
	struct pace *after = make(requests, true, "boot 2");

	(void)state;
	(void)unlink(path);
	assert_int_equal(take(pace, 900000), 900000);
	assert_true(take(pace, 900000) > 900000);
	assert_int_equal(take(after, 10), 10);
	pace_destroy(pace);
	pace_destroy(after);
}

static void overwrite(off_t at, const void *bytes, size_t length)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, bytes, length, at), (ssize_t)length);
	assert_int_equal(close(fd), 0);
}

static void a_damaged_file_begins_anew(void **state)
{
	const int requests[PACE_WINDOWS] = {1, -1, -1};
	const int64_t far = INT64_MAX;
	struct pace *pace = make(requests, true, "boot 1");
	char noise[4096];

	(void)state;
	for (int i = 0; i < 7; i++) {
		memset(noise, i * 40, sizeof(noise));
		(void)unlink(path);
		overwrite(0, noise, sizeof(noise));
		assert_int_equal(take(pace, 1000), 1000);
		assert_int_equal(take(pace, 1000), 11250);
		/* Any eight bytes of it. */
		overwrite(i * 8 + (i == 1 ? 64 : 0), i % 2 ? (const void *)&far : noise, 8);
		assert_int_equal(truncate(path, i % 3 ? 4000 : 90), 0);
		assert_true(take(pace, 1000) <= 1000 + 2 * 10250);
	}
	pace_destroy(pace);
}

static void a_newer_file_is_left_alone(void **state)
{
	struct pace *pace = make(NULL, true, "boot 1");
	const uint64_t version = PACE_FORMAT_VERSION + 1;
	struct pace_turn turn;
	struct fault fault = {0};

	(void)state;
	(void)unlink(path);
	(void)take(pace, 1000);
	overwrite(8, &version, sizeof(version));
	assert_int_equal(pace_take(pace, 1000, 0, &turn, &fault), ERROR_VERSION);
	assert_non_null(strstr(fault.text, "newer"));
	pace_destroy(pace);
}

static void a_stopped_process_does_not_hang_others(void **state)
{
	struct pace *pace = make(NULL, true, "boot 1");
	struct pace_turn turn;
	int fd;

	(void)state;
	(void)unlink(path);
	(void)take(pace, 1000);
	fd = open(path, O_RDWR | O_CLOEXEC);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	assert_int_equal(pace_take(pace, 1000, FOREVER, &turn, NULL), ERROR_BUSY);
	assert_true(turn.at_ms > 1000);
	assert_int_equal(close(fd), 0);
	(void)take(pace, 1000);
	pace_destroy(pace);
}

static void more_than_the_table_holds(void **state)
{
	const int requests[PACE_WINDOWS] = {1, -1, -1};
	struct pace *pace = make(requests, false, "boot 1");
	const int many[PACE_WINDOWS] = {INT32_MAX, -1, -1};
	struct pace *wide = make(many, false, "boot 1");
	struct pace_turn turn;
	int64_t last_ms = 0;
	int taken = 0;
	int error;

	(void)state;
	do {
		error = pace_take(pace, 0, FOREVER, &turn, NULL);
		assert_true(turn.at_ms >= last_ms);
		last_ms = turn.at_ms;
	} while (!error && ++taken < 100000);
	assert_int_equal(error, ERROR_BUSY);
	assert_true(taken > 1000);
	for (int i = 0; i < PACE_REQUESTS_MAX * 5; i++)
		assert_int_equal(take(wide, i * 10), i * 10);
	pace_destroy(pace);
	pace_destroy(wide);
}

/* All at the same time of the clock: what each was given is written to the pipe. */
static _Noreturn void take_many(struct pace *pace, int fd)
{
	for (int i = 0; i < TURNS_EACH; i++) {
		struct pace_turn turn;
		int error;

		do
			error = pace_take(pace, 5000, FOREVER, &turn, NULL);
		while (error == ERROR_BUSY);
		if (error || write(fd, &turn.at_ms, sizeof(turn.at_ms)) != sizeof(turn.at_ms))
			_exit(1);
	}
	_exit(0);
}

static int compare(const void *a, const void *b)
{
	const int64_t *left = a;
	const int64_t *right = b;

	return (*left > *right) - (*left < *right);
}

static void sixteen_processes_share_it(void **state)
{
	static int64_t turns[PROCESSES * TURNS_EACH];
	const int requests[PACE_WINDOWS] = {20, 60, 800};
	struct pace *pace = make(requests, true, "boot 1");
	int ends[2];
	int status;

	(void)state;
	(void)unlink(path);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	for (int i = 0; i < PROCESSES; i++)
		if (!fork())
			take_many(pace, ends[1]);
	for (int i = 0; i < PROCESSES * TURNS_EACH; i++)
		assert_int_equal(read(ends[0], &turns[i], sizeof(*turns)), sizeof(*turns));
	for (int i = 0; i < PROCESSES; i++) {
		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
	}
	qsort(turns, PROCESSES * TURNS_EACH, sizeof(*turns), compare);
	for (int i = 0; i < PROCESSES * TURNS_EACH; i++)
		check_model(requests, turns, i, 5000);
	(void)close(ends[0]);
	(void)close(ends[1]);
	pace_destroy(pace);
}

struct taker {
	struct pace *pace;
	int64_t turns[TURNS_EACH];
};

static void *take_in_thread(void *context)
{
	struct taker *taker = context;

	for (int i = 0; i < TURNS_EACH; i++)
		taker->turns[i] = take(taker->pace, 5000);
	return NULL;
}

static void threads_share_it(void **state)
{
	static struct taker takers[8];
	static int64_t turns[8 * TURNS_EACH];
	const int requests[PACE_WINDOWS] = {20, 60, 400};
	struct pace *pace = make(requests, false, "boot 1");
	pthread_t threads[8];

	(void)state;
	for (int i = 0; i < 8; i++) {
		takers[i].pace = pace;
		assert_int_equal(pthread_create(&threads[i], NULL, take_in_thread, &takers[i]), 0);
	}
	for (int i = 0; i < 8; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		memcpy(turns + i * TURNS_EACH, takers[i].turns, sizeof(takers[i].turns));
	}
	qsort(turns, 8 * TURNS_EACH, sizeof(*turns), compare);
	for (int i = 0; i < 8 * TURNS_EACH; i++)
		check_model(requests, turns, i, 5000);
	pace_destroy(pace);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_the_api_limits),
		cmocka_unit_test(any_schedule_obeys_the_windows),
		cmocka_unit_test(too_late_a_turn_is_not_taken),
		cmocka_unit_test(told_to_wait_all_wait),
		cmocka_unit_test(the_last_turn_can_be_given_back),
		cmocka_unit_test(another_boot_begins_anew),
		cmocka_unit_test(a_damaged_file_begins_anew),
		cmocka_unit_test(a_newer_file_is_left_alone),
		cmocka_unit_test(a_stopped_process_does_not_hang_others),
		cmocka_unit_test(more_than_the_table_holds),
		cmocka_unit_test(sixteen_processes_share_it),
		cmocka_unit_test(threads_share_it),
	};
	int failed;

	(void)strcpy(folder, "/tmp/adit-pace-XXXXXX");
	if (!mkdtemp(folder))
		return 1;
	(void)snprintf(path, sizeof(path), "%s/pace", folder);
	failed = cmocka_run_group_tests_name("pace", tests, NULL, NULL);
	(void)unlink(path);
	(void)rmdir(folder);
	return failed;
}
