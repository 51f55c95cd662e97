/* SPDX-License-Identifier: Apache-2.0 */
/* The suite's part on the authority, its keys and its scopes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- the authority ------------------------------------------------------- */

static void test_authority_is_created_once(void **state)
{
	struct world *world = *state;
	struct store_authority authority = {.epoch = 99};
	char long_issuer[STORE_ISSUER_SIZE + 1];

	assert_int_equal(store_authority_get(world->store, &authority), ERROR_NOT_FOUND);
	assert_int_equal(authority.epoch, 99);
	memset(long_issuer, 'a', sizeof(long_issuer));
	long_issuer[STORE_ISSUER_SIZE] = '\0';
	assert_int_equal(store_authority_create(world->store, long_issuer), ERROR_INVALID);
	assert_int_equal(store_authority_create(world->store, "https://a.example/identity"), 0);
	assert_int_equal(store_authority_create(world->store, "https://b.example"), ERROR_EXISTS);
	assert_int_equal(store_authority_get(world->store, &authority), 0);
	assert_string_equal(authority.issuer, "https://a.example/identity");
	assert_int_equal(authority.epoch, 1);
	assert_int_equal(authority.created_at, SUITE_NOW_S);
	assert_int_equal(store_ping(world->store), 0);
}

static void test_epoch_is_bumped(void **state)
{
	struct world *world = *state;
	struct store_authority authority = {0};
	int64_t before;

	assert_int_equal(store_authority_bump_epoch(world->store), ERROR_NOT_FOUND);
	assert_int_equal(store_authority_create(world->store, "https://a.example/identity"), 0);
	before = counter(world->store);
	assert_int_equal(store_authority_bump_epoch(world->store), 0);
	assert_true(counter(world->store) > before);
	assert_int_equal(store_authority_get(world->store, &authority), 0);
	assert_int_equal(authority.epoch, SUITE_NOW_S);
	assert_string_equal(authority.issuer, "https://a.example/identity");
	/* Again within a second, and with a clock that went back. */
	assert_int_equal(store_authority_bump_epoch(world->store), 0);
	pass_s(world, -100);
	assert_int_equal(store_authority_bump_epoch(world->store), 0);
	assert_int_equal(store_authority_get(world->store, &authority), 0);
	assert_int_equal(authority.epoch, SUITE_NOW_S + 2);
	pass_s(world, 1100);
	assert_int_equal(store_authority_bump_epoch(world->store), 0);
	assert_int_equal(store_authority_get(world->store, &authority), 0);
	assert_int_equal(authority.epoch, SUITE_NOW_S + 1000);
}

/* --- keys ---------------------------------------------------------------- */

struct keys {
	struct store_key list[8];
	size_t count;
};

static int gather_key(void *context, const struct store_key *key)
{
	struct keys *keys = context;

	keys->list[keys->count++] = *key;
	return 0;
}

static struct store_key some_key(
	const char *kid, const char *purpose, const char *alg, int64_t activates_at)
{
	struct store_key key = {
		.activates_at = activates_at, .sealed = "sealed\0bytes", .sealed_length = 12};

	(void)stpcpy(key.kid, kid);
	(void)stpcpy(key.purpose, purpose);
	(void)stpcpy(key.alg, alg);
	return key;
}

static void test_key_takes_over(void **state)
{
	struct world *world = *state;
	struct store_key first = some_key("k1", "signing", "ES256", SUITE_NOW_S);
	struct store_key other = some_key("k2", "signing", "RS256", SUITE_NOW_S);
	struct store_key second = some_key("k3", "signing", "ES256", SUITE_NOW_S + 500);
	struct keys keys = {0};

	assert_int_equal(store_key_list(world->store, gather_key, &keys), 0);
	assert_int_equal(keys.count, 0);
	assert_int_equal(store_key_add(world->store, &first, 100, true), 0);
	assert_int_equal(store_key_add(world->store, &other, 100, true), 0);
	pass_s(world, 10);
	assert_int_equal(store_key_add(world->store, &second, 100, false), 0);
	assert_int_equal(store_key_list(world->store, gather_key, &keys), 0);
	assert_int_equal(keys.count, 3);
	assert_string_equal(keys.list[0].kid, "k1");
	assert_string_equal(keys.list[0].purpose, "signing");
	assert_string_equal(keys.list[0].alg, "ES256");
	assert_int_equal(keys.list[0].created_at, SUITE_NOW_S);
	assert_int_equal(keys.list[0].activates_at, SUITE_NOW_S);
	assert_int_equal(keys.list[0].retires_at, SUITE_NOW_S + 500);
	assert_int_equal(keys.list[0].gone_at, SUITE_NOW_S + 600);
	assert_int_equal(keys.list[0].sealed_length, 12);
	assert_memory_equal(keys.list[0].sealed, "sealed\0bytes", 12);
	assert_int_equal(keys.list[1].retires_at, 0);
	assert_int_equal(keys.list[2].created_at, SUITE_NOW_S + 10);
	assert_int_equal(keys.list[2].retires_at, 0);
}

static void test_key_kept_for_ever(void **state)
{
	struct world *world = *state;
	struct store_key first = some_key("p1", "pepper", "", SUITE_NOW_S);
	struct store_key second = some_key("p2", "pepper", "", SUITE_NOW_S);
	struct keys keys = {0};

	assert_int_equal(store_key_add(world->store, &first, 0, false), 0);
	assert_int_equal(store_key_add(world->store, &second, 0, false), 0);
	assert_int_equal(store_key_list(world->store, gather_key, &keys), 0);
	assert_int_equal(keys.list[0].retires_at, SUITE_NOW_S);
	assert_int_equal(keys.list[0].gone_at, 0);
}

static void test_key_refusals(void **state)
{
	struct world *world = *state;
	struct store_key first = some_key("k1", "signing", "ES256", SUITE_NOW_S);
	struct store_key again = some_key("k1", "signing", "ES256", SUITE_NOW_S + 5);
	struct store_key other = some_key("k2", "signing", "ES256", SUITE_NOW_S);
	struct store_key wrong = some_key("k3", "stirring", "ES256", SUITE_NOW_S);
	struct keys keys = {0};

	assert_int_equal(store_key_add(world->store, &first, 100, true), 0);
	assert_int_equal(store_key_add(world->store, &other, 100, true), ERROR_REFUSED);
	assert_int_equal(store_key_add(world->store, &again, 100, false), ERROR_EXISTS);
	assert_int_equal(store_key_add(world->store, &wrong, 100, false), ERROR_INVALID);
	other.sealed_length = STORE_SEALED_MAX + 1;
	assert_int_equal(store_key_add(world->store, &other, 100, false), ERROR_INVALID);
	assert_int_equal(store_key_list(world->store, gather_key, &keys), 0);
	assert_int_equal(keys.count, 1);
	/* What was refused has not retired the first. */
	assert_int_equal(keys.list[0].retires_at, 0);
}

static void test_first_key_after_one_retired(void **state)
{
	struct world *world = *state;
	struct store_key retired = some_key("k1", "signing", "ES256", SUITE_NOW_S);
	struct store_key next = some_key("k2", "signing", "ES256", SUITE_NOW_S + 100);

	retired.retires_at = SUITE_NOW_S + 50;
	assert_int_equal(store_key_add(world->store, &retired, 0, true), 0);
	assert_int_equal(store_key_add(world->store, &next, 0, true), ERROR_REFUSED);
	pass_s(world, 50);
	assert_int_equal(store_key_add(world->store, &next, 0, true), 0);
}

static void assert_times(struct world *world, size_t index, const int64_t times[4])
{
	struct keys keys = {0};
	const struct store_key *key = &keys.list[index];

	assert_int_equal(store_key_list(world->store, gather_key, &keys), 0);
	assert_true(index < keys.count);
	assert_int_equal(key->published_at, times[0] ? SUITE_NOW_S + times[0] : 0);
	assert_int_equal(key->activates_at, SUITE_NOW_S + times[1]);
	assert_int_equal(key->retires_at, times[2] ? SUITE_NOW_S + times[2] : 0);
	assert_int_equal(key->gone_at, times[3] ? SUITE_NOW_S + times[3] : 0);
}

#define ASSERT_TIMES(world, index, ...) assert_times(world, index, (const int64_t[4]){__VA_ARGS__})

/* A first key and two that follow, none of which was published. */
static void add_three(struct world *world)
{
	struct store_key first = some_key("k1", "signing", "ES256", SUITE_NOW_S + 1);
	struct store_key second = some_key("k2", "signing", "ES256", SUITE_NOW_S + 360);
	struct store_key third = some_key("k3", "signing", "ES256", SUITE_NOW_S + 400);
	struct store_key other = some_key("k4", "signing", "RS256", SUITE_NOW_S + 1);

	first.published_at = SUITE_NOW_S + 1;
	other.published_at = SUITE_NOW_S + 1;
	assert_int_equal(store_key_add(world->store, &first, 1000, true), 0);
	assert_int_equal(store_key_add(world->store, &second, 1000, false), 0);
	assert_int_equal(store_key_add(world->store, &third, 1000, false), 0);
	assert_int_equal(store_key_add(world->store, &other, 1000, true), 0);
}

/* Sorted as store_key_list() does: by the times at first. */
static void test_publishing_puts_off(void **state)
{
	struct world *world = *state;
	int64_t before;

	add_three(world);
	ASSERT_TIMES(world, 2, 0, 360, 400, 1400);
	pass_s(world, 700);
	before = counter(world->store);
	assert_int_equal(store_key_publish(world->store, 360), 0);
	assert_true(counter(world->store) > before);
	ASSERT_TIMES(world, 0, 1, 1, 1060, 2060);
	ASSERT_TIMES(world, 2, 700, 1060, 1060, 2060);
	ASSERT_TIMES(world, 3, 700, 1060, 0, 0);
	/* What is published stays as it is, and no cache need be emptied for it. */
	pass_s(world, 100);
	before = counter(world->store);
	assert_int_equal(store_key_publish(world->store, 360), 0);
	assert_int_equal(counter(world->store), before);
	ASSERT_TIMES(world, 3, 700, 1060, 0, 0);
}

static void test_publishing_in_time_puts_nothing_off(void **state)
{
	struct world *world = *state;

	add_three(world);
	pass_s(world, 1);
	assert_int_equal(store_key_publish(world->store, 359), 0);
	ASSERT_TIMES(world, 0, 1, 1, 360, 1360);
	ASSERT_TIMES(world, 1, 1, 1, 0, 0);
	ASSERT_TIMES(world, 2, 1, 360, 400, 1400);
	ASSERT_TIMES(world, 3, 1, 400, 0, 0);
}

static void test_a_plan_is_what_comes(void **state)
{
	struct world *world = *state;
	struct store_key next = some_key("k5", "signing", "ES256", SUITE_NOW_S + 900);
	struct keys before = {0};
	struct keys planned = {0};
	struct keys after = {0};
	int64_t changes;

	add_three(world);
	changes = counter(world->store);
	assert_int_equal(store_key_list(world->store, gather_key, &before), 0);
	assert_int_equal(store_key_plan(world->store, &next, 1000, gather_key, &planned), 0);
	assert_int_equal(store_key_list(world->store, gather_key, &after), 0);
	assert_memory_equal(&after, &before, sizeof(after));
	assert_int_equal(counter(world->store), changes);
	assert_int_equal(store_key_add(world->store, &next, 1000, false), 0);
	after = (struct keys){0};
	assert_int_equal(store_key_list(world->store, gather_key, &after), 0);
	assert_int_equal(after.count, 5);
	assert_memory_equal(&after, &planned, sizeof(after));
	assert_int_equal(
		store_key_plan(world->store, &next, 1000, gather_key, &planned), ERROR_EXISTS);
}

static void test_revoked_key(void **state)
{
	struct world *world = *state;
	struct store_key fresh = some_key("k5", "signing", "ES256", SUITE_NOW_S + 10);
	struct keys keys = {0};

	add_three(world);
	assert_int_equal(store_key_revoke(world->store, "k0", &fresh), ERROR_NOT_FOUND);
	pass_s(world, 10);
	/* A next one: those around it go on as if it had never been. */
	assert_int_equal(store_key_revoke(world->store, "k2", &fresh), 0);
	ASSERT_TIMES(world, 0, 1, 1, 400, 1400);
	assert_int_equal(store_key_revoke(world->store, "k2", &fresh), ERROR_NOT_FOUND);
	/* The active one: the next takes over, though nobody has seen it. */
	assert_int_equal(store_key_revoke(world->store, "k1", &fresh), 0);
	ASSERT_TIMES(world, 0, 1, 1, 10, 10);
	assert_int_equal(store_key_list(world->store, gather_key, &keys), 0);
	assert_int_equal(keys.count, 4);
	/* And then there is none. */
	assert_int_equal(store_key_revoke(world->store, "k3", &fresh), 0);
	keys.count = 0;
	assert_int_equal(store_key_list(world->store, gather_key, &keys), 0);
	assert_int_equal(keys.count, 5);
	assert_string_equal(keys.list[4].kid, "k5");
	assert_int_equal(keys.list[4].retires_at, 0);
}

static void test_revoked_pepper(void **state)
{
	struct world *world = *state;
	struct store_key pepper = some_key("p1", "pepper", "", SUITE_NOW_S);
	struct store_key fresh = some_key("p2", "pepper", "", SUITE_NOW_S);
	struct store_service_user user = {.role = "read", .credential_count = 1};
	int64_t count = 0;

	(void)stpcpy(user.id, "su_1");
	(void)stpcpy(user.username, "north");
	(void)stpcpy(user.site, "north");
	(void)stpcpy(user.credentials[0].id, "c1");
	(void)stpcpy(user.credentials[0].pepper_kid, "p1");
	assert_int_equal(store_key_add(world->store, &pepper, 0, true), 0);
	assert_int_equal(store_site_add(world->store, "north", ""), 0);
	assert_int_equal(store_service_user_add(world->store, &user), 0);
	assert_int_equal(store_pepper_count(world->store, "p1", &count), 0);
	assert_int_equal(count, 1);
	assert_int_equal(store_key_revoke(world->store, "p1", &fresh), ERROR_REFUSED);
	assert_int_equal(store_pepper_count(world->store, "p2", &count), 0);
	assert_int_equal(count, 0);
}

static int stop_at_key(void *context, const struct store_key *key)
{
	return show(context, key->kid);
}

static void test_largest_key_and_stopped_list(void **state)
{
	struct world *world = *state;
	struct store_key key = some_key("k0", "signing", "RS256", SUITE_NOW_S);
	struct shown shown = {.stop_at = 2};

	memset(key.sealed, 7, sizeof(key.sealed));
	key.sealed_length = STORE_SEALED_MAX;
	for (int i = 1; i <= 3; i++) {
		key.kid[1] = (char)('0' + i);
		assert_int_equal(store_key_add(world->store, &key, 0, false), 0);
	}
	assert_int_equal(store_key_list(world->store, stop_at_key, &shown), 77);
	assert_string_equal(shown.names, "k1 k2");
}

/* --- resources and scopes ------------------------------------------------ */

static int show_scope(void *context, const struct store_scope *scope)
{
	char text[256];

	(void)snprintf(text, sizeof(text), "%s=%s/%s", scope->name, scope->resource, scope->alg);
	return show(context, text);
}

static void test_scopes(void **state)
{
	struct world *world = *state;
	struct shown shown = {0};
	int64_t before;

	assert_int_equal(store_scope_put(world->store, "cosmos", "external-api"), ERROR_NOT_FOUND);
	assert_int_equal(store_resource_put(world->store, "external-api", "none"), ERROR_INVALID);
	assert_int_equal(store_resource_put(world->store, "external-api", "ES256"), 0);
	assert_int_equal(store_scope_put(world->store, "cosmos", "external-api"), 0);
	assert_int_equal(store_scope_put(world->store, "openid", ""), 0);
	before = counter(world->store);
	assert_int_equal(store_resource_put(world->store, "external-api", "ES256"), 0);
	assert_int_equal(store_scope_put(world->store, "cosmos", "external-api"), 0);
	assert_int_equal(store_scope_put(world->store, "openid", ""), 0);
	assert_int_equal(counter(world->store), before);
	assert_int_equal(store_scope_list(world->store, show_scope, &shown), 0);
	assert_string_equal(shown.names, "cosmos=external-api/ES256 openid=/");
	assert_int_equal(store_resource_put(world->store, "external-api", "RS256"), 0);
	assert_true(counter(world->store) > before);
	shown = (struct shown){0};
	assert_int_equal(store_scope_list(world->store, show_scope, &shown), 0);
	assert_string_equal(shown.names, "cosmos=external-api/RS256 openid=/");
}

int suite_run_authority(void)
{
	const struct CMUnitTest tests[] = {
		EMPTY(test_authority_is_created_once),
		EMPTY(test_epoch_is_bumped),
		EMPTY(test_key_takes_over),
		EMPTY(test_key_kept_for_ever),
		EMPTY(test_key_refusals),
		EMPTY(test_first_key_after_one_retired),
		EMPTY(test_publishing_puts_off),
		EMPTY(test_publishing_in_time_puts_nothing_off),
		EMPTY(test_a_plan_is_what_comes),
		EMPTY(test_revoked_key),
		EMPTY(test_revoked_pepper),
		EMPTY(test_largest_key_and_stopped_list),
		EMPTY(test_scopes),
	};

	return cmocka_run_group_tests_name("authority", tests, NULL, NULL);
}
