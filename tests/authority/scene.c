/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "scene.h"

#include <stdlib.h>
#include <string.h>

int scene_open_bare(void **state)
{
	struct scene *scene = calloc(1, sizeof(*scene));
	struct store_options options = {.create = true};
	struct fault fault;

	assert_non_null(scene);
	clock_init(&scene->clock);
	clock_set_ms(&scene->clock, (int64_t)SCENE_NOW_S * 1000);
	options.clock = &scene->clock;
	assert_int_equal(secret_init_empty(&scene->secret_key, KEYRING_SECRET_SIZE), 0);
	memset(scene->secret_key.bytes, 7, KEYRING_SECRET_SIZE);
	assert_int_equal(store_open(&options, &scene->store, &fault), 0);
	*state = scene;
	return 0;
}

int scene_open(void **state)
{
	struct scene *scene;

	assert_int_equal(scene_open_bare(state), 0);
	scene = *state;
	assert_int_equal(
		authority_seed(scene->store, &scene->clock, &scene->secret_key, SCENE_ISSUER), 0);
	assert_int_equal(
		keyring_create(scene->store, &scene->clock, &scene->secret_key, &scene->keyring),
		0);
	scene->admin = (struct admin){
		.store = scene->store, .keyring = scene->keyring, .clock = &scene->clock};
	return 0;
}

int scene_close(void **state)
{
	struct scene *scene = *state;

	keyring_destroy(scene->keyring);
	store_close(scene->store);
	secret_finish(&scene->secret_key);
	clock_finish(&scene->clock);
	free(scene);
	return 0;
}

void pass_s(struct scene *scene, int64_t seconds)
{
	clock_set_ms(&scene->clock, clock_now_ms(&scene->clock) + seconds * 1000);
}

int keep_secret(void *context, const char *name, const char *secret)
{
	char *kept = context;

	(void)name;
	if (secret)
		memcpy(kept, secret, GENERATED_PASSWORD_SIZE);
	else
		*kept = '\0';
	return 0;
}

void add_user(struct scene *scene, struct store_service_user *ret_user,
	char ret_password[GENERATED_PASSWORD_SIZE])
{
	struct fault fault = {0};
	const struct admin_new_service_user wanted = {
		.username = "north-reader",
		.site = "north",
		.role = "read",
		.deliver = keep_secret,
		.context = ret_password,
	};

	assert_int_equal(admin_site_add(&scene->admin, "north", "North Pit", &fault), 0);
	assert_int_equal(admin_service_user_add(&scene->admin, &wanted, ret_user, &fault), 0);
}
