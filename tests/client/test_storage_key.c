/* SPDX-License-Identifier: Apache-2.0 */
/* Where the key of a storage comes from: files and systemd's credentials. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "storage_place.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SOMEBODY = 65534, PATH_SIZE = 300 };

#define TEXT "the secret of north-reader"
#define HEX "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define BASE64URL "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"

struct scene {
	struct place place;
	char path[PATH_SIZE];	     /* of a key */
	char source[PATH_SIZE + 10]; /* "file:PATH" */
	char credentials[PATH_SIZE]; /* a directory of systemd's */
	unsigned char raw[32];
};

static int set_up(void **state)
{
	struct scene *scene = calloc(1, sizeof(*scene));

	assert_non_null(scene);
	place_make(&scene->place);
	(void)snprintf(scene->path, sizeof(scene->path), "%s/elsewhere", scene->place.root);
	(void)snprintf(scene->source, sizeof(scene->source), "file:%s", scene->path);
	(void)snprintf(scene->credentials, sizeof(scene->credentials), "%s/credentials",
		scene->place.root);
	assert_int_equal(mkdir(scene->credentials, 0700), 0);
	for (size_t i = 0; i < sizeof(scene->raw); i++)
		scene->raw[i] = (unsigned char)i;
	(void)unsetenv("CREDENTIALS_DIRECTORY");
	/* No keyring: whoever runs this is not asked. */
	(void)unsetenv("DBUS_SESSION_BUS_ADDRESS");
	(void)unsetenv("XDG_RUNTIME_DIR");
	*state = scene;
	return 0;
}

static int tear_down(void **state)
{
	struct scene *scene = *state;

	(void)unsetenv("CREDENTIALS_DIRECTORY");
	place_remove(&scene->place);
	free(scene);
	return 0;
}

static struct storage *open_with(struct scene *scene, const char *key)
{
	struct storage *storage = NULL;
	struct fault fault = {0};
	int error = place_try(&scene->place, STORAGE_SEALED, key, &storage, &fault);

	if (error)
		fail_msg("%d: %s", error, fault.text);
	return storage;
}

/* Opening, or the first use of the key, gives this. */
static void assert_no_key(struct scene *scene, const char *key, int expected, const char *words)
{
	struct storage *storage = NULL;
	struct fault fault = {0};
	struct buf bytes = {0};
	int error = place_try(&scene->place, STORAGE_SEALED, key, &storage, &fault);

	if (!error)
		error = storage_read(storage, ACCOUNT, "account", &bytes, &fault);
	if (error != expected || !strstr(fault.text, words))
		fail_msg("%d, not %d: %s", error, expected, fault.text);
	storage_close(storage);
}

static void assert_source(struct storage *storage, const char *expected)
{
	struct storage_description description;

	storage_describe(storage, &description);
	assert_string_equal(description.key, expected);
}

/* --- files --------------------------------------------------------------------------- */

static void test_a_key_has_three_forms(void **state)
{
	struct scene *scene = *state;
	const struct {
		const void *bytes;
		size_t length;
	} forms[] = {
		{scene->raw, 32},
		{HEX, 64},
		{HEX "\n", 65},
		{BASE64URL, 43},
		{BASE64URL "\n", 44},
		{"000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F", 64},
	};

	write_whole(scene->path, scene->raw, sizeof(scene->raw));
	storage_close(open_with(scene, scene->source));
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		struct storage *storage;

		write_whole(scene->path, forms[i].bytes, forms[i].length);
		storage = open_with(scene, scene->source);
		put_part(storage, ACCOUNT, "account", TEXT);
		assert_part(storage, ACCOUNT, "account", TEXT);
		storage_close(storage);
	}
}

static void test_what_is_no_key(void **state)
{
	static const char *const texts[] = {"", "short", HEX "0", HEX "\n\n", HEX " ", "x" HEX,
		BASE64URL "=", BASE64URL "\r\n",
		"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9", /* stray bits at its end */
		"zz0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"};
	struct scene *scene = *state;
	char large[300] = {0};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		write_whole(scene->path, texts[i], strlen(texts[i]));
		assert_no_key(scene, scene->source, ERROR_INVALID, "elsewhere has is no key");
	}
	write_whole(scene->path, large, sizeof(large));
	assert_no_key(scene, scene->source, ERROR_INVALID, "too large for a key");
	/* Nothing was made of it. */
	assert_int_equal(access(place_path(&scene->place, "format"), F_OK), -1);
}

static void test_a_key_file_that_is_missing(void **state)
{
	struct scene *scene = *state;

	assert_no_key(scene, scene->source, ERROR_REFUSED, "head -c 32 /dev/urandom > '");
	assert_no_key(scene, "file:", ERROR_INVALID, "is no source of the storage's key");
	assert_no_key(scene, "elsewhere", ERROR_INVALID, "is no source of the storage's key");
	assert_no_key(scene, "", ERROR_INVALID, "is no source of the storage's key");
}

static void test_a_key_file_that_others_may_read(void **state)
{
	struct scene *scene = *state;
	struct storage *storage;

	write_whole(scene->path, scene->raw, sizeof(scene->raw));
	assert_int_equal(chmod(scene->path, 0640), 0);
	assert_no_key(scene, scene->source, ERROR_REFUSED, "chmod 600 '");
	assert_int_equal(chmod(scene->path, 0600), 0);
	storage = open_with(scene, scene->source);
	put_part(storage, ACCOUNT, "account", TEXT);
	storage_close(storage);
	if (geteuid())
		return;
	assert_int_equal(chown(scene->path, SOMEBODY, SOMEBODY), 0);
	assert_no_key(scene, scene->source, ERROR_REFUSED, "must be this user's");
}

static void test_the_key_is_not_in_the_way_of_removing(void **state)
{
	struct scene *scene = *state;
	struct storage *storage;
	struct fault fault = {0};

	write_whole(scene->path, scene->raw, sizeof(scene->raw));
	storage = open_with(scene, scene->source);
	put_part(storage, ACCOUNT, "account", TEXT);
	storage_close(storage);
	assert_int_equal(unlink(scene->path), 0);
	storage = open_with(scene, NULL);
	assert_unread(storage, ERROR_REFUSED, "is not there");
	assert_int_equal(storage_write(storage, ACCOUNT, "gate", "x", 1, &fault), ERROR_REFUSED);
	assert_non_null(strstr(fault.text, "put it back from a backup"));
	assert_int_equal(storage_remove_account(storage, ACCOUNT, NULL), 0);
	storage_close(storage);
}

static void test_another_key(void **state)
{
	struct scene *scene = *state;
	struct storage *storage;

	write_whole(scene->path, scene->raw, sizeof(scene->raw));
	storage = open_with(scene, scene->source);
	put_part(storage, ACCOUNT, "account", TEXT);
	storage_close(storage);
	scene->raw[31] ^= 1;
	write_whole(scene->path, scene->raw, sizeof(scene->raw));
	assert_no_key(scene, NULL, ERROR_REFUSED, "is sealed under another key than the one from");
	assert_no_key(scene, scene->source, ERROR_REFUSED, scene->source);
	storage = open_with(scene, NULL);
	assert_int_equal(storage_write(storage, ACCOUNT, "gate", "x", 1, NULL), ERROR_REFUSED);
	storage_close(storage);
	/* The key has moved: where it is now can be said. */
	scene->raw[31] ^= 1;
	write_whole(scene->path, scene->raw, sizeof(scene->raw));
	assert_int_equal(rename(scene->path, place_path(&scene->place, "key")), 0);
	storage = place_open(&scene->place, STORAGE_SEALED);
	assert_part(storage, ACCOUNT, "account", TEXT);
	assert_source(storage, "file:key");
	storage_close(storage);
}

/* A file that was sealed under another key than its directory has. */
static void test_a_part_from_another_directory(void **state)
{
	struct scene *scene = *state;
	struct storage *storage = place_open(&scene->place, STORAGE_SEALED);
	char bytes[500];
	size_t length;

	put_part(storage, ACCOUNT, "account", TEXT);
	storage_close(storage);
	length = read_whole(place_path(&scene->place, ACCOUNT ".account"), bytes, sizeof(bytes));
	(void)snprintf(scene->place.directory, sizeof(scene->place.directory), "%s/second",
		scene->place.root);
	storage = place_open(&scene->place, STORAGE_SEALED);
	write_whole(place_path(&scene->place, ACCOUNT ".account"), bytes, length);
	assert_unread(storage, ERROR_REFUSED, "is sealed under another key than its directory");
	storage_close(storage);
}

/* --- the standard order ---------------------------------------------------------------- */

static void test_the_standard_key_is_a_file_in_the_directory(void **state)
{
	struct scene *scene = *state;
	struct storage *storage = open_with(scene, NULL);
	char text[100];

	put_part(storage, ACCOUNT, "account", TEXT);
	assert_source(storage, "file:key");
	storage_close(storage);
	assert_int_equal(read_whole(place_path(&scene->place, "key"), text, sizeof(text)), 43 + 1);
	assert_int_equal(text[43], '\n');
	storage = open_with(scene, NULL);
	assert_part(storage, ACCOUNT, "account", TEXT);
	storage_close(storage);
}

/* The whole directory can be moved with its key. */
static void test_a_moved_directory(void **state)
{
	struct scene *scene = *state;
	struct storage *storage = open_with(scene, NULL);
	char moved[sizeof(scene->place.directory)];

	put_part(storage, ACCOUNT, "account", TEXT);
	storage_close(storage);
	(void)snprintf(moved, sizeof(moved), "%s/moved", scene->place.root);
	assert_int_equal(rename(scene->place.directory, moved), 0);
	memcpy(scene->place.directory, moved, sizeof(moved));
	storage = open_with(scene, NULL);
	assert_part(storage, ACCOUNT, "account", TEXT);
	storage_close(storage);
}

static void test_a_credential_comes_first(void **state)
{
	struct scene *scene = *state;
	char path[PATH_SIZE + 20];
	struct storage *storage;

	(void)snprintf(path, sizeof(path), "%s/adit.key", scene->credentials);
	write_whole(path, HEX "\n", 65);
	/* As systemd makes them: an ACL's mask stands where the group's rights do. */
	assert_int_equal(chmod(path, 0440), 0);
	(void)setenv("CREDENTIALS_DIRECTORY", scene->credentials, 1);
	storage = open_with(scene, NULL);
	put_part(storage, ACCOUNT, "account", TEXT);
	assert_source(storage, "systemd:adit.key");
	storage_close(storage);
	assert_int_equal(access(place_path(&scene->place, "key"), F_OK), -1);
	storage = open_with(scene, NULL);
	assert_part(storage, ACCOUNT, "account", TEXT);
	storage_close(storage);
	/* Outside of the unit. */
	(void)unsetenv("CREDENTIALS_DIRECTORY");
	assert_no_key(scene, NULL, ERROR_REFUSED, "LoadCredentialEncrypted=adit.key");
	(void)setenv("CREDENTIALS_DIRECTORY", "/nowhere", 1);
	assert_no_key(scene, NULL, ERROR_REFUSED, "is not there, /nowhere/adit.key");
}

static void test_a_credential_by_its_name(void **state)
{
	static const char *const names[] = {
		"systemd:", "systemd:../adit.key", "systemd:a/b", "systemd:.hidden", "systemd:.."};
	struct scene *scene = *state;
	char path[PATH_SIZE + 20];
	struct storage *storage;

	(void)setenv("CREDENTIALS_DIRECTORY", scene->credentials, 1);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_no_key(scene, names[i], ERROR_INVALID, "is no source of the storage's key");
	(void)snprintf(path, sizeof(path), "%s/storage", scene->credentials);
	write_whole(path, scene->raw, sizeof(scene->raw));
	storage = open_with(scene, "systemd:storage");
	put_part(storage, ACCOUNT, "account", TEXT);
	assert_part(storage, ACCOUNT, "account", TEXT);
	storage_close(storage);
}

static void test_no_keyring_without_a_bus(void **state)
{
	struct scene *scene = *state;

	assert_no_key(scene, "keyring", ERROR_UNAVAILABLE, "there is no session bus");
	assert_int_equal(access(place_path(&scene->place, "format"), F_OK), -1);
}

/* A kind of source that a later version may have. */
static void test_a_source_that_is_not_known(void **state)
{
	static const char format[] =
		"{\"format\":\"adit-storage\",\"version\":1,\"kind\":\"sealed\","
		"\"id\":\"0123456789abcdef\",\"key\":\"tpm:0x81000001\","
		"\"key_id\":\"0123456789abcdef\"}";
	struct scene *scene = *state;

	storage_close(open_with(scene, NULL));
	write_whole(place_path(&scene->place, "format"), format, strlen(format));
	write_whole(place_path(&scene->place, ACCOUNT ".account"), "adit", 4);
	assert_no_key(scene, NULL, ERROR_VERSION, "tpm:0x81000001");
}

#define IN_SCENE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_SCENE(test_a_key_has_three_forms),
		IN_SCENE(test_what_is_no_key),
		IN_SCENE(test_a_key_file_that_is_missing),
		IN_SCENE(test_a_key_file_that_others_may_read),
		IN_SCENE(test_the_key_is_not_in_the_way_of_removing),
		IN_SCENE(test_another_key),
		IN_SCENE(test_a_part_from_another_directory),
		IN_SCENE(test_the_standard_key_is_a_file_in_the_directory),
		IN_SCENE(test_a_moved_directory),
		IN_SCENE(test_a_credential_comes_first),
		IN_SCENE(test_a_credential_by_its_name),
		IN_SCENE(test_no_keyring_without_a_bus),
		IN_SCENE(test_a_source_that_is_not_known),
	};

	return cmocka_run_group_tests_name("client storage key", tests, NULL, NULL);
}
