/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that lives as long as one piece of work: allocated bit by bit, wiped
 * and freed at once. Not thread-safe.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>

struct arena_block;

struct arena {
	struct arena_block *blocks; /* newest first */
	char *free;		    /* next free byte of the newest block */
	size_t left;		    /* bytes left there */
	size_t used;		    /* bytes handed out in all, for the bound */
	size_t max;		    /* the bound */
	char *first;		    /* a caller's block, used before any other; may be NULL */
	size_t first_size;
};

/* Allocates nothing. At most `max` bytes are ever handed out. */
void arena_init(struct arena *arena, size_t max);

/* As arena_init, but uses the caller's `size` bytes (aligned for any type)
 * before it allocates any. They must outlive the arena. */
void arena_init_with(struct arena *arena, size_t max, void *first, size_t size);

/* Wipes and frees all. Accepts NULL or a zeroed arena. */
void arena_finish(struct arena *arena);

/* `size` zeroed bytes, aligned for any type, or NULL (out of memory or bound). */
void *arena_alloc(struct arena *arena, size_t size);

/* A copy of `length` bytes with a NUL after them, or NULL. */
char *arena_copy(struct arena *arena, const void *bytes, size_t length);
char *arena_copy_text(struct arena *arena, const char *text);
char *arena_printf(struct arena *arena, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
