/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One allocation after another fails, the engine's too. Whatever verb meets it
 * says so and has changed nothing: asked again, it succeeds as it would have.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "place.h"
#include "suite.h"

#include <sqlite3.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum {
	STRIDE_IN_MEMORY = 17,
	STRIDE_IN_FILE = 151,
};

static atomic_long left = -1; /* allocations until one fails; negative: none does */

static bool fails(void)
{
	return atomic_load(&left) >= 0 && atomic_fetch_sub(&left, 1) == 0;
}

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);

void *__wrap_calloc(size_t count, size_t size)
{
	return fails() ? NULL : __real_calloc(count, size);
}

static sqlite3_mem_methods methods;

static void *failing_malloc(int size)
{
	return fails() ? NULL : methods.xMalloc(size);
}

static void *failing_realloc(void *memory, int size)
{
	return fails() ? NULL : methods.xRealloc(memory, size);
}

static int install(void)
{
	sqlite3_mem_methods failing;

	if (sqlite3_config(SQLITE_CONFIG_GETMALLOC, &methods) != SQLITE_OK)
		return -1;
	failing = methods;
	failing.xMalloc = failing_malloc;
	failing.xRealloc = failing_realloc;
	/* Each in a slot of its own hides nothing behind a cache. */
	return sqlite3_config(SQLITE_CONFIG_MALLOC, &failing) != SQLITE_OK ||
			       sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0) != SQLITE_OK
		       ? -1
		       : 0;
}

/* --- the verbs, one after the other --------------------------------------- */

static struct store_access_grant grant;

static int authority(struct store *store)
{
	return store_authority_create(store, "https://a.example");
}

static int read_authority(struct store *store)
{
	struct store_authority read;

	return store_authority_get(store, &read);
}

static int key(struct store *store)
{
	struct store_key added = {.kid = "k1", .purpose = "pepper", .sealed_length = 1};

	return store_key_add(store, &added, 0, true);
}

static int ignore_key(void *context, const struct store_key *one)
{
	(void)context;
	return strcmp(one->kid, "k1");
}

static int list_keys(struct store *store)
{
	return store_key_list(store, ignore_key, NULL);
}

static int resource(struct store *store)
{
	return store_resource_put(store, "external-api", "ES256");
}

static int site(struct store *store)
{
	return store_site_add(store, "north", "");
}

static int user(struct store *store)
{
	struct store_service_user added = some_user("su_1", "north-reader", "north");

	added.credentials[0] = some_credential("cr_1", 1, 0);
	added.credential_count = 1;
	return store_service_user_add(store, &added);
}

static int rotate(struct store *store)
{
	struct store_credential second = some_credential("cr_2", 2, 0);

	return store_service_user_rotate(store, "north-reader", &second, 60);
}

static int client(struct store *store)
{
	struct store_client added = some_client("api", "public");

	return store_client_add(store, &added);
}

static int ensure(struct store *store)
{
	return ensure_wait(store, "su_1", "api", &grant);
}

static int redeem(struct store *store)
{
	struct store_redemption redemption = some_redemption(&grant, 1, 0);
	struct store_redeemed redeemed = {0};
	int error = redeem_wait(store, &redemption, &redeemed);

	return error ? error : redeemed.outcome == STORE_REDEEM_ROTATED ? 0 : 1;
}

static int use(struct store *store)
{
	return assertion_use_wait(store, 1, SUITE_NOW_S + 60);
}

static int use_again(struct store *store)
{
	int error = assertion_use_wait(store, 1, SUITE_NOW_S + 60);

	return error == ERROR_EXISTS ? 0 : error ? error : 1;
}

static int subject(struct store *store)
{
	struct store_subject read;
	int error = store_subject_by_username(store, "north-reader", "api", &read);

	return error ? error : read.user.credential_count == 2 && read.grant.exists ? 0 : 1;
}

static int disable(struct store *store)
{
	return store_site_set_enabled(store, "north", false);
}

static int disabled(struct store *store)
{
	struct store_subject read;
	int error = store_subject_by_id(store, "su_1", "api", &read);

	return error ? error : read.grant.generation == 2 && read.user.site_disabled ? 0 : 1;
}

static int sweep(struct store *store)
{
	int64_t removed;

	return sweep_wait(store, 10, &removed);
}

static int (*const steps[])(struct store *store) = {store_ping, authority, read_authority, key,
	list_keys, resource, site, user, rotate, client, ensure, redeem, use, use_again, subject,
	disable, disabled, sweep};

static bool is_fault(int error)
{
	return error == ERROR_MEMORY || error == ERROR_UNAVAILABLE;
}

/* From the opening on, the allocation of that number fails. False: there was none. */
static bool run(const char *path, const struct clock *clock, long number)
{
	struct store_options options = {.path = path, .create = true, .clock = clock};
	struct store *store = NULL;
	struct fault fault = {""};
	bool met;
	int error;

	atomic_store(&left, number);
	error = store_open(&options, &store, &fault);
	if (error) {
		assert_true(is_fault(error));
		assert_true(fault.text[0] != '\0');
		atomic_store(&left, -1);
		assert_int_equal(store_open(&options, &store, &fault), 0);
	}
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		error = steps[i](store);
		if (!error)
			continue;
		if (!is_fault(error))
			fail_msg("allocation %ld, step %zu: %d", number, i, error);
		atomic_store(&left, -1);
		error = steps[i](store);
		if (error)
			fail_msg("allocation %ld, step %zu again: %d", number, i, error);
	}
	met = atomic_load(&left) < 0;
	atomic_store(&left, -1);
	store_close(store);
	return met;
}

static void test_in_memory(void **state)
{
	struct clock clock;
	long number = 0;

	(void)state;
	clock_init(&clock);
	clock_set_ms(&clock, SUITE_NOW_S * 1000LL);
	while (run(NULL, &clock, number))
		number += STRIDE_IN_MEMORY;
	assert_true(number > 1000);
}

static void test_in_a_file(void **state)
{
	struct clock clock;
	long number = 0;
	bool met = true;

	(void)state;
	clock_init(&clock);
	clock_set_ms(&clock, SUITE_NOW_S * 1000LL);
	while (met) {
		struct place place;

		place_make(&place);
		met = run(place.path, &clock, number);
		place_remove(&place);
		number += STRIDE_IN_FILE;
	}
	assert_true(number > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_in_memory),
		cmocka_unit_test(test_in_a_file),
	};

	if (install())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
