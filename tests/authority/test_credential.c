/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "scene.h"

#include <stdio.h>
#include <string.h>

/* How many MACs were computed, by the linker's --wrap. */
static unsigned macs;
int __real_crypto_hmac_sha256(const struct secret *key, const struct crypto_part *parts,
	size_t count, unsigned char digest[CRYPTO_SHA256_SIZE]);
int __wrap_crypto_hmac_sha256(const struct secret *key, const struct crypto_part *parts,
	size_t count, unsigned char digest[CRYPTO_SHA256_SIZE]);
int __wrap_crypto_hmac_sha256(const struct secret *key, const struct crypto_part *parts,
	size_t count, unsigned char digest[CRYPTO_SHA256_SIZE])
{
	macs++;
	return __real_crypto_hmac_sha256(key, parts, count, digest);
}

struct made {
	struct store_credential credential;
	char secret[GENERATED_PASSWORD_SIZE];
};

static struct made make(struct scene *scene, enum generated_password_kind kind, const char *owner)
{
	struct made made;

	assert_int_equal(credential_make(scene->keyring, &scene->clock, kind, owner, made.secret,
				 &made.credential),
		0);
	return made;
}

static int verify(struct scene *scene, const struct credential_check *check)
{
	struct keyring_snapshot *snapshot = keyring_acquire(scene->keyring);
	int error = credential_verify(snapshot, check, NULL);

	keyring_release(snapshot);
	return error;
}

static struct credential_check check_of(const struct made *made, const char *secret)
{
	return (struct credential_check){
		.kind = GENERATED_SERVICE_USER_PASSWORD,
		.owner_id = "su_1",
		.credentials = &made->credential,
		.count = 1,
		.secret = secret,
		.now_s = SCENE_NOW_S,
	};
}

static void test_right_and_wrong(void **state)
{
	struct scene *scene = *state;
	struct made made = make(scene, GENERATED_SERVICE_USER_PASSWORD, "su_1");
	struct made other = make(scene, GENERATED_SERVICE_USER_PASSWORD, "su_1");
	struct credential_check check = check_of(&made, made.secret);

	assert_int_equal(made.credential.created_at, SCENE_NOW_S);
	assert_int_equal(made.credential.expires_at, 0);
	assert_string_not_equal(made.credential.id, other.credential.id);
	assert_int_equal(verify(scene, &check), 0);
	check.secret = other.secret;
	assert_int_equal(verify(scene, &check), ERROR_REFUSED);
	check.secret = made.secret;
	check.owner_id = "su_2";
	assert_int_equal(verify(scene, &check), ERROR_REFUSED);
}

static void test_expires(void **state)
{
	struct scene *scene = *state;
	struct made made = make(scene, GENERATED_SERVICE_USER_PASSWORD, "su_1");
	struct credential_check check = check_of(&made, made.secret);

	made.credential.expires_at = SCENE_NOW_S + 1;
	assert_int_equal(verify(scene, &check), 0);
	made.credential.expires_at = SCENE_NOW_S;
	assert_int_equal(verify(scene, &check), ERROR_REFUSED);
}

static void test_either_of_two(void **state)
{
	struct scene *scene = *state;
	struct made newer = make(scene, GENERATED_SERVICE_USER_PASSWORD, "su_1");
	struct made older = make(scene, GENERATED_SERVICE_USER_PASSWORD, "su_1");
	struct store_credential both[2] = {newer.credential, older.credential};
	struct credential_check check = check_of(&newer, newer.secret);
	const struct store_credential *match = NULL;
	struct keyring_snapshot *snapshot;

	check.credentials = both;
	check.count = 2;
	snapshot = keyring_acquire(scene->keyring);
	assert_int_equal(credential_verify(snapshot, &check, &match), 0);
	assert_ptr_equal(match, &both[0]);
	check.secret = older.secret;
	assert_int_equal(credential_verify(snapshot, &check, &match), 0);
	assert_ptr_equal(match, &both[1]);
	keyring_release(snapshot);
	both[1].expires_at = SCENE_NOW_S;
	assert_int_equal(verify(scene, &check), ERROR_REFUSED);
	check.secret = newer.secret;
	assert_int_equal(verify(scene, &check), 0);
}

/* What is submitted decides the work, never who is there or whether it is right. */
static void test_the_work_is_the_same(void **state)
{
	struct scene *scene = *state;
	struct made made = make(scene, GENERATED_SERVICE_USER_PASSWORD, "su_1");
	struct made other = make(scene, GENERATED_SERVICE_USER_PASSWORD, "su_1");
	struct made client = make(scene, GENERATED_CLIENT_SECRET, "a");
	struct store_credential both[2] = {made.credential, other.credential};
	const struct {
		const struct store_credential *credentials;
		size_t count;
		const char *owner;
		const char *secret;
		int error;
		unsigned macs;
	} cases[] = {
		{both, 2, "su_1", made.secret, 0, 2},
		{both, 2, "su_1", other.secret, 0, 2},
		{both, 1, "su_1", made.secret, 0, 2},
		{both, 1, "su_1", other.secret, ERROR_REFUSED, 2},
		{both, 0, "su_1", made.secret, ERROR_REFUSED, 2},
		{NULL, 0, "", made.secret, ERROR_REFUSED, 2},
		{both, 2, "su_1", "", ERROR_REFUSED, 0},
		{both, 2, "su_1", "adsu_short", ERROR_REFUSED, 0},
		{both, 2, "su_1", client.secret, ERROR_REFUSED, 0},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct credential_check check = check_of(&made, cases[i].secret);

		check.credentials = cases[i].credentials;
		check.count = cases[i].count;
		check.owner_id = cases[i].owner;
		macs = 0;
		assert_int_equal(verify(scene, &check), cases[i].error);
		assert_int_equal(macs, cases[i].macs);
	}
}

/* Of a MAC of zeroes, as stands for nobody, no password is the right one. */
static void test_nobody_has_a_password(void **state)
{
	struct scene *scene = *state;
	struct made made = make(scene, GENERATED_SERVICE_USER_PASSWORD, "");
	struct credential_check check = check_of(&made, made.secret);

	check.owner_id = "";
	assert_int_equal(verify(scene, &check), 0);
	check.count = 0;
	assert_int_equal(verify(scene, &check), ERROR_REFUSED);
}

/* HMAC-SHA-256 of a label, the owner with its NUL, and the secret. */
static void test_users_and_clients_macs_differ(void **state)
{
	struct scene *scene = *state;
	const struct {
		enum generated_password_kind kind;
		const char *label;
	} cases[] = {
		{GENERATED_SERVICE_USER_PASSWORD, "adit-su-1"},
		{GENERATED_CLIENT_SECRET, "adit-cs-1"},
	};
	struct keyring_snapshot *snapshot = keyring_acquire(scene->keyring);

	for (size_t i = 0; i < 2; i++) {
		struct made made = make(scene, cases[i].kind, "same");
		const struct crypto_part parts[] = {
			{cases[i].label, 9}, {"same", 5}, {made.secret, GENERATED_PASSWORD_LENGTH}};
		const struct keyring_key *pepper =
			keyring_find_pepper(snapshot, made.credential.pepper_kid);
		unsigned char mac[CRYPTO_SHA256_SIZE];

		assert_non_null(pepper);
		assert_int_equal(crypto_hmac_sha256(&pepper->bytes, parts, 3, mac), 0);
		assert_memory_equal(mac, made.credential.mac, sizeof(mac));
	}
	keyring_release(snapshot);
}

/* Passwords from before a pepper's rotation stay right; new ones take the new one. */
static void test_outlives_a_pepper(void **state)
{
	struct scene *scene = *state;
	struct made made = make(scene, GENERATED_SERVICE_USER_PASSWORD, "su_1");
	struct credential_check check = check_of(&made, made.secret);
	const struct admin_key_rotation rotation = {.purpose = "pepper"};
	char kid[STORE_ID_SIZE];
	struct made later;
	struct fault fault;

	pass_s(scene, 10);
	assert_int_equal(admin_key_rotate(&scene->admin, &rotation, kid, &fault), 0);
	later = make(scene, GENERATED_SERVICE_USER_PASSWORD, "su_1");
	assert_string_equal(later.credential.pepper_kid, kid);
	assert_string_not_equal(made.credential.pepper_kid, kid);
	pass_s(scene, (int64_t)3650 * 86400);
	assert_int_equal(keyring_reload(scene->keyring), 0);
	assert_int_equal(verify(scene, &check), 0);
}

/* A login moves what it found right to the newest pepper, and only that. */
static void test_moves_to_a_newer_pepper(void **state)
{
	struct scene *scene = *state;
	const struct admin_key_rotation rotation = {.purpose = "pepper"};
	char password[GENERATED_PASSWORD_SIZE];
	char kid[STORE_ID_SIZE];
	struct store_service_user user;
	struct store_service_user moved;
	struct credential_check check = {.kind = GENERATED_SERVICE_USER_PASSWORD,
		.owner_id = user.id,
		.credentials = user.credentials,
		.count = 1,
		.secret = password,
		.now_s = SCENE_NOW_S + 10};
	const struct store_credential *match = NULL;
	struct keyring_snapshot *snapshot;
	struct fault fault;

	add_user(scene, &user, password);
	pass_s(scene, 10);
	assert_int_equal(admin_key_rotate(&scene->admin, &rotation, kid, &fault), 0);
	snapshot = keyring_acquire(scene->keyring);
	assert_int_equal(credential_verify(snapshot, &check, &match), 0);
	assert_ptr_equal(match, &user.credentials[0]);
	credential_renew(scene->store, snapshot, &check, match);
	/* Writes are done in their order: behind this one the other is, too. */
	assert_int_equal(admin_site_add(&scene->admin, "south", NULL, &fault), 0);
	assert_int_equal(admin_service_user_get(&scene->admin, "north-reader", &moved, &fault), 0);
	assert_int_equal(moved.credential_count, 1);
	assert_string_equal(moved.credentials[0].id, user.credentials[0].id);
	assert_string_equal(moved.credentials[0].pepper_kid, kid);
	check.credentials = moved.credentials;
	assert_int_equal(credential_verify(snapshot, &check, NULL), 0);
	keyring_release(snapshot);
}

/* A pepper that is not there is a fault, never a wrong password. */
static void test_a_missing_pepper_is_a_fault(void **state)
{
	struct scene *scene = *state;
	struct made made = make(scene, GENERATED_SERVICE_USER_PASSWORD, "su_1");
	struct credential_check check = check_of(&made, made.secret);

	(void)snprintf(made.credential.pepper_kid, sizeof(made.credential.pepper_kid), "unheard");
	assert_int_equal(verify(scene, &check), ERROR_NOT_FOUND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(test_right_and_wrong),
		SCENE(test_expires),
		SCENE(test_either_of_two),
		SCENE(test_the_work_is_the_same),
		SCENE(test_nobody_has_a_password),
		SCENE(test_users_and_clients_macs_differ),
		SCENE(test_outlives_a_pepper),
		SCENE(test_moves_to_a_newer_pepper),
		SCENE(test_a_missing_pepper_is_a_fault),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
