/* SPDX-License-Identifier: Apache-2.0 */
/* The suite's part on what uses whom. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "suite.h"

#include <stdio.h>
#include <string.h>

static void note_error(void *context, int error)
{
	*(int *)context = error;
}

static int put_wait(struct store *store, const struct store_use *uses, size_t count)
{
	int answered = 1;
	int error = store_use_put(store, uses, count, note_error, &answered);

	if (error)
		return error;
	store_settle(store);
	return answered;
}

static struct store_use some_use(const char *source, int64_t at_s)
{
	struct store_use use = {.user_id = "su_1",
		.client_id = "api",
		.grant_type = "password",
		.first_used_at = at_s,
		.last_used_at = at_s};

	(void)stpcpy(use.source, source);
	return use;
}

struct listed {
	struct store_last_use uses[4];
	size_t count;
};

static int keep(void *context, const struct store_last_use *use)
{
	struct listed *listed = context;

	assert_true(listed->count < 4);
	listed->uses[listed->count++] = *use;
	return 0;
}

static void list(struct world *world, struct listed *ret_listed)
{
	*ret_listed = (struct listed){0};
	assert_int_equal(store_last_use_list(world->store, "su_1", keep, ret_listed), 0);
}

static void test_uses_come_together(void **state)
{
	struct world *world = *state;
	int64_t before = counter(world->store);
	struct store_use uses[] = {some_use("10.0.0.1", 100), some_use("10.0.0.2", 200),
		some_use("10.0.0.1", 300), some_use("10.0.0.2", 150)};
	struct listed listed;
	int64_t at = 5;

	assert_int_equal(store_service_user_last_used_at(world->store, "su_1", &at), 0);
	assert_int_equal(at, 0);
	list(world, &listed);
	assert_int_equal(listed.count, 0);
	(void)stpcpy(uses[2].grant_type, "refresh_token");
	assert_int_equal(put_wait(world->store, uses, 4), 0);
	list(world, &listed);
	assert_int_equal(listed.count, 1);
	assert_string_equal(listed.uses[0].client_id, "api");
	assert_string_equal(listed.uses[0].grant_type, "refresh_token");
	assert_int_equal(listed.uses[0].first_used_at, 100);
	assert_int_equal(listed.uses[0].last_used_at, 300);
	assert_int_equal(listed.uses[0].source_count, 2);
	assert_string_equal(listed.uses[0].sources[0].source, "10.0.0.1");
	assert_int_equal(listed.uses[0].sources[0].first_used_at, 100);
	assert_int_equal(listed.uses[0].sources[1].first_used_at, 150);
	assert_int_equal(listed.uses[0].sources[1].last_used_at, 200);
	assert_int_equal(store_service_user_last_used_at(world->store, "su_1", &at), 0);
	assert_int_equal(at, 300);
	assert_int_equal(store_client_last_used_at(world->store, "api", &at), 0);
	assert_int_equal(at, 300);
	assert_int_equal(store_client_last_used_at(world->store, "nobody", &at), 0);
	assert_int_equal(at, 0);
	/* Caches are not emptied by it. */
	assert_int_equal(counter(world->store), before);
}

static void test_the_last_sources_are_kept(void **state)
{
	struct world *world = *state;
	struct listed listed;

	for (int i = 0; i < 20; i++) {
		struct store_use use = some_use("", 1000 + i);

		(void)snprintf(use.source, sizeof(use.source), "10.0.0.%d", i);
		assert_int_equal(put_wait(world->store, &use, 1), 0);
	}
	list(world, &listed);
	assert_int_equal(listed.count, 1);
	assert_int_equal(listed.uses[0].first_used_at, 1000);
	assert_int_equal(listed.uses[0].source_count, STORE_SOURCES_KEPT);
	assert_string_equal(listed.uses[0].sources[0].source, "10.0.0.19");
	assert_string_equal(listed.uses[0].sources[4].source, "10.0.0.15");
}

static void test_passwords_and_secrets(void **state)
{
	struct world *world = *state;
	struct store_client client = some_client("backend", "confidential");
	struct store_credential secret = some_credential("se_1", 3, 0);
	struct store_credential newer = some_credential("cr_new", 4, 0);
	struct store_service_user user;
	struct store_use uses[] = {some_use("unix", 500), {.client_id = "backend"}};
	int64_t at = 0;

	assert_int_equal(store_client_add(world->store, &client), 0);
	assert_int_equal(store_client_rotate_secret(world->store, "backend", &secret, 0), 0);
	assert_int_equal(store_service_user_get(world->store, "north-reader", &user), 0);
	assert_int_equal(user.credentials[0].last_used_at, 0);
	(void)stpcpy(uses[0].credential_id, user.credentials[0].id);
	(void)stpcpy(uses[1].secret_id, "se_1");
	uses[1].last_used_at = 700;
	assert_int_equal(put_wait(world->store, uses, 2), 0);
	assert_int_equal(store_service_user_rotate(world->store, "north-reader", &newer, 86400), 0);
	/* An older time changes nothing. */
	uses[0].last_used_at = 400;
	assert_int_equal(put_wait(world->store, uses, 1), 0);
	assert_int_equal(store_service_user_get(world->store, "north-reader", &user), 0);
	assert_int_equal(user.credential_count, 2);
	assert_int_equal(user.credentials[0].last_used_at, 0);
	assert_int_equal(user.credentials[1].last_used_at, 500);
	assert_int_equal(store_client_get(world->store, "backend", &client), 0);
	assert_int_equal(client.secrets[0].last_used_at, 700);
	/* A client that only showed its secret was used, by no Service User. */
	assert_int_equal(store_client_last_used_at(world->store, "backend", &at), 0);
	assert_int_equal(at, 700);
}

static void test_what_has_gone(void **state)
{
	struct world *world = *state;
	struct store_use uses[] = {
		some_use("10.0.0.1", 100), some_use("10.0.0.1", 100), some_use("10.0.0.1", 200)};
	struct listed listed;

	(void)stpcpy(uses[0].user_id, "su_gone");
	(void)stpcpy(uses[1].client_id, "gone");
	(void)stpcpy(uses[1].credential_id, "cr_gone");
	(void)stpcpy(uses[1].secret_id, "se_gone");
	assert_int_equal(put_wait(world->store, uses, 3), 0);
	list(world, &listed);
	assert_int_equal(listed.count, 1);
	assert_int_equal(listed.uses[0].last_used_at, 200);
	assert_int_equal(put_wait(world->store, NULL, 0), 0);
}

static int show_user(void *context, const struct store_service_user *user)
{
	return show(context, user->username);
}

static void test_expiring(void **state)
{
	struct world *world = *state;
	struct shown shown = {0};
	const int64_t ends[] = {0, SUITE_NOW_S + 10, SUITE_NOW_S + 1000, SUITE_NOW_S - 10};

	for (int i = 0; i < 4; i++) {
		char id[16];
		char name[16];
		struct store_service_user user;

		(void)snprintf(id, sizeof(id), "su_e%d", i);
		(void)snprintf(name, sizeof(name), "ending-%d", i);
		user = some_user(id, name, "north");
		user.credentials[0] = some_credential("", 1, ends[i]);
		(void)snprintf(user.credentials[0].id, sizeof(user.credentials[0].id), "cr_e%d", i);
		user.credential_count = 1;
		assert_int_equal(store_service_user_add(world->store, &user), 0);
	}
	assert_int_equal(
		store_service_user_expiring(world->store, SUITE_NOW_S + 9, show_user, &shown), 0);
	assert_string_equal(shown.names, "");
	assert_int_equal(
		store_service_user_expiring(world->store, SUITE_NOW_S + 10, show_user, &shown), 0);
	assert_string_equal(shown.names, "ending-1");
	shown = (struct shown){0};
	assert_int_equal(
		store_service_user_expiring(world->store, SUITE_NOW_S + 2000, show_user, &shown),
		0);
	assert_string_equal(shown.names, "ending-1 ending-2");
}

int suite_run_last_use(void)
{
	const struct CMUnitTest tests[] = {
		PEOPLED(test_uses_come_together),
		PEOPLED(test_the_last_sources_are_kept),
		PEOPLED(test_passwords_and_secrets),
		PEOPLED(test_what_has_gone),
		PEOPLED(test_expiring),
	};

	return cmocka_run_group_tests_name("last_use", tests, NULL, NULL);
}
