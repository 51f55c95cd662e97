/* SPDX-License-Identifier: Apache-2.0 */
#include "client/storage.h"

#include "client/storage_verbs.h"

#include <string.h>
#include <sys/file.h>
#include <unistd.h>

int storage_open(
	const struct storage_options *options, struct storage **ret_storage, struct fault *fault)
{
	if (options->kind == STORAGE_MEMORY)
		return storage_open_memory(ret_storage);
	fault_set(fault, "files are not there yet");
	return ERROR_UNAVAILABLE;
}

void storage_close(struct storage *storage)
{
	if (storage)
		storage->verbs->close(storage);
}

/* What goes into a path. */
static int check_names(const char *account, const char *part, struct fault *fault)
{
	if (storage_is_account(account) && storage_is_part(part))
		return 0;
	fault_set(fault, "no name of an account and its part: %.40s, %.40s", account, part);
	return ERROR_INVALID;
}

int storage_read(struct storage *storage, const char *account, const char *part,
	struct buf *ret_bytes, struct fault *fault)
{
	int error = check_names(account, part, fault);

	return error ? error : storage->verbs->read(storage, account, part, ret_bytes, fault);
}

int storage_write(struct storage *storage, const char *account, const char *part, const void *bytes,
	size_t length, struct fault *fault)
{
	int error = check_names(account, part, fault);

	if (error)
		return error;
	if (length > STORAGE_PART_MAX) {
		fault_set(fault, "%s of account %s: %zu bytes are more than the storage takes (%d)",
			part, account, length, STORAGE_PART_MAX);
		return ERROR_LIMIT;
	}
	return storage->verbs->write(storage, account, part, bytes, length, fault);
}

int storage_remove(
	struct storage *storage, const char *account, const char *part, struct fault *fault)
{
	int error = check_names(account, part, fault);

	return error ? error : storage->verbs->remove(storage, account, part, fault);
}

int storage_list(struct storage *storage, storage_visitor visit, void *context, struct fault *fault)
{
	return storage->verbs->list(storage, visit, context, fault);
}

struct removal {
	struct storage *storage;
	const char *account;
	struct fault *fault;
};

static int remove_if_its(void *context, const char *account, const char *part)
{
	const struct removal *removal = context;

	if (strcmp(account, removal->account) != 0)
		return 0;
	return storage_remove(removal->storage, account, part, removal->fault);
}

int storage_remove_account(struct storage *storage, const char *account, struct fault *fault)
{
	struct removal removal = {.storage = storage, .account = account, .fault = fault};

	if (!storage_is_account(account))
		return ERROR_INVALID;
	return storage_list(storage, remove_if_its, &removal, fault);
}

bool storage_is_shared(const struct storage *storage)
{
	return storage->verbs->open_beside != NULL;
}

int storage_lock_try(struct storage *storage, const char *account, struct storage_lock *ret_lock,
	struct fault *fault)
{
	int error = check_names(account, "lock", fault);

	if (error)
		return error;
	if (storage->verbs->lock_try)
		return storage->verbs->lock_try(storage, account, ret_lock, fault);
	*ret_lock = (struct storage_lock){.held = true, .fd = -1};
	return 0;
}

void storage_unlock(struct storage_lock *lock)
{
	if (!lock || !lock->held)
		return;
	if (lock->fd >= 0) {
		/* A child that was forked meanwhile holds the same lock. */
		if (lock->pid == getpid())
			(void)flock(lock->fd, LOCK_UN);
		(void)close(lock->fd);
	}
	*lock = (struct storage_lock){.fd = -1};
}

int storage_open_beside(struct storage *storage, const char *account, const char *part, int *ret_fd,
	struct fault *fault)
{
	int error = check_names(account, part, fault);

	if (error)
		return error;
	if (!storage->verbs->open_beside)
		return ERROR_NOT_FOUND;
	return storage->verbs->open_beside(storage, account, part, ret_fd, fault);
}

void storage_describe(const struct storage *storage, struct storage_description *ret_description)
{
	storage->verbs->describe(storage, ret_description);
}
