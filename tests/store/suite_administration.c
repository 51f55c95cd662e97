/* SPDX-License-Identifier: Apache-2.0 */
/* The suite's part on sites, Service Users and clients. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- sites --------------------------------------------------------------- */

static int show_site(void *context, const struct store_site *site)
{
	return show(context, site->id);
}

static void test_sites(void **state)
{
	struct world *world = *state;
	struct store_site site = {.created_at = 5};
	struct shown shown = {0};
	char long_id[STORE_SITE_SIZE + 1];

	assert_int_equal(store_site_get(world->store, "north", &site), ERROR_NOT_FOUND);
	assert_int_equal(site.created_at, 5);
	memset(long_id, 'a', sizeof(long_id));
	long_id[STORE_SITE_SIZE] = '\0';
	assert_int_equal(store_site_add(world->store, long_id, ""), ERROR_INVALID);
	assert_int_equal(store_site_add(world->store, "", ""), ERROR_INVALID);
	assert_int_equal(store_site_add(world->store, "south", ""), 0);
	assert_int_equal(store_site_add(world->store, "north", "Nørth"), 0);
	assert_int_equal(store_site_add(world->store, "north", "other"), ERROR_EXISTS);
	assert_int_equal(store_site_get(world->store, "north", &site), 0);
	assert_string_equal(site.name, "Nørth");
	assert_int_equal(site.created_at, SUITE_NOW_S);
	assert_int_equal(site.disabled_at, 0);
	assert_int_equal(store_site_list(world->store, show_site, &shown), 0);
	assert_string_equal(shown.names, "north south");
}

static void test_disabling_a_site(void **state)
{
	struct world *world = *state;
	struct store_site site;
	struct store_service_user user;
	int64_t before = counter(world->store);

	assert_int_equal(store_site_set_enabled(world->store, "west", false), ERROR_NOT_FOUND);
	assert_int_equal(store_site_set_enabled(world->store, "north", true), 0);
	assert_int_equal(counter(world->store), before);
	assert_int_equal(store_site_set_enabled(world->store, "north", false), 0);
	assert_int_equal(counter(world->store), before + 1);
	assert_int_equal(generation(world), 2);
	pass_s(world, 5);
	assert_int_equal(store_site_set_enabled(world->store, "north", false), 0);
	assert_int_equal(counter(world->store), before + 1);
	assert_int_equal(generation(world), 2);
	assert_int_equal(store_site_get(world->store, "north", &site), 0);
	assert_int_equal(site.disabled_at, SUITE_NOW_S);
	assert_int_equal(store_service_user_get(world->store, "north-reader", &user), 0);
	assert_true(user.site_disabled);
	assert_int_equal(user.disabled_at, 0);
	assert_int_equal(store_site_set_enabled(world->store, "north", true), 0);
	assert_int_equal(generation(world), 2);
	assert_int_equal(store_service_user_get(world->store, "north-reader", &user), 0);
	assert_false(user.site_disabled);
}

/* --- Service Users ------------------------------------------------------- */

static int show_user(void *context, const struct store_service_user *user)
{
	char text[512];

	(void)snprintf(text, sizeof(text), "%s/%zu", user->username, user->credential_count);
	return show(context, text);
}

static void test_service_user_comes_back(void **state)
{
	struct world *world = *state;
	struct store_service_user user;
	struct store_service_user added = some_user("su_2", "Ünïcode \"'; --", "north");

	(void)stpcpy(added.role, "write");
	(void)stpcpy(added.label, "pump house");
	added.credentials[0] = some_credential("cr_2", 2, SUITE_NOW_S + 10);
	added.credential_count = 1;
	assert_int_equal(store_service_user_add(world->store, &added), 0);
	assert_int_equal(store_service_user_get(world->store, added.username, &user), 0);
	assert_string_equal(user.id, "su_2");
	assert_string_equal(user.username, added.username);
	assert_string_equal(user.site, "north");
	assert_string_equal(user.role, "write");
	assert_string_equal(user.label, "pump house");
	assert_int_equal(user.created_at, SUITE_NOW_S);
	assert_int_equal(user.credential_count, 1);
	assert_string_equal(user.credentials[0].id, "cr_2");
	assert_string_equal(user.credentials[0].pepper_kid, "pepper-1");
	assert_memory_equal(user.credentials[0].mac, added.credentials[0].mac, STORE_MAC_SIZE);
	assert_int_equal(user.credentials[0].created_at, SUITE_NOW_S);
	assert_int_equal(user.credentials[0].expires_at, SUITE_NOW_S + 10);
	pass_s(world, 9);
	assert_int_equal(store_service_user_get(world->store, added.username, &user), 0);
	assert_int_equal(user.credential_count, 1);
	pass_s(world, 1);
	assert_int_equal(store_service_user_get(world->store, added.username, &user), 0);
	assert_int_equal(user.credential_count, 0);
}

static void test_service_user_refusals(void **state)
{
	struct world *world = *state;
	struct store_service_user user = some_user("su_2", "other", "west");
	int64_t before = counter(world->store);

	assert_int_equal(store_service_user_add(world->store, &user), ERROR_NOT_FOUND);
	user = some_user("su_2", "north-reader", "north");
	assert_int_equal(store_service_user_add(world->store, &user), ERROR_EXISTS);
	user = some_user("su_1", "other", "north");
	assert_int_equal(store_service_user_add(world->store, &user), ERROR_EXISTS);
	user = some_user("su_2", "other", "north");
	(void)stpcpy(user.role, "admin");
	assert_int_equal(store_service_user_add(world->store, &user), ERROR_INVALID);
	user = some_user("su_2", "other", "north");
	user.credentials[0] = some_credential("cr_1", 9, 0); /* the world's */
	user.credential_count = 1;
	assert_int_equal(store_service_user_add(world->store, &user), ERROR_EXISTS);
	assert_int_equal(store_service_user_get(world->store, "other", &user), ERROR_NOT_FOUND);
	assert_int_equal(counter(world->store), before);
	/* Names are compared byte for byte. */
	user = some_user("su_2", "North-Reader", "north");
	assert_int_equal(store_service_user_add(world->store, &user), 0);
}

static void test_service_users_are_listed(void **state)
{
	struct world *world = *state;
	struct store_service_user user = some_user("su_2", "a-south", "south");
	struct store_credential second = some_credential("cr_2", 2, 0);
	struct shown shown = {0};

	assert_int_equal(store_site_add(world->store, "south", ""), 0);
	assert_int_equal(store_service_user_add(world->store, &user), 0);
	assert_int_equal(store_service_user_rotate(world->store, "north-reader", &second, 60), 0);
	assert_int_equal(store_service_user_list(world->store, NULL, show_user, &shown), 0);
	assert_string_equal(shown.names, "a-south/0 north-reader/2");
	shown = (struct shown){0};
	assert_int_equal(store_service_user_list(world->store, "north", show_user, &shown), 0);
	assert_string_equal(shown.names, "north-reader/2");
	shown = (struct shown){0};
	assert_int_equal(store_service_user_list(world->store, "west", show_user, &shown), 0);
	assert_string_equal(shown.names, "");
	shown = (struct shown){.stop_at = 1};
	assert_int_equal(store_service_user_list(world->store, NULL, show_user, &shown), 77);
	assert_string_equal(shown.names, "a-south/0");
}

/* Whoever is shown a list may write: nothing is held meanwhile. */
static int disable_user(void *context, const struct store_service_user *user)
{
	return store_service_user_set_enabled(context, user->username, false);
}

static void test_list_may_write(void **state)
{
	struct world *world = *state;
	struct store_service_user user;

	assert_int_equal(
		store_service_user_list(world->store, NULL, disable_user, world->store), 0);
	assert_int_equal(store_service_user_get(world->store, "north-reader", &user), 0);
	assert_int_equal(user.disabled_at, SUITE_NOW_S);
}

static void test_disabling_a_service_user(void **state)
{
	struct world *world = *state;
	struct store_access_grant grant;
	int64_t before = counter(world->store);

	assert_int_equal(
		store_service_user_set_enabled(world->store, "nobody", false), ERROR_NOT_FOUND);
	assert_int_equal(store_service_user_set_enabled(world->store, "north-reader", true), 0);
	assert_int_equal(counter(world->store), before);
	assert_int_equal(store_service_user_set_enabled(world->store, "north-reader", false), 0);
	assert_int_equal(generation(world), 2);
	assert_int_equal(counter(world->store), before + 1);
	/* One more time does nothing; and it gets no grant meanwhile. */
	assert_int_equal(store_service_user_set_enabled(world->store, "north-reader", false), 0);
	assert_int_equal(generation(world), 2);
	assert_int_equal(ensure_wait(world->store, "su_1", "api", &grant), ERROR_NOT_FOUND);
	assert_int_equal(store_service_user_set_enabled(world->store, "north-reader", true), 0);
	assert_int_equal(generation(world), 2);
	assert_int_equal(ensure_wait(world->store, "su_1", "api", &grant), 0);
	assert_int_equal(grant.generation, 2);
}

static void rotate(struct world *world, const char *id, int64_t overlap_s)
{
	struct store_credential credential = some_credential(id, 3, 0);

	assert_int_equal(
		store_service_user_rotate(world->store, "north-reader", &credential, overlap_s), 0);
}

/* "id:expires_at-now …", newest first. */
static const char *credentials(struct world *world, char text[128])
{
	struct store_service_user user;
	int64_t now_s = clock_now_s(&world->clock);
	int length = 0;

	assert_int_equal(store_service_user_get(world->store, "north-reader", &user), 0);
	text[0] = '\0';
	for (size_t i = 0; i < user.credential_count; i++) {
		int64_t expires_at = user.credentials[i].expires_at;

		length += snprintf(text + length, 128 - (size_t)length, "%s%s:%lld", i ? " " : "",
			user.credentials[i].id, (long long)(expires_at ? expires_at - now_s : 0));
	}
	return text;
}

static void test_rotation_overlaps(void **state)
{
	struct world *world = *state;
	struct store_credential taken = some_credential("cr_1", 3, 0);
	int64_t before = counter(world->store);
	char text[128];

	assert_int_equal(
		store_service_user_rotate(world->store, "nobody", &taken, 60), ERROR_NOT_FOUND);
	assert_int_equal(
		store_service_user_rotate(world->store, "north-reader", &taken, 60), ERROR_EXISTS);
	assert_string_equal(credentials(world, text), "cr_1:0");
	assert_int_equal(counter(world->store), before);
	rotate(world, "cr_2", 60);
	assert_string_equal(credentials(world, text), "cr_2:0 cr_1:60");
	assert_int_equal(generation(world), 1);
	assert_int_equal(counter(world->store), before + 1);
	/* A third within the overlap: the oldest goes, and that ends the grants. */
	rotate(world, "cr_3", 100);
	assert_string_equal(credentials(world, text), "cr_3:0 cr_2:100");
	assert_int_equal(generation(world), 2);
	pass_s(world, 100);
	assert_string_equal(credentials(world, text), "cr_3:0");
	/* One that had expired by itself was not dropped. */
	rotate(world, "cr_4", 30);
	assert_string_equal(credentials(world, text), "cr_4:0 cr_3:30");
	assert_int_equal(generation(world), 2);
}

static void test_rotation_at_once(void **state)
{
	struct world *world = *state;
	char text[128];

	rotate(world, "cr_2", 0);
	assert_string_equal(credentials(world, text), "cr_2:0");
	assert_int_equal(generation(world), 2);
}

static void test_rotation_keeps_an_earlier_end(void **state)
{
	struct world *world = *state;
	struct store_credential short_lived = some_credential("cr_2", 2, SUITE_NOW_S + 10);
	char text[128];

	assert_int_equal(
		store_service_user_rotate(world->store, "north-reader", &short_lived, 0), 0);
	/* The newest counts by the order of arrival, also when the clock goes back. */
	pass_s(world, -1000);
	rotate(world, "cr_0", 5000);
	assert_string_equal(credentials(world, text), "cr_0:0 cr_2:1010");
	rotate(world, "cr_a", INT64_MAX);
	assert_int_equal(generation(world), 3);
}

static struct store_key some_pepper(const char *kid, int64_t activates_at)
{
	struct store_key key = {.purpose = "pepper", .activates_at = activates_at};

	(void)snprintf(key.kid, sizeof(key.kid), "%s", kid);
	key.sealed[0] = 1;
	key.sealed_length = 1;
	return key;
}

static int show_key(void *context, const struct store_key *key)
{
	return strcmp(key->purpose, "pepper") != 0 ? 0 : show(context, key->kid);
}

static const char *peppers(struct world *world, struct shown *shown)
{
	*shown = (struct shown){.stop_at = 1000};
	assert_int_equal(store_key_list(world->store, show_key, shown), 0);
	return shown->names;
}

static int add_pepper(struct world *world, const char *kid, int64_t at_s)
{
	struct store_key key = some_pepper(kid, at_s);

	return store_key_add(world->store, &key, 0, false);
}

/* Answered by the time a verb that waits behind it has been. */
static void move(struct world *world, const char *from, const struct store_credential *credential)
{
	assert_int_equal(store_credential_move(world->store, STORE_OWNER_SERVICE_USER, from,
				 credential, NULL, NULL),
		0);
	store_settle(world->store);
}

static void test_peppers_go_with_their_last_password(void **state)
{
	struct world *world = *state;
	struct store_credential credential = some_credential("cr_1", 9, 0);
	struct store_service_user user;
	struct shown shown;
	char first[STORE_ID_SIZE];

	assert_int_equal(store_service_user_get(world->store, "north-reader", &user), 0);
	(void)snprintf(first, sizeof(first), "%s", user.credentials[0].pepper_kid);
	assert_int_equal(add_pepper(world, first, SUITE_NOW_S), 0);
	assert_int_equal(add_pepper(world, "p_2", SUITE_NOW_S), 0);
	pass_s(world, 2 * 86400);
	assert_int_equal(add_pepper(world, "p_3", SUITE_NOW_S + 2 * 86400), 0);
	/* The first is named by a password; the second retired just now. */
	assert_int_equal((peppers(world, &shown), shown.count), 3);
	(void)snprintf(credential.pepper_kid, sizeof(credential.pepper_kid), "p_3");
	move(world, "another", &credential);
	assert_int_equal(store_service_user_get(world->store, "north-reader", &user), 0);
	assert_string_equal(user.credentials[0].pepper_kid, first);
	move(world, first, &credential);
	assert_int_equal(store_service_user_get(world->store, "north-reader", &user), 0);
	assert_string_equal(user.credentials[0].pepper_kid, "p_3");
	assert_memory_equal(user.credentials[0].mac, credential.mac, STORE_MAC_SIZE);
	assert_int_equal(generation(world), 1);
	pass_s(world, 2 * 86400);
	assert_int_equal(add_pepper(world, "p_4", SUITE_NOW_S + 4 * 86400), 0);
	assert_string_equal(peppers(world, &shown), "p_3 p_4");
}

static void test_keys_are_bounded(void **state)
{
	struct world *world = *state;
	struct store_key gone = some_pepper("gone", 1);
	char kid[16];
	int error = 0;

	gone.retires_at = 2;
	gone.gone_at = 2;
	assert_int_equal(store_key_add(world->store, &gone, 0, false), 0);
	for (int i = 0; i < STORE_KEYS_MAX && !error; i++) {
		(void)snprintf(kid, sizeof(kid), "k_%d", i);
		error = add_pepper(world, kid, SUITE_NOW_S);
	}
	assert_int_equal(error, 0);
	assert_int_equal(add_pepper(world, "one_more", SUITE_NOW_S), ERROR_LIMIT);
}

/* --- clients ------------------------------------------------------------- */

static int show_client(void *context, const struct store_client *client)
{
	char text[256];

	(void)snprintf(text, sizeof(text), "%s/%zu", client->id, client->secret_count);
	return show(context, text);
}

static void test_clients(void **state)
{
	struct world *world = *state;
	struct store_client client = some_client("robot", "confidential");
	struct store_client back = {.access_ttl_s = 3};
	struct shown shown = {0};

	assert_int_equal(store_client_get(world->store, "robot", &back), ERROR_NOT_FOUND);
	assert_int_equal(back.access_ttl_s, 3);
	(void)stpcpy(client.service_user_id, "su_9");
	assert_int_equal(store_client_add(world->store, &client), ERROR_NOT_FOUND);
	(void)stpcpy(client.service_user_id, "su_1");
	(void)stpcpy(client.redirect_uris, "https://a.example/cb\nhttps://b.example/cb");
	client.access_ttl_s = 600;
	client.secrets[0] = some_credential("cs_1", 4, 0);
	client.secret_count = 1;
	assert_int_equal(store_client_add(world->store, &client), 0);
	assert_int_equal(store_client_add(world->store, &client), ERROR_EXISTS);
	assert_int_equal(store_client_get(world->store, "robot", &back), 0);
	assert_string_equal(back.id, "robot");
	assert_string_equal(back.type, "confidential");
	assert_string_equal(back.grants, client.grants);
	assert_string_equal(back.scopes, client.scopes);
	assert_string_equal(back.default_scopes, client.default_scopes);
	assert_string_equal(back.redirect_uris, client.redirect_uris);
	assert_string_equal(back.service_user_id, "su_1");
	assert_int_equal(back.access_ttl_s, 600);
	assert_int_equal(back.created_at, SUITE_NOW_S);
	assert_int_equal(back.disabled_at, 0);
	assert_int_equal(back.secret_count, 1);
	assert_string_equal(back.secrets[0].id, "cs_1");
	assert_int_equal(store_client_list(world->store, show_client, &shown), 0);
	assert_string_equal(shown.names, "api/0 robot/1");
}

static void test_client_refusals(void **state)
{
	struct world *world = *state;
	struct store_client client = some_client("odd", "odd");
	struct store_credential secret = some_credential("cs_1", 4, 0);

	assert_int_equal(store_client_add(world->store, &client), ERROR_INVALID);
	client = some_client("native", "native");
	client.secrets[0] = secret;
	client.secret_count = 1;
	assert_int_equal(store_client_add(world->store, &client), ERROR_REFUSED);
	assert_int_equal(
		store_client_rotate_secret(world->store, "api", &secret, 0), ERROR_REFUSED);
	assert_int_equal(
		store_client_rotate_secret(world->store, "nobody", &secret, 0), ERROR_NOT_FOUND);
	assert_int_equal(store_client_set_enabled(world->store, "nobody", false), ERROR_NOT_FOUND);
}

static void test_client_secrets_rotate(void **state)
{
	struct world *world = *state;
	struct store_client client = some_client("robot", "confidential");
	struct store_credential first = some_credential("cs_1", 1, 0);
	struct store_credential second = some_credential("cs_2", 2, 0);
	struct store_credential third = some_credential("cs_3", 3, 0);
	struct store_access_grant grant;
	struct store_access_grant after;
	struct store_client back;

	assert_int_equal(store_client_add(world->store, &client), 0);
	assert_int_equal(ensure_wait(world->store, "su_1", "robot", &grant), 0);
	assert_int_equal(store_client_rotate_secret(world->store, "robot", &first, 60), 0);
	assert_int_equal(store_client_rotate_secret(world->store, "robot", &second, 60), 0);
	assert_int_equal(store_client_rotate_secret(world->store, "robot", &third, 60), 0);
	assert_int_equal(store_client_get(world->store, "robot", &back), 0);
	assert_int_equal(back.secret_count, 2);
	assert_string_equal(back.secrets[0].id, "cs_3");
	assert_string_equal(back.secrets[1].id, "cs_2");
	assert_int_equal(back.secrets[1].expires_at, SUITE_NOW_S + 60);
	assert_int_equal(ensure_wait(world->store, "su_1", "robot", &after), 0);
	assert_int_equal(after.generation, grant.generation);
}

static int show_uris(void *context, const char *redirect_uris)
{
	return show(context, redirect_uris);
}

static void test_web_clients(void **state)
{
	struct world *world = *state;
	struct store_client client = some_client("native", "native");
	struct shown shown = {0};

	(void)stpcpy(client.redirect_uris, "https://n.example");
	assert_int_equal(store_client_add(world->store, &client), 0);
	(void)stpcpy(client.type, "web");
	(void)stpcpy(client.id, "b");
	(void)stpcpy(client.redirect_uris, "https://b.example\nhttps://b2.example");
	assert_int_equal(store_client_add(world->store, &client), 0);
	(void)stpcpy(client.id, "a");
	(void)stpcpy(client.redirect_uris, "https://a.example");
	assert_int_equal(store_client_add(world->store, &client), 0);
	assert_int_equal(store_client_list_web(world->store, show_uris, &shown), 0);
	assert_string_equal(shown.names, "https://a.example https://b.example\nhttps://b2.example");
	shown = (struct shown){.stop_at = 1};
	assert_int_equal(store_client_list_web(world->store, show_uris, &shown), 77);
	assert_int_equal(store_client_set_enabled(world->store, "b", false), 0);
	shown = (struct shown){0};
	assert_int_equal(store_client_list_web(world->store, show_uris, &shown), 0);
	assert_string_equal(shown.names, "https://a.example");
}

static void test_client_keys(void **state)
{
	struct world *world = *state;
	struct store_client client = some_client("robot", "confidential");
	struct store_client wrong = some_client("wrong", "public");
	struct store_credential secret = some_credential("cs_1", 1, 0);
	struct store_client back;
	int64_t before;

	(void)stpcpy(wrong.jwks, "{}");
	assert_int_equal(store_client_add(world->store, &wrong), ERROR_REFUSED);
	(void)stpcpy(wrong.type, "web");
	wrong.secrets[wrong.secret_count++] = secret;
	assert_int_equal(store_client_add(world->store, &wrong), ERROR_REFUSED);
	(void)stpcpy(client.jwks, "{\"keys\":[]}");
	assert_int_equal(store_client_add(world->store, &client), 0);
	assert_int_equal(store_client_get(world->store, "robot", &back), 0);
	assert_string_equal(back.jwks, client.jwks);
	assert_int_equal(
		store_client_rotate_secret(world->store, "robot", &secret, 0), ERROR_REFUSED);
	before = counter(world->store);
	assert_int_equal(store_client_set_keys(world->store, "robot", "{}"), 0);
	assert_true(counter(world->store) > before);
	assert_int_equal(store_client_get(world->store, "robot", &back), 0);
	assert_string_equal(back.jwks, "{}");
	assert_int_equal(store_client_set_keys(world->store, "robot", ""), ERROR_INVALID);
	assert_int_equal(store_client_set_keys(world->store, "api", "{}"), ERROR_REFUSED);
	assert_int_equal(store_client_set_keys(world->store, "nobody", "{}"), ERROR_NOT_FOUND);
}

static void test_keys_take_a_secrets_place(void **state)
{
	struct world *world = *state;
	struct store_client client = some_client("robot", "confidential");
	struct store_access_grant grant;
	struct store_access_grant after;
	struct store_client back;

	client.secrets[client.secret_count++] = some_credential("cs_1", 1, 0);
	assert_int_equal(store_client_add(world->store, &client), 0);
	assert_int_equal(ensure_wait(world->store, "su_1", "robot", &grant), 0);
	assert_int_equal(store_client_set_keys(world->store, "robot", "{}"), 0);
	assert_int_equal(store_client_get(world->store, "robot", &back), 0);
	assert_int_equal(back.secret_count, 0);
	assert_string_equal(back.jwks, "{}");
	assert_int_equal(ensure_wait(world->store, "su_1", "robot", &after), 0);
	assert_int_equal(after.generation, grant.generation);
}

static void test_disabling_a_client(void **state)
{
	struct world *world = *state;
	struct store_client client;
	struct store_access_grant grant;
	int64_t before = counter(world->store);

	assert_int_equal(store_client_set_enabled(world->store, "api", true), 0);
	assert_int_equal(counter(world->store), before);
	assert_int_equal(store_client_set_enabled(world->store, "api", false), 0);
	assert_int_equal(store_client_set_enabled(world->store, "api", false), 0);
	assert_int_equal(counter(world->store), before + 1);
	assert_int_equal(generation(world), 2);
	assert_int_equal(store_client_get(world->store, "api", &client), 0);
	assert_int_equal(client.disabled_at, SUITE_NOW_S);
	assert_int_equal(ensure_wait(world->store, "su_1", "api", &grant), ERROR_NOT_FOUND);
	assert_int_equal(store_client_set_enabled(world->store, "api", true), 0);
	assert_int_equal(generation(world), 2);
}

int suite_run_administration(void)
{
	const struct CMUnitTest tests[] = {
		EMPTY(test_sites),
		PEOPLED(test_disabling_a_site),
		PEOPLED(test_service_user_comes_back),
		PEOPLED(test_service_user_refusals),
		PEOPLED(test_service_users_are_listed),
		PEOPLED(test_list_may_write),
		PEOPLED(test_disabling_a_service_user),
		PEOPLED(test_rotation_overlaps),
		PEOPLED(test_rotation_at_once),
		PEOPLED(test_rotation_keeps_an_earlier_end),
		PEOPLED(test_peppers_go_with_their_last_password),
		EMPTY(test_keys_are_bounded),
		PEOPLED(test_clients),
		PEOPLED(test_client_refusals),
		PEOPLED(test_client_secrets_rotate),
		PEOPLED(test_web_clients),
		PEOPLED(test_client_keys),
		PEOPLED(test_keys_take_a_secrets_place),
		PEOPLED(test_disabling_a_client),
	};

	return cmocka_run_group_tests_name("administration", tests, NULL, NULL);
}
