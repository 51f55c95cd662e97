/* SPDX-License-Identifier: Apache-2.0 */
#include "short_of_memory.h"

#include <stddef.h>

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
char *__real_strdup(const char *text);
char *__wrap_strdup(const char *text);
void *__real_sodium_malloc(size_t size);
void *__wrap_sodium_malloc(size_t size);

static _Thread_local long left = -1;
static _Thread_local bool has_failed;

void memory_fail_at(long count)
{
	left = count;
	has_failed = false;
}

bool memory_has_failed(void)
{
	return has_failed;
}

static bool fails(void)
{
	if (left < 0 || left-- > 0)
		return false;
	has_failed = true;
	return true;
}

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	return fails() ? NULL : __real_calloc(count, size);
}

char *__wrap_strdup(const char *text)
{
	return fails() ? NULL : __real_strdup(text);
}

void *__wrap_sodium_malloc(size_t size)
{
	return fails() ? NULL : __real_sodium_malloc(size);
}
