/* SPDX-License-Identifier: Apache-2.0 */
/* What the verbs say while the database can't be read or written: never an answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "place.h"
#include "suite.h"

#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	PAGE = 4096,
	QUEUE_MAX = 4096, /* store/writer.h */
	BATCH_MAX = 256,
	PATIENT_MS = 60000,
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

static struct store *open_waiting(const struct place *place, int busy_timeout_ms)
{
	struct store_options options = {
		.path = place->path, .create = true, .busy_timeout_ms = busy_timeout_ms};
	struct store *store = NULL;

	assert_int_equal(store_open(&options, &store, NULL), 0);
	return store;
}

/* Another program's write lock. */
static sqlite3 *lock(const struct place *place)
{
	sqlite3 *db = NULL;

	assert_int_equal(sqlite3_open(place->path, &db), SQLITE_OK);
	(void)sqlite3_busy_timeout(db, 5000);
	assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	return db;
}

static void unlock(sqlite3 *db)
{
	assert_int_equal(sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* --- nothing that is there is ever "not found" --------------------------- */

static int count_user(void *context, const struct store_service_user *user)
{
	(void)user;
	++*(int *)context;
	return 0;
}

static int count_key(void *context, const struct store_key *key)
{
	(void)key;
	++*(int *)context;
	return 0;
}

static int count_site(void *context, const struct store_site *site)
{
	(void)site;
	++*(int *)context;
	return 0;
}

static int count_client(void *context, const struct store_client *client)
{
	(void)client;
	++*(int *)context;
	return 0;
}

static int count_scope(void *context, const struct store_scope *scope)
{
	(void)scope;
	++*(int *)context;
	return 0;
}

static int bad_lists(struct store *store, int expected)
{
	int bad = 0;
	int count = 0;

	bad += store_service_user_list(store, NULL, count_user, &count) != expected;
	bad += store_key_list(store, count_key, &count) != expected;
	bad += store_site_list(store, count_site, &count) != expected;
	bad += store_client_list(store, count_client, &count) != expected;
	bad += store_scope_list(store, count_scope, &count) != expected;
	return bad;
}

/* How many verbs about things that exist return something else. */
static int bad_reads(struct store *store, int expected)
{
	struct store_authority authority;
	struct store_site site;
	struct store_service_user user;
	struct store_client client;
	struct store_subject subject;
	int64_t counter;
	int bad = bad_lists(store, expected);

	bad += store_change_counter(store, &counter) != expected;
	bad += store_authority_get(store, &authority) != expected;
	bad += store_site_get(store, "north", &site) != expected;
	bad += store_service_user_get(store, "north-reader", &user) != expected;
	bad += store_client_get(store, "api", &client) != expected;
	bad += store_subject_by_username(store, "north-reader", "api", &subject) != expected;
	bad += store_subject_by_id(store, "su_1", "api", &subject) != expected;
	return bad;
}

static int bad_writes(struct store *store, int expected)
{
	struct store_access_grant grant = {0};
	struct store_redemption redemption = some_redemption(&grant, 1, 0);
	struct store_redeemed redeemed;
	struct store_credential credential = some_credential("cr_9", 1, 0);
	struct store_service_user user = some_user("su_9", "nine", "north");
	struct store_client client = some_client("nine", "confidential");
	struct store_key key = {.kid = "k9", .purpose = "pepper", .sealed_length = 1};
	int64_t removed;
	int bad = 0;

	bad += store_authority_create(store, "https://b.example") != expected;
	bad += store_key_add(store, &key, 0, false) != expected;
	bad += store_resource_put(store, "other", "ES256") != expected;
	bad += store_scope_put(store, "other", "") != expected;
	bad += store_site_add(store, "nine", "") != expected;
	bad += store_site_set_enabled(store, "north", false) != expected;
	bad += store_service_user_add(store, &user) != expected;
	bad += store_service_user_set_enabled(store, "north-reader", false) != expected;
	bad += store_service_user_rotate(store, "north-reader", &credential, 60) != expected;
	bad += store_client_add(store, &client) != expected;
	bad += store_client_set_enabled(store, "api", false) != expected;
	bad += store_client_rotate_secret(store, "robot", &credential, 0) != expected;
	bad += ensure_wait(store, "su_1", "api", &grant) != expected;
	bad += redeem_wait(store, &redemption, &redeemed) != expected;
	bad += sweep_wait(store, 1, &removed) != expected;
	return bad;
}

/* Not ready while writes fail, though reads work; a ping finds out when they do again. */
static void check_ping_after_failed_writes(struct store *store, bool writable)
{
	assert_int_equal(store_ping(store), ERROR_UNAVAILABLE);
	store_settle(store);
	assert_int_equal(store_ping(store), writable ? 0 : ERROR_UNAVAILABLE);
	store_settle(store);
}

static void fill(struct store *store)
{
	struct store_access_grant grant;
	struct store_client client = some_client("robot", "confidential");
	struct store_key key = {.kid = "k1", .purpose = "pepper", .sealed_length = 1};

	make_world(store, &grant);
	assert_int_equal(store_authority_create(store, "https://a.example"), 0);
	assert_int_equal(store_key_add(store, &key, 0, false), 0);
	assert_int_equal(store_resource_put(store, "external-api", "ES256"), 0);
	assert_int_equal(store_scope_put(store, "cosmos", "external-api"), 0);
	client.secrets[0] = some_credential("cs_1", 1, 0);
	client.secret_count = 1;
	assert_int_equal(store_client_add(store, &client), 0);
}

static void test_file_taken_away(void **state)
{
	const struct place *place = *state;
	struct store *store = place_open(place, NULL);
	char aside[100];

	fill(store);
	assert_int_equal(bad_reads(store, 0), 0);
	(void)snprintf(aside, sizeof(aside), "%s.aside", place->path);
	assert_int_equal(rename(place->path, aside), 0);
	assert_int_equal(bad_reads(store, ERROR_UNAVAILABLE), 0);
	assert_int_equal(bad_writes(store, ERROR_UNAVAILABLE), 0);
	assert_int_equal(rename(aside, place->path), 0);
	assert_int_equal(bad_reads(store, 0), 0);
	check_ping_after_failed_writes(store, true);
	assert_int_equal(store_site_add(store, "nine", ""), 0);
	store_close(store);
}

static void test_file_deleted(void **state)
{
	const struct place *place = *state;
	struct store *store = place_open(place, NULL);

	fill(store);
	place_remove(place);
	assert_int_equal(bad_writes(store, ERROR_UNAVAILABLE), 0);
	assert_int_equal(bad_reads(store, ERROR_UNAVAILABLE), 0);
	store_close(store);
}

/* Restored beneath a running server: what it wrote would go to nobody. */
static void test_file_replaced(void **state)
{
	const struct place *place = *state;
	struct place other;
	struct store *store = place_open(place, NULL);

	fill(store);
	place_make(&other);
	store_close(place_open(&other, NULL));
	assert_int_equal(rename(other.path, place->path), 0);
	assert_int_equal(bad_writes(store, ERROR_UNAVAILABLE), 0);
	assert_int_equal(bad_reads(store, ERROR_UNAVAILABLE), 0);
	store_close(store);
	place_remove(&other);
}

/* A newer program came by while this one runs. */
static void test_migrated_beneath(void **state)
{
	const struct place *place = *state;
	struct store *store = place_open(place, NULL);
	sqlite3 *db = NULL;
	char sql[64];

	fill(store);
	(void)snprintf(sql, sizeof(sql), "PRAGMA user_version = %d", STORE_SCHEMA_VERSION + 1);
	assert_int_equal(sqlite3_open(place->path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	assert_int_equal(bad_writes(store, ERROR_UNAVAILABLE), 0);
	store_close(store);
}

/* Each page in turn is lost: a verb that comes across it says so, and the others
 * answer as before. */
static void damage(const struct place *place, off_t page, unsigned char with)
{
	struct store_options options = {.path = place->path};
	struct store *store = NULL;
	unsigned char before[PAGE];
	unsigned char lost[PAGE];
	int fd = open(place->path, O_RDWR | O_CLOEXEC);
	int error;

	assert_true(fd >= 0);
	memset(lost, with, sizeof(lost));
	assert_int_equal(pread(fd, before, PAGE, page * PAGE), PAGE);
	assert_int_equal(pwrite(fd, lost, PAGE, page * PAGE), PAGE);
	error = store_open(&options, &store, NULL);
	if (error) {
		assert_int_equal(error, ERROR_UNAVAILABLE);
	} else {
		int faults = bad_reads(store, 0);

		/* What is no success is a fault. */
		assert_int_equal(faults + bad_reads(store, ERROR_UNAVAILABLE), 12);
	}
	store_close(store);
	assert_int_equal(pwrite(fd, before, PAGE, page * PAGE), PAGE);
	(void)close(fd);
}

static void test_damaged(void **state)
{
	const struct place *place = *state;
	struct store *store = place_open(place, NULL);
	struct stat status;

	fill(store);
	store_close(store);
	assert_int_equal(stat(place->path, &status), 0);
	assert_true(status.st_size / PAGE > 20);
	for (off_t page = 1; page < status.st_size / PAGE; page++) {
		damage(place, page, 0);
		damage(place, page, 0xa5);
	}
	store = place_open(place, NULL);
	assert_int_equal(bad_reads(store, 0), 0);
	store_close(store);
}

/* --- a full disk --------------------------------------------------------- */

/* Redeems new families until that fails: how many were answered. */
static unsigned redeem_until_full(
	struct store *store, const struct store_access_grant *grant, int *ret_error)
{
	struct store_redemption redemption;
	struct store_redeemed redeemed;
	unsigned family = 0;
	int error = 0;

	while (!error && family < 100000) {
		redemption = some_redemption(grant, ++family, 0);
		error = redeem_wait(store, &redemption, &redeemed);
	}
	*ret_error = error;
	return family - 1;
}

/* Each is found again: shown anew after the window, it is a replay. */
static bool all_kept(struct store *store, const struct store_access_grant *grant, unsigned answered)
{
	for (unsigned family = 1; family <= answered; family++) {
		struct store_redemption redemption = some_redemption(grant, family, 0);
		struct store_redeemed redeemed = {0};

		if (redeem_wait(store, &redemption, &redeemed))
			return false;
		if (redeemed.outcome != STORE_REDEEM_REVOKED ||
			strcmp(redeemed.reason, "replay") != 0)
			return false;
	}
	return true;
}

/* The exit status says which step was wrong. */
static int fill_the_disk(const struct place *place)
{
	struct rlimit limit = {.rlim_max = RLIM_INFINITY};
	struct store_access_grant grant;
	struct clock clock;
	struct store *store;
	struct store_site site;
	unsigned answered;
	int error;

	clock_init(&clock);
	clock_set_ms(&clock, SUITE_NOW_S * 1000LL);
	store = place_open(place, &clock);
	make_world(store, &grant);
	limit.rlim_cur = 400000; /* for the log */
	if (setrlimit(RLIMIT_FSIZE, &limit))
		return 1;
	answered = redeem_until_full(store, &grant, &error);
	if (error != ERROR_UNAVAILABLE || answered < 10)
		return 2;
	if (store_site_add(store, "south", "") != ERROR_UNAVAILABLE)
		return 3;
	if (store_site_get(store, "south", &site) != ERROR_NOT_FOUND ||
		store_site_get(store, "north", &site))
		return 4;
	limit.rlim_cur = RLIM_INFINITY;
	if (setrlimit(RLIMIT_FSIZE, &limit))
		return 5;
	if (store_site_add(store, "south", ""))
		return 6;
	clock_set_ms(&clock, (SUITE_NOW_S + 61) * 1000LL);
	if (!all_kept(store, &grant, answered))
		return 7;
	store_close(store);
	return 0;
}

static void test_disk_full(void **state)
{
	pid_t child = fork();
	int status;

	assert_true(child >= 0);
	if (!child)
		_exit(fill_the_disk(*state));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* --- another program's lock ---------------------------------------------- */

static void test_locked_for_long(void **state)
{
	const struct place *place = *state;
	struct store *store = open_waiting(place, 50);
	sqlite3 *locked;

	fill(store);
	locked = lock(place);
	assert_int_equal(bad_writes(store, ERROR_UNAVAILABLE), 0);
	assert_int_equal(bad_reads(store, 0), 0);
	check_ping_after_failed_writes(store, false);
	unlock(locked);
	check_ping_after_failed_writes(store, true);
	assert_int_equal(store_site_add(store, "nine", ""), 0);
	store_close(store);
}

struct adder {
	pthread_t thread;
	struct store *store;
	char site[16];
	int error;
};

static void *add_thread(void *context)
{
	struct adder *adder = context;

	adder->error = store_site_add(adder->store, adder->site, "");
	return NULL;
}

/* They wait behind the lock together, so they share a transaction; one that fails
 * undoes itself alone. */
static void test_one_of_a_batch_fails(void **state)
{
	const struct place *place = *state;
	struct store *store = open_waiting(place, PATIENT_MS);
	struct adder adders[8];
	struct store_site site;
	sqlite3 *locked;

	assert_int_equal(store_site_add(store, "site-3", ""), 0);
	locked = lock(place);
	for (size_t i = 0; i < 8; i++) {
		adders[i] = (struct adder){.store = store};
		(void)snprintf(adders[i].site, sizeof(adders[i].site), "site-%zu", i);
		assert_int_equal(
			pthread_create(&adders[i].thread, NULL, add_thread, &adders[i]), 0);
	}
	(void)usleep(50000);
	unlock(locked);
	for (size_t i = 0; i < 8; i++) {
		(void)pthread_join(adders[i].thread, NULL);
		assert_int_equal(adders[i].error, i == 3 ? ERROR_EXISTS : 0);
		assert_int_equal(store_site_get(store, adders[i].site, &site), 0);
	}
	store_close(store);
}

/* --- the queue ----------------------------------------------------------- */

static void count_answer(void *context, int error, const struct store_redeemed *redeemed)
{
	atomic_int *answers = context;

	if (!error && redeemed->outcome == STORE_REDEEM_ROTATED)
		(void)atomic_fetch_add(answers, 1);
}

/* Once the writer has taken a batch it stands before the lock, and what is full
 * stays full. */
static int fill_queue(
	struct store *store, const struct store_access_grant *grant, atomic_int *answers)
{
	int accepted = 0;
	int error = 0;

	while (!error || accepted <= QUEUE_MAX) {
		struct store_redemption redemption =
			some_redemption(grant, (unsigned)accepted + 1, 0);

		error = store_refresh_redeem(store, &redemption, count_answer, answers);
		accepted += !error;
		assert_true(accepted <= QUEUE_MAX + BATCH_MAX);
	}
	assert_int_equal(error, ERROR_BUSY);
	return accepted;
}

static void test_queue_is_bounded(void **state)
{
	const struct place *place = *state;
	struct store *store = open_waiting(place, PATIENT_MS);
	struct store_access_grant grant;
	atomic_int answers = 0;
	sqlite3 *locked;
	int accepted;

	make_world(store, &grant);
	locked = lock(place);
	accepted = fill_queue(store, &grant, &answers);
	/* One that would wait for its answer does not wait for room; reading goes on. */
	assert_int_equal(store_site_add(store, "south", ""), ERROR_UNAVAILABLE);
	assert_int_equal(store_ping(store), 0);
	assert_int_equal(atomic_load(&answers), 0);
	unlock(locked);
	/* Closing answers all that was accepted. */
	store_close(store);
	assert_int_equal(atomic_load(&answers), accepted);
}

int main(void)
{
#define PLACED(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		PLACED(test_file_taken_away),
		PLACED(test_file_deleted),
		PLACED(test_file_replaced),
		PLACED(test_migrated_beneath),
		PLACED(test_damaged),
		PLACED(test_disk_full),
		PLACED(test_locked_for_long),
		PLACED(test_one_of_a_batch_fails),
		PLACED(test_queue_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
