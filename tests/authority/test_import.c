/* SPDX-License-Identifier: Apache-2.0 */
/* An import that somebody else's change overtakes: what the store then says is wrapped. What
 * is wrong with a line is tried by tests/blackbox/test_import.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "authority/import_line.h"
#include "authority/password_hash.h"
#include "scene.h"

#include <stdlib.h>
#include <string.h>

static int store_says; /* 0: the real one */
static size_t reached_says;

int __real_store_service_user_import(struct store *store, struct store_import *import);
int __wrap_store_service_user_import(struct store *store, struct store_import *import);
int __wrap_store_service_user_import(struct store *store, struct store_import *import)
{
	import->reached = reached_says;
	return store_says ? store_says : __real_store_service_user_import(store, import);
}

static int made_says;

int __real_password_hash_make(const char *password, char ret_hash[STORE_PASSWORD_HASH_SIZE]);
int __wrap_password_hash_make(const char *password, char ret_hash[STORE_PASSWORD_HASH_SIZE]);
int __wrap_password_hash_make(const char *password, char ret_hash[STORE_PASSWORD_HASH_SIZE])
{
	return made_says ? made_says : __real_password_hash_make(password, ret_hash);
}

static const char lines[] =
	"{\"username\":\"first\",\"site\":\"north\",\"role\":\"read\",\"password\":\"hunter2\"}\n"
	"\n"
	"{\"username\":\"second\",\"site\":\"north\",\"role\":\"write\",\"label\":\"pump\","
	"\"expires\":\"2027-03-31\",\"password_hash\":"
	"\"$2y$05$/OK.fbVrR/bpIqNJ5ianF.Sa7shbm4.OzKpvFnX1pQLmQW96oUlCq\"}";

struct seen {
	int count;
	struct store_service_user users[4];
};

static void see(void *context, const struct store_service_user *user)
{
	struct seen *seen = context;

	seen->users[seen->count++] = *user;
}

static int import(struct scene *scene, struct seen *seen, struct fault *fault)
{
	struct admin_import wanted = {
		.text = lines, .length = strlen(lines), .each = see, .context = seen};

	*seen = (struct seen){0};
	return admin_service_user_import(&scene->admin, &wanted, fault);
}

static void test_imported(void **state)
{
	struct scene *scene = *state;
	struct store_service_user user;
	struct seen seen;
	struct fault fault = {""};

	store_says = made_says = 0;
	assert_int_equal(admin_site_add(&scene->admin, "north", NULL, &fault), 0);
	assert_int_equal(import(scene, &seen, &fault), 0);
	assert_int_equal(seen.count, 2);
	assert_int_equal(store_service_user_get(scene->store, "first", &user), 0);
	assert_memory_equal(&user.credentials[0].password_hash, "$argon2id$", 10);
	assert_int_equal(password_hash_verify(user.credentials[0].password_hash, "hunter2"), 0);
	assert_string_equal(user.id, seen.users[0].id);
	assert_int_equal(store_service_user_get(scene->store, "second", &user), 0);
	assert_string_equal(user.label, "pump");
	assert_string_equal(user.role, "write");
	assert_int_equal(user.credentials[0].expires_at, 1806537599);
	assert_string_equal(user.credentials[0].id, seen.users[1].credentials[0].id);
	assert_int_equal(import(scene, &seen, &fault), ERROR_EXISTS);
	assert_int_equal(seen.count, 0);
	assert_non_null(strstr(fault.text, "line 1: there is a service-user \"first\" already"));
}

static void test_overtaken(void **state)
{
	static const struct {
		int error;
		size_t reached;
		const char *says;
	} cases[] = {
		{ERROR_EXISTS, 1, "line 3: there is a service-user \"second\" already"},
		{ERROR_NOT_FOUND, 1, "line 3: there is no site \"north\""},
		{ERROR_UNAVAILABLE, 0, "the store failed"},
		{ERROR_MEMORY, 0, "nothing was changed"},
	};
	struct scene *scene = *state;
	struct store_service_user user;
	struct seen seen;
	struct fault fault = {""};

	assert_int_equal(admin_site_add(&scene->admin, "north", NULL, &fault), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		store_says = cases[i].error;
		reached_says = cases[i].reached;
		assert_int_equal(import(scene, &seen, &fault), cases[i].error);
		assert_non_null(strstr(fault.text, cases[i].says));
		assert_int_equal(seen.count, 0);
	}
	store_says = 0;
	made_says = ERROR_MEMORY;
	assert_int_equal(import(scene, &seen, &fault), ERROR_MEMORY);
	assert_non_null(strstr(fault.text, "line 1: the password can't be hashed"));
	made_says = 0;
	assert_int_equal(store_service_user_get(scene->store, "first", &user), ERROR_NOT_FOUND);
}

/* The longest password and the longest line there may be. */
static void test_bounds_of_a_line(void **state)
{
	static const char begins[] =
		"{\"username\":\"u\",\"site\":\"s\",\"role\":\"r\",\"password\":\"";
	char text[IMPORT_LINE_MAX + 2];
	struct import_line line = {0};
	struct fault fault = {""};
	size_t length;

	(void)state;
	memset(text, ' ', sizeof(text));
	length = strlen(begins);
	memcpy(text, begins, length);
	memset(text + length, 'x', PASSWORD_MAX);
	memcpy(text + length + PASSWORD_MAX, "\"}", 2);
	assert_int_equal(import_line_read(text, IMPORT_LINE_MAX, &line, &fault), 0);
	assert_int_equal(strlen(line.password), PASSWORD_MAX);
	assert_null(line.password_hash);
	import_line_finish(&line);
	assert_int_equal(import_line_read(text, IMPORT_LINE_MAX + 1, &line, &fault), ERROR_INVALID);
	assert_null(line.document);
	memcpy(text + length + PASSWORD_MAX, "x\"}", 3);
	assert_int_equal(import_line_read(text, IMPORT_LINE_MAX, &line, &fault), ERROR_INVALID);
	assert_non_null(strstr(fault.text, "longer than 1024 bytes"));
	import_line_finish(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(test_imported),
		SCENE(test_overtaken),
		SCENE(test_bounds_of_a_line),
	};

	return cmocka_run_group_tests_name("import", tests, NULL, NULL);
}
