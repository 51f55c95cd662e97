/* SPDX-License-Identifier: Apache-2.0 */
#include "authority/audit_files.h"

#include "base/buf.h"
#include "base/clock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define NAME_FORM "dddddddddddddddddd-dddd-dd-dd.jsonl"

enum {
	SEQ_DIGITS = 18,
	PATH_SIZE = 4096,
	LOCK_WAIT_MS = 5000,
	LOCK_STEP_NS = 5000000,
};

int audit_directory_open(
	const char *data_directory, bool create, int *ret_directory, struct fault *fault)
{
	char path[PATH_SIZE];
	struct stat status;
	struct buf text;
	int fd;

	buf_init_fixed(&text, path, sizeof(path));
	if (buf_printf(&text, "%s/audit", data_directory))
		return ERROR_LIMIT;
	if (create && mkdir(path, 0700) && errno != EEXIST) {
		fault_set(fault, "%s can't be made: %s", path, strerror(errno));
		return ERROR_IO;
	}
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0) {
		bool missing = errno == ENOENT;

		fault_set(fault, "%s can't be opened: %s", path, strerror(errno));
		return missing ? ERROR_NOT_FOUND : ERROR_IO;
	}
	if (fstat(fd, &status) || (status.st_mode & 077) || status.st_uid != geteuid()) {
		(void)close(fd);
		fault_set(
			fault, "%s must belong to the user that runs aditd, with mode 0700", path);
		return ERROR_INVALID;
	}
	*ret_directory = fd;
	return 0;
}

int audit_lock_open(int directory, bool create, int *ret_lock)
{
	int fd = openat(
		directory, "lock", O_RDWR | O_CLOEXEC | O_NOFOLLOW | (create ? O_CREAT : 0), 0600);

	if (fd < 0)
		return errno == ENOENT ? ERROR_NOT_FOUND : ERROR_IO;
	*ret_lock = fd;
	return 0;
}

/* A process that was stopped while it held the lock must not stop all others with it. */
int audit_lock_take(int lock, bool shared)
{
	const struct timespec step = {.tv_nsec = LOCK_STEP_NS};
	int64_t until_ms = 0;

	while (flock(lock, (shared ? LOCK_SH : LOCK_EX) | LOCK_NB)) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return ERROR_IO;
		if (!until_ms)
			until_ms = clock_monotonic_ms() + LOCK_WAIT_MS;
		if (clock_monotonic_ms() >= until_ms)
			return ERROR_BUSY;
		(void)nanosleep(&step, NULL);
	}
	return 0;
}

void audit_lock_release(int lock)
{
	(void)flock(lock, LOCK_UN);
}

int audit_name_make(char ret_name[AUDIT_NAME_SIZE], int64_t first_seq, int64_t time)
{
	time_t at = (time_t)time;
	struct tm parts;
	int length;

	if (!gmtime_r(&at, &parts) || parts.tm_year > 9999 - 1900)
		return ERROR_INVALID;
	length = snprintf(ret_name, AUDIT_NAME_SIZE, "%0*" PRId64 "-%04d-%02d-%02d.jsonl",
		SEQ_DIGITS, first_seq, parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday);
	return length == (int)strlen(NAME_FORM) ? 0 : ERROR_INVALID;
}

int audit_name_parse(const char *name, int64_t *ret_first_seq)
{
	static const char form[] = NAME_FORM;
	int64_t seq = 0;

	if (strlen(name) != sizeof(form) - 1)
		return ERROR_INVALID;
	for (size_t i = 0; name[i]; i++)
		if (form[i] == 'd' ? name[i] < '0' || name[i] > '9' : name[i] != form[i])
			return ERROR_INVALID;
	for (size_t i = 0; i < SEQ_DIGITS; i++)
		seq = seq * 10 + (name[i] - '0');
	if (!seq)
		return ERROR_INVALID;
	*ret_first_seq = seq;
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct audit_file *)a)->name, ((const struct audit_file *)b)->name);
}

static int add_file(struct audit_files *files, int directory, const char *name)
{
	struct audit_file *list;
	struct stat status;
	int64_t first_seq;

	if (audit_name_parse(name, &first_seq))
		return 0;
	/* It may have been removed since the directory was read. */
	if (fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW))
		return errno == ENOENT ? 0 : ERROR_IO;
	list = reallocarray(files->list, files->count + 1, sizeof(*list));
	if (!list)
		return ERROR_MEMORY;
	files->list = list;
	list[files->count] = (struct audit_file){.first_seq = first_seq,
		.size = S_ISREG(status.st_mode) ? (int64_t)status.st_size : -1,
		.inode = (uint64_t)status.st_ino};
	(void)text_copy(list[files->count].name, AUDIT_NAME_SIZE, name);
	files->count++;
	return 0;
}

int audit_files_list(int directory, struct audit_files *ret_files)
{
	struct audit_files files = {0};
	/* Not a copy of the descriptor, which would share its place. */
	int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *stream = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	int error = 0;

	if (!stream) {
		if (fd >= 0)
			(void)close(fd);
		return ERROR_IO;
	}
	while (!error && (entry = readdir(stream)))
		error = add_file(&files, directory, entry->d_name);
	(void)closedir(stream);
	if (error) {
		audit_files_finish(&files);
		return error;
	}
	if (files.count)
		qsort(files.list, files.count, sizeof(*files.list), by_name);
	*ret_files = files;
	return 0;
}

void audit_files_finish(struct audit_files *files)
{
	free(files->list);
	*files = (struct audit_files){0};
}
