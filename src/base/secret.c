/* SPDX-License-Identifier: Apache-2.0 */
#include "base/secret.h"

#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int secret_init_empty(struct secret *secret, size_t length)
{
	unsigned char *bytes;

	/* May be called again, by any thread, and then does nothing. */
	if (sodium_init() < 0)
		return ERROR_MEMORY;
	bytes = sodium_malloc(length ? length : 1);
	if (!bytes)
		return ERROR_MEMORY;
	memset(bytes, 0, length);
	secret->bytes = bytes;
	secret->length = length;
	return 0;
}

int secret_init(struct secret *secret, const void *bytes, size_t length)
{
	int error = secret_init_empty(secret, length);

	if (!error && length)
		memcpy(secret->bytes, bytes, length);
	return error;
}

static int check_owner_and_mode(int fd, size_t max, enum secret_readers readers, size_t *ret_size)
{
	static const mode_t forbidden[] = {
		[SECRET_OWNER_ONLY] = 077, [SECRET_OWNER_AND_GROUP] = 037, [SECRET_ANYBODY] = 0};
	struct stat status;

	if (fstat(fd, &status))
		return ERROR_IO;
	if (!S_ISREG(status.st_mode) || (status.st_mode & forbidden[readers]))
		return ERROR_REFUSED;
	if (readers != SECRET_ANYBODY && status.st_uid != geteuid() && status.st_uid != 0)
		return ERROR_REFUSED;
	if (status.st_size < 0 || (size_t)status.st_size > max)
		return ERROR_LIMIT;
	*ret_size = (size_t)status.st_size;
	return 0;
}

static int read_all(int fd, unsigned char *bytes, size_t length)
{
	size_t done = 0;

	while (done < length) {
		ssize_t got = read(fd, bytes + done, length - done);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return ERROR_IO;
		done += (size_t)got;
	}
	return 0;
}

int secret_init_file(
	struct secret *secret, const char *path, size_t max, enum secret_readers readers)
{
	struct secret read_secret = {0};
	size_t size = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	int error;

	if (fd < 0)
		return errno == ENOENT ? ERROR_NOT_FOUND : ERROR_IO;
	error = check_owner_and_mode(fd, max, readers, &size);
	if (!error)
		error = secret_init_empty(&read_secret, size);
	if (!error)
		error = read_all(fd, read_secret.bytes, size);
	(void)close(fd);
	if (error)
		secret_finish(&read_secret);
	else
		*secret = read_secret;
	return error;
}

void secret_finish(struct secret *secret)
{
	if (!secret)
		return;
	sodium_free(secret->bytes);
	*secret = (struct secret){0};
}

bool memory_equal(const void *a, const void *b, size_t length)
{
	const volatile unsigned char *left = a;
	const volatile unsigned char *right = b;
	unsigned char difference = 0;

	for (size_t i = 0; i < length; i++)
		difference = (unsigned char)(difference | (left[i] ^ right[i]));
	return difference == 0;
}

bool secret_equal(const struct secret *a, const struct secret *b)
{
	return a->length == b->length && memory_equal(a->bytes, b->bytes, a->length);
}

void memory_wipe(void *bytes, size_t length)
{
	explicit_bzero(bytes, length);
}
