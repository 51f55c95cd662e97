/* SPDX-License-Identifier: Apache-2.0 */
#include "base/lockfile.h"

#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

enum {
	TRIES_MAX = 1000,
	TRY_EVERY_NS = 2000000,
};

/* Who only looks shares the lock for a moment, and is no reason to give up. */
static int take_alone(int fd)
{
	const struct timespec pause = {.tv_nsec = TRY_EVERY_NS};

	for (int i = 0; i < TRIES_MAX; i++) {
		if (!flock(fd, LOCK_EX | LOCK_NB))
			return 0;
		if (errno != EWOULDBLOCK)
			return ERROR_IO;
		if (flock(fd, LOCK_SH | LOCK_NB))
			return errno == EWOULDBLOCK ? ERROR_BUSY : ERROR_IO;
		(void)flock(fd, LOCK_UN);
		(void)nanosleep(&pause, NULL);
	}
	return ERROR_BUSY;
}

int lockfile_acquire(struct lockfile *lock, const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	int error;

	if (fd < 0)
		return ERROR_IO;
	error = take_alone(fd);
	if (error) {
		(void)close(fd);
		return error;
	}
	lock->fd = fd;
	return 0;
}

int lockfile_look(const char *path, bool *ret_held)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	int error = 0;
	bool held = false;

	if (fd < 0 && errno != ENOENT)
		return ERROR_IO;
	if (fd >= 0 && flock(fd, LOCK_SH | LOCK_NB)) {
		held = errno == EWOULDBLOCK;
		error = held ? 0 : ERROR_IO;
	}
	if (fd >= 0)
		(void)close(fd);
	if (!error)
		*ret_held = held;
	return error;
}

void lockfile_release(struct lockfile *lock)
{
	if (!lock || lock->fd < 0)
		return;
	(void)close(lock->fd);
	lock->fd = -1;
}
