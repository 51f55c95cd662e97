/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Storage in files: ACCOUNT.PART each part, ACCOUNT-lock and others that processes share in
 * place. How the directory was made stands in its file `format`; its key is read when a part
 * is first read or written, so that accounts can be listed and removed without it.
 */
#include "client/storage_disk.h"
#include "client/storage_format.h"
#include "client/storage_key.h"
#include "client/storage_verbs.h"

#include "base/random.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define FORMAT_FILE "format"

struct file_storage {
	struct storage storage;
	struct storage_disk disk;
	struct storage_format format;
	char source[STORAGE_SOURCE_MAX]; /* the key's; "" where plain */
	struct secret key;		 /* empty: not read yet */
};

struct file_name {
	char text[STORAGE_NAME_MAX];
};

static struct file_storage *of(struct storage *storage)
{
	return (struct file_storage *)storage;
}

static struct file_name name_of(const char *account, char between, const char *part)
{
	struct file_name name;

	(void)snprintf(name.text, sizeof(name.text), "%s%c%s", account, between, part);
	return name;
}

static void files_close(struct storage *storage)
{
	struct file_storage *files = of(storage);

	storage_disk_close(&files->disk);
	secret_finish(&files->key);
	free(files);
}

/* --- the directory's format -------------------------------------------------------- */

static int read_format(struct file_storage *files, struct fault *fault)
{
	struct buf text = {0};
	int error = storage_disk_read(&files->disk, FORMAT_FILE, STORAGE_FORMAT_MAX, &text, fault);

	if (error)
		return error;
	error = storage_format_parse(text.data, text.len, &files->format);
	buf_finish(&text);
	if (error == ERROR_INVALID)
		fault_set(fault,
			"%.250s/" FORMAT_FILE " is damaged: put it back from a backup, or remove "
			"the directory and sign in or enter the credentials again",
			files->disk.path);
	if (error == ERROR_VERSION)
		fault_set(fault,
			"%.250s was made by a newer version of adit: upgrade this one, or use "
			"another directory",
			files->disk.path);
	return error;
}

static int count_part(void *context, const char *account, const char *part)
{
	(void)account;
	(void)part;
	++*(int *)context;
	return 0;
}

static int files_list(
	struct storage *storage, storage_visitor visit, void *context, struct fault *fault);

static int write_format(struct file_storage *files, struct fault *fault)
{
	struct buf text;
	int error;

	buf_init(&text, STORAGE_FORMAT_MAX);
	error = storage_format_print(&files->format, &text);
	if (!error)
		error = storage_disk_make(&files->disk, FORMAT_FILE, text.data, text.len, fault);
	buf_finish(&text);
	return error;
}

static int make_format(
	struct file_storage *files, const struct storage_options *options, struct fault *fault)
{
	struct storage_format *format = &files->format;
	int parts = 0;
	int error = files_list(&files->storage, count_part, &parts, fault);

	if (error)
		return error;
	if (parts) {
		fault_set(fault,
			"%.250s has lost its file \"" FORMAT_FILE "\": put it back from a backup, "
			"or remove the directory and sign in or enter the credentials again",
			files->disk.path);
		return ERROR_INVALID;
	}
	format->kind = options->kind;
	error = random_text(format->id, sizeof(format->id) - 1, "0123456789abcdef");
	if (!error && format->kind == STORAGE_SEALED)
		error = storage_key_make(
			&files->disk, options->key, format->id, format->key, &files->key, fault);
	if (!error && format->kind == STORAGE_SEALED)
		error = storage_key_id(files->key.bytes, files->key.length, format->key_id);
	if (error)
		return error;
	error = write_format(files, fault);
	if (error == ERROR_EXISTS) {
		storage_key_unmake(format->key, format->id);
		secret_finish(&files->key);
		return read_format(files, fault);
	}
	return error;
}

static int check_kind(
	const struct file_storage *files, enum storage_kind asked, struct fault *fault)
{
	if (asked == STORAGE_ANY || asked == files->format.kind)
		return 0;
	fault_set(fault,
		asked == STORAGE_PLAIN
			? "%.250s was made for sealed files and takes no plaintext: do not ask for "
			  "plaintext, or use another directory"
			: "%.250s was made for plaintext and takes no sealed files: ask for "
			  "plaintext, or use another directory",
		files->disk.path);
	return ERROR_REFUSED;
}

/* --- the key ----------------------------------------------------------------------- */

static int need_key(struct file_storage *files, struct fault *fault)
{
	char id[STORAGE_KEY_ID_SIZE] = "";
	int error;

	if (files->format.kind == STORAGE_PLAIN || files->key.bytes)
		return 0;
	error = storage_key_read(&files->disk, files->source, files->format.id, &files->key, fault);
	if (!error)
		error = storage_key_id(files->key.bytes, files->key.length, id);
	if (error || !strcmp(id, files->format.key_id))
		return error;
	fault_set(fault,
		"%.200s is sealed under another key than the one from \"%.200s\": give that one, "
		"or "
		"use another directory",
		files->disk.path, files->source);
	secret_finish(&files->key);
	return ERROR_REFUSED;
}

static struct storage_seal seal_of(
	const struct file_storage *files, const char *account, const char *part)
{
	return (struct storage_seal){.kind = files->format.kind,
		.key = &files->key,
		.key_id = files->format.key_id,
		.account = account,
		.part = part};
}

/* --- parts ------------------------------------------------------------------------- */

static int open_fault(const struct file_storage *files, enum storage_file_fault what,
	const char *name, struct fault *fault)
{
	static const struct {
		int error;
		const char *text;
	} faults[] = {
		[STORAGE_FILE_DAMAGED] = {ERROR_INVALID,
			"is damaged: remove it, and sign in or enter the credentials again"},
		[STORAGE_FILE_NEWER] = {ERROR_VERSION,
			"was made by a newer version of adit: upgrade this one"},
		[STORAGE_FILE_OTHER_KIND] = {ERROR_REFUSED,
			"is of another kind, sealed or plaintext, than its directory: remove it"},
		[STORAGE_FILE_OTHER_KEY] = {ERROR_REFUSED,
			"is sealed under another key than its directory: remove it"},
		[STORAGE_FILE_MEMORY] = {ERROR_MEMORY, "can't be read: no memory is left"},
	};

	fault_set(fault, "%.250s/%s %s", files->disk.path, name, faults[what].text);
	return faults[what].error;
}

static int files_read(struct storage *storage, const char *account, const char *part,
	struct buf *ret_bytes, struct fault *fault)
{
	struct file_storage *files = of(storage);
	struct storage_seal seal = seal_of(files, account, part);
	struct file_name name = name_of(account, '.', part);
	struct buf file = {0};
	struct buf bytes;
	int error = storage_disk_read(&files->disk, name.text, STORAGE_FILE_MAX, &file, fault);

	if (error)
		return error;
	buf_init(&bytes, STORAGE_PART_MAX);
	error = need_key(files, fault);
	if (!error) {
		int what = storage_file_open(&seal, file.data, file.len, &bytes);

		if (what)
			error = open_fault(files, (enum storage_file_fault)what, name.text, fault);
	}
	buf_finish(&file);
	if (error)
		buf_finish(&bytes);
	else
		*ret_bytes = bytes;
	return error;
}

static int files_write(struct storage *storage, const char *account, const char *part,
	const void *bytes, size_t length, struct fault *fault)
{
	struct file_storage *files = of(storage);
	struct storage_seal seal = seal_of(files, account, part);
	struct file_name name = name_of(account, '.', part);
	struct buf file;
	int error = need_key(files, fault);

	if (error)
		return error;
	buf_init(&file, STORAGE_FILE_MAX);
	error = storage_file_close(&seal, bytes, length, &file);
	if (error)
		fault_set(fault, "%.250s/%s can't be sealed: %s", files->disk.path, name.text,
			error_text(error));
	else
		error = storage_disk_replace(&files->disk, name.text, file.data, file.len, fault);
	buf_finish(&file);
	return error;
}

static int files_remove(
	struct storage *storage, const char *account, const char *part, struct fault *fault)
{
	struct file_name name = name_of(account, '.', part);

	return storage_disk_remove(&of(storage)->disk, name.text, fault);
}

/* Splits the name of a part's file. */
static bool split_name(
	const char *name, char ret_account[STORAGE_ACCOUNT_SIZE], const char **ret_part)
{
	const char *dot = strchr(name, '.');

	if (!dot || dot - name != STORAGE_ACCOUNT_SIZE - 1)
		return false;
	memcpy(ret_account, name, STORAGE_ACCOUNT_SIZE - 1);
	ret_account[STORAGE_ACCOUNT_SIZE - 1] = '\0';
	*ret_part = dot + 1;
	return storage_is_account(ret_account) && storage_is_part(*ret_part);
}

static int is_part_file(const struct dirent *entry)
{
	char account[STORAGE_ACCOUNT_SIZE];
	const char *part;

	return split_name(entry->d_name, account, &part);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int files_list(
	struct storage *storage, storage_visitor visit, void *context, struct fault *fault)
{
	const struct storage_disk *disk = &of(storage)->disk;
	struct dirent **entries = NULL;
	char account[STORAGE_ACCOUNT_SIZE];
	const char *part;
	int count = scandirat(disk->fd, ".", &entries, is_part_file, by_name);
	int result = 0;

	if (count < 0 && errno == ENOMEM)
		return ERROR_MEMORY;
	if (count < 0)
		return storage_disk_fault(disk, NULL, "can't be listed", fault);
	for (int i = 0; i < count; i++) {
		if (!result && split_name(entries[i]->d_name, account, &part))
			result = visit(context, account, part);
		free(entries[i]);
	}
	free(entries);
	return result;
}

/* --- what processes share ------------------------------------------------------------ */

static int files_open_beside(struct storage *storage, const char *account, const char *part,
	int *ret_fd, struct fault *fault)
{
	struct file_name name = name_of(account, '-', part);

	return storage_disk_open_file(&of(storage)->disk, name.text, ret_fd, fault);
}

/* Whether the file that is locked is still the one that others lock. */
static bool is_there(const struct storage_disk *disk, const char *name, int fd)
{
	struct stat mine;
	struct stat theirs;

	return !fstat(fd, &mine) && !fstatat(disk->fd, name, &theirs, AT_SYMLINK_NOFOLLOW) &&
	       mine.st_ino == theirs.st_ino && mine.st_dev == theirs.st_dev;
}

static int files_lock_try(struct storage *storage, const char *account,
	struct storage_lock *ret_lock, struct fault *fault)
{
	const struct storage_disk *disk = &of(storage)->disk;
	struct file_name name = name_of(account, '-', "lock");
	int fd = -1;
	int error = files_open_beside(storage, account, "lock", &fd, fault);

	if (error)
		return error;
	if (flock(fd, LOCK_EX | LOCK_NB))
		error = errno == EWOULDBLOCK
				? ERROR_BUSY
				: storage_disk_fault(disk, name.text, "can't be locked", fault);
	else if (!is_there(disk, name.text, fd))
		error = ERROR_BUSY;
	if (error)
		(void)close(fd);
	else
		*ret_lock = (struct storage_lock){.held = true, .fd = fd, .pid = getpid()};
	return error;
}

static void files_describe(
	const struct storage *storage, struct storage_description *ret_description)
{
	const struct file_storage *files = (const struct file_storage *)storage;
	bool sealed = files->format.kind == STORAGE_SEALED;

	*ret_description = (struct storage_description){
		.kind = sealed ? "sealed" : "plaintext",
		.directory = files->disk.path,
		.key = sealed ? files->source : NULL,
	};
}

static const struct storage_verbs file_verbs = {
	.close = files_close,
	.read = files_read,
	.write = files_write,
	.remove = files_remove,
	.list = files_list,
	.lock_try = files_lock_try,
	.open_beside = files_open_beside,
	.describe = files_describe,
};

/* --- opening ------------------------------------------------------------------------- */

static int take_source(
	struct file_storage *files, const struct storage_options *options, struct fault *fault)
{
	if (files->format.kind == STORAGE_PLAIN)
		return 0;
	if (options->key)
		return storage_key_source(&files->disk, options->key, files->source, fault);
	return text_copy(files->source, sizeof(files->source), files->format.key);
}

static int open_in(
	struct file_storage *files, const struct storage_options *options, struct fault *fault)
{
	int error = read_format(files, fault);

	if (error == ERROR_NOT_FOUND && (options->existing || options->kind == STORAGE_ANY)) {
		fault_set(fault, "nothing is stored in %.400s", files->disk.path);
		return error;
	}
	if (error == ERROR_NOT_FOUND)
		error = make_format(files, options, fault);
	if (!error)
		error = check_kind(files, options->kind, fault);
	return error ? error : take_source(files, options, fault);
}

int storage_open_files(
	const struct storage_options *options, struct storage **ret_storage, struct fault *fault)
{
	char standard[STORAGE_PATH_MAX];
	const char *directory = options->directory;
	bool make = !options->existing && options->kind != STORAGE_ANY;
	struct file_storage *files = calloc(1, sizeof(*files));
	int error = 0;

	if (!files) {
		fault_set(fault, "no memory left to open the storage");
		return ERROR_MEMORY;
	}
	files->storage.verbs = &file_verbs;
	files->disk.fd = -1;
	if (!directory) {
		error = storage_standard_directory(standard, fault);
		directory = standard;
	}
	if (!error)
		error = storage_disk_open(directory, make, &files->disk, fault);
	if (!error)
		error = open_in(files, options, fault);
	if (error)
		files_close(&files->storage);
	else
		*ret_storage = &files->storage;
	return error;
}
