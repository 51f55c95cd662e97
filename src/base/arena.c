/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include "base/secret.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	ARENA_BLOCK = 4096,
	ARENA_ALIGN = 16,
};

struct arena_block {
	struct arena_block *next;
	size_t size; /* of data */
	_Alignas(ARENA_ALIGN) char data[];
};

void arena_init(struct arena *arena, size_t max)
{
	*arena = (struct arena){.max = max};
}

void arena_init_with(struct arena *arena, size_t max, void *first, size_t size)
{
	*arena = (struct arena){
		.max = max, .free = first, .left = size, .first = first, .first_size = size};
}

void arena_finish(struct arena *arena)
{
	struct arena_block *next;

	if (!arena)
		return;
	for (struct arena_block *block = arena->blocks; block; block = next) {
		next = block->next;
		memory_wipe(block->data, block->size);
		free(block);
	}
	if (arena->first) {
		size_t touched =
			arena->blocks ? arena->first_size : arena->first_size - arena->left;

		memory_wipe(arena->first, touched);
	}
	*arena = (struct arena){.max = arena->max};
}

static int arena_grow(struct arena *arena, size_t size)
{
	size_t data = size > ARENA_BLOCK ? size : ARENA_BLOCK;
	struct arena_block *block = malloc(sizeof(*block) + data);

	if (!block)
		return -1;
	block->next = arena->blocks;
	block->size = data;
	arena->blocks = block;
	arena->free = block->data;
	arena->left = data;
	return 0;
}

void *arena_alloc(struct arena *arena, size_t size)
{
	size_t rounded;
	void *result;

	if (size > SIZE_MAX - ARENA_ALIGN)
		return NULL;
	rounded = (size + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
	if (!rounded)
		rounded = ARENA_ALIGN;
	if (rounded > arena->max || arena->used > arena->max - rounded)
		return NULL;
	if (rounded > arena->left && arena_grow(arena, rounded))
		return NULL;
	result = arena->free;
	arena->free += rounded;
	arena->left -= rounded;
	arena->used += rounded;
	memset(result, 0, rounded);
	return result;
}

char *arena_copy(struct arena *arena, const void *bytes, size_t length)
{
	char *copy = length < SIZE_MAX ? arena_alloc(arena, length + 1) : NULL;

	if (copy && length)
		memcpy(copy, bytes, length);
	return copy;
}

char *arena_copy_text(struct arena *arena, const char *text)
{
	return arena_copy(arena, text, strlen(text));
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
	va_list arguments;
	char *text;
	int length;

	va_start(arguments, format);
	length = vsnprintf(NULL, 0, format, arguments);
	va_end(arguments);
	if (length < 0)
		return NULL;
	text = arena_alloc(arena, (size_t)length + 1);
	if (!text)
		return NULL;
	va_start(arguments, format);
	(void)vsnprintf(text, (size_t)length + 1, format, arguments);
	va_end(arguments);
	return text;
}
