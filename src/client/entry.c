/* SPDX-License-Identifier: Apache-2.0 */
#include "client/entry.h"

#include "base/clock.h"
#include "base/secret.h"
#include "oauth/generated_password.h"

#include <adit/error.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	LIMIT_STANDARD_MS = 60000,
	PREFIX_LENGTH = 5,
	PATH_SIZE = 4096,
};

int entry_check(const char *secret, size_t length, struct fault *fault)
{
	enum generated_password_kind kind = GENERATED_SERVICE_USER_PASSWORD;
	const char *what = "its checksum does not fit";

	if (length < PREFIX_LENGTH)
		return 0;
	if (!memcmp(secret, "adcs_", PREFIX_LENGTH))
		kind = GENERATED_CLIENT_SECRET;
	else if (memcmp(secret, "adsu_", PREFIX_LENGTH) != 0)
		return 0;
	if (generated_password_has_form(kind, secret, length))
		return 0;
	if (length < GENERATED_PASSWORD_LENGTH)
		what = "characters are missing";
	else if (length > GENERATED_PASSWORD_LENGTH)
		what = "it has characters too many";
	fault_set(fault,
		"the %s has a typing error: %s. Nothing was sent; copy it once more, whole",
		kind == GENERATED_CLIENT_SECRET ? "client secret" : "password", what);
	return ADIT_ERROR_CREDENTIALS;
}

int entry_wait(int fd, const struct entry_options *options, int64_t deadline_ms)
{
	struct pollfd waits[2] = {
		{.fd = fd, .events = POLLIN}, {.fd = options->cancel_fd, .events = POLLIN}};

	for (;;) {
		int64_t left_ms = deadline_ms - clock_monotonic_ms();
		int ready = poll(waits, 2, left_ms > 0 ? (int)left_ms : 0);

		if (ready < 0 && errno == EINTR)
			continue;
		if (ready < 0)
			return ERROR_IO;
		if (waits[1].revents)
			return ADIT_ERROR_CANCELLED;
		if (waits[0].revents & POLLNVAL)
			return ERROR_IO;
		if (waits[0].revents)
			return 0;
		if (left_ms <= 0)
			return ERROR_TIMEOUT;
	}
}

/* A byte at a time: what comes after the line belongs to somebody else. */
static int read_line(
	int fd, const struct entry_options *options, struct buf *secret, struct fault *fault)
{
	int limit_ms = options->limit_ms ? options->limit_ms : LIMIT_STANDARD_MS;
	int64_t deadline_ms = clock_monotonic_ms() + limit_ms;

	while (secret->len < ENTRY_READ_MAX) {
		int error = entry_wait(fd, options, deadline_ms);
		ssize_t got = error ? 0 : read(fd, secret->data + secret->len, 1);

		if (error == ADIT_ERROR_CANCELLED)
			return error;
		if (error == ERROR_TIMEOUT) {
			fault_set(fault, "nothing came from descriptor %d within %d s", fd,
				limit_ms / 1000);
			return ADIT_ERROR_STORAGE;
		}
		if (got < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (error || got < 0) {
			fault_set(fault, "descriptor %d can't be read: %s", fd, strerror(errno));
			return ADIT_ERROR_STORAGE;
		}
		if (!got)
			return 0;
		secret->len++;
		if (secret->data[secret->len - 1] == '\n')
			return 0;
	}
	return 0;
}

static int read_descriptor(const char *number, const struct entry_options *options,
	struct buf *secret, struct fault *fault)
{
	char *end = NULL;
	long fd = *number >= '0' && *number <= '9' ? strtol(number, &end, 10) : -1;

	if (fd < 0 || fd > INT32_MAX || *end) {
		fault_set(fault, "fd: must have the number of an open descriptor behind it, such "
				 "as fd:3");
		return ADIT_ERROR_INVALID;
	}
	if (fcntl((int)fd, F_GETFD) < 0) {
		fault_set(fault,
			"descriptor %ld is not open; open it in the shell, such as by "
			"%ld<FILE",
			fd, fd);
		return ADIT_ERROR_STORAGE;
	}
	if (isatty((int)fd)) {
		fault_set(fault,
			"descriptor %ld is a terminal, which would show the secret; use "
			"tty: in place of fd:%ld",
			fd, fd);
		return ADIT_ERROR_INVALID;
	}
	return read_line((int)fd, options, secret, fault);
}

/* Why a file was refused, and what to type about it. */
static void describe_refusal(const char *path, struct fault *fault)
{
	struct stat status;

	if (stat(path, &status)) {
		fault_set(fault, "%s can't be read: %s", path, strerror(errno));
		return;
	}
	if (!S_ISREG(status.st_mode))
		fault_set(fault, "%s is no regular file; for a pipe use fd:N", path);
	else if (status.st_uid != geteuid() && status.st_uid != 0)
		fault_set(fault,
			"%s belongs to another user (%u), who could change it; type: "
			"chown %u %s",
			path, (unsigned)status.st_uid, (unsigned)geteuid(), path);
	else
		fault_set(fault, "others may read %s (mode %04o); type: chmod 600 %s", path,
			(unsigned)(status.st_mode & 07777), path);
}

static int read_file(
	const char *path, enum secret_readers readers, struct buf *secret, struct fault *fault)
{
	struct secret content = {0};
	int error = secret_init_file(&content, path, ENTRY_READ_MAX, readers);
	int number = errno;

	if (error == ERROR_MEMORY)
		return ADIT_ERROR_MEMORY;
	if (error == ERROR_LIMIT) {
		fault_set(fault, "%s is longer than %d bytes: that is no secret", path,
			ENTRY_SECRET_MAX);
		return ADIT_ERROR_CREDENTIALS;
	}
	if (error == ERROR_REFUSED)
		describe_refusal(path, fault);
	else if (error == ERROR_NOT_FOUND)
		fault_set(fault, "there is no file %s", path);
	else if (error)
		fault_set(fault, "%s can't be read: %s", path, strerror(number));
	if (!error && content.length)
		error = buf_append(secret, content.bytes, content.length);
	secret_finish(&content);
	return error ? ADIT_ERROR_STORAGE : 0;
}

static int read_named_file(const char *path, const struct entry_options *options,
	struct buf *secret, struct fault *fault)
{
	(void)options;
	if (!*path) {
		fault_set(fault, "file: must have the file's path behind it");
		return ADIT_ERROR_INVALID;
	}
	return read_file(path, SECRET_OWNER_ONLY, secret, fault);
}

static int read_systemd(const char *name, const struct entry_options *options, struct buf *secret,
	struct fault *fault)
{
	const char *directory = secure_getenv("CREDENTIALS_DIRECTORY");
	char path[PATH_SIZE];
	int length;

	(void)options;
	if (!*name || strchr(name, '/') || !strcmp(name, ".") || !strcmp(name, "..")) {
		fault_set(fault, "systemd: must have the credential's name behind it, without '/'");
		return ADIT_ERROR_INVALID;
	}
	if (!directory || *directory != '/') {
		fault_set(fault,
			"systemd gave this program no credentials; put "
			"LoadCredential=%s:PATH into the service's unit",
			name);
		return ADIT_ERROR_STORAGE;
	}
	length = snprintf(path, sizeof(path), "%s/%s", directory, name);
	if (length < 0 || length >= PATH_SIZE) {
		fault_set(fault, "the credential's path is too long");
		return ADIT_ERROR_INVALID;
	}
	return read_file(path, SECRET_OWNER_AND_GROUP, secret, fault);
}

static int ask(const char *rest, const struct entry_options *options, struct buf *secret,
	struct fault *fault)
{
	char *text = secret->data;
	int refused;

	if (*rest) {
		fault_set(fault, "tty: has nothing behind it");
		return ADIT_ERROR_INVALID;
	}
	if (!options->ask_secret)
		return entry_read_tty(options, secret, fault);
	text[ENTRY_READ_MAX] = '\0';
	refused = options->ask_secret(options->context,
		options->prompt ? options->prompt : "Password: ", text, ENTRY_READ_MAX + 1);
	if (refused) {
		fault_set(fault, "nobody entered the secret");
		return ADIT_ERROR_PERSON;
	}
	secret->len = strnlen(text, ENTRY_READ_MAX);
	return 0;
}

static int no_secret(struct fault *fault, const char *what)
{
	fault_set(fault, "what was read is no secret: %s", what);
	return ADIT_ERROR_CREDENTIALS;
}

/* Leaves out the line's end, and refuses what is no line of text. */
static int check_line(struct buf *secret, struct fault *fault)
{
	size_t length = secret->len;

	if (length && secret->data[length - 1] == '\n') {
		length--;
		if (length && secret->data[length - 1] == '\r')
			length--;
	}
	if (!length)
		return no_secret(fault, "it is empty");
	if (length > ENTRY_SECRET_MAX)
		return no_secret(fault, "it is longer than 1024 bytes");
	if (memchr(secret->data, '\0', length))
		return no_secret(fault, "it has a NUL in it");
	if (memchr(secret->data, '\n', length) || memchr(secret->data, '\r', length))
		return no_secret(fault, "it has more than one line");
	if (!utf8_valid(secret->data, length))
		return no_secret(fault, "it is not UTF-8");
	if (!strncmp(secret->data, "\xEF\xBB\xBF", 3))
		return no_secret(fault, "it begins with a byte order mark; save the file without");
	secret->data[length] = '\0';
	secret->len = length;
	return 0;
}

static int read_source(const char *source, const struct entry_options *options, struct buf *secret,
	struct fault *fault)
{
	static const struct {
		const char *scheme;
		int (*read)(const char *rest, const struct entry_options *options,
			struct buf *secret, struct fault *fault);
	} kinds[] = {
		{"tty:", ask},
		{"fd:", read_descriptor},
		{"file:", read_named_file},
		{"systemd:", read_systemd},
		{"exec:", entry_read_program},
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		size_t length = strlen(kinds[i].scheme);

		if (!strncmp(source, kinds[i].scheme, length))
			return kinds[i].read(source + length, options, secret, fault);
	}
	/* Not shown: it may be the secret itself, given in the wrong place. */
	fault_set(fault, "a secret's source must be tty:, fd:N, file:PATH, systemd:NAME or "
			 "exec:PROGRAM; the secret itself is never given as an argument");
	return ADIT_ERROR_INVALID;
}

int entry_read(const char *source, const struct entry_options *options, struct buf *ret_secret,
	struct fault *fault)
{
	struct buf secret;
	int error;

	buf_init(&secret, ENTRY_READ_MAX);
	/* All at once: a buf that grows would leave copies. */
	if (buf_reserve(&secret, ENTRY_READ_MAX)) {
		fault_set(fault, "out of memory");
		return ADIT_ERROR_MEMORY;
	}
	error = read_source(source, options, &secret, fault);
	if (!error)
		error = check_line(&secret, fault);
	if (!error)
		error = entry_check(secret.data, secret.len, fault);
	if (error)
		buf_finish(&secret);
	else
		*ret_secret = secret;
	return error;
}
