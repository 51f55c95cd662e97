/* SPDX-License-Identifier: Apache-2.0 */
#include "client/storage.h"

#include "client/storage_verbs.h"

#include <string.h>
#include <sys/file.h>
#include <unistd.h>

/* Whatever fails without a line of its own. */
static int told(int error, struct fault *fault)
{
	bool is_answer = !error || error == ERROR_NOT_FOUND || error == ERROR_BUSY;

	if (!is_answer && fault && !*fault->text)
		fault_set(fault, "the storage: %s", error_text(error));
	return error;
}

static void forget(struct fault *fault)
{
	if (fault)
		fault->text[0] = '\0';
}

int storage_open(
	const struct storage_options *options, struct storage **ret_storage, struct fault *fault)
{
	int error;

	forget(fault);
	if (options->kind == STORAGE_MEMORY)
		error = storage_open_memory(ret_storage, fault);
	else
		error = storage_open_files(options, ret_storage, fault);
	return told(error, fault);
}

void storage_close(struct storage *storage)
{
	if (storage)
		storage->verbs->close(storage);
}

/* What goes into a path. */
static int check_names(const char *account, const char *part, struct fault *fault)
{
	forget(fault);
	if (storage_is_account(account) && storage_is_part(part))
		return 0;
	fault_set(fault, "no name of an account and its part: %.40s, %.40s", account, part);
	return ERROR_INVALID;
}

int storage_read(struct storage *storage, const char *account, const char *part,
	struct buf *ret_bytes, struct fault *fault)
{
	int error = check_names(account, part, fault);

	if (!error)
		error = storage->verbs->read(storage, account, part, ret_bytes, fault);
	return told(error, fault);
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
	error = storage->verbs->write(storage, account, part, bytes, length, fault);
	return told(error, fault);
}

int storage_remove(
	struct storage *storage, const char *account, const char *part, struct fault *fault)
{
	int error = check_names(account, part, fault);

	if (!error)
		error = storage->verbs->remove(storage, account, part, fault);
	return told(error, fault);
}

int storage_list(struct storage *storage, storage_visitor visit, void *context, struct fault *fault)
{
	forget(fault);
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
		return told(storage->verbs->lock_try(storage, account, ret_lock, fault), fault);
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
	return told(storage->verbs->open_beside(storage, account, part, ret_fd, fault), fault);
}

void storage_describe(const struct storage *storage, struct storage_description *ret_description)
{
	storage->verbs->describe(storage, ret_description);
}
