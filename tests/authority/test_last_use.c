/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "scene.h"

#include "authority/last_use.h"
#include "base/log.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

static const struct log no_log = {.fd = -1};

/* What reached the store, and what it answers: by the linker's --wrap. */
static struct {
	int calls;
	size_t uses;
	int error;
} store_saw;
int __real_store_use_put(struct store *store, const struct store_use *uses, size_t count,
	store_done done, void *context);
int __wrap_store_use_put(struct store *store, const struct store_use *uses, size_t count,
	store_done done, void *context);
int __wrap_store_use_put(struct store *store, const struct store_use *uses, size_t count,
	store_done done, void *context)
{
	store_saw.calls++;
	if (store_saw.error)
		return store_saw.error;
	store_saw.uses += count;
	return __real_store_use_put(store, uses, count, done, context);
}

static struct last_uses *start(struct scene *scene)
{
	struct last_uses *uses = NULL;

	memset(&store_saw, 0, sizeof(store_saw));
	assert_int_equal(last_uses_create(scene->store, &no_log, &uses), 0);
	return uses;
}

static void note(struct last_uses *uses, const char *source, int64_t at_s)
{
	last_uses_note(uses, &(const struct last_use_note){.user_id = "su_1",
				     .client_id = "external.customer",
				     .source = source,
				     .grant_type = "password",
				     .credential_id = "cr_1",
				     .at_s = at_s});
}

static void note_number(struct last_uses *uses, int number, int64_t at_s)
{
	char source[32];

	(void)snprintf(source, sizeof(source), "source-%d", number);
	note(uses, source, at_s);
}

static void tick(struct scene *scene, struct last_uses *uses, int64_t now_s)
{
	last_uses_tick(uses, now_s);
	store_settle(scene->store);
}

static uint64_t waiting(struct last_uses *uses)
{
	struct last_uses_state now;

	last_uses_state(uses, &now);
	return now.waiting;
}

static void test_once_a_minute(void **state)
{
	struct scene *scene = *state;
	struct last_uses *uses = start(scene);
	int64_t now_s = SCENE_NOW_S;

	tick(scene, uses, now_s);
	assert_int_equal(store_saw.calls, 0);
	for (int i = 0; i < 100; i++)
		note(uses, "10.0.0.1", now_s);
	tick(scene, uses, now_s);
	assert_int_equal(store_saw.calls, 1);
	assert_int_equal(store_saw.uses, 1);
	for (int i = 0; i < 59; i++) {
		note(uses, "10.0.0.1", now_s + i);
		tick(scene, uses, now_s + i);
	}
	assert_int_equal(store_saw.calls, 1);
	assert_int_equal(waiting(uses), 1);
	tick(scene, uses, now_s + 60);
	assert_int_equal(store_saw.calls, 2);
	assert_int_equal(waiting(uses), 0);
	/* A clock that is set back does not stop it. */
	note(uses, "10.0.0.1", now_s);
	tick(scene, uses, now_s - 100000);
	assert_int_equal(store_saw.calls, 3);
	last_uses_destroy(uses);
}

static void test_is_bounded(void **state)
{
	struct scene *scene = *state;
	struct last_uses *uses = start(scene);
	struct last_uses_state now;

	for (int i = 0; i < LAST_USES_MAX + 100; i++)
		note_number(uses, i, 1);
	note_number(uses, 5, 2);
	last_uses_state(uses, &now);
	assert_int_equal(now.waiting, LAST_USES_MAX);
	assert_int_equal(now.dropped, 100);
	tick(scene, uses, SCENE_NOW_S);
	assert_true(store_saw.uses > 0 && store_saw.uses < LAST_USES_MAX);
	/* There is room again at once. */
	note_number(uses, LAST_USES_MAX + 5, 3);
	last_uses_state(uses, &now);
	assert_int_equal(now.dropped, 100);
	for (int i = 0; i < 100; i++)
		tick(scene, uses, SCENE_NOW_S);
	assert_int_equal(store_saw.uses, LAST_USES_MAX);
	assert_int_equal(waiting(uses), 1);
	/* Nearly full: it does not wait for the minute. */
	for (int i = 0; i < LAST_USES_MAX * 7 / 8; i++)
		note_number(uses, i, 4);
	tick(scene, uses, SCENE_NOW_S + 1);
	assert_true(store_saw.uses > LAST_USES_MAX);
	last_uses_finish(uses);
	assert_int_equal(waiting(uses), 0);
	last_uses_destroy(uses);
}

static void test_a_failed_writing_is_tried_again(void **state)
{
	struct scene *scene = *state;
	struct last_uses *uses = start(scene);

	note(uses, "10.0.0.1", SCENE_NOW_S);
	store_saw.error = ERROR_BUSY;
	tick(scene, uses, SCENE_NOW_S);
	tick(scene, uses, SCENE_NOW_S + 1);
	assert_int_equal(store_saw.calls, 1);
	tick(scene, uses, SCENE_NOW_S + 60);
	assert_int_equal(store_saw.calls, 2);
	assert_int_equal(waiting(uses), 1);
	/* At the end it gives up. */
	last_uses_finish(uses);
	assert_int_equal(waiting(uses), 1);
	store_saw.error = 0;
	last_uses_finish(uses);
	assert_int_equal(waiting(uses), 0);
	assert_int_equal(store_saw.uses, 1);
	last_uses_destroy(uses);
}

static void test_reaches_the_store(void **state)
{
	struct scene *scene = *state;
	struct last_uses *uses = start(scene);
	char password[GENERATED_PASSWORD_SIZE];
	char too_long[STORE_CLIENT_SIZE + 1];
	struct store_service_user user;
	struct last_use_note noted = {.client_id = "external.customer",
		.source = "unix",
		.grant_type = "password",
		.at_s = SCENE_NOW_S + 5};
	int64_t at = 0;

	add_user(scene, &user, password);
	noted.user_id = user.id;
	noted.credential_id = user.credentials[0].id;
	last_uses_note(uses, &noted);
	noted.at_s -= 3;
	last_uses_note(uses, &noted);
	memset(too_long, 'x', sizeof(too_long) - 1);
	too_long[sizeof(too_long) - 1] = '\0';
	noted.client_id = too_long;
	last_uses_note(uses, &noted);
	last_uses_finish(uses);
	assert_int_equal(store_saw.uses, 1);
	assert_int_equal(store_service_user_last_used_at(scene->store, user.id, &at), 0);
	assert_int_equal(at, SCENE_NOW_S + 5);
	assert_int_equal(store_service_user_get(scene->store, user.username, &user), 0);
	assert_int_equal(user.credentials[0].last_used_at, SCENE_NOW_S + 5);
	last_uses_destroy(uses);
	last_uses_destroy(NULL);
}

static void *note_many(void *context)
{
	for (int i = 0; i < 20000; i++)
		note_number(context, i % 500, i);
	return NULL;
}

static void test_threads(void **state)
{
	struct scene *scene = *state;
	struct last_uses *uses = start(scene);
	pthread_t threads[3];

	for (int i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, note_many, uses), 0);
	for (int i = 0; i < 50; i++)
		last_uses_tick(uses, SCENE_NOW_S + i * 61);
	for (int i = 0; i < 3; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	last_uses_finish(uses);
	assert_int_equal(waiting(uses), 0);
	assert_true(store_saw.uses >= 500);
	last_uses_destroy(uses);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(test_once_a_minute),
		SCENE(test_is_bounded),
		SCENE(test_a_failed_writing_is_tried_again),
		SCENE(test_reaches_the_store),
		SCENE(test_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
