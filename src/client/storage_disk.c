/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file is written beside the one that it replaces and takes its name once it is on disk.
 * While it is written its writer holds a lock on it, so that what a killed process left can be
 * told from what is being written, and is removed by the next who writes.
 */
#include "client/storage_disk.h"

#include "base/random.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define NEW_PREFIX ".new-"

enum {
	NEW_RANDOM = 16,
	TRIES_MAX = 100,
};

static const char *remedy(int number)
{
	switch (number) {
	case ENOSPC:
		return "the disk is full: make room and try again";
	case EDQUOT:
		return "this user's quota is used up: make room and try again";
	case EROFS:
		return "the file system is read-only: use another storage directory";
	case EACCES:
	case EPERM:
		return "no permission: use a directory of your own, or have its owner and mode set "
		       "right";
	case EIO:
		return "the disk reports an error: have it looked at";
	case ENOENT:
		return "the directory was removed while it was in use: start the program again";
	default:
		return NULL;
	}
}

int storage_disk_fault(
	const struct storage_disk *disk, const char *name, const char *what, struct fault *fault)
{
	int number = errno;
	const char *known = remedy(number);
	const char *reason = known ? known : strerrordesc_np(number);

	fault_set(fault, "%.300s%s%s %s: %s", disk->path, name ? "/" : "", name ? name : "", what,
		reason ? reason : "unknown error");
	errno = number;
	return ERROR_IO;
}

/* --- reading ----------------------------------------------------------------------- */

static int check_file(const struct storage_disk *disk, const char *name, int fd, size_t max,
	size_t *ret_size, struct fault *fault)
{
	struct stat status;

	if (fstat(fd, &status))
		return storage_disk_fault(disk, name, "can't be looked at", fault);
	if (!S_ISREG(status.st_mode) || status.st_uid != geteuid()) {
		fault_set(
			fault, "%.300s/%s is no file of this user's: remove it", disk->path, name);
		return ERROR_REFUSED;
	}
	if (status.st_mode & 077) {
		fault_set(fault, "others may read or write %.200s/%s: chmod 600 '%.200s/%s'",
			disk->path, name, disk->path, name);
		return ERROR_REFUSED;
	}
	if (status.st_size < 0 || (size_t)status.st_size > max) {
		fault_set(fault, "%.300s/%s is damaged, it is too large: remove it", disk->path,
			name);
		return ERROR_INVALID;
	}
	*ret_size = (size_t)status.st_size;
	return 0;
}

/* A file never changes once it has its name. */
static int read_all(const struct storage_disk *disk, const char *name, int fd, struct buf *bytes,
	struct fault *fault)
{
	while (bytes->len < bytes->max) {
		ssize_t got = read(fd, bytes->data + bytes->len, bytes->max - bytes->len);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return storage_disk_fault(disk, name, "can't be read", fault);
		if (!got)
			break;
		bytes->len += (size_t)got;
	}
	bytes->data[bytes->len] = '\0';
	return 0;
}

static int read_open(const struct storage_disk *disk, const char *name, int fd, size_t max,
	struct buf *ret_bytes, struct fault *fault)
{
	struct buf bytes;
	size_t size = 0;
	int error = check_file(disk, name, fd, max, &size, fault);

	if (error)
		return error;
	buf_init(&bytes, size);
	error = buf_reserve(&bytes, size);
	if (error)
		fault_set(fault, "no memory left to read %.300s/%s", disk->path, name);
	else
		error = read_all(disk, name, fd, &bytes, fault);
	if (error)
		buf_finish(&bytes);
	else
		*ret_bytes = bytes;
	return error;
}

int storage_disk_read(const struct storage_disk *disk, const char *name, size_t max,
	struct buf *ret_bytes, struct fault *fault)
{
	int fd = openat(disk->fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	int error;

	if (fd < 0 && errno == ENOENT)
		return ERROR_NOT_FOUND;
	if (fd < 0 && errno == ELOOP) {
		fault_set(fault, "%.300s/%s is a symbolic link: remove it", disk->path, name);
		return ERROR_REFUSED;
	}
	if (fd < 0)
		return storage_disk_fault(disk, name, "can't be read", fault);
	error = read_open(disk, name, fd, max, ret_bytes, fault);
	(void)close(fd);
	return error;
}

/* --- writing ----------------------------------------------------------------------- */

static int is_new(const struct dirent *entry)
{
	return !strncmp(entry->d_name, NEW_PREFIX, sizeof(NEW_PREFIX) - 1);
}

/* Whoever writes it has its lock. */
static void remove_abandoned(const struct storage_disk *disk, const char *name)
{
	int fd = openat(disk->fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0)
		return;
	if (!flock(fd, LOCK_EX | LOCK_NB))
		(void)unlinkat(disk->fd, name, 0);
	(void)close(fd);
}

static void sweep(struct storage_disk *disk)
{
	struct dirent **entries = NULL;
	int count;

	if (disk->swept)
		return;
	count = scandirat(disk->fd, ".", &entries, is_new, NULL);
	for (int i = 0; i < count; i++) {
		remove_abandoned(disk, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	disk->swept = count >= 0;
}

/* Whether nobody swept the file between its making and its locking. */
static bool is_mine(int fd)
{
	struct stat status;

	/* Where a file system has no locks, nobody sweeps. */
	if (flock(fd, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK)
		return false;
	return !fstat(fd, &status) && status.st_nlink > 0;
}

/* An empty file with a name of its own, locked: its descriptor, or -1 and errno. */
static int make_new(const struct storage_disk *disk, char ret_name[STORAGE_NAME_MAX])
{
	char random[NEW_RANDOM + 1];

	for (int i = 0; i < TRIES_MAX; i++) {
		int fd;

		if (random_alphanumeric(random, NEW_RANDOM))
			return -1;
		(void)snprintf(ret_name, STORAGE_NAME_MAX, NEW_PREFIX "%s", random);
		fd = openat(disk->fd, ret_name,
			O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (fd < 0 && errno == EEXIST)
			continue;
		if (fd < 0 || is_mine(fd))
			return fd;
		(void)unlinkat(disk->fd, ret_name, 0);
		(void)close(fd);
	}
	errno = EAGAIN;
	return -1;
}

static int write_all(int fd, const char *bytes, size_t length)
{
	while (length) {
		ssize_t put = write(fd, bytes, length);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return -1;
		bytes += put;
		length -= (size_t)put;
	}
	return 0;
}

static int sync_directory(const struct storage_disk *disk)
{
	return fsync(disk->fd) && errno != EINVAL && errno != ENOTSUP ? -1 : 0;
}

/* For file systems that can't rename without replacing. */
static int link_new(const struct storage_disk *disk, const char *from, const char *name)
{
	if (linkat(disk->fd, from, disk->fd, name, 0))
		return -1;
	(void)unlinkat(disk->fd, from, 0);
	return 0;
}

static int name_new(
	const struct storage_disk *disk, const char *from, const char *name, bool replace)
{
	if (replace)
		return renameat(disk->fd, from, disk->fd, name);
	if (!renameat2(disk->fd, from, disk->fd, name, RENAME_NOREPLACE))
		return 0;
	return errno == EINVAL || errno == ENOSYS ? link_new(disk, from, name) : -1;
}

struct content {
	const void *bytes;
	size_t length;
};

static int put(struct storage_disk *disk, const char *name, const struct content *content,
	bool replace, struct fault *fault)
{
	char new_name[STORAGE_NAME_MAX];
	bool named = false;
	int error = 0;
	int fd;

	sweep(disk);
	fd = make_new(disk, new_name);
	if (fd < 0)
		return storage_disk_fault(disk, name, "can't be written", fault);
	if (fchmod(fd, 0600) || write_all(fd, content->bytes, content->length) || fsync(fd))
		error = storage_disk_fault(disk, name, "can't be written", fault);
	if (!error) {
		named = !name_new(disk, new_name, name, replace);
		if (!named && !replace && errno == EEXIST)
			error = ERROR_EXISTS;
		else if (!named || sync_directory(disk))
			error = storage_disk_fault(disk, name, "can't be written", fault);
	}
	if (!named)
		(void)unlinkat(disk->fd, new_name, 0);
	(void)close(fd);
	return error;
}

int storage_disk_replace(struct storage_disk *disk, const char *name, const void *bytes,
	size_t length, struct fault *fault)
{
	const struct content content = {.bytes = bytes, .length = length};

	return put(disk, name, &content, true, fault);
}

int storage_disk_make(struct storage_disk *disk, const char *name, const void *bytes, size_t length,
	struct fault *fault)
{
	const struct content content = {.bytes = bytes, .length = length};

	return put(disk, name, &content, false, fault);
}

int storage_disk_remove(struct storage_disk *disk, const char *name, struct fault *fault)
{
	if (unlinkat(disk->fd, name, 0))
		return errno == ENOENT ? 0
				       : storage_disk_fault(disk, name, "can't be removed", fault);
	if (sync_directory(disk))
		return storage_disk_fault(disk, name, "can't be removed for good", fault);
	return 0;
}

int storage_disk_open_file(
	struct storage_disk *disk, const char *name, int *ret_fd, struct fault *fault)
{
	const int flags = O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
	size_t size;
	int error;
	int fd = openat(disk->fd, name, O_RDWR | O_CREAT | flags, 0600);

	if (fd < 0 && (errno == EROFS || errno == EACCES))
		fd = openat(disk->fd, name, O_RDONLY | flags);
	if (fd < 0)
		return storage_disk_fault(disk, name, "can't be opened", fault);
	error = check_file(disk, name, fd, SIZE_MAX, &size, fault);
	if (error)
		(void)close(fd);
	else
		*ret_fd = fd;
	return error;
}
