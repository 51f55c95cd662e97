/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a client keeps credentials and tokens: in memory, or in files that other processes
 * share. An account has parts; a part is one run of bytes, read and replaced as a whole.
 * What a process wrote is what the next one reads, whole, whatever happened in between.
 * Not thread-safe: the client's lock is around it. Nothing here waits for another process but
 * for the desktop's keyring, where that has the key, 3 s at most: when the directory is made,
 * and when a part is first read or written.
 */
#ifndef CLIENT_STORAGE_H
#define CLIENT_STORAGE_H

#include "base/buf.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
	STORAGE_ACCOUNT_SIZE = 33, /* 32 hex digits and a NUL */
	STORAGE_PART_SIZE = 32,
	STORAGE_PART_MAX = 256 * 1024, /* bytes that a part may have */
	STORAGE_FORMAT_VERSION = 1,
};

#define STORAGE_PART_ACCOUNT "account"
#define STORAGE_PART_GATE "gate"

enum storage_kind {
	STORAGE_MEMORY,
	STORAGE_SEALED,
	STORAGE_PLAIN,
	STORAGE_ANY, /* files of either kind, as the directory was made; makes none */
};

struct storage_options {
	enum storage_kind kind;
	const char *directory; /* NULL: the standard one */
	const char *key;       /* as adit_client_options.storage_key */
	bool existing;	       /* makes nothing: ERROR_NOT_FOUND where there is no directory */
};

struct storage;

/* All below return 0 or a negative enum error, and `fault`, which may be NULL, says in one line
 * what is wrong and what to do:
 * ERROR_IO: the operating system said no: full, read-only, no rights; ERROR_REFUSED: owner or
 * mode of a file, another key, or sealed where plain was asked for; ERROR_INVALID: damaged;
 * ERROR_VERSION: made by a newer program; ERROR_UNAVAILABLE: the keyring; ERROR_MEMORY. */

/* The caller closes it. Also ERROR_NOT_FOUND. */
int storage_open(
	const struct storage_options *options, struct storage **ret_storage, struct fault *fault);

/* Wipes what it holds. Gives back the locks. Accepts NULL. */
void storage_close(struct storage *storage);

/* ERROR_NOT_FOUND: there is none. The caller finishes the buf, which wipes it. */
int storage_read(struct storage *storage, const char *account, const char *part,
	struct buf *ret_bytes, struct fault *fault);

/* When it returns 0, the bytes survive a crash; else what was there before is still there,
 * or, where only the last sync failed, the new. ERROR_LIMIT: more than STORAGE_PART_MAX. */
int storage_write(struct storage *storage, const char *account, const char *part, const void *bytes,
	size_t length, struct fault *fault);

/* 0 also where there is none. */
int storage_remove(
	struct storage *storage, const char *account, const char *part, struct fault *fault);

/* Calls `visit` for each part there is, an account's one after the other, in no order
 * otherwise, until it returns other than 0, which is then returned. It may remove parts. */
typedef int (*storage_visitor)(void *context, const char *account, const char *part);
int storage_list(
	struct storage *storage, storage_visitor visit, void *context, struct fault *fault);

/* Removes an account with all its parts. Its lock stays. */
int storage_remove_account(struct storage *storage, const char *account, struct fault *fault);

/* Whether others may see it: files. */
bool storage_is_shared(const struct storage *storage);

/* The lock of an account, which one client of one process has at a time, and which ends with
 * the process. Zeroed: not held. */
struct storage_lock {
	bool held;
	int fd;	   /* -1: of memory */
	pid_t pid; /* who took it: a child that was forked since only closes its copy */
};

/* Never waits: ERROR_BUSY: another one has it. */
int storage_lock_try(struct storage *storage, const char *account, struct storage_lock *ret_lock,
	struct fault *fault);

/* Accepts one that is not held. */
void storage_unlock(struct storage_lock *lock);

/* Opens, for reading and writing, a small file beside the account's parts that is neither
 * sealed nor listed, and makes it where it is absent: for what processes share in place. Its
 * name is `part`; the caller closes the descriptor. ERROR_NOT_FOUND: storage in memory. */
int storage_open_beside(struct storage *storage, const char *account, const char *part, int *ret_fd,
	struct fault *fault);

/* For a person who is asked for help. Borrowed from the storage. */
struct storage_description {
	const char *kind;      /* "memory", "sealed", "plaintext" */
	const char *directory; /* or NULL */
	const char *key;       /* "keyring", "systemd:NAME", "file:PATH", or NULL */
};
void storage_describe(const struct storage *storage, struct storage_description *ret_description);

/* --- names ---------------------------------------------------------------------- */

/* The account id: 32 hex digits of a SHA-256 over the three. `name` may be NULL. */
int storage_account_id(const char *authority, const char *client_id, const char *name,
	char ret_account[STORAGE_ACCOUNT_SIZE]);

/* "token-" and 16 hex digits of a SHA-256 of the scope; NULL is "". */
int storage_token_part(const char *scope, char ret_part[STORAGE_PART_SIZE]);

/* Whether it is an account id; whether it is a name that a part may have. */
bool storage_is_account(const char *text);
bool storage_is_part(const char *text);

#endif
