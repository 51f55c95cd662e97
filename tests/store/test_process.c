/* SPDX-License-Identifier: Apache-2.0 */
/* Several processes at one file, and one that is killed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "place.h"
#include "suite.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	PROCESSES = 2,
	THREADS = 16,
	ROUNDS = 20,
	FAMILIES_MAX = 20000,
	KILL_AFTER = 300,
	IN_FLIGHT = 64,
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

static void *shared(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	assert_true(memory != MAP_FAILED);
	return memory;
}

static void assert_exits_well(pid_t child)
{
	int status;

	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* --- one token, two processes -------------------------------------------- */

struct race {
	pthread_barrier_t start; /* across the processes */
	struct store_access_grant grant;
	struct store_redeemed redeemed[ROUNDS][PROCESSES][THREADS];
	int errors[ROUNDS][PROCESSES][THREADS];
};

struct racer {
	pthread_t thread;
	struct store *store;
	struct race *race;
	int process;
	int number;
};

static void *run_racer(void *context)
{
	struct racer *racer = context;
	struct race *race = racer->race;

	for (int round = 0; round < ROUNDS; round++) {
		struct store_redemption redemption = some_redemption(&race->grant, 1, round);

		(void)pthread_barrier_wait(&race->start);
		race->errors[round][racer->process][racer->number] = redeem_wait(racer->store,
			&redemption, &race->redeemed[round][racer->process][racer->number]);
	}
	return NULL;
}

static int run_process(const struct place *place, struct race *race, int process)
{
	struct store_options options = {.path = place->path};
	struct racer racers[THREADS];
	struct store *store = NULL;

	if (store_open(&options, &store, NULL))
		return 1;
	for (int i = 0; i < THREADS; i++) {
		racers[i] = (struct racer){
			.store = store, .race = race, .process = process, .number = i};
		if (pthread_create(&racers[i].thread, NULL, run_racer, &racers[i]))
			return 2;
	}
	for (int i = 0; i < THREADS; i++)
		(void)pthread_join(racers[i].thread, NULL);
	store_close(store);
	return 0;
}

static void assert_one_link(const struct race *race, int round)
{
	const struct store_redeemed *first = &race->redeemed[round][0][0];

	for (int i = 0; i < PROCESSES * THREADS; i++) {
		const struct store_redeemed *one = &race->redeemed[round][i / THREADS][i % THREADS];

		assert_int_equal(race->errors[round][i / THREADS][i % THREADS], 0);
		assert_true(one->outcome == STORE_REDEEM_ROTATED ||
			    one->outcome == STORE_REDEEM_REPEATED);
		assert_int_equal(one->seq, round + 1);
		assert_int_equal(one->rotated_at, first->rotated_at);
	}
}

static void test_one_token_in_two_processes(void **state)
{
	const struct place *place = *state;
	struct race *race = shared(sizeof(*race));
	pthread_barrierattr_t across;
	struct store *store = place_open(place, NULL);
	pid_t children[PROCESSES];

	make_world(store, &race->grant);
	store_close(store);
	(void)pthread_barrierattr_init(&across);
	(void)pthread_barrierattr_setpshared(&across, PTHREAD_PROCESS_SHARED);
	assert_int_equal(pthread_barrier_init(&race->start, &across, PROCESSES * THREADS), 0);
	for (int i = 0; i < PROCESSES; i++) {
		children[i] = fork();
		assert_true(children[i] >= 0);
		if (!children[i])
			_exit(run_process(place, race, i));
	}
	for (int i = 0; i < PROCESSES; i++)
		assert_exits_well(children[i]);
	for (int round = 0; round < ROUNDS; round++)
		assert_one_link(race, round);
	(void)munmap(race, sizeof(*race));
}

/* --- killed -------------------------------------------------------------- */

struct killed {
	struct store_access_grant grant;
	atomic_int count;
	atomic_bool answered[FAMILIES_MAX];
};

struct flight {
	pthread_t thread;
	struct store *store;
	struct killed *killed;
	atomic_uint *next;
};

static void *redeem_for_ever(void *context)
{
	struct flight *flight = context;
	unsigned family;

	while ((family = atomic_fetch_add(flight->next, 1)) < FAMILIES_MAX) {
		struct store_redemption redemption =
			some_redemption(&flight->killed->grant, family, 0);
		struct store_redeemed redeemed;

		if (redeem_wait(flight->store, &redemption, &redeemed) ||
			redeemed.outcome != STORE_REDEEM_ROTATED)
			_exit(1);
		atomic_store(&flight->killed->answered[family], true);
		(void)atomic_fetch_add(&flight->killed->count, 1);
	}
	return NULL;
}

/* Writes until it is killed. */
static void write_for_ever(const struct place *place, struct killed *killed)
{
	struct clock clock;
	atomic_uint next = 0;
	struct flight flights[IN_FLIGHT];
	struct store *store;

	clock_init(&clock);
	clock_set_ms(&clock, SUITE_NOW_S * 1000LL);
	store = place_open(place, &clock);
	for (size_t i = 0; i < IN_FLIGHT; i++) {
		flights[i] = (struct flight){.store = store, .killed = killed, .next = &next};
		if (pthread_create(&flights[i].thread, NULL, redeem_for_ever, &flights[i]))
			_exit(2);
	}
	for (size_t i = 0; i < IN_FLIGHT; i++)
		(void)pthread_join(flights[i].thread, NULL);
	for (;;)
		(void)pause();
}

/* After the window a link that was redeemed is a replay; one that was not is new. */
static bool is_there(struct store *store, const struct store_access_grant *grant, unsigned family)
{
	struct store_redemption redemption = some_redemption(grant, family, 0);
	struct store_redeemed redeemed = {0};

	assert_int_equal(redeem_wait(store, &redemption, &redeemed), 0);
	return redeemed.outcome == STORE_REDEEM_REVOKED && strcmp(redeemed.reason, "replay") == 0;
}

static void test_killed_in_the_middle(void **state)
{
	const struct place *place = *state;
	struct killed *killed = shared(sizeof(*killed));
	struct clock clock;
	struct store *store = place_open(place, NULL);
	pid_t child;
	int status;

	make_world(store, &killed->grant);
	store_close(store);
	child = fork();
	assert_true(child >= 0);
	if (!child)
		write_for_ever(place, killed);
	while (atomic_load(&killed->count) < KILL_AFTER) {
		assert_int_equal(waitpid(child, &status, WNOHANG), 0);
		(void)usleep(100);
	}
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	clock_init(&clock);
	clock_set_ms(&clock, (SUITE_NOW_S + 61) * 1000LL);
	store = place_open(place, &clock);
	for (unsigned family = 0; family < FAMILIES_MAX; family++)
		if (atomic_load(&killed->answered[family]))
			assert_true(is_there(store, &killed->grant, family));
	store_close(store);
	(void)munmap(killed, sizeof(*killed));
}

/* --- beside a running server --------------------------------------------- */

/* When the pipe says so. */
static int disable_the_site(const struct place *place, int pipe_end)
{
	struct store_options options = {.path = place->path};
	struct store *store = NULL;
	char go;
	int error;

	if (read(pipe_end, &go, 1) != 1)
		return 1;
	error = store_open(&options, &store, NULL);
	if (!error)
		error = store_site_set_enabled(store, "north", false);
	store_close(store);
	return error != 0;
}

static void assert_change_is_seen(struct store *store, pid_t child, int pipe_end)
{
	struct store_subject subject;
	int64_t before = 0;
	int64_t after = 0;

	assert_int_equal(store_change_counter(store, &before), 0);
	assert_int_equal(store_subject_by_id(store, "su_1", "api", &subject), 0);
	assert_false(subject.user.site_disabled);
	assert_int_equal(write(pipe_end, "g", 1), 1);
	assert_exits_well(child);
	assert_int_equal(store_change_counter(store, &after), 0);
	assert_int_equal(after, before + 1);
	assert_int_equal(store_subject_by_id(store, "su_1", "api", &subject), 0);
	assert_true(subject.user.site_disabled);
	assert_int_equal(subject.grant.generation, 2);
}

/* The child starts before the store is open: no connection crosses a fork. */
static void test_change_is_seen_by_another_process(void **state)
{
	const struct place *place = *state;
	struct store *store = place_open(place, NULL);
	struct store_access_grant grant;
	int ends[2];
	pid_t child;

	make_world(store, &grant);
	store_close(store);
	assert_int_equal(pipe(ends), 0);
	child = fork();
	assert_true(child >= 0);
	if (!child)
		_exit(disable_the_site(place, ends[0]));
	store = place_open(place, NULL);
	assert_change_is_seen(store, child, ends[1]);
	store_close(store);
	(void)close(ends[0]);
	(void)close(ends[1]);
}

/* --- made by several at once --------------------------------------------- */

static int make_authority(const struct place *place, pthread_barrier_t *start)
{
	struct store_options options = {.path = place->path, .create = true};
	struct store *store = NULL;
	int error;

	(void)pthread_barrier_wait(start);
	if (store_open(&options, &store, NULL))
		return 3;
	error = store_authority_create(store, "https://a.example");
	store_close(store);
	return error == 0 ? 0 : error == ERROR_EXISTS ? 1 : 2;
}

static void test_made_by_several_at_once(void **state)
{
	const struct place *place = *state;
	pthread_barrier_t *start = shared(sizeof(*start));
	pthread_barrierattr_t across;
	pid_t children[8];
	int made[4] = {0};

	(void)pthread_barrierattr_init(&across);
	(void)pthread_barrierattr_setpshared(&across, PTHREAD_PROCESS_SHARED);
	assert_int_equal(pthread_barrier_init(start, &across, 8), 0);
	for (int i = 0; i < 8; i++) {
		children[i] = fork();
		assert_true(children[i] >= 0);
		if (!children[i])
			_exit(make_authority(place, start));
	}
	for (int i = 0; i < 8; i++) {
		int status;

		assert_int_equal(waitpid(children[i], &status, 0), children[i]);
		assert_true(WIFEXITED(status));
		assert_in_range(WEXITSTATUS(status), 0, 3);
		made[WEXITSTATUS(status)]++;
	}
	assert_int_equal(made[0], 1);
	assert_int_equal(made[1], 7);
	(void)munmap(start, sizeof(*start));
}

int main(void)
{
#define PLACED(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		PLACED(test_one_token_in_two_processes),
		PLACED(test_killed_in_the_middle),
		PLACED(test_change_is_seen_by_another_process),
		PLACED(test_made_by_several_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
