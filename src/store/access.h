/* SPDX-License-Identifier: Apache-2.0 */
/* How the verbs come to a connection. */
#ifndef STORE_ACCESS_H
#define STORE_ACCESS_H

#include "store/engine.h"
#include "store/store.h"
#include "store/writer.h"

enum {
	READERS_MAX = 8, /* connections that read at once, in a file */
};

int64_t store_now_s(struct store *store);

/* Runs one SELECT; `read` steps through it. Returns what `read` does; but
 * NOT_FOUND is the only answer that a read has, all else is a fault. Waits while
 * every connection is taken, so `read` must not use the store. */
int store_read(struct store *store, const char *sql, struct values values,
	int (*read)(struct statement *statement, void *context), void *context);

/* As writer_run() and writer_submit(). */
int store_write(
	struct store *store, int (*run)(struct writing *writing, void *context), void *context);
int store_submit(struct store *store, struct job *job);

/* Writes all that is committed now into the empty file at `path`, while others go on
 * writing to the store. ERROR_REFUSED: it is in memory. */
int store_copy(struct store *store, const char *path);

/* Whether `text` can be read back into `size` bytes. */
bool text_fits(const char *text, size_t size);

/* Rows of a list are gathered first and shown afterwards, so that whoever is
 * shown them may use the store. */
struct rows {
	unsigned char *items;
	size_t size; /* of one */
	size_t count;
	size_t cap;
};

/* A new zeroed item at the end, or NULL. */
void *rows_add(struct rows *rows);
/* Wipes and frees. */
void rows_finish(struct rows *rows);

#endif
