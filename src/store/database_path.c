/* SPDX-License-Identifier: Apache-2.0 */
#include "store/database_path.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* SQLite would take "file:…" and ":memory:" for more than a name. */
int database_path_make(const char *path, char ret_path[DATABASE_PATH_SIZE])
{
	int length =
		snprintf(ret_path, DATABASE_PATH_SIZE, "%s%s", path[0] == '/' ? "" : "./", path);

	return length < 0 || length >= DATABASE_PATH_SIZE ? ERROR_INVALID : 0;
}

/* RFC 3986, 2.1. The empty authority keeps a second slash from beginning one. */
void database_path_immutable_uri(const char *path, char ret_uri[DATABASE_URI_SIZE])
{
	char *end = stpcpy(ret_uri, path[0] == '/' ? "file://" : "file:");

	for (const char *c = path; *c; c++) {
		unsigned char byte = (unsigned char)*c;

		if (byte > ' ' && byte < 0x7f && !strchr("%?#", byte)) {
			*end++ = *c;
			continue;
		}
		(void)snprintf(end, sizeof("%00"), "%%%02x", byte);
		end += strlen("%00");
	}
	(void)stpcpy(end, "?immutable=1");
}

bool database_path_has_log(const char *path)
{
	char log[DATABASE_PATH_SIZE + 8];
	struct stat status;

	(void)snprintf(log, sizeof(log), "%s-wal", path);
	return !stat(log, &status) && status.st_size > 0;
}

/* mknod() makes the file without opening it: closing a descriptor would drop
 * the locks that this process holds on it by another connection. */
int database_path_find(const char *path, const struct engine_options *options, struct fault *fault)
{
	struct stat status;

	if (options->create && mknod(path, S_IFREG | 0600, 0) && errno != EEXIST) {
		fault_set(fault, "%s can't be created: %s", options->path, strerror(errno));
		return ERROR_UNAVAILABLE;
	}
	if (stat(path, &status)) {
		fault_set(fault, "%s: %s", options->path, strerror(errno));
		return errno == ENOENT || errno == ENOTDIR ? ERROR_NOT_FOUND : ERROR_UNAVAILABLE;
	}
	if (!S_ISREG(status.st_mode)) {
		fault_set(fault, "%s is not a file; name another path", options->path);
		return ERROR_INVALID;
	}
	return 0;
}
