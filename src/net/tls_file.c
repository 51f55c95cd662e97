/* SPDX-License-Identifier: Apache-2.0 */
#include "net/tls_file.h"

#include <errno.h>
#include <string.h>

enum { FILE_MAX = 256 * 1024 };

int tls_file_read(
	struct secret *file, const char *path, enum secret_readers readers, struct fault *fault)
{
	int error = secret_init_file(file, path, FILE_MAX, readers);

	if (error == ERROR_REFUSED && readers == SECRET_ANYBODY)
		fault_set(fault, "%s is no regular file", path);
	else if (error == ERROR_REFUSED)
		fault_set(fault,
			"%s can be read by others, or is another user's; it must be a file of "
			"root's "
			"or this user's with mode 0600 or 0640",
			path);
	else if (error == ERROR_LIMIT)
		fault_set(fault, "%s is larger than %d KiB", path, FILE_MAX / 1024);
	else if (error == ERROR_NOT_FOUND || error == ERROR_IO)
		fault_set(fault, "%s can't be read: %s", path, strerror(errno));
	else if (error)
		fault_set(fault, "%s can't be read: %s", path, error_text(error));
	return error && error != ERROR_MEMORY ? ERROR_INVALID : error;
}
