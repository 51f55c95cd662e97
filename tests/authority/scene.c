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

struct authority *create_authority(
	const struct scene *scene, const struct authority_settings *settings)
{
	static const struct log no_log = {.fd = -1};
	struct authority *authority = NULL;
	struct fault fault = {0};
	const struct authority_parts parts = {
		.store = scene->store,
		.clock = &scene->clock,
		.log = &no_log,
		.secret_key = &scene->secret_key,
		.settings = settings,
	};

	if (authority_create(&parts, &authority, &fault))
		fail_msg("%s", fault.text);
	return authority;
}

struct http_request token_request(const char *body, int64_t arrived_at_ms)
{
	static const struct sockaddr_storage peer = {.ss_family = AF_UNIX};
	static const char type[] = "application/x-www-form-urlencoded";
	static const char path[] = "/identity/connect/token";
	static const struct http_field field = {"Content-Type", 12, type, sizeof(type) - 1};

	return (struct http_request){
		.method = "POST",
		.path = path,
		.path_length = sizeof(path) - 1,
		.raw_path = path,
		.fields = &field,
		.field_count = 1,
		.body = body,
		.body_length = strlen(body),
		.peer = &peer,
		.arrived_at_ms = arrived_at_ms,
	};
}
