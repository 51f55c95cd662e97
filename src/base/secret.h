/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes that must not be printed, compared in the open or left in freed
 * memory. No format function takes a struct secret. Each has pages of its own
 * (libsodium's guarded memory): neither swapped out, as far as RLIMIT_MEMLOCK
 * goes, nor written to core files, between pages that nobody may touch. So it is
 * for keys, a few of them, not for what every request has.
 */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include <stdbool.h>
#include <stddef.h>

struct secret {
	unsigned char *bytes;
	size_t length;
};

/* A copy of `length` bytes (0 is allowed): 0 or ERROR_MEMORY. The caller finishes it. */
int secret_init(struct secret *secret, const void *bytes, size_t length);

/* `length` zero bytes, to be filled in. 0 or ERROR_MEMORY. */
int secret_init_empty(struct secret *secret, size_t length);

/* Who but its owner may read a file that holds a secret. */
enum secret_readers {
	SECRET_OWNER_ONLY,
	SECRET_OWNER_AND_GROUP, /* of systemd's credentials: an ACL's mask stands there */
	SECRET_ANYBODY,		/* no secret, such as the certificate to a key: its owner does not
				   matter either */
};

/* Reads at most `max` bytes of a file that nobody else may read or write, and whose
 * owner is this user or root: 0, ERROR_NOT_FOUND, ERROR_REFUSED (its owner or
 * mode), ERROR_LIMIT, ERROR_IO, ERROR_MEMORY. */
int secret_init_file(
	struct secret *secret, const char *path, size_t max, enum secret_readers readers);

/* Wipes and frees. Accepts NULL or a zeroed secret. */
void secret_finish(struct secret *secret);

/* Same length and same bytes, in a time that does not depend on the bytes. */
bool secret_equal(const struct secret *a, const struct secret *b);
bool memory_equal(const void *a, const void *b, size_t length);

/* Zeroes memory in a way that the compiler keeps. */
void memory_wipe(void *bytes, size_t length);

#endif
