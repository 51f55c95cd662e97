/* SPDX-License-Identifier: Apache-2.0 */
#include "client/storage_key.h"

#include "base/random.h"
#include "client/storage_keyring.h"
#include "codec/base64url.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILE_PREFIX "file:"
#define SYSTEMD_PREFIX "systemd:"
#define OWN_FILE "key"
#define STANDARD_CREDENTIAL "adit.key"

enum {
	KEY_FILE_MAX = 256, /* 64 digits and a line feed are the most that is read */
	LABEL_MAX = 512,
};

/* What comes after the prefix, or NULL. */
static const char *after(const char *source, const char *prefix)
{
	size_t length = strlen(prefix);

	return strncmp(source, prefix, length) != 0 ? NULL : source + length;
}

/* --- the source -------------------------------------------------------------------- */

/* One name, so that no path leads elsewhere. */
static bool is_name(const char *text)
{
	return *text && *text != '.' && !strchr(text, '/') && strlen(text) < 256;
}

static int take_file(const struct storage_disk *disk, const char *path,
	char ret_source[STORAGE_SOURCE_MAX], struct fault *fault)
{
	char here[STORAGE_PATH_MAX] = "";
	char own[STORAGE_PATH_MAX + sizeof("/" OWN_FILE)];
	struct buf source;
	int error;

	if (*path != '/' && !getcwd(here, sizeof(here)))
		return storage_disk_fault(disk, NULL, "the current directory has no name", fault);
	buf_init_fixed(&source, ret_source, STORAGE_SOURCE_MAX);
	error = buf_printf(&source, FILE_PREFIX "%s%s%s", here, *here ? "/" : "", path);
	(void)snprintf(own, sizeof(own), "%s/" OWN_FILE, disk->path);
	if (!error && !strcmp(source.data + strlen(FILE_PREFIX), own))
		(void)text_copy(ret_source, STORAGE_SOURCE_MAX, FILE_PREFIX OWN_FILE);
	if (!error)
		return 0;
	fault_set(fault, "the path of the storage's key is too long");
	return ERROR_INVALID;
}

int storage_key_source(const struct storage_disk *disk, const char *given,
	char ret_source[STORAGE_SOURCE_MAX], struct fault *fault)
{
	const char *path = after(given, FILE_PREFIX);
	const char *name = after(given, SYSTEMD_PREFIX);

	if (path && *path)
		return take_file(disk, path, ret_source, fault);
	if (!strcmp(given, STORAGE_KEY_KEYRING) || (name && is_name(name)))
		return text_copy(ret_source, STORAGE_SOURCE_MAX, given);
	fault_set(fault,
		"\"%.200s\" is no source of the storage's key: it is \"keyring\", "
		"\"systemd:NAME\" or \"file:PATH\"",
		given);
	return ERROR_INVALID;
}

/* --- reading ----------------------------------------------------------------------- */

static int take_key(
	const struct secret *text, const char *where, struct secret *ret_key, struct fault *fault)
{
	struct secret key = {0};
	int error = secret_init_empty(&key, STORAGE_KEY_SIZE);

	if (error) {
		fault_set(fault, "no memory left to read the storage's key");
		return error;
	}
	error = storage_key_parse(text, key.bytes);
	if (error) {
		fault_set(fault,
			"what %.300s has is no key: that is 32 bytes, 64 hex digits or 43 "
			"characters of base64url",
			where);
		secret_finish(&key);
	} else {
		*ret_key = key;
	}
	return error;
}

static int file_fault(int error, const char *path, struct fault *fault)
{
	switch (error) {
	case ERROR_NOT_FOUND:
		fault_set(fault,
			"the key of the storage is not there, %.180s: put it back from a backup; "
			"for a new storage: (umask 077; head -c 32 /dev/urandom > '%.180s')",
			path, path);
		return ERROR_REFUSED;
	case ERROR_REFUSED:
		fault_set(fault,
			"the key %.200s must be this user's, and nobody else may read it: chmod "
			"600 '%.200s'",
			path, path);
		return error;
	case ERROR_LIMIT:
		fault_set(fault, "%.300s is too large for a key", path);
		return ERROR_INVALID;
	case ERROR_MEMORY:
		fault_set(fault, "no memory left to read the storage's key");
		return error;
	default:
		fault_set(fault, "the key %.300s can't be read: %s", path, error_text(error));
		return ERROR_IO;
	}
}

static int read_path(
	const char *path, enum secret_readers readers, struct secret *ret_key, struct fault *fault)
{
	struct secret text = {0};
	int error = secret_init_file(&text, path, KEY_FILE_MAX, readers);

	if (error)
		return file_fault(error, path, fault);
	error = take_key(&text, path, ret_key, fault);
	secret_finish(&text);
	return error;
}

static int read_file(const struct storage_disk *disk, const char *path, struct secret *ret_key,
	struct fault *fault)
{
	char own[STORAGE_PATH_MAX + STORAGE_NAME_MAX];

	if (*path == '/')
		return read_path(path, SECRET_OWNER_ONLY, ret_key, fault);
	(void)snprintf(own, sizeof(own), "%s/" OWN_FILE, disk->path);
	if (!strcmp(path, OWN_FILE))
		return read_path(own, SECRET_OWNER_ONLY, ret_key, fault);
	fault_set(fault, "the path of the storage's key is not absolute: %.300s", path);
	return ERROR_INVALID;
}

static int read_systemd(const char *name, struct secret *ret_key, struct fault *fault)
{
	const char *directory = getenv("CREDENTIALS_DIRECTORY");
	char path[STORAGE_PATH_MAX];
	struct buf text;

	buf_init_fixed(&text, path, sizeof(path));
	if (!directory || *directory != '/') {
		fault_set(fault,
			"the storage's key is the systemd credential %.100s, and this program was "
			"given no credentials: set LoadCredentialEncrypted=%.100s in its unit",
			name, name);
		return ERROR_REFUSED;
	}
	if (buf_printf(&text, "%s/%s", directory, name)) {
		fault_set(fault, "the path of the systemd credential %.100s is too long", name);
		return ERROR_INVALID;
	}
	return read_path(path, SECRET_OWNER_AND_GROUP, ret_key, fault);
}

static int read_keyring(const struct storage_disk *disk, const char *id, struct secret *ret_key,
	struct fault *fault)
{
	struct secret text = {0};
	int error = storage_keyring_read(id, &text, fault);

	if (error == ERROR_NOT_FOUND) {
		fault_set(fault,
			"the desktop's keyring has no key for %.250s (any more): remove that "
			"directory, and sign in or enter the credentials again",
			disk->path);
		return ERROR_REFUSED;
	}
	if (!error)
		error = take_key(&text, "the desktop's keyring", ret_key, fault);
	secret_finish(&text);
	return error;
}

int storage_key_read(const struct storage_disk *disk, const char *source, const char *id,
	struct secret *ret_key, struct fault *fault)
{
	const char *path = after(source, FILE_PREFIX);
	const char *name = after(source, SYSTEMD_PREFIX);

	if (path)
		return read_file(disk, path, ret_key, fault);
	if (name && is_name(name))
		return read_systemd(name, ret_key, fault);
	if (!strcmp(source, STORAGE_KEY_KEYRING))
		return read_keyring(disk, id, ret_key, fault);
	fault_set(fault,
		"%.250s was made with a key from \"%.100s\", which this version does not know: "
		"upgrade it",
		disk->path, source);
	return ERROR_VERSION;
}

/* --- making ------------------------------------------------------------------------ */

struct key_text {
	char text[STORAGE_KEY_TEXT + 2]; /* with a line feed and a NUL */
};

static int make_text(struct key_text *text, struct fault *fault)
{
	unsigned char key[STORAGE_KEY_SIZE];
	int error = random_bytes(key, sizeof(key));

	if (error)
		fault_set(fault, "the system gives no random bytes for a key");
	else
		base64url_encode(text->text, key, sizeof(key));
	text->text[STORAGE_KEY_TEXT] = '\0';
	memory_wipe(key, sizeof(key));
	return error;
}

static int make_own_file(struct storage_disk *disk, struct fault *fault)
{
	struct key_text key;
	int error = make_text(&key, fault);

	key.text[STORAGE_KEY_TEXT] = '\n';
	if (!error)
		error = storage_disk_make(disk, OWN_FILE, key.text, STORAGE_KEY_TEXT + 1, fault);
	memory_wipe(&key, sizeof(key));
	return error == ERROR_EXISTS ? 0 : error;
}

static int make_in_keyring(const struct storage_disk *disk, const char *id, struct fault *fault)
{
	char label[LABEL_MAX];
	struct key_text key;
	int error = make_text(&key, fault);

	(void)snprintf(label, sizeof(label), "Adit: key of %.400s", disk->path);
	if (!error)
		error = storage_keyring_write(id, label, key.text, fault);
	memory_wipe(&key, sizeof(key));
	return error;
}

static bool has_credential(void)
{
	const char *directory = getenv("CREDENTIALS_DIRECTORY");
	char path[STORAGE_PATH_MAX];
	struct buf text;

	buf_init_fixed(&text, path, sizeof(path));
	return directory && *directory == '/' &&
	       !buf_printf(&text, "%s/" STANDARD_CREDENTIAL, directory) && !access(path, F_OK);
}

/* A key that is there already is from a making that did not end. */
static bool has_own_file(const struct storage_disk *disk)
{
	return !faccessat(disk->fd, OWN_FILE, F_OK, AT_SYMLINK_NOFOLLOW);
}

static int make_and_read(struct storage_disk *disk, const char *source, const char *id,
	struct secret *ret_key, struct fault *fault)
{
	int error = 0;

	if (!strcmp(source, FILE_PREFIX OWN_FILE))
		error = make_own_file(disk, fault);
	else if (!strcmp(source, STORAGE_KEY_KEYRING))
		error = make_in_keyring(disk, id, fault);
	return error ? error : storage_key_read(disk, source, id, ret_key, fault);
}

static int make_standard(struct storage_disk *disk, const char *id,
	char ret_source[STORAGE_SOURCE_MAX], struct secret *ret_key, struct fault *fault)
{
	const char *source = FILE_PREFIX OWN_FILE;

	if (has_credential()) {
		source = SYSTEMD_PREFIX STANDARD_CREDENTIAL;
	} else if (!has_own_file(disk)) {
		(void)text_copy(ret_source, STORAGE_SOURCE_MAX, STORAGE_KEY_KEYRING);
		if (!make_and_read(disk, ret_source, id, ret_key, NULL))
			return 0;
	}
	(void)text_copy(ret_source, STORAGE_SOURCE_MAX, source);
	return make_and_read(disk, ret_source, id, ret_key, fault);
}

int storage_key_make(struct storage_disk *disk, const char *given, const char *id,
	char ret_source[STORAGE_SOURCE_MAX], struct secret *ret_key, struct fault *fault)
{
	int error;

	if (!given)
		return make_standard(disk, id, ret_source, ret_key, fault);
	error = storage_key_source(disk, given, ret_source, fault);
	return error ? error : make_and_read(disk, ret_source, id, ret_key, fault);
}

void storage_key_unmake(const char *source, const char *id)
{
	if (!strcmp(source, STORAGE_KEY_KEYRING))
		(void)storage_keyring_remove(id, NULL);
}
