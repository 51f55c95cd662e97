/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "scene.h"

#include <stdio.h>
#include <string.h>

static const char *const none[] = {NULL};

/* How often the store can still be read; negative: for ever. */
static int reads_left = -1;

static bool read_fails(void)
{
	if (reads_left > 0)
		reads_left--;
	else if (!reads_left)
		return true;
	return false;
}

int __real_store_client_get(struct store *store, const char *id, struct store_client *ret_client);
int __wrap_store_client_get(struct store *store, const char *id, struct store_client *ret_client);
int __real_store_service_user_get(
	struct store *store, const char *username, struct store_service_user *ret_user);
int __wrap_store_service_user_get(
	struct store *store, const char *username, struct store_service_user *ret_user);
int __real_store_key_list(struct store *store,
	int (*each)(void *context, const struct store_key *key), void *context);
int __wrap_store_key_list(struct store *store,
	int (*each)(void *context, const struct store_key *key), void *context);

int __wrap_store_client_get(struct store *store, const char *id, struct store_client *ret_client)
{
	return read_fails() ? ERROR_UNAVAILABLE : __real_store_client_get(store, id, ret_client);
}

int __wrap_store_service_user_get(
	struct store *store, const char *username, struct store_service_user *ret_user)
{
	return read_fails() ? ERROR_UNAVAILABLE
			    : __real_store_service_user_get(store, username, ret_user);
}

int __wrap_store_key_list(
	struct store *store, int (*each)(void *context, const struct store_key *key), void *context)
{
	return read_fails() ? ERROR_UNAVAILABLE : __real_store_key_list(store, each, context);
}

static void test_texts(void **state)
{
	static const struct {
		const char *text;
		const char *problem; /* NULL: it is taken */
	} cases[] = {
		{"North Pit", NULL},
		{"gr\xc3\xbc", NULL},
		{"1234567890", NULL},
		{"", "is empty"},
		{"12345678901", "is too long"},
		{"\xff", "is not UTF-8"},
		{"\xed\xa0\x80", "is not UTF-8"},
		{"a\tb", "has a control character"},
		{"a\nb", "has a control character"},
		{"\x1b[2J", "has a control character"},
		{"\x7f", "has a control character"},
		{"\xc2\xa0", NULL},
		{"\xe2\x80\xa7", NULL},
		{"\xe2\x80\xaf", NULL},
		{"\xe2\x81\xa5", NULL},
		{"\xe2\x81\xaa", NULL},
		{"\xe3\x80\xa8", NULL},
		{"a\xc2\x80", "has a control character"},
		{"\xc2\x9b"
		 "2J",
			"has a control character"},
		{"\xc2\x9f", "has a control character"},
		{"a\xe2\x80\xa8", "has a control character"},
		{"\xe2\x80\xa9", "has a control character"},
		{"\xe2\x80\xaa", "has a control character"},
		{"a\xe2\x80\xae"
		 "b",
			"has a control character"},
		{"\xe2\x81\xa6", "has a control character"},
		{"\xe2\x81\xa9", "has a control character"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fault fault = {0};
		char line[128] = "";

		if (cases[i].problem)
			(void)snprintf(line, sizeof(line),
				"the label %s; give 1 to 10 bytes of plain text", cases[i].problem);
		assert_int_equal(admin_check_text("label", cases[i].text, 10, &fault),
			cases[i].problem ? ERROR_INVALID : 0);
		assert_string_equal(fault.text, line);
	}
}

static void test_the_stores_answers(void **state)
{
	struct fault fault = {0};

	(void)state;
	assert_int_equal(admin_read_fault(0, "site", "a", &fault), 0);
	assert_int_equal(admin_change_fault(0, "site", "a", &fault), 0);
	assert_string_equal(fault.text, "");
	assert_int_equal(admin_change_fault(ERROR_NOT_FOUND, "site", "a", &fault), ERROR_NOT_FOUND);
	assert_string_equal(
		fault.text, "there is no site \"a\"; aditd site list shows those there are");
	assert_int_equal(
		admin_read_fault(ERROR_UNAVAILABLE, "site", "a", &fault), ERROR_UNAVAILABLE);
	assert_string_equal(
		fault.text, "the site \"a\" can't be read from the store: unavailable; try again");
	assert_int_equal(admin_change_fault(ERROR_EXISTS, "site", "a", &fault), ERROR_EXISTS);
	assert_string_equal(fault.text, "there is a site \"a\" already; choose another name");
	assert_int_equal(
		admin_change_fault(ERROR_UNAVAILABLE, "site", "a", &fault), ERROR_UNAVAILABLE);
	assert_memory_equal(fault.text, "site \"a\": the store failed (", 28);
}

static void test_sites(void **state)
{
	struct scene *scene = *state;
	struct store_site site;
	struct fault fault = {0};

	assert_int_equal(admin_site_add(&scene->admin, "north", NULL, &fault), 0);
	assert_int_equal(admin_site_get(&scene->admin, "north", &site, &fault), 0);
	assert_string_equal(site.name, "");
	assert_int_equal(admin_site_add(&scene->admin, "north", NULL, &fault), ERROR_EXISTS);
	assert_int_equal(admin_site_add(&scene->admin, "North", NULL, &fault), ERROR_INVALID);
	assert_string_equal(fault.text, "\"North\" is no site id; use 1 to 64 lower-case letters, "
					"digits and hyphens, not beginning with a hyphen");
	assert_int_equal(admin_site_add(&scene->admin, "", NULL, &fault), ERROR_INVALID);
	assert_int_equal(admin_site_add(&scene->admin, "south", "a\nb", &fault), ERROR_INVALID);
	assert_int_equal(admin_site_get(&scene->admin, "south", &site, &fault), ERROR_NOT_FOUND);
	assert_int_equal(
		admin_site_set_enabled(&scene->admin, "south", false, &fault), ERROR_NOT_FOUND);
}

static void test_a_service_user(void **state)
{
	struct scene *scene = *state;
	char password[GENERATED_PASSWORD_SIZE];
	struct store_service_user user;

	add_user(scene, &user, password);
	assert_memory_equal(user.id, "su_", 3);
	assert_int_equal(strlen(user.id), 29);
	assert_int_equal(strspn(user.id + 3, "0123456789abcdefghjkmnpqrstvwxyz"), 26);
	assert_true(generated_password_has_form(
		GENERATED_SERVICE_USER_PASSWORD, password, strlen(password)));
	assert_int_equal(user.credential_count, 1);
}

static void test_a_user_name_is_made_up(void **state)
{
	struct scene *scene = *state;
	char password[GENERATED_PASSWORD_SIZE];
	const struct admin_new_service_user wanted = {
		.site = "north", .role = "write", .deliver = keep_secret, .context = password};
	struct store_service_user user;
	struct fault fault = {0};

	assert_int_equal(admin_site_add(&scene->admin, "north", NULL, &fault), 0);
	assert_int_equal(admin_service_user_add(&scene->admin, &wanted, &user, &fault), 0);
	assert_memory_equal(user.username, "su-north-", 9);
	assert_int_equal(strspn(user.username + 9, "abcdefghijklmnopqrstuvwxyz"), 6);
	assert_int_equal(strlen(user.username), 15);
}

static void test_what_is_no_service_user(void **state)
{
	struct scene *scene = *state;
	static const struct {
		struct admin_new_service_user wanted;
		int error;
		const char *line;
	} cases[] = {
		{{.username = "a", .site = "north", .role = "admin"}, ERROR_INVALID,
			"\"admin\" is no role of a Service User; use read or write"},
		{{.username = "a", .site = "north", .role = "Read"}, ERROR_INVALID,
			"\"Read\" is no role of a Service User; use read or write"},
		{{.username = "a", .site = "south", .role = "read"}, ERROR_NOT_FOUND,
			"there is no site \"south\"; aditd site list shows those there are"},
		{{.username = "", .site = "north", .role = "read"}, ERROR_INVALID,
			"the user name is empty; give 1 to 256 bytes of plain text"},
		{{.username = "a", .site = "north", .role = "read", .label = "\x1b"}, ERROR_INVALID,
			"the label has a control character; give 1 to 256 bytes of plain text"},
		{{.username = "a", .site = "north", .role = "read", .expires_at = SCENE_NOW_S},
			ERROR_INVALID, "the expiry date is past; give a later one"},
	};
	struct fault fault = {0};

	assert_int_equal(admin_site_add(&scene->admin, "north", NULL, &fault), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char password[GENERATED_PASSWORD_SIZE] = "untouched";
		struct admin_new_service_user wanted = cases[i].wanted;
		struct store_service_user user;

		wanted.deliver = keep_secret;
		wanted.context = password;
		assert_int_equal(admin_service_user_add(&scene->admin, &wanted, &user, &fault),
			cases[i].error);
		assert_string_equal(fault.text, cases[i].line);
		assert_string_equal(password, "untouched");
		assert_int_equal(
			admin_service_user_get(&scene->admin, "a", &user, &fault), ERROR_NOT_FOUND);
	}
}

/* A password that was handed over and then not stored is taken back. */
static void test_takes_a_password_back(void **state)
{
	struct scene *scene = *state;
	char password[GENERATED_PASSWORD_SIZE];
	struct store_service_user user;
	const struct admin_new_service_user again = {.username = "north-reader",
		.site = "north",
		.role = "read",
		.deliver = keep_secret,
		.context = password};
	struct fault fault = {0};

	add_user(scene, &user, password);
	assert_int_equal(
		admin_service_user_add(&scene->admin, &again, &user, &fault), ERROR_EXISTS);
	assert_string_equal(password, "");
}

static int deliver_nowhere(void *context, const char *name, const char *secret)
{
	(void)context;
	(void)name;
	(void)secret;
	return ERROR_IO;
}

static void test_stores_nothing_that_was_not_delivered(void **state)
{
	struct scene *scene = *state;
	char password[GENERATED_PASSWORD_SIZE];
	const struct admin_new_service_user wanted = {
		.username = "a", .site = "north", .role = "read", .deliver = deliver_nowhere};
	const struct admin_rotation rotation = {.name = "north-reader", .deliver = deliver_nowhere};
	struct store_service_user before;
	struct store_service_user user;
	struct fault fault = {0};

	add_user(scene, &before, password);
	assert_int_equal(admin_service_user_add(&scene->admin, &wanted, &user, &fault), ERROR_IO);
	assert_string_equal(
		fault.text, "the password of \"a\" can't be handed over; nothing was changed");
	assert_int_equal(
		admin_service_user_get(&scene->admin, "a", &user, &fault), ERROR_NOT_FOUND);
	assert_int_equal(
		admin_service_user_rotate(&scene->admin, &rotation, &user, &fault), ERROR_IO);
	assert_int_equal(admin_service_user_get(&scene->admin, "north-reader", &user, &fault), 0);
	assert_int_equal(user.credential_count, 1);
	assert_string_equal(user.credentials[0].id, before.credentials[0].id);
}

static void test_rotates_with_an_overlap(void **state)
{
	struct scene *scene = *state;
	char password[GENERATED_PASSWORD_SIZE];
	char newer[GENERATED_PASSWORD_SIZE];
	struct admin_rotation rotation = {
		.name = "north-reader", .overlap_s = 60, .deliver = keep_secret, .context = newer};
	struct store_service_user user;
	struct fault fault = {0};

	add_user(scene, &user, password);
	assert_int_equal(admin_service_user_rotate(&scene->admin, &rotation, &user, &fault), 0);
	assert_string_not_equal(newer, password);
	assert_int_equal(admin_service_user_get(&scene->admin, "north-reader", &user, &fault), 0);
	assert_int_equal(user.credential_count, 2);
	assert_int_equal(user.credentials[0].expires_at, 0);
	assert_int_equal(user.credentials[1].expires_at, SCENE_NOW_S + 60);
	rotation.name = "nobody";
	assert_int_equal(admin_service_user_rotate(&scene->admin, &rotation, &user, &fault),
		ERROR_NOT_FOUND);
}

/* A third secret would end the first within its overlap: only an overlap of 0 says so. */
static void test_rotates_once_within_an_overlap(void **state)
{
	struct scene *scene = *state;
	char secret[GENERATED_PASSWORD_SIZE];
	const struct admin_new_client wanted = {.id = "partner",
		.type = "confidential",
		.scopes = none,
		.grants = none,
		.redirect_uris = none,
		.deliver = keep_secret,
		.context = secret};
	struct admin_rotation rotation = {
		.name = "north-reader", .overlap_s = 60, .deliver = keep_secret, .context = secret};
	struct store_service_user user;
	struct store_client client;
	struct fault fault = {0};

	add_user(scene, &user, secret);
	assert_int_equal(admin_client_add(&scene->admin, &wanted, &client, &fault), 0);
	assert_int_equal(admin_service_user_rotate(&scene->admin, &rotation, &user, &fault), 0);
	pass_s(scene, 59);
	(void)strcpy(secret, "untouched");
	assert_int_equal(
		admin_service_user_rotate(&scene->admin, &rotation, &user, &fault), ERROR_INVALID);
	assert_string_equal(fault.text,
		"\"north-reader\" was rotated already and its older secret lives until "
		"2027-01-15T08:01:00Z; rotate after that, or give --overlap 0, which ends both at "
		"once");
	assert_string_equal(secret, "untouched");
	assert_int_equal(admin_service_user_get(&scene->admin, "north-reader", &user, &fault), 0);
	assert_int_equal(user.credentials[1].expires_at, SCENE_NOW_S + 60);
	pass_s(scene, 1);
	assert_int_equal(admin_service_user_rotate(&scene->admin, &rotation, &user, &fault), 0);
	assert_int_equal(user.credential_count, 2);
	rotation.overlap_s = 0;
	assert_int_equal(admin_service_user_rotate(&scene->admin, &rotation, &user, &fault), 0);
	assert_int_equal(user.credential_count, 1);

	rotation.name = "partner";
	rotation.overlap_s = 60;
	assert_int_equal(admin_client_rotate_secret(&scene->admin, &rotation, &client, &fault), 0);
	assert_int_equal(admin_client_rotate_secret(&scene->admin, &rotation, &client, &fault),
		ERROR_INVALID);
	assert_non_null(strstr(fault.text, "--overlap 0"));
	rotation.overlap_s = 0;
	assert_int_equal(admin_client_rotate_secret(&scene->admin, &rotation, &client, &fault), 0);
}

/* A password that was to end does not live for ever because nobody said otherwise. */
static void test_keeps_no_expiry_unsaid(void **state)
{
	struct scene *scene = *state;
	char secret[GENERATED_PASSWORD_SIZE];
	struct admin_rotation rotation = {.name = "north-reader",
		.expires_at = SCENE_NOW_S + 60,
		.deliver = keep_secret,
		.context = secret};
	struct store_service_user user;
	struct fault fault = {0};

	add_user(scene, &user, secret);
	assert_int_equal(admin_service_user_rotate(&scene->admin, &rotation, &user, &fault), 0);
	rotation.expires_at = 0;
	for (int i = 0; i < 2; i++) {
		fault = (struct fault){0};
		assert_int_equal(admin_service_user_rotate(&scene->admin, &rotation, &user, &fault),
			ERROR_INVALID);
		assert_string_equal(fault.text,
			"the secret of \"north-reader\" has an expiry date; give --expires DATE "
			"for the new one, or --expires never");
		pass_s(scene, 60); /* then it has expired, which is no reason to forget it */
	}
	rotation.never = true;
	assert_int_equal(admin_service_user_rotate(&scene->admin, &rotation, &user, &fault), 0);
	assert_int_equal(user.credentials[0].expires_at, 0);
	rotation.never = false;
	assert_int_equal(admin_service_user_rotate(&scene->admin, &rotation, &user, &fault), 0);
}

/* Once it is stored, a secret is told, even where the store can't be read any more. */
static void test_tells_what_was_stored(void **state)
{
	struct scene *scene = *state;
	char password[GENERATED_PASSWORD_SIZE];
	const struct admin_new_client wanted = {.id = "partner",
		.type = "confidential",
		.scopes = none,
		.grants = none,
		.redirect_uris = none,
		.deliver = keep_secret,
		.context = password};
	const struct admin_new_service_user wanted_user = {.username = "a",
		.site = "north",
		.role = "read",
		.deliver = keep_secret,
		.context = password};
	struct admin_rotation rotation = {.name = "north-reader",
		.overlap_s = 60,
		.expires_at = SCENE_NOW_S + 600,
		.deliver = keep_secret,
		.context = password};
	struct store_service_user user;
	struct store_service_user stored_user;
	struct store_client client;
	struct store_client stored_client;
	struct fault fault = {0};

	add_user(scene, &user, password);
	reads_left = 0;
	assert_int_equal(admin_service_user_add(&scene->admin, &wanted_user, &user, &fault), 0);
	reads_left = -1;
	assert_int_equal(admin_service_user_get(&scene->admin, "a", &stored_user, &fault), 0);
	assert_memory_equal(&user, &stored_user, sizeof(user));

	reads_left = 1;
	assert_int_equal(admin_service_user_rotate(&scene->admin, &rotation, &user, &fault), 0);
	reads_left = -1;
	assert_int_equal(
		admin_service_user_get(&scene->admin, "north-reader", &stored_user, &fault), 0);
	assert_int_equal(stored_user.credential_count, 2);
	assert_memory_equal(&user, &stored_user, sizeof(user));

	reads_left = 0;
	assert_int_equal(admin_client_add(&scene->admin, &wanted, &client, &fault), 0);
	reads_left = -1;
	assert_int_equal(admin_client_get(&scene->admin, "partner", &stored_client, &fault), 0);
	assert_memory_equal(&client, &stored_client, sizeof(client));

	rotation.name = "partner";
	rotation.overlap_s = 0;
	reads_left = 1;
	assert_int_equal(admin_client_rotate_secret(&scene->admin, &rotation, &client, &fault), 0);
	reads_left = -1;
	assert_int_equal(admin_client_get(&scene->admin, "partner", &stored_client, &fault), 0);
	assert_int_equal(stored_client.secret_count, 1);
	assert_string_equal(client.secrets[0].id, stored_client.secrets[0].id);
	assert_int_equal(client.secrets[0].expires_at, SCENE_NOW_S + 600);
	assert_int_equal(client.secret_count, 1);
	assert_string_equal(fault.text, "");
}

static void test_tells_which_key_was_stored(void **state)
{
	struct scene *scene = *state;
	const struct admin_key_rotation rotation = {.purpose = "pepper"};
	struct store_key key;
	char kid[STORE_ID_SIZE] = "";
	struct fault fault = {0};

	reads_left = 0;
	assert_int_equal(admin_key_rotate(&scene->admin, &rotation, kid, &fault), 0);
	assert_int_equal(admin_key_get(&scene->admin, kid, &key, &fault), ERROR_UNAVAILABLE);
	assert_non_null(strstr(fault.text, "can't be read from the store"));
	reads_left = -1;
	assert_int_equal(admin_key_get(&scene->admin, kid, &key, &fault), 0);
}

static void test_keys(void **state)
{
	static const struct {
		const char *purpose;
		const char *alg;
		int error;
		const char *line;
	} cases[] = {
		{"signing", "HS256", ERROR_INVALID,
			"\"HS256\" is no algorithm of ours; use ES256, RS256 or EdDSA"},
		{"signing", "none", ERROR_INVALID,
			"\"none\" is no algorithm of ours; use ES256, RS256 or EdDSA"},
		{"sealing", "ES256", ERROR_INVALID,
			"a sealing key has no algorithm to choose; leave --alg out"},
		{"secret", NULL, ERROR_INVALID,
			"\"secret\" is no purpose of a key; use signing, sealing or pepper"},
		{"signing", NULL, 0, ""},
		{"signing", "EdDSA", 0, ""},
		{"sealing", NULL, 0, ""},
		{"pepper", NULL, 0, ""},
	};
	struct scene *scene = *state;
	struct store_key key;
	struct fault fault;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct admin_key_rotation rotation = {cases[i].purpose, cases[i].alg};
		char kid[STORE_ID_SIZE];

		fault = (struct fault){0};
		assert_int_equal(
			admin_key_rotate(&scene->admin, &rotation, kid, &fault), cases[i].error);
		assert_string_equal(fault.text, cases[i].line);
		if (cases[i].error)
			continue;
		assert_int_equal(admin_key_get(&scene->admin, kid, &key, &fault), 0);
		assert_string_equal(key.purpose, cases[i].purpose);
		assert_string_equal(key.alg, cases[i].alg			   ? cases[i].alg
					     : strcmp(cases[i].purpose, "signing") ? ""
										   : "ES256");
	}
	assert_int_equal(admin_key_get(&scene->admin, "unheard", &key, &fault), ERROR_NOT_FOUND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_the_stores_answers),
		SCENE(test_sites),
		SCENE(test_a_service_user),
		SCENE(test_a_user_name_is_made_up),
		SCENE(test_what_is_no_service_user),
		SCENE(test_takes_a_password_back),
		SCENE(test_stores_nothing_that_was_not_delivered),
		SCENE(test_rotates_with_an_overlap),
		SCENE(test_rotates_once_within_an_overlap),
		SCENE(test_keeps_no_expiry_unsaid),
		SCENE(test_tells_what_was_stored),
		SCENE(test_tells_which_key_was_stored),
		SCENE(test_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
