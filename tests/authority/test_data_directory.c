/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "authority/data_directory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ISSUER "https://a.example/identity"

enum { PLACE_SIZE = 96 };

static void test_issuers(void **state)
{
	static const struct {
		const char *issuer;
		const char *problem; /* NULL: it is one */
	} cases[] = {
		{"https://www.example.com/identity", NULL},
		{"https://www.example.com", NULL},
		{"https://www.example.com:8443/a/b", NULL},
		{"http://127.0.0.1:8480/identity", NULL},
		{"http://localhost:8480", NULL},
		{"http://[::1]:8480/identity", NULL},
		{"", "is no absolute https URL"},
		{"www.example.com", "is no absolute https URL"},
		{"/identity", "is no absolute https URL"},
		{"ftp://www.example.com", "is no absolute https URL"},
		{"https://www.example.com/#top", "is no absolute https URL"},
		{"https://user@www.example.com/", "is no absolute https URL"},
		{"https://www.example.com/a?b=c", "has a query; leave it out"},
		{"https://www.example.com/identity/",
			"ends with a slash; leave it out, for clients compare it to the letter"},
		{"https://www.example.com/",
			"ends with a slash; leave it out, for clients compare it to the letter"},
		{"https://www.example.com/a%20b", "has an escaped character; use plain ones"},
		{"https://www.example.com//a", "has a doubled slash"},
		{"https://www.example.com/a//b", "has a doubled slash"},
		{"http://www.example.com/identity", "is not https, as it must be but on loopback"},
		{"http://127.0.0.1.example.com", "is not https, as it must be but on loopback"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fault fault = {0};
		char line[512] = "";

		if (cases[i].problem)
			(void)snprintf(line, sizeof(line), "the issuer \"%s\" %s", cases[i].issuer,
				cases[i].problem);
		assert_int_equal(issuer_check(cases[i].issuer, &fault),
			cases[i].problem ? ERROR_INVALID : 0);
		assert_string_equal(fault.text, line);
	}
}

static void test_bounds_an_issuer(void **state)
{
	char issuer[STORE_ISSUER_SIZE + 1] = "https://a.example/";
	struct fault fault = {0};

	(void)state;
	memset(issuer + 18, 'a', sizeof(issuer) - 19);
	assert_int_equal(issuer_check(issuer, &fault), ERROR_INVALID);
	assert_non_null(strstr(fault.text, "is too long"));
	issuer[STORE_ISSUER_SIZE - 1] = '\0';
	assert_int_equal(issuer_check(issuer, &fault), 0);
}

/* --- directories ------------------------------------------------------------ */

/* The folder of a test; its data directory is `data` in it. */
struct place {
	char folder[PLACE_SIZE];
	char data[PLACE_SIZE];
};

static void make_place(struct place *place)
{
	(void)unsetenv("CREDENTIALS_DIRECTORY");
	(void)snprintf(place->folder, sizeof(place->folder), "/tmp/adit-data-XXXXXX");
	assert_non_null(mkdtemp(place->folder));
	(void)snprintf(place->data, sizeof(place->data), "%.64s/data", place->folder);
}

static void path_of(const struct place *place, const char *name, char path[2 * PLACE_SIZE])
{
	(void)snprintf(path, 2 * PLACE_SIZE, "%s/%s", place->data, name);
}

static bool is_there(const struct place *place, const char *name)
{
	char path[2 * PLACE_SIZE];

	path_of(place, name, path);
	return access(path, F_OK) == 0;
}

static void remove_place(const struct place *place)
{
	static const char *const names[] = {
		"adit.db", "adit.db-wal", "adit.db-shm", "secret.key", "adit.key", "lock"};
	char path[2 * PLACE_SIZE];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		path_of(place, names[i], path);
		(void)unlink(path);
		(void)snprintf(path, sizeof(path), "%s/%s", place->folder, names[i]);
		(void)unlink(path);
	}
	(void)rmdir(place->data);
	assert_int_equal(rmdir(place->folder), 0);
}

static mode_t mode_of(const struct place *place, const char *name)
{
	struct stat status;
	char path[2 * PLACE_SIZE];

	path_of(place, name, path);
	assert_int_equal(stat(path, &status), 0);
	return status.st_mode & 0777;
}

static void test_makes_and_opens(void **state)
{
	struct place place;
	struct data_directory directory;
	struct data_directory second;
	struct store_authority authority;
	struct fault fault = {0};

	(void)state;
	make_place(&place);
	assert_int_equal(data_directory_init(place.data, ISSUER, NULL, &fault), 0);
	assert_int_equal(mode_of(&place, ""), 0700);
	assert_int_equal(mode_of(&place, "secret.key"), 0600);
	assert_int_equal(mode_of(&place, "adit.db") & 077, 0);
	assert_false(is_there(&place, "adit.db.new"));
	assert_int_equal(data_directory_open(&directory, place.data, NULL, true, &fault), 0);
	assert_int_equal(store_authority_get(directory.store, &authority), 0);
	assert_string_equal(authority.issuer, ISSUER);
	/* A verb may open it beside the process that serves; a second server not. */
	assert_int_equal(data_directory_open(&second, place.data, NULL, false, &fault), 0);
	data_directory_close(&second);
	assert_int_equal(data_directory_open(&second, place.data, NULL, true, &fault), ERROR_BUSY);
	assert_non_null(strstr(fault.text, "another aditd serves "));
	data_directory_close(&directory);
	assert_int_equal(data_directory_open(&second, place.data, NULL, true, &fault), 0);
	data_directory_close(&second);
	remove_place(&place);
}

static void test_init_never_takes_a_second_time(void **state)
{
	struct place place;
	struct fault fault = {0};

	(void)state;
	make_place(&place);
	assert_int_equal(data_directory_init(place.data, ISSUER, NULL, &fault), 0);
	assert_int_equal(
		data_directory_init(place.data, "https://b.example", NULL, &fault), ERROR_EXISTS);
	assert_non_null(strstr(fault.text, "holds an authority already"));
	remove_place(&place);
}

/* What fails leaves nothing behind, and nothing that was there is touched. */
static void test_init_takes_back(void **state)
{
	struct place place;
	struct fault fault = {0};

	(void)state;
	make_place(&place);
	assert_int_equal(
		data_directory_init(place.data, "http://b.example", NULL, &fault), ERROR_INVALID);
	assert_int_equal(access(place.data, F_OK), -1);
	assert_int_equal(mkdir(place.data, 0755), 0);
	assert_int_equal(data_directory_init(place.data, ISSUER, NULL, &fault), ERROR_INVALID);
	assert_non_null(strstr(fault.text, "must be a directory of this user's with mode 0700"));
	assert_false(is_there(&place, "secret.key"));
	assert_int_equal(chmod(place.data, 0700), 0);
	assert_int_equal(data_directory_init(place.data, ISSUER, NULL, &fault), 0);
	remove_place(&place);
}

static void write_file(const char *path, const char *text, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	assert_int_equal(fchmod(fd, mode), 0);
	assert_int_equal(close(fd), 0);
}

static void test_the_secret_key(void **state)
{
	static const struct {
		const char *text;
		mode_t mode;
		int error;
		const char *problem;
	} cases[] = {
		{"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n", 0640, ERROR_REFUSED,
			"must be readable by its owner only: chmod 600 it"},
		{"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n", 0600, ERROR_INVALID,
			"is no secret key: it must hold 43 characters of base64url"},
		{"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n", 0600, ERROR_INVALID,
			"is no secret key: it must hold 43 characters of base64url"},
		{"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB\n", 0600, ERROR_INVALID,
			"is no secret key: it must hold 43 characters of base64url"},
		{"", 0600, ERROR_INVALID,
			"is no secret key: it must hold 43 characters of base64url"},
	};
	struct place place;
	struct data_directory directory;
	struct fault fault = {0};
	char path[2 * PLACE_SIZE];

	(void)state;
	make_place(&place);
	assert_int_equal(data_directory_init(place.data, ISSUER, NULL, &fault), 0);
	path_of(&place, "secret.key", path);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		write_file(path, cases[i].text, cases[i].mode);
		assert_int_equal(data_directory_open(&directory, place.data, NULL, true, &fault),
			cases[i].error);
		assert_non_null(strstr(fault.text, cases[i].problem));
		assert_null(strstr(fault.text, "AAAA"));
	}
	assert_int_equal(unlink(path), 0);
	assert_int_equal(
		data_directory_open(&directory, place.data, NULL, true, &fault), ERROR_NOT_FOUND);
	assert_non_null(strstr(fault.text, "/secret.key is missing, and so is the credential"));
	remove_place(&place);
}

/* The service manager's credential stands in for secret.key; two keys are one too
 * many. */
static void test_the_credential(void **state)
{
	struct place place;
	struct data_directory directory;
	struct fault fault = {0};
	char inside[2 * PLACE_SIZE];
	char credential[2 * PLACE_SIZE];

	(void)state;
	make_place(&place);
	assert_int_equal(data_directory_init(place.data, ISSUER, NULL, &fault), 0);
	path_of(&place, "secret.key", inside);
	(void)snprintf(credential, sizeof(credential), "%s/adit.key", place.folder);
	assert_int_equal(rename(inside, credential), 0);
	assert_int_equal(setenv("CREDENTIALS_DIRECTORY", place.folder, 1), 0);
	assert_int_equal(data_directory_open(&directory, place.data, NULL, true, &fault), 0);
	data_directory_close(&directory);
	write_file(inside, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n", 0600);
	assert_int_equal(
		data_directory_open(&directory, place.data, NULL, true, &fault), ERROR_INVALID);
	assert_non_null(strstr(fault.text, "there are two secret keys"));
	(void)unsetenv("CREDENTIALS_DIRECTORY");
	remove_place(&place);
}

static void test_what_is_no_data_directory(void **state)
{
	struct place place;
	struct data_directory directory;
	struct fault fault = {0};

	(void)state;
	make_place(&place);
	assert_int_equal(
		data_directory_open(&directory, place.data, NULL, true, &fault), ERROR_NOT_FOUND);
	assert_non_null(strstr(fault.text, "there is no data directory "));
	assert_int_equal(mkdir(place.data, 0700), 0);
	assert_int_equal(
		data_directory_open(&directory, place.data, NULL, true, &fault), ERROR_NOT_FOUND);
	assert_non_null(strstr(fault.text, "holds no authority; make one with aditd init"));
	assert_int_equal(chmod(place.data, 0750), 0);
	assert_int_equal(
		data_directory_open(&directory, place.data, NULL, true, &fault), ERROR_INVALID);
	assert_non_null(strstr(fault.text, "with mode 0700"));
	assert_int_equal(chmod(place.data, 0700), 0);
	remove_place(&place);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_issuers),
		cmocka_unit_test(test_bounds_an_issuer),
		cmocka_unit_test(test_makes_and_opens),
		cmocka_unit_test(test_init_never_takes_a_second_time),
		cmocka_unit_test(test_init_takes_back),
		cmocka_unit_test(test_the_secret_key),
		cmocka_unit_test(test_the_credential),
		cmocka_unit_test(test_what_is_no_data_directory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
