/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/token_file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define SHARED_MEMORY "/dev/shm"

/* XDG Base Directory Specification: this user's, and nobody else's. */
static bool is_private(const char *path)
{
	struct stat about;

	return path && *path == '/' && !stat(path, &about) && S_ISDIR(about.st_mode) &&
	       about.st_uid == geteuid() && !(about.st_mode & (S_IRWXG | S_IRWXO));
}

static bool is_in_memory(const char *path)
{
	struct statfs about;

	return !statfs(path, &about) &&
	       (about.f_type == TMPFS_MAGIC || about.f_type == RAMFS_MAGIC);
}

static int make_in(struct token_file *file, const char *where)
{
	char directory[PATH_MAX];

	if (snprintf(directory, sizeof(directory), "%s/adit-run-XXXXXX", where) >=
			(int)sizeof(directory) - 16 ||
		!mkdtemp(directory))
		return ERROR_IO;
	memcpy(file->directory, directory, sizeof(directory));
	return snprintf(file->path, sizeof(file->path), "%.*s/token", PATH_MAX - 16, directory) < 0
		       ? ERROR_IO
		       : 0;
}

int token_file_make(struct token_file *file, struct fault *fault)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");

	*file = (struct token_file){0};
	if (is_private(runtime) && !make_in(file, runtime))
		return 0;
	if (is_in_memory(SHARED_MEMORY) && !make_in(file, SHARED_MEMORY))
		return 0;
	fault_set(fault, "there is no place in memory for the token's file: neither "
			 "$XDG_RUNTIME_DIR nor " SHARED_MEMORY " can be used");
	return ERROR_IO;
}

static int write_to(int descriptor, const char *text)
{
	size_t length = strlen(text);
	ssize_t wrote = 0;

	while (length) {
		wrote = write(descriptor, text, length);
		if (wrote < 0 && errno == EINTR)
			continue;
		if (wrote < 0)
			return ERROR_IO;
		text += wrote;
		length -= (size_t)wrote;
	}
	return 0;
}

int token_file_write(const struct token_file *file, const char *token, struct fault *fault)
{
	char next[PATH_MAX + 8];
	int descriptor;
	int error;

	(void)snprintf(next, sizeof(next), "%s.next", file->path);
	descriptor = open(next, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	error = descriptor < 0 ? ERROR_IO : write_to(descriptor, token);
	if (descriptor >= 0 && close(descriptor))
		error = ERROR_IO;
	if (!error && rename(next, file->path))
		error = ERROR_IO;
	if (error)
		fault_set(fault, "%s can't be written: %s", file->path, strerror(errno));
	return error;
}

void token_file_remove(const struct token_file *file)
{
	char next[PATH_MAX + 8];

	if (!*file->directory)
		return;
	(void)snprintf(next, sizeof(next), "%s.next", file->path);
	(void)unlink(next);
	(void)unlink(file->path);
	(void)rmdir(file->directory);
}
