/* SPDX-License-Identifier: Apache-2.0 */
/* A copy of the whole store as a file of its own. */
#include "store/backup.h"

#include "store/access.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_SIZE = 4096, HEADER_SIZE = 100 };

struct backup {
	const char *path;
	char unfinished[PATH_SIZE]; /* the path and ".new" */
};

/* Not a fault of the disk's: another path would do. */
static int error_of_path(int reason)
{
	return reason == ENOSPC || reason == EDQUOT || reason == EIO ? ERROR_IO : ERROR_INVALID;
}

/* Exclusively, so that of two backups to one path only one writes, and no file of
 * somebody's is overwritten. SQLite takes an empty file as it takes none. */
static int make_empty(const struct backup *backup, struct fault *fault)
{
	int fd = open(backup->unfinished, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int reason = errno;

	if (fd >= 0) {
		(void)close(fd);
		return 0;
	}
	if (reason == EEXIST) {
		fault_set(fault,
			"%s is there: a backup that is being made, or was cut short; in the "
			"latter case remove it",
			backup->unfinished);
		return ERROR_EXISTS;
	}
	fault_set(fault, "%s can't be made: %s", backup->unfinished, strerror(reason));
	return error_of_path(reason);
}

/* The file itself, and then the name that it was given. */
static int sync_path(const char *path, int flags)
{
	int fd = open(path, flags | O_RDONLY | O_CLOEXEC);
	int failed;

	if (fd < 0)
		return ERROR_IO;
	failed = fsync(fd);
	(void)close(fd);
	return failed ? ERROR_IO : 0;
}

static int sync_folder_of(const char *path)
{
	char folder[PATH_SIZE];
	char *slash;

	(void)snprintf(folder, sizeof(folder), "%s", path);
	slash = strrchr(folder, '/');
	if (!slash)
		return sync_path(".", O_DIRECTORY);
	slash[slash == folder] = '\0';
	return sync_path(folder, O_DIRECTORY);
}

/* Where the file system can't promise that nothing is replaced, it was looked at
 * before. */
static int give_name(const struct backup *backup, struct fault *fault)
{
	int failed =
		renameat2(AT_FDCWD, backup->unfinished, AT_FDCWD, backup->path, RENAME_NOREPLACE);

	if (failed && (errno == EINVAL || errno == ENOSYS))
		failed = rename(backup->unfinished, backup->path);
	if (!failed && !sync_folder_of(backup->path))
		return 0;
	fault_set(fault, "%s can't be given its name: %s", backup->path, strerror(errno));
	return failed && errno == EEXIST ? ERROR_EXISTS : ERROR_IO;
}

static void take_back(const struct backup *backup)
{
	char journal[PATH_SIZE + 16];

	(void)snprintf(journal, sizeof(journal), "%s-journal", backup->unfinished);
	(void)unlink(backup->unfinished);
	(void)unlink(journal);
}

static int read_damage(struct statement *statement, void *context)
{
	bool *damaged = context;
	char text[8] = "";
	bool row = false;
	int error = statement_step(statement, &row);

	if (!error && row)
		statement_text(statement, 0, text, sizeof(text));
	*damaged = !error && strcmp(text, "ok") != 0;
	return error;
}

/* A first row that is longer than "ok" can't be read into so few bytes. */
int store_check(struct store *store)
{
	bool damaged = false;
	int error = store_read(
		store, "PRAGMA integrity_check(1)", (struct values){0}, read_damage, &damaged);

	return damaged && error != ERROR_MEMORY ? ERROR_INVALID : error;
}

/* The header of a SQLite file: the size of its pages at 16 (1 is 65,536), how many there
 * are at 28; most significant byte first. */
int store_check_length(const char *path)
{
	static const char magic[16] = "SQLite format 3";
	unsigned char header[HEADER_SIZE] = {0};
	struct stat status = {0};
	uint64_t page;
	uint64_t pages;
	ssize_t length = -1;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return ERROR_IO;
	if (!fstat(fd, &status))
		length = read(fd, header, sizeof(header));
	(void)close(fd);
	if (length < 0)
		return ERROR_IO;
	if (memcmp(header, magic, sizeof(magic)) != 0)
		return 0;
	page = (uint64_t)header[16] << 8 | header[17];
	pages = (uint64_t)header[28] << 24 | (uint64_t)header[29] << 16 |
		(uint64_t)header[30] << 8 | header[31];
	if (page == 1)
		page = UINT64_C(65536);
	return (uint64_t)status.st_size == page * pages ? 0 : ERROR_INVALID;
}

int backup_write(const char *path, int (*copy)(void *context, const char *path), void *context,
	struct fault *fault)
{
	struct backup backup = {.path = path};
	struct stat status;
	int length = snprintf(backup.unfinished, sizeof(backup.unfinished), "%s.new", path);
	int error;

	if (!*path || length < 0 || (size_t)length >= sizeof(backup.unfinished)) {
		fault_set(fault, "the path of the backup is %s; name another",
			*path ? "too long" : "empty");
		return ERROR_INVALID;
	}
	if (!lstat(path, &status)) {
		fault_set(fault, "%s is there already; name a new file", path);
		return ERROR_EXISTS;
	}
	error = make_empty(&backup, fault);
	if (error)
		return error;
	error = copy(context, backup.unfinished);
	if (!error)
		error = sync_path(backup.unfinished, 0);
	if (error)
		fault_set(fault,
			"%s can't be written (%s); check the room on its disk, and that the "
			"data can be read",
			path, error_text(error));
	else
		error = give_name(&backup, fault);
	if (error)
		take_back(&backup);
	return error;
}

static int copy_store(void *context, const char *path)
{
	return store_copy(context, path);
}

int store_backup(struct store *store, const char *path, struct fault *fault)
{
	return backup_write(path, copy_store, store, fault);
}
