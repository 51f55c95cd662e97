/* SPDX-License-Identifier: Apache-2.0 */
/* A data directory of a backup (decision 1: it bumps the epoch). */
#include "authority/audit.h"
#include "authority/data_making.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { COPY_SIZE = 64 * 1024 };

/* A log of another database would be taken for this one's. */
static int check_no_log(
	const char *database, const char *ending, const char *advice, struct fault *fault)
{
	char path[DATA_FILE_PATH_MAX + 16];
	struct stat status;
	int length = snprintf(path, sizeof(path), "%s%s", database, ending);

	if (length < 0 || (size_t)length >= sizeof(path)) {
		fault_set(fault, "the path of the backup is too long");
		return ERROR_INVALID;
	}
	if (lstat(path, &status) && errno == ENOENT)
		return 0;
	fault_set(fault, "%s is there: %s", path, advice);
	return ERROR_INVALID;
}

static int check_logs(const struct making *making, const char *file, struct fault *fault)
{
	static const char *const endings[] = {"-wal", "-journal"};
	int error = 0;

	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]) && !error; i++) {
		error = check_no_log(making->final_name, endings[i],
			"it belongs to a database that was here; move it away", fault);
		if (!error)
			error = check_no_log(file, endings[i],
				"a part of the database, which is no backup; make one by "
				"aditd backup",
				fault);
	}
	return error;
}

static int open_file(const char *file, int *ret_fd, struct fault *fault)
{
	struct stat status;
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0) {
		fault_set(fault, "%s can't be read: %s", file, strerror(errno));
		return errno == EIO ? ERROR_IO : ERROR_INVALID;
	}
	if (fstat(fd, &status) || !S_ISREG(status.st_mode)) {
		(void)close(fd);
		fault_set(fault, "%s is not a file; name a backup", file);
		return ERROR_INVALID;
	}
	*ret_fd = fd;
	return 0;
}

static int write_all(int fd, const char *bytes, size_t length)
{
	while (length) {
		ssize_t written = write(fd, bytes, length);

		if (written <= 0)
			return ERROR_IO;
		bytes += written;
		length -= (size_t)written;
	}
	return 0;
}

static int copy_bytes(int from, int to)
{
	char bytes[COPY_SIZE];
	ssize_t length;
	int error = 0;

	do {
		length = read(from, bytes, sizeof(bytes));
		if (length < 0)
			error = ERROR_IO;
		else
			error = write_all(to, bytes, (size_t)length);
	} while (!error && length);
	return error ? error : fsync(to) ? ERROR_IO : 0;
}

static int copy_file(const struct making *making, const char *file, struct fault *fault)
{
	int from = -1;
	int to;
	int error = open_file(file, &from, fault);

	if (error)
		return error;
	to = open(making->database, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	error = to < 0 ? ERROR_IO : copy_bytes(from, to);
	if (error)
		fault_set(fault, "%s can't be copied to %s: %s", file, making->directory,
			strerror(errno));
	if (to >= 0 && close(to) && !error) {
		fault_set(fault, "%s can't be written: %s", making->database, strerror(errno));
		error = ERROR_IO;
	}
	(void)close(from);
	return error;
}

/* The copy has a name that the operator did not give. */
static int open_copy(const char *file, const struct store_options *options,
	struct store **ret_store, struct fault *fault)
{
	int error = store_open(options, ret_store, fault);

	if (error == ERROR_INVALID)
		fault_set(fault, "%s is no backup of an authority; name another file", file);
	else if (error == ERROR_VERSION)
		fault_set(fault, "%s was written by a newer Adit; use that version", file);
	else if (error == ERROR_UNAVAILABLE)
		fault_set(fault, "%s is damaged, or the disk of %s is full", file, options->path);
	return error;
}

static int check_store(struct store *store, const struct clock *clock, const struct secret *key,
	const char *file, struct fault *fault)
{
	struct keyring *keyring = NULL;
	int error = store_check(store);

	if (error) {
		fault_set(
			fault, "%s is damaged (%s); take another backup", file, error_text(error));
		return error;
	}
	error = keyring_create(store, clock, key, &keyring);
	keyring_destroy(keyring);
	if (!error)
		return 0;
	fault_set(fault, "the keys in %s can't be opened: %s", file,
		error == ERROR_REFUSED
			? "the secret key belongs to other data; put the one here that was "
			  "made with it"
			: error_text(error));
	return error == ERROR_REFUSED ? ERROR_INVALID : error;
}

/* Before the database gets its name, so that it never has an end of the audit that is
 * another chain's. */
static int record_restoration(const struct making *making, struct store *store,
	const struct clock *clock, const struct secret *key, struct fault *fault)
{
	const struct audit_now now = {
		.data_directory = making->directory,
		.store = store,
		.clock = clock,
		.secret_key = key,
		.restored = true,
	};
	char bytes[256];
	struct buf members;
	int error;

	buf_init_fixed(&members, bytes, sizeof(bytes));
	(void)buf_append_text(&members, "\"event\":\"restored\"");
	error = audit_members_append_actor(&members);
	return error ? error : audit_record_now(&now, members.data, members.len, fault);
}

static int make_database(const struct making *making, const char *file, const struct clock *clock,
	const struct secret *key, struct fault *fault)
{
	struct store_options options = {.path = making->database, .upgrade = true, .clock = clock};
	struct store *store = NULL;
	int error = copy_file(making, file, fault);

	if (!error) {
		error = store_check_length(making->database);
		if (error)
			fault_set(fault, "%s was cut short; take another backup", file);
	}
	if (!error)
		error = open_copy(file, &options, &store, fault);
	if (error)
		return error;
	error = check_store(store, clock, key, file, fault);
	if (!error) {
		error = store_authority_bump_epoch(store);
		if (error == ERROR_NOT_FOUND)
			fault_set(fault, "%s holds no authority; name another file", file);
		else if (error)
			fault_set(fault, "%s can't be written: %s", making->database,
				error_text(error));
	}
	if (!error)
		error = record_restoration(making, store, clock, key, fault);
	store_close(store);
	return error ? error : making_name(making, fault);
}

int data_directory_restore(
	const char *path, const char *file, const struct clock *clock, struct fault *fault)
{
	struct making making;
	struct secret key = {0};
	int error = making_begin(&making, path, fault);

	if (error)
		return error;
	error = check_logs(&making, file, fault);
	if (!error) {
		error = secret_key_find(path, &key, fault);
		if (error == ERROR_NOT_FOUND)
			fault_set(fault,
				"%s/secret.key is missing, and so is the credential adit.key; "
				"put it there first: without it the backup can't be opened",
				path);
	}
	if (!error)
		error = make_database(&making, file, clock, &key, fault);
	secret_finish(&key);
	making_end(&making, error);
	return error;
}
