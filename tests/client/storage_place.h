/* SPDX-License-Identifier: Apache-2.0 */
/* A directory of a test's own, and storages in it. */
#ifndef TESTS_CLIENT_STORAGE_PLACE_H
#define TESTS_CLIENT_STORAGE_PLACE_H

#include "client/storage.h"

#define ACCOUNT "0123456789abcdef0123456789abcdef"
#define OTHER_ACCOUNT "fedcba9876543210fedcba9876543210"

struct place {
	char root[100];	     /* made by mkdtemp(3) */
	char directory[120]; /* of the storage; not made yet */
};

void place_make(struct place *place);
void place_remove(const struct place *place);

/* A path in the storage's directory. Overwritten by the second next call. */
const char *place_path(const struct place *place, const char *name);

/* How many files there are whose name begins so. */
int place_count(const struct place *place, const char *prefix);

/* Sealed under the key in the directory, or plain; fails the test where it can't. */
struct storage *place_open(const struct place *place, enum storage_kind kind);

/* What opening gives. */
int place_try(const struct place *place, enum storage_kind kind, const char *key,
	struct storage **ret_storage, struct fault *fault);

/* The whole of a file, and writing it anew. */
size_t read_whole(const char *path, char *bytes, size_t size);
void write_whole(const char *path, const void *bytes, size_t length);

/* Whether the part has this text; "" where there is none. */
void assert_part(struct storage *storage, const char *account, const char *part, const char *text);
void put_part(struct storage *storage, const char *account, const char *part, const char *text);

/* Opening gives this error, and a line with this in it. */
void assert_refused(
	const struct place *place, enum storage_kind kind, int expected, const char *words);

/* Reading ACCOUNT's part `account` gives this error, and a line with this in it. */
void assert_unread(struct storage *storage, int expected, const char *words);

#endif
