/* SPDX-License-Identifier: Apache-2.0 */
/* The suite's part on imported passwords. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "suite.h"

#include <string.h>

static struct store_service_user imported_user(
	const char *id, const char *username, const char *hash)
{
	struct store_service_user user = some_user(id, username, "north");

	(void)stpcpy(user.credentials[0].id, id);
	(void)stpcpy(user.credentials[0].password_hash, hash);
	user.credential_count = 1;
	return user;
}

static bool imported_exists(struct store *store)
{
	struct store_imported imported = {0};

	assert_int_equal(store_imported_find(store, "$ours$", &imported), 0);
	return imported.exists;
}

static void test_imported_together(void **state)
{
	struct world *world = *state;
	struct store_service_user users[] = {imported_user("su_2", "first", "$2y$hash"),
		imported_user("su_3", "second", "AA==")};
	struct store_import import = {.users = users, .count = 2};
	struct store_service_user user;
	struct store_subject subject;
	int64_t before = counter(world->store);

	users[1].credentials[0].expires_at = SUITE_NOW_S + 10;
	assert_false(imported_exists(world->store));
	assert_int_equal(store_service_user_import(world->store, &import), 0);
	assert_int_equal(counter(world->store), before + 1);
	assert_true(imported_exists(world->store));
	assert_int_equal(store_service_user_get(world->store, "first", &user), 0);
	assert_int_equal(user.credential_count, 1);
	assert_string_equal(user.credentials[0].password_hash, "$2y$hash");
	assert_string_equal(user.credentials[0].pepper_kid, "");
	assert_int_equal(user.credentials[0].created_at, SUITE_NOW_S);
	assert_int_equal(store_subject_by_username(world->store, "second", "api", &subject), 0);
	assert_string_equal(subject.user.credentials[0].password_hash, "AA==");
	assert_false(subject.grant.exists);
	pass_s(world, 10);
	assert_int_equal(store_service_user_get(world->store, "second", &user), 0);
	assert_int_equal(user.credential_count, 0);
	/* One that was made here has no hash. */
	assert_int_equal(store_service_user_get(world->store, "north-reader", &user), 0);
	assert_int_equal(user.credential_count, 1);
	assert_string_equal(user.credentials[0].password_hash, "");
}

/* All or none, and which one it was. */
static void test_imported_all_or_none(void **state)
{
	struct world *world = *state;
	struct store_service_user users[] = {imported_user("su_2", "first", "$2y$hash"),
		imported_user("su_3", "second", "AA=="), imported_user("su_4", "third", "AA==")};
	struct store_import import = {.users = users, .count = 3};
	struct store_service_user user;
	int64_t before = counter(world->store);

	(void)stpcpy(users[1].username, "north-reader");
	assert_int_equal(store_service_user_import(world->store, &import), ERROR_EXISTS);
	assert_int_equal(import.reached, 1);
	(void)stpcpy(users[1].username, "first");
	assert_int_equal(store_service_user_import(world->store, &import), ERROR_EXISTS);
	assert_int_equal(import.reached, 1);
	(void)stpcpy(users[1].username, "second");
	(void)stpcpy(users[2].site, "nowhere");
	assert_int_equal(store_service_user_import(world->store, &import), ERROR_NOT_FOUND);
	assert_int_equal(import.reached, 2);
	(void)stpcpy(users[2].site, "north");
	(void)stpcpy(users[0].role, "admin");
	assert_int_equal(store_service_user_import(world->store, &import), ERROR_INVALID);
	assert_int_equal(import.reached, 0);
	(void)stpcpy(users[0].role, "read");
	users[2].credential_count = 2;
	assert_int_equal(store_service_user_import(world->store, &import), ERROR_INVALID);
	assert_int_equal(import.reached, 2);
	assert_int_equal(counter(world->store), before);
	assert_int_equal(store_service_user_get(world->store, "first", &user), ERROR_NOT_FOUND);
	assert_false(imported_exists(world->store));
	users[2].credential_count = 1;
	assert_int_equal(store_service_user_import(world->store, &import), 0);
	import.count = 0;
	assert_int_equal(store_service_user_import(world->store, &import), 0);
}

/* What begins as ours does, and what is before and after it. */
static void test_others(void **state)
{
	static const struct {
		const char *hash;
		bool is_other;
	} cases[] = {{"$ours$", false}, {"$ours$x", false}, {"$ours$~", false}, {"$ours", true},
		{"$ours%", true}, {"$our", true}, {"AA==", true}, {"$2b$", true}, {"$ourt$", true}};
	struct world *world = *state;
	struct store_service_user user = imported_user("su_2", "first", "$ours$first");
	struct store_imported imported = {.others = true};

	assert_int_equal(store_imported_find(world->store, "$ours$", &imported), 0);
	assert_false(imported.exists || imported.others);
	assert_int_equal(store_imported_find(world->store, "", &imported), ERROR_INVALID);
	assert_int_equal(store_service_user_add(world->store, &user), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *before = i ? cases[i - 1].hash : "$ours$first";

		assert_int_equal(store_credential_rehash(
					 world->store, "su_2", before, cases[i].hash, NULL, NULL),
			0);
		store_settle(world->store);
		assert_int_equal(store_imported_find(world->store, "$ours$", &imported), 0);
		assert_true(imported.exists);
		assert_int_equal(imported.others, cases[i].is_other);
	}
}

static void test_rehash(void **state)
{
	struct world *world = *state;
	struct store_service_user user = imported_user("su_2", "first", "old");
	int64_t before;
	char longer[STORE_PASSWORD_HASH_SIZE + 1];

	assert_int_equal(store_service_user_add(world->store, &user), 0);
	before = counter(world->store);
	assert_int_equal(
		store_credential_rehash(world->store, "su_2", "other", "new", NULL, NULL), 0);
	assert_int_equal(
		store_credential_rehash(world->store, "su_9", "old", "new", NULL, NULL), 0);
	store_settle(world->store);
	assert_int_equal(counter(world->store), before);
	assert_int_equal(
		store_credential_rehash(world->store, "su_2", "old", "new", NULL, NULL), 0);
	assert_int_equal(
		store_credential_rehash(world->store, "su_2", "old", "newer", NULL, NULL), 0);
	store_settle(world->store);
	assert_int_equal(counter(world->store), before + 1);
	assert_int_equal(store_service_user_get(world->store, "first", &user), 0);
	assert_string_equal(user.credentials[0].password_hash, "new");
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	assert_int_equal(store_credential_rehash(world->store, "su_2", "new", longer, NULL, NULL),
		ERROR_INVALID);
}

/* A generated password takes an imported one's place, after the overlap or at once. */
static void test_rotation_ends_an_imported_one(void **state)
{
	struct world *world = *state;
	struct store_service_user user = imported_user("su_2", "first", "old");
	struct store_credential made = some_credential("cr_8", 8, 0);
	struct store_credential newer = some_credential("cr_9", 9, 0);

	assert_int_equal(store_service_user_add(world->store, &user), 0);
	assert_int_equal(store_service_user_rotate(world->store, "first", &made, 60), 0);
	assert_int_equal(store_service_user_get(world->store, "first", &user), 0);
	assert_int_equal(user.credential_count, 2);
	assert_string_equal(user.credentials[0].id, "cr_8");
	assert_string_equal(user.credentials[0].password_hash, "");
	assert_string_equal(user.credentials[1].password_hash, "old");
	assert_int_equal(user.credentials[1].expires_at, SUITE_NOW_S + 60);
	pass_s(world, 60);
	assert_int_equal(store_service_user_get(world->store, "first", &user), 0);
	assert_int_equal(user.credential_count, 1);
	assert_int_equal(store_service_user_rotate(world->store, "first", &newer, 0), 0);
	assert_int_equal(store_service_user_get(world->store, "first", &user), 0);
	assert_int_equal(user.credential_count, 1);
	assert_false(imported_exists(world->store));
}

/* At most one imported password; a client's secret is never one. */
static void test_what_the_schema_forbids(void **state)
{
	struct world *world = *state;
	struct store_service_user user = imported_user("su_2", "first", "old");
	struct store_credential second = {.id = "cr_8", .password_hash = "second"};
	struct store_client client = some_client("backend", "confidential");

	assert_int_equal(store_service_user_add(world->store, &user), 0);
	assert_int_not_equal(store_service_user_rotate(world->store, "first", &second, 60), 0);
	assert_int_equal(store_client_add(world->store, &client), 0);
	assert_int_equal(
		store_client_rotate_secret(world->store, "backend", &second, 60), ERROR_INVALID);
	user = imported_user("su_3", "second", "x");
	(void)stpcpy(user.credentials[0].pepper_kid, "pepper-1"); /* is left out */
	assert_int_equal(store_service_user_add(world->store, &user), 0);
	assert_int_equal(store_service_user_get(world->store, "second", &user), 0);
	assert_string_equal(user.credentials[0].pepper_kid, "");
}

int suite_run_imported(void)
{
	const struct CMUnitTest tests[] = {
		PEOPLED(test_imported_together),
		PEOPLED(test_imported_all_or_none),
		PEOPLED(test_others),
		PEOPLED(test_rehash),
		PEOPLED(test_rotation_ends_an_imported_one),
		PEOPLED(test_what_the_schema_forbids),
	};

	return cmocka_run_group_tests_name("imported", tests, NULL, NULL);
}
