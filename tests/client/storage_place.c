/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "storage_place.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void place_make(struct place *place)
{
	(void)snprintf(place->root, sizeof(place->root), "/tmp/adit-storage-XXXXXX");
	assert_non_null(mkdtemp(place->root));
	(void)snprintf(place->directory, sizeof(place->directory), "%s/state/adit", place->root);
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
	(void)status;
	(void)type;
	(void)walk;
	return remove(path);
}

void place_remove(const struct place *place)
{
	(void)nftw(place->root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

const char *place_path(const struct place *place, const char *name)
{
	static char paths[2][300];
	static int next;

	next = !next;
	(void)snprintf(paths[next], sizeof(paths[next]), "%s/%s", place->directory, name);
	return paths[next];
}

int place_count(const struct place *place, const char *prefix)
{
	DIR *folder = opendir(place->directory);
	int count = 0;

	assert_non_null(folder);
	for (const struct dirent *entry = readdir(folder); entry; entry = readdir(folder))
		count += !strncmp(entry->d_name, prefix, strlen(prefix));
	(void)closedir(folder);
	return count;
}

int place_try(const struct place *place, enum storage_kind kind, const char *key,
	struct storage **ret_storage, struct fault *fault)
{
	const struct storage_options options = {
		.kind = kind, .directory = place->directory, .key = key};

	return storage_open(&options, ret_storage, fault);
}

struct storage *place_open(const struct place *place, enum storage_kind kind)
{
	struct storage *storage = NULL;
	struct fault fault = {0};
	char key[200];
	int error;

	(void)snprintf(key, sizeof(key), "file:%s/key", place->directory);
	error = place_try(place, kind, key, &storage, &fault);
	if (error)
		fail_msg("%d: %s", error, fault.text);
	return storage;
}

size_t read_whole(const char *path, char *bytes, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got;

	assert_true(fd >= 0);
	got = read(fd, bytes, size);
	assert_true(got >= 0);
	(void)close(fd);
	return (size_t)got;
}

void write_whole(const char *path, const void *bytes, size_t length)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, length), length);
	(void)close(fd);
}

void assert_part(struct storage *storage, const char *account, const char *part, const char *text)
{
	struct buf bytes = {0};
	struct fault fault = {0};
	int error = storage_read(storage, account, part, &bytes, &fault);

	if (error && (error != ERROR_NOT_FOUND || *text))
		fail_msg("%s: %d: %s", part, error, fault.text);
	if (!error) {
		assert_int_equal(bytes.len, strlen(text));
		assert_string_equal(bytes.data, text);
	}
	buf_finish(&bytes);
}

void put_part(struct storage *storage, const char *account, const char *part, const char *text)
{
	struct fault fault = {0};
	int error = storage_write(storage, account, part, text, strlen(text), &fault);

	if (error)
		fail_msg("%s: %d: %s", part, error, fault.text);
}

void assert_refused(
	const struct place *place, enum storage_kind kind, int expected, const char *words)
{
	struct storage *storage = NULL;
	struct fault fault = {0};
	int error = place_try(place, kind, "file:/nowhere/key", &storage, &fault);

	if (error != expected || !strstr(fault.text, words))
		fail_msg("%d, not %d: %s", error, expected, fault.text);
	assert_null(storage);
}

void assert_unread(struct storage *storage, int expected, const char *words)
{
	struct buf bytes = {0};
	struct fault fault = {0};
	int error = storage_read(storage, ACCOUNT, "account", &bytes, &fault);

	if (error != expected || !strstr(fault.text, words))
		fail_msg("%d, not %d: %s", error, expected, fault.text);
	assert_null(bytes.data);
}
