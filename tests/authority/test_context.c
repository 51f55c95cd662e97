/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "scene.h"

#include "authority/context.h"

#include <string.h>

static const struct log no_log = {.fd = -1};

/* How often the store was asked for a client, and a time that stands, so that the
 * cache does not run out on a slow machine: by the linker's --wrap. */
static int client_reads;
int __real_store_client_get(struct store *store, const char *id, struct store_client *ret_client);
int __wrap_store_client_get(struct store *store, const char *id, struct store_client *ret_client);
int __wrap_store_client_get(struct store *store, const char *id, struct store_client *ret_client)
{
	client_reads++;
	return __real_store_client_get(store, id, ret_client);
}

int64_t __wrap_clock_monotonic_ms(void);
int64_t __wrap_clock_monotonic_ms(void)
{
	return 1000000;
}

static int create(struct scene *scene, const struct secret *secret_key,
	struct authority **ret_authority, struct fault *fault)
{
	struct authority_settings settings;
	const struct authority_parts parts = {
		.store = scene->store,
		.clock = &scene->clock,
		.log = &no_log,
		.secret_key = secret_key,
		.settings = &settings,
	};

	authority_settings_init(&settings);
	settings.threads = 1;
	return authority_create(&parts, ret_authority, fault);
}

static struct authority *open_authority(struct scene *scene)
{
	struct authority *authority = NULL;
	struct fault fault = {0};

	assert_int_equal(create(scene, &scene->secret_key, &authority, &fault), 0);
	return authority;
}

static void test_the_wrong_secret_key(void **state)
{
	unsigned char bytes[KEYRING_SECRET_SIZE] = {1};
	const struct secret other = {bytes, sizeof(bytes)};
	struct authority *authority = NULL;
	struct fault fault = {0};

	assert_int_equal(create(*state, &other, &authority, &fault), ERROR_REFUSED);
	assert_string_equal(fault.text, "the secret key does not open this data directory's keys; "
					"put back the one that was made with it");
	assert_null(authority);
}

static void test_a_store_without_an_authority(void **state)
{
	struct scene *scene = *state;
	struct authority *authority = NULL;
	struct fault fault = {0};

	assert_int_equal(create(scene, &scene->secret_key, &authority, &fault), ERROR_NOT_FOUND);
	assert_null(authority);
}

/* Once: a second start makes no second one. */
static void test_makes_the_key_that_a_resource_wants(void **state)
{
	struct scene *scene = *state;

	assert_int_equal(store_resource_put(scene->store, "external-api", "RS256"), 0);
	for (int i = 0; i < 2; i++) {
		struct authority *authority = open_authority(scene);
		struct keyring_snapshot *snapshot = keyring_acquire(authority->keyring);

		assert_int_equal(snapshot->signing_count, 2);
		assert_non_null(keyring_signing_key(snapshot, JOSE_RS256, SCENE_NOW_S));
		assert_non_null(keyring_signing_key(snapshot, JOSE_ES256, SCENE_NOW_S));
		keyring_release(snapshot);
		authority_destroy(authority);
	}
}

static void test_finds_scopes(void **state)
{
	struct authority *authority = open_authority(*state);
	struct catalog *catalog = authority_catalog(authority);

	assert_string_equal(catalog_find(catalog, "cosmos", 6)->resource, "external-api");
	assert_string_equal(catalog_find(catalog, "openid x", 6)->resource, "");
	assert_null(catalog_find(catalog, "cosmo", 5));
	assert_null(catalog_find(catalog, "cosmosx", 7));
	assert_null(catalog_find(catalog, "", 0));
	catalog_release(catalog);
	authority_destroy(authority);
}

/* What another process changes counts from the next tick on; until the first one
 * nothing is remembered. */
static void test_sees_changes_at_the_next_tick(void **state)
{
	struct scene *scene = *state;
	struct authority *authority = open_authority(scene);
	char password[GENERATED_PASSWORD_SIZE];
	struct store_service_user user;
	struct store_subject subject;
	struct fault fault;

	add_user(scene, &user, password);
	for (int i = 0; i < 2; i++) {
		bool ticked = i == 1;

		if (ticked)
			authority_tick(authority);
		assert_int_equal(authority_subject_by_username(
					 authority, "north-reader", "external.customer", &subject),
			0);
		assert_int_equal(subject.user.disabled_at, 0);
		assert_int_equal(admin_service_user_set_enabled(
					 &scene->admin, "north-reader", false, &fault),
			0);
		if (ticked)
			authority_tick(authority);
		assert_int_equal(authority_subject_by_username(
					 authority, "north-reader", "external.customer", &subject),
			0);
		assert_int_equal(subject.user.disabled_at, SCENE_NOW_S);
		assert_int_equal(
			admin_service_user_set_enabled(&scene->admin, "north-reader", true, &fault),
			0);
	}
	authority_destroy(authority);
}

static void test_remembers_until_something_changes(void **state)
{
	struct scene *scene = *state;
	struct authority *authority = open_authority(scene);
	struct store_client client;
	struct fault fault;

	authority_tick(authority);
	client_reads = 0;
	for (int i = 0; i < 5; i++) {
		assert_int_equal(authority_client(authority, "external.customer", &client), 0);
		assert_string_equal(client.id, "external.customer");
		authority_tick(authority);
	}
	assert_int_equal(client_reads, 1);
	assert_int_equal(
		admin_client_set_enabled(&scene->admin, "external.customer", false, &fault), 0);
	authority_tick(authority);
	assert_int_equal(authority_client(authority, "external.customer", &client), 0);
	assert_int_equal(client_reads, 2);
	assert_int_equal(client.disabled_at, SCENE_NOW_S);
	/* What is not there takes no room. */
	for (int i = 0; i < 2; i++)
		assert_int_equal(authority_client(authority, "unheard", &client), ERROR_NOT_FOUND);
	assert_int_equal(client_reads, 4);
	authority_destroy(authority);
}

static void test_sees_another_processs_key(void **state)
{
	struct scene *scene = *state;
	struct authority *authority = open_authority(scene);
	const struct admin_key_rotation rotation = {.purpose = "sealing"};
	struct keyring_snapshot *snapshot;
	char kid[STORE_ID_SIZE];
	struct fault fault;

	authority_tick(authority);
	pass_s(scene, 1);
	assert_int_equal(admin_key_rotate(&scene->admin, &rotation, kid, &fault), 0);
	authority_tick(authority);
	snapshot = keyring_acquire(authority->keyring);
	assert_string_equal(keyring_sealing_key(snapshot, SCENE_NOW_S + 1)->kid, kid);
	keyring_release(snapshot);
	authority_destroy(authority);
}

static void test_is_ready(void **state)
{
	struct authority *authority = open_authority(*state);

	assert_true(authority_is_ready(authority));
	authority_destroy(authority);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(test_the_wrong_secret_key),
		BARE(test_a_store_without_an_authority),
		SCENE(test_makes_the_key_that_a_resource_wants),
		SCENE(test_finds_scopes),
		SCENE(test_sees_changes_at_the_next_tick),
		SCENE(test_remembers_until_something_changes),
		SCENE(test_sees_another_processs_key),
		SCENE(test_is_ready),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
