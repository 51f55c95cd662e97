/* SPDX-License-Identifier: Apache-2.0 */
/* What each kind of storage does; storage.c alone calls it, with names that it has checked. */
#ifndef CLIENT_STORAGE_VERBS_H
#define CLIENT_STORAGE_VERBS_H

#include "client/storage.h"

struct storage_verbs {
	void (*close)(struct storage *storage);
	int (*read)(struct storage *storage, const char *account, const char *part,
		struct buf *ret_bytes, struct fault *fault);
	int (*write)(struct storage *storage, const char *account, const char *part,
		const void *bytes, size_t length, struct fault *fault);
	int (*remove)(struct storage *storage, const char *account, const char *part,
		struct fault *fault);
	int (*list)(
		struct storage *storage, storage_visitor visit, void *context, struct fault *fault);
	int (*lock_try)(struct storage *storage, const char *account, struct storage_lock *ret_lock,
		struct fault *fault);
	int (*open_beside)(struct storage *storage, const char *account, const char *part,
		int *ret_fd, struct fault *fault);
	void (*describe)(
		const struct storage *storage, struct storage_description *ret_description);
};

/* The first member of each kind's own structure. */
struct storage {
	const struct storage_verbs *verbs;
};

int storage_open_memory(struct storage **ret_storage, struct fault *fault);
int storage_open_files(
	const struct storage_options *options, struct storage **ret_storage, struct fault *fault);

#endif
