/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "scene.h"

#include "base/buf.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { DAY_S = 86400 };

static void test_states_by_time(void **state)
{
	static const struct {
		int64_t activates_at;
		int64_t retires_at;
		int64_t gone_at;
		const char *state;
	} cases[] = {
		{101, 0, 0, "next"},
		{100, 0, 0, "active"},
		{1, 101, 0, "active"},
		{1, 101, 200, "active"},
		{1, 100, 0, "retired"},
		{1, 100, 101, "retired"},
		{1, 50, 100, "gone"},
		{101, 102, 103, "next"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct store_key key = {.published_at = 1,
			.activates_at = cases[i].activates_at,
			.retires_at = cases[i].retires_at,
			.gone_at = cases[i].gone_at};
		bool active = !strcmp(cases[i].state, "active");

		assert_string_equal(keyring_stored_state(&key, 100), cases[i].state);
		key.published_at = 0;
		assert_string_equal(
			keyring_stored_state(&key, 100), active ? "next" : cases[i].state);
	}
}

static bool publishes(struct scene *scene, const char *kid)
{
	struct keyring_snapshot *snapshot = keyring_acquire(scene->keyring);
	bool found = strstr(snapshot->jwks, kid) != NULL;

	assert_int_equal(strlen(snapshot->jwks), snapshot->jwks_length);
	assert_null(strstr(snapshot->jwks, "\"d\""));
	keyring_release(snapshot);
	return found;
}

/* Whether the key of that id signs now. */
static bool signs(struct scene *scene, const char *kid)
{
	struct keyring_snapshot *snapshot = keyring_acquire(scene->keyring);
	const struct keyring_key *key =
		keyring_signing_key(snapshot, JOSE_ES256, clock_now_s(&scene->clock));
	bool same = key && !strcmp(key->kid, kid);

	keyring_release(snapshot);
	return same;
}

static const char *state_of(struct scene *scene, const char *kid)
{
	struct store_key key;
	struct fault fault;

	assert_int_equal(admin_key_get(&scene->admin, kid, &key, &fault), 0);
	return keyring_stored_state(&key, clock_now_s(&scene->clock));
}

static void first_kid(struct scene *scene, char ret_kid[STORE_ID_SIZE])
{
	struct keyring_snapshot *snapshot = keyring_acquire(scene->keyring);

	assert_int_equal(snapshot->signing_count, 1);
	memcpy(ret_kid, snapshot->signing[0].kid, STORE_ID_SIZE);
	keyring_release(snapshot);
}

/* Published at once, signing once every JWKS from before has run out; the old one
 * published until the last token that it signed has. */
static void test_a_rotation(void **state)
{
	struct scene *scene = *state;
	const struct admin_key_rotation rotation = {.purpose = "signing", .alg = "ES256"};
	char old[STORE_ID_SIZE];
	char new[STORE_ID_SIZE];
	struct fault fault;

	first_kid(scene, old);
	assert_true(signs(scene, old));
	pass_s(scene, 1000);
	assert_int_equal(admin_key_rotate(&scene->admin, &rotation, new, &fault), 0);
	assert_int_equal(keyring_publish(scene->keyring), 0);
	assert_true(publishes(scene, old) && publishes(scene, new));
	assert_true(signs(scene, old));
	assert_string_equal(state_of(scene, old), "active");
	assert_string_equal(state_of(scene, new), "next");

	pass_s(scene, KEYRING_PUBLISH_S - 1);
	assert_true(signs(scene, old));
	pass_s(scene, 1);
	assert_int_equal(KEYRING_PUBLISH_S, 360);
	assert_true(signs(scene, new));
	assert_string_equal(state_of(scene, old), "retired");
	assert_string_equal(state_of(scene, new), "active");

	pass_s(scene, 2 * DAY_S - 1);
	assert_int_equal(keyring_reload_if_due(scene->keyring), 0);
	assert_true(publishes(scene, old) && publishes(scene, new));
	pass_s(scene, 1);
	assert_string_equal(state_of(scene, old), "gone");
	assert_int_equal(keyring_reload_if_due(scene->keyring), 0);
	assert_false(publishes(scene, old));
	assert_true(publishes(scene, new));
	assert_true(signs(scene, new));
}

/* Twice within the time of publishing: the second one takes over from the first. */
static void test_two_rotations_at_once(void **state)
{
	struct scene *scene = *state;
	const struct admin_key_rotation rotation = {.purpose = "signing", .alg = "ES256"};
	char old[STORE_ID_SIZE];
	char second[STORE_ID_SIZE];
	char third[STORE_ID_SIZE];
	struct fault fault;

	first_kid(scene, old);
	assert_int_equal(admin_key_rotate(&scene->admin, &rotation, second, &fault), 0);
	assert_int_equal(keyring_publish(scene->keyring), 0);
	pass_s(scene, 100);
	assert_int_equal(admin_key_rotate(&scene->admin, &rotation, third, &fault), 0);
	assert_int_equal(keyring_publish(scene->keyring), 0);
	for (int i = 0; i < 600; i++) {
		struct keyring_snapshot *snapshot = keyring_acquire(scene->keyring);

		assert_non_null(
			keyring_signing_key(snapshot, JOSE_ES256, clock_now_s(&scene->clock)));
		keyring_release(snapshot);
		pass_s(scene, 1);
	}
	assert_true(signs(scene, third));
}

static void test_a_sealing_key_takes_over_at_once(void **state)
{
	struct scene *scene = *state;
	const struct admin_key_rotation rotation = {.purpose = "sealing"};
	struct keyring_snapshot *before = keyring_acquire(scene->keyring);
	struct keyring_snapshot *after;
	char kid[STORE_ID_SIZE];
	struct fault fault;

	pass_s(scene, 1);
	assert_int_equal(admin_key_rotate(&scene->admin, &rotation, kid, &fault), 0);
	after = keyring_acquire(scene->keyring);
	assert_string_equal(keyring_sealing_key(after, SCENE_NOW_S + 1)->kid, kid);
	/* Another thread's snapshot does not change under it. */
	assert_string_not_equal(keyring_sealing_key(before, SCENE_NOW_S + 1)->kid, kid);
	assert_non_null(keyring_find_sealing(
		after, before->sealing[0].kid, SCENE_NOW_S + (int64_t)31 * DAY_S));
	assert_null(keyring_find_sealing(
		after, before->sealing[0].kid, SCENE_NOW_S + 1 + (int64_t)31 * DAY_S));
	assert_null(keyring_find_sealing(after, "unheard", SCENE_NOW_S));
	keyring_release(after);
	keyring_release(before);
}

/* Requirement 82. */
static void test_the_wrong_secret_key(void **state)
{
	struct scene *scene = *state;
	struct keyring *keyring = NULL;
	unsigned char bytes[KEYRING_SECRET_SIZE];
	const struct secret other = {bytes, sizeof(bytes)};

	for (size_t bit = 0; bit < sizeof(bytes) * 8; bit += 37) {
		memcpy(bytes, scene->secret_key.bytes, sizeof(bytes));
		bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
		assert_int_equal(keyring_create(scene->store, &scene->clock, &other, &keyring),
			ERROR_REFUSED);
		assert_null(keyring);
	}
}

struct listed {
	struct store_key keys[8];
	size_t count;
};

static int take_key(void *context, const struct store_key *key)
{
	struct listed *listed = context;

	listed->keys[listed->count++] = *key;
	return listed->count == 8;
}

static const struct store_key *find_purpose(const struct listed *listed, const char *purpose)
{
	for (size_t i = 0; i < listed->count; i++)
		if (!strcmp(listed->keys[i].purpose, purpose))
			return &listed->keys[i];
	fail_msg("no %s key", purpose);
	return NULL;
}

/* A sealed key is bound to its id, purpose and algorithm: who can write to the
 * database can still not put one in another's place. */
static void test_a_sealed_key_in_anothers_place(void **state)
{
	static const struct {
		const char *from;
		const char *purpose;
		const char *alg;
		const char *kid; /* NULL: its own */
	} cases[] = {
		{"sealing", "sealing", "", "0000000000000000"},
		{"sealing", "pepper", "", NULL},
		{"pepper", "sealing", "", NULL},
		{"signing", "signing", "EdDSA", NULL},
		{"signing", "sealing", "", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct listed listed = {0};
		struct scene *source;
		struct scene *scene;
		void *opened;
		struct store_key key;

		/* Into another store under the same secret key, where its id is free. */
		assert_int_equal(scene_open(&opened), 0);
		source = opened;
		assert_int_equal(scene_open(&opened), 0);
		scene = opened;
		assert_int_equal(store_key_list(source->store, take_key, &listed), 0);
		key = *find_purpose(&listed, cases[i].from);
		(void)stpcpy(key.purpose, cases[i].purpose);
		(void)stpcpy(key.alg, cases[i].alg);
		if (cases[i].kid)
			(void)stpcpy(key.kid, cases[i].kid);
		assert_int_equal(store_key_add(scene->store, &key, 0, false), 0);
		assert_int_equal(keyring_reload(scene->keyring), ERROR_REFUSED);
		/* The snapshot from before stays. */
		opened = keyring_acquire(scene->keyring);
		assert_non_null(keyring_sealing_key(opened, SCENE_NOW_S));
		keyring_release(opened);
		(void)scene_close((void **)&source);
		(void)scene_close((void **)&scene);
	}
}

static void test_a_changed_sealed_key(void **state)
{
	struct scene *scene = *state;
	struct listed listed = {0};
	void *opened;
	struct scene *other;
	struct store_key key;

	assert_int_equal(store_key_list(scene->store, take_key, &listed), 0);
	key = *find_purpose(&listed, "sealing");
	assert_int_equal(scene_open(&opened), 0);
	other = opened;
	/* As it is it opens there, under the same secret key. */
	assert_int_equal(store_key_add(other->store, &key, 0, false), 0);
	assert_int_equal(keyring_reload(other->keyring), 0);
	key = *find_purpose(&listed, "pepper");
	key.sealed[key.sealed_length - 1] ^= 1;
	assert_int_equal(store_key_add(other->store, &key, 0, false), 0);
	assert_int_equal(keyring_reload(other->keyring), ERROR_REFUSED);
	(void)scene_close((void **)&other);
}

static void test_no_key(void **state)
{
	struct scene *scene = *state;
	struct keyring_snapshot *snapshot;

	assert_int_equal(
		keyring_create(scene->store, &scene->clock, &scene->secret_key, &scene->keyring),
		0);
	snapshot = keyring_acquire(scene->keyring);
	assert_string_equal(snapshot->jwks, "{\"keys\":[]}");
	assert_int_equal(snapshot->jwks_until, INT64_MAX);
	assert_null(keyring_signing_key(snapshot, JOSE_ES256, SCENE_NOW_S));
	assert_null(keyring_sealing_key(snapshot, SCENE_NOW_S));
	assert_null(keyring_pepper(snapshot, SCENE_NOW_S));
	keyring_release(snapshot);
}

/* More than a snapshot holds are refused before they are stored: stored, they
 * would keep the authority from starting again. */
static void test_bounds_keys(void **state)
{
	struct scene *scene = *state;
	const struct admin_key_rotation rotation = {.purpose = "pepper"};
	struct keyring_snapshot *snapshot;
	struct fault fault;
	char kid[STORE_ID_SIZE];

	for (int i = 1; i < KEYRING_KEYS_MAX; i++)
		assert_int_equal(admin_key_rotate(&scene->admin, &rotation, kid, &fault), 0);
	assert_int_equal(admin_key_rotate(&scene->admin, &rotation, kid, &fault), ERROR_LIMIT);
	assert_int_equal(keyring_reload(scene->keyring), 0);
	snapshot = keyring_acquire(scene->keyring);
	assert_int_equal(snapshot->pepper_count, KEYRING_KEYS_MAX);
	keyring_release(snapshot);
}

/* --- threads ---------------------------------------------------------------- */

static void *use_keys(void *context)
{
	struct keyring *keyring = context;
	intptr_t missing = 0;

	for (int i = 0; i < 20000; i++) {
		struct keyring_snapshot *snapshot = keyring_acquire(keyring);
		const struct keyring_key *key = keyring_sealing_key(snapshot, SCENE_NOW_S);

		missing += !key || key->bytes.length != KEYRING_SECRET_SIZE;
		keyring_release(snapshot);
	}
	return (void *)missing;
}

/* A snapshot that is in use outlives the reloads. */
static void test_threads(void **state)
{
	struct scene *scene = *state;
	pthread_t threads[3];

	for (size_t i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, use_keys, scene->keyring), 0);
	for (int i = 0; i < 50; i++)
		assert_int_equal(keyring_reload(scene->keyring), 0);
	for (size_t i = 0; i < 3; i++) {
		void *missing;

		assert_int_equal(pthread_join(threads[i], &missing), 0);
		assert_null(missing);
	}
}

/* --- two processes ---------------------------------------------------------- */

static int add_first(const char *path, const struct secret *secret_key)
{
	const struct keyring_new_key wanted = {
		.purpose = "signing", .alg = JOSE_ES256, .first = true};
	struct store_options options = {.path = path, .create = true};
	struct keyring *keyring = NULL;
	struct store *store = NULL;
	struct fault fault;
	int error = store_open(&options, &store, &fault);

	if (!error)
		error = keyring_create(store, NULL, secret_key, &keyring);
	if (!error)
		error = keyring_add(keyring, &wanted, NULL);
	keyring_destroy(keyring);
	store_close(store);
	return error;
}

/* 0: it made the key; 1: the other one had; anything else is a failure. */
static int run_child(const char *path, const struct secret *secret_key, int gate)
{
	char go;
	int error;

	if (read(gate, &go, 1) != 1)
		return 2;
	error = add_first(path, secret_key);
	return error == ERROR_REFUSED ? 1 : error ? 3 : 0;
}

static void remove_store(const char *folder, const char *path)
{
	char name[80];

	(void)unlink(path);
	(void)snprintf(name, sizeof(name), "%s-wal", path);
	(void)unlink(name);
	(void)snprintf(name, sizeof(name), "%s-shm", path);
	(void)unlink(name);
	assert_int_equal(rmdir(folder), 0);
}

static void test_two_processes_make_the_first_key(void **state)
{
	unsigned char bytes[KEYRING_SECRET_SIZE] = {5};
	const struct secret secret_key = {bytes, sizeof(bytes)};
	char folder[] = "/tmp/adit-keyring-XXXXXX";
	char path[64];
	struct listed listed = {0};
	struct store_options options = {.path = path, .create = true};
	struct store *store;
	struct fault fault;
	pid_t children[2];
	int codes[2];
	int gate[2];

	(void)state;
	assert_non_null(mkdtemp(folder));
	(void)snprintf(path, sizeof(path), "%s/adit.db", folder);
	assert_int_equal(store_open(&options, &store, &fault), 0);
	store_close(store);
	assert_int_equal(pipe(gate), 0);
	for (int i = 0; i < 2; i++) {
		children[i] = fork();
		assert_true(children[i] >= 0);
		if (children[i] == 0)
			_exit(run_child(path, &secret_key, gate[0]));
	}
	assert_int_equal(write(gate[1], "go", 2), 2);
	for (int i = 0; i < 2; i++) {
		int status;

		assert_int_equal(waitpid(children[i], &status, 0), children[i]);
		assert_true(WIFEXITED(status));
		codes[i] = WEXITSTATUS(status);
	}
	(void)close(gate[0]);
	(void)close(gate[1]);
	assert_int_equal(codes[0] + codes[1], 1);
	assert_int_equal(store_open(&options, &store, &fault), 0);
	assert_int_equal(store_key_list(store, take_key, &listed), 0);
	assert_int_equal(listed.count, 1);
	store_close(store);
	remove_store(folder, path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_two_processes_make_the_first_key),
		cmocka_unit_test(test_states_by_time),
		SCENE(test_a_rotation),
		SCENE(test_two_rotations_at_once),
		SCENE(test_a_sealing_key_takes_over_at_once),
		SCENE(test_the_wrong_secret_key),
		cmocka_unit_test(test_a_sealed_key_in_anothers_place),
		SCENE(test_a_changed_sealed_key),
		BARE(test_no_key),
		SCENE(test_bounds_keys),
		SCENE(test_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
