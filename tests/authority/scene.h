/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the authority's tests play in: a store in memory, a clock that stands, and
 * the keys of a seeded authority.
 */
#ifndef TESTS_AUTHORITY_SCENE_H
#define TESTS_AUTHORITY_SCENE_H

#include "authority/admin.h"
#include "authority/context.h"
#include "authority/data_directory.h"
#include "base/clock.h"

enum { SCENE_NOW_S = 1800000000 };

#define SCENE_ISSUER "https://id.example.com/identity"

struct scene {
	struct clock clock;
	struct secret secret_key;
	struct store *store;
	struct keyring *keyring;
	struct admin admin;
};

/* cmocka's setup and teardown. The bare one has a store and no key. */
int scene_open(void **state);
int scene_open_bare(void **state);
int scene_close(void **state);

#define SCENE(test) cmocka_unit_test_setup_teardown(test, scene_open, scene_close)
#define BARE(test) cmocka_unit_test_setup_teardown(test, scene_open_bare, scene_close)

void pass_s(struct scene *scene, int64_t seconds);

/* A `deliver` that keeps the secret in the GENERATED_PASSWORD_SIZE bytes at
 * `context`; "" once it is taken back. */
int keep_secret(void *context, const char *name, const char *secret);

/* Site "north" with the Service User "north-reader". */
void add_user(struct scene *scene, struct store_service_user *ret_user,
	char ret_password[GENERATED_PASSWORD_SIZE]);

/* An authority of that scene, with no log; for authority_destroy(). */
struct authority *create_authority(
	const struct scene *scene, const struct authority_settings *settings);

/* That form, posted to the token endpoint from no address. `body` is borrowed. */
struct http_request token_request(const char *body, int64_t arrived_at_ms);

#endif
