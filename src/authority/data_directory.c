/* SPDX-License-Identifier: Apache-2.0 */
#include "authority/data_making.h"

#include "base/buf.h"
#include "base/random.h"
#include "codec/base64url.h"
#include "codec/uri.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define CREDENTIAL_NAME "adit.key"

enum {
	KEY_TEXT_LENGTH = 43, /* base64url of 32 bytes */
};

int data_path_join(char ret_path[DATA_FILE_PATH_MAX], const char *directory, const char *name)
{
	struct buf path;

	buf_init_fixed(&path, ret_path, DATA_FILE_PATH_MAX);
	return buf_printf(&path, "%s/%s", directory, name);
}

/* RFC 3986, 5.2.4. */
static bool has_dot_segment(const char *path, size_t length)
{
	const char *end = path + length;

	while (path < end) {
		const char *segment = path + 1;
		const char *slash = memchr(segment, '/', (size_t)(end - segment));
		size_t segment_length;

		path = slash ? slash : end;
		segment_length = (size_t)(path - segment);
		if ((segment_length == 1 || segment_length == 2) &&
			!memcmp(segment, "..", segment_length))
			return true;
	}
	return false;
}

int issuer_check(const char *issuer, struct fault *fault)
{
	struct uri uri;
	size_t length = strlen(issuer);
	const char *problem = NULL;

	if (length >= STORE_ISSUER_SIZE)
		problem = "is too long";
	else if (uri_parse(issuer, &uri))
		problem = "is no absolute https URL";
	else if (uri.query)
		problem = "has a query; leave it out";
	else if (issuer[length - 1] == '/')
		problem = "ends with a slash; leave it out, for clients compare it to the letter";
	else if (strpbrk(issuer, "%"))
		problem = "has an escaped character; use plain ones";
	else if (strstr(issuer + strlen("https://"), "//"))
		problem = "has a doubled slash";
	else if (has_dot_segment(uri.path, uri.path_length))
		problem = "has a part \".\" or \"..\", which clients take away";
	else if (!uri_is_safe(&uri))
		problem = "is not https, as it must be but on loopback";
	if (!problem)
		return 0;
	/* The reason must not fall off the end of a long one. */
	fault_set(fault, "the issuer \"%.200s%s\" %s", issuer, length > 200 ? "..." : "", problem);
	return ERROR_INVALID;
}

/* --- the secret key -------------------------------------------------------- */

static int decode_key(const struct secret *text, struct secret *ret_key)
{
	size_t length = text->length;
	struct secret key = {0};
	size_t decoded = 0;
	int error;

	while (length && (text->bytes[length - 1] == '\n' || text->bytes[length - 1] == '\r'))
		length--;
	if (length != KEY_TEXT_LENGTH)
		return ERROR_INVALID;
	error = secret_init_empty(&key, KEYRING_SECRET_SIZE);
	if (!error)
		error = base64url_decode(
			(const char *)text->bytes, length, key.bytes, key.length, &decoded);
	if (error)
		secret_finish(&key);
	else
		*ret_key = key;
	return error;
}

static int read_key(
	const char *path, enum secret_readers readers, struct secret *ret_key, struct fault *fault)
{
	struct secret text = {0};
	int error = secret_init_file(&text, path, 128, readers);

	if (error == ERROR_NOT_FOUND)
		return error;
	if (error == ERROR_REFUSED)
		fault_set(fault, "%s must be readable by its owner only: chmod 600 it", path);
	else if (error)
		fault_set(fault, "%s can't be read: %s", path, error_text(error));
	if (error)
		return error;
	error = decode_key(&text, ret_key);
	secret_finish(&text);
	if (error)
		fault_set(fault, "%s is no secret key: it must hold 43 characters of base64url",
			path);
	return error;
}

/* From the systemd credential or the directory, never from both. */
int secret_key_find(const char *directory, struct secret *ret_key, struct fault *fault)
{
	const char *credentials = getenv("CREDENTIALS_DIRECTORY");
	struct secret from_credential = {0};
	char path[DATA_FILE_PATH_MAX];
	int credential = ERROR_NOT_FOUND;
	int error;

	if (credentials && *credentials) {
		if (data_path_join(path, credentials, CREDENTIAL_NAME)) {
			fault_set(fault, "the path in CREDENTIALS_DIRECTORY is too long");
			return ERROR_INVALID;
		}
		credential = read_key(path, SECRET_OWNER_AND_GROUP, &from_credential, fault);
		if (credential && credential != ERROR_NOT_FOUND)
			return credential;
	}
	if (data_path_join(path, directory, "secret.key"))
		return ERROR_LIMIT;
	error = read_key(path, SECRET_OWNER_ONLY, ret_key, fault);
	if (credential)
		return error;
	if (error == ERROR_NOT_FOUND) {
		*ret_key = from_credential;
		return 0;
	}
	if (!error)
		secret_finish(ret_key);
	secret_finish(&from_credential);
	fault_set(fault,
		"there are two secret keys: the credential " CREDENTIAL_NAME
		" and %s; keep the one that belongs to this data",
		path);
	return ERROR_INVALID;
}

/* The file gets its name when it is whole: an init that was cut short must not
 * leave half a key to the next. */
static int write_key(const char *directory, const struct secret *key, struct fault *fault)
{
	char text[KEY_TEXT_LENGTH + 1];
	char path[DATA_FILE_PATH_MAX];
	char final_name[DATA_FILE_PATH_MAX];
	bool written;
	int fd;

	if (data_path_join(path, directory, "secret.key.new") ||
		data_path_join(final_name, directory, "secret.key"))
		return ERROR_LIMIT;
	(void)unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0) {
		fault_set(fault, "%s can't be made: %s", path, strerror(errno));
		return ERROR_IO;
	}
	base64url_encode(text, key->bytes, key->length);
	text[KEY_TEXT_LENGTH] = '\n';
	written = write(fd, text, sizeof(text)) == (ssize_t)sizeof(text) && !fsync(fd);
	memory_wipe(text, sizeof(text));
	if (close(fd) || !written || rename(path, final_name)) {
		(void)unlink(path);
		fault_set(fault, "%s can't be written", final_name);
		return ERROR_IO;
	}
	return 0;
}

/* --- making one ------------------------------------------------------------------ */

static int make_directory(struct making *making, struct fault *fault)
{
	struct stat status;

	if (!mkdir(making->directory, 0700)) {
		making->made_directory = true;
		return 0;
	}
	if (errno != EEXIST || stat(making->directory, &status)) {
		bool disk = errno == ENOSPC || errno == EDQUOT || errno == EIO;

		fault_set(fault, "%s can't be made: %s", making->directory, strerror(errno));
		return disk ? ERROR_IO : ERROR_INVALID; /* else another path would do */
	}
	if (!S_ISDIR(status.st_mode) || (status.st_mode & 077) || status.st_uid != geteuid()) {
		fault_set(fault, "%s must be a directory of this user's with mode 0700",
			making->directory);
		return ERROR_INVALID;
	}
	return 0;
}

/* Two at once would write into each other's files. Locks the directory and not a
 * file in it, so that nothing stays behind. */
static int lock_directory(struct making *making, struct fault *fault)
{
	making->lock = open(making->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (making->lock < 0 || flock(making->lock, LOCK_EX | LOCK_NB)) {
		bool busy = errno == EWOULDBLOCK;

		if (busy)
			fault_set(
				fault, "another aditd init or restore is at %s", making->directory);
		else
			fault_set(fault, "%s can't be locked: %s", making->directory,
				strerror(errno));
		return busy ? ERROR_BUSY : ERROR_IO;
	}
	if (access(making->final_name, F_OK) == 0) {
		fault_set(fault, "%s holds an authority already; choose another directory",
			making->directory);
		return ERROR_EXISTS;
	}
	return 0;
}

/* A key that is there already (the operator's own, or of an init that was cut
 * short) is used. */
static int make_key(struct making *making, struct secret *ret_key, struct fault *fault)
{
	struct secret key = {0};
	int error = secret_key_find(making->directory, ret_key, fault);

	if (error != ERROR_NOT_FOUND)
		return error;
	error = secret_init_empty(&key, KEYRING_SECRET_SIZE);
	if (!error)
		error = random_bytes(key.bytes, key.length);
	if (!error)
		error = write_key(making->directory, &key, fault);
	if (error) {
		secret_finish(&key);
		return error;
	}
	making->made_key = true;
	*ret_key = key;
	return 0;
}

static void remove_database(const char *path)
{
	static const char *const endings[] = {"", "-wal", "-shm", "-journal"};
	char name[DATA_FILE_PATH_MAX + 16];

	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
		(void)snprintf(name, sizeof(name), "%s%s", path, endings[i]);
		(void)unlink(name);
	}
}

/* The store's log goes when all of it stands in the file; on a full disk it stays,
 * and the file would get its name without what it should hold. */
static int check_whole(const char *path, struct fault *fault)
{
	char log[DATA_FILE_PATH_MAX + 16];

	(void)snprintf(log, sizeof(log), "%s-wal", path);
	if (access(log, F_OK) && errno == ENOENT)
		return 0;
	fault_set(fault, "%s can't be written whole; make room on the disk and try again", path);
	return ERROR_IO;
}

int making_name(const struct making *making, struct fault *fault)
{
	int error = check_whole(making->database, fault);

	if (!error && rename(making->database, making->final_name)) {
		fault_set(fault, "%s can't be renamed: %s", making->database, strerror(errno));
		error = ERROR_IO;
	}
	return error;
}

static int make_database(struct making *making, const char *issuer, const struct clock *clock,
	const struct secret *key, struct fault *fault)
{
	struct store_options options = {.path = making->database, .create = true, .clock = clock};
	struct store *store = NULL;
	int error;

	error = store_open(&options, &store, fault);
	if (error)
		return error;
	error = authority_seed(store, clock, key, issuer);
	store_close(store);
	if (error)
		fault_set(fault, "%s can't be filled: %s", making->database, error_text(error));
	else
		error = making_name(making, fault);
	return error;
}

static void take_back(const struct making *making)
{
	char path[DATA_FILE_PATH_MAX];

	remove_database(making->database);
	if (making->made_key && !data_path_join(path, making->directory, "secret.key"))
		(void)unlink(path);
	if (making->made_directory)
		(void)rmdir(making->directory);
}

int making_begin(struct making *making, const char *path, struct fault *fault)
{
	int error;

	*making = (struct making){.directory = path, .lock = -1};
	if (strlen(path) >= DATA_DIRECTORY_PATH_MAX ||
		data_path_join(making->database, path, "adit.db.new") ||
		data_path_join(making->final_name, path, "adit.db")) {
		fault_set(fault, "the path of the data directory is too long");
		return ERROR_INVALID;
	}
	error = make_directory(making, fault);
	if (!error)
		error = lock_directory(making, fault);
	if (!error)
		remove_database(making->database);
	else if (making->lock >= 0)
		(void)close(making->lock);
	return error;
}

void making_end(struct making *making, int error)
{
	if (error)
		take_back(making);
	else
		(void)fsync(making->lock);
	(void)close(making->lock);
}

int data_directory_init(
	const char *path, const char *issuer, const struct clock *clock, struct fault *fault)
{
	struct making making;
	struct secret key = {0};
	int error = issuer_check(issuer, fault);

	if (!error)
		error = making_begin(&making, path, fault);
	if (error)
		return error;
	error = make_key(&making, &key, fault);
	if (!error)
		error = make_database(&making, issuer, clock, &key, fault);
	secret_finish(&key);
	making_end(&making, error);
	return error;
}

/* --- opening --------------------------------------------------------------- */

int data_directory_check(const char *path, struct fault *fault)
{
	struct stat status;

	if (strlen(path) >= DATA_DIRECTORY_PATH_MAX || stat(path, &status) ||
		!S_ISDIR(status.st_mode)) {
		fault_set(fault,
			"there is no data directory %s; make one with aditd init, or name "
			"yours with --data",
			path);
		return ERROR_NOT_FOUND;
	}
	if ((status.st_mode & 077) || status.st_uid != geteuid()) {
		fault_set(
			fault, "%s must belong to the user that runs aditd, with mode 0700", path);
		return ERROR_INVALID;
	}
	return 0;
}

int data_paths_find(const char *directory, struct data_paths *ret_paths, struct fault *fault)
{
	struct data_paths paths;

	if (data_path_join(paths.database, directory, "adit.db") ||
		data_path_join(paths.lock, directory, "lock"))
		return ERROR_LIMIT;
	if (access(paths.database, F_OK) && errno == ENOENT) {
		fault_set(fault, "%s holds no authority; make one with aditd init", directory);
		return ERROR_NOT_FOUND;
	}
	*ret_paths = paths;
	return 0;
}

int data_lock(const struct data_paths *paths, const char *directory, struct lockfile *lock,
	struct fault *fault)
{
	int error = lockfile_acquire(lock, paths->lock);

	if (error == ERROR_BUSY)
		fault_set(fault, "another aditd serves %s; stop it first", directory);
	else if (error)
		fault_set(fault, "%s can't be locked: %s", paths->lock, strerror(errno));
	return error;
}

static int open_parts(struct data_directory *directory, bool serving, struct fault *fault)
{
	struct store_options options = {.clock = directory->clock};
	struct data_paths paths;
	int error = data_paths_find(directory->path, &paths, fault);

	if (!error && serving)
		error = data_lock(&paths, directory->path, &directory->lock, fault);
	if (error)
		return error;
	error = secret_key_find(directory->path, &directory->secret_key, fault);
	if (error == ERROR_NOT_FOUND)
		fault_set(fault,
			"%s/secret.key is missing, and so is the credential " CREDENTIAL_NAME
			"; put it back: without it the data is lost",
			directory->path);
	if (error)
		return error;
	options.path = paths.database;
	return store_open(&options, &directory->store, fault);
}

int data_directory_open(struct data_directory *directory, const char *path,
	const struct clock *clock, bool serving, struct fault *fault)
{
	int error = data_directory_check(path, fault);

	*directory = (struct data_directory){.clock = clock, .lock = {.fd = -1}};
	if (error)
		return error;
	error = text_copy(directory->path, sizeof(directory->path), path);
	if (!error)
		error = open_parts(directory, serving, fault);
	if (error)
		data_directory_close(directory);
	return error;
}

void data_directory_close(struct data_directory *directory)
{
	if (!directory)
		return;
	store_close(directory->store);
	directory->store = NULL;
	secret_finish(&directory->secret_key);
	lockfile_release(&directory->lock);
}
