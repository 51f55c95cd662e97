/* SPDX-License-Identifier: Apache-2.0 */
/* Finding, making and checking the storage's directory. */
#include "client/storage_disk.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PASSWD_SIZE = 4096 };

static int home_from_system(char *ret_home, size_t size)
{
	char room[PASSWD_SIZE];
	struct passwd entry;
	struct passwd *found = NULL;

	if (getpwuid_r(geteuid(), &entry, room, sizeof(room), &found) || !found)
		return ERROR_NOT_FOUND;
	return text_copy(ret_home, size, found->pw_dir);
}

int storage_standard_directory(char ret_path[STORAGE_PATH_MAX], struct fault *fault)
{
	const char *state = getenv("XDG_STATE_HOME");
	const char *home = getenv("HOME");
	char from_system[STORAGE_PATH_MAX];
	struct buf path;
	int error;

	buf_init_fixed(&path, ret_path, STORAGE_PATH_MAX);
	/* "All paths must be absolute"; one that is not is ignored. */
	if (state && *state == '/') {
		error = buf_printf(&path, "%s/adit", state);
	} else {
		if (!home || *home != '/')
			home = home_from_system(from_system, sizeof(from_system)) ? ""
										  : from_system;
		if (*home != '/') {
			fault_set(fault, "this user has no home directory to keep tokens in: set "
					 "HOME, XDG_STATE_HOME or the storage directory");
			return ERROR_INVALID;
		}
		error = buf_printf(&path, "%s/.local/state/adit", home);
	}
	if (error)
		fault_set(fault, "the path of the storage directory is longer than %d bytes",
			STORAGE_PATH_MAX);
	return error ? ERROR_INVALID : 0;
}

/* Some file systems have no sync for directories; there is none to wait for then. */
static int sync_directory(int fd)
{
	return fsync(fd) && errno != EINVAL && errno != ENOTSUP ? -1 : 0;
}

/* The directory that holds the one that was just made. */
static int sync_parent(const char *path)
{
	char parent[STORAGE_PATH_MAX];
	char *slash;
	int fd;
	int result;

	(void)text_copy(parent, sizeof(parent), path);
	slash = strrchr(parent, '/');
	if (!slash)
		(void)text_copy(parent, sizeof(parent), ".");
	else
		slash[slash == parent ? 1 : 0] = '\0';
	fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return errno == EACCES ? 0 : -1; /* it may be for passing through alone */
	result = sync_directory(fd);
	(void)close(fd);
	return result;
}

static int make_one(const char *path)
{
	if (!mkdir(path, 0700))
		return sync_parent(path);
	return errno == EEXIST ? 0 : -1;
}

/* The parents first. What is there already is looked at by nobody but the last open. */
static int make_all(const struct storage_disk *disk)
{
	char path[STORAGE_PATH_MAX];
	struct stat status;

	if (!lstat(disk->path, &status))
		return 0;
	(void)text_copy(path, sizeof(path), disk->path);
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (stat(path, &status) && make_one(path))
			return -1;
		*slash = '/';
	}
	return make_one(path);
}

static int check(const struct storage_disk *disk, struct fault *fault)
{
	struct stat status;

	if (fstat(disk->fd, &status))
		return storage_disk_fault(disk, NULL, "can't be looked at", fault);
	if (status.st_uid != geteuid()) {
		fault_set(fault,
			"%.250s belongs to another user (uid %u, this is %u): use a directory of "
			"your own",
			disk->path, (unsigned)status.st_uid, (unsigned)geteuid());
		return ERROR_REFUSED;
	}
	if (status.st_mode & 077) {
		fault_set(fault,
			"others may enter %.200s, where tokens are kept: chmod 700 '%.200s'",
			disk->path, disk->path);
		return ERROR_REFUSED;
	}
	return 0;
}

/* Absolute, since the program may go elsewhere later; with no slash at the end, which would
 * have a symbolic link followed. */
static int take_path(struct storage_disk *disk, const char *given, struct fault *fault)
{
	char here[STORAGE_PATH_MAX] = "";
	struct buf path;
	int error = 0;

	if (*given != '/' && !getcwd(here, sizeof(here)))
		return storage_disk_fault(disk, NULL, "the current directory has no name", fault);
	buf_init_fixed(&path, disk->path, sizeof(disk->path));
	if (*given != '/')
		error = buf_printf(&path, "%s/", here);
	if (!error)
		error = buf_append_text(&path, given);
	while (path.len > 1 && path.data[path.len - 1] == '/')
		path.data[--path.len] = '\0';
	if (!error && *given)
		return 0;
	fault_set(fault, "the storage directory has no name, or one that is too long");
	return ERROR_INVALID;
}

static int open_failed(const struct storage_disk *disk, struct fault *fault)
{
	if (errno == ENOENT) {
		fault_set(fault, "nothing is stored in %.400s", disk->path);
		return ERROR_NOT_FOUND;
	}
	if (errno == ELOOP || errno == ENOTDIR) {
		fault_set(fault,
			"%.400s is a symbolic link or no directory: name the directory itself",
			disk->path);
		return ERROR_REFUSED;
	}
	return storage_disk_fault(disk, NULL, "can't be opened", fault);
}

int storage_disk_open(
	const char *path, bool make, struct storage_disk *ret_disk, struct fault *fault)
{
	struct storage_disk disk = {.fd = -1};
	int error = take_path(&disk, path, fault);

	if (error)
		return error;
	if (make && make_all(&disk))
		return storage_disk_fault(&disk, NULL, "can't be made", fault);
	disk.fd = open(disk.path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (disk.fd < 0)
		return open_failed(&disk, fault);
	error = check(&disk, fault);
	if (error)
		(void)close(disk.fd);
	else
		*ret_disk = disk;
	return error;
}

void storage_disk_close(struct storage_disk *disk)
{
	if (disk->fd >= 0)
		(void)close(disk->fd);
	disk->fd = -1;
}
