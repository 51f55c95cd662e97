/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/arena.h"

#include <string.h>

static void test_memory_is_zeroed_and_aligned(void **state)
{
	struct arena arena;

	(void)state;
	arena_init(&arena, 1 << 20);
	for (size_t size = 0; size < 300; size++) {
		unsigned char *bytes = arena_alloc(&arena, size);

		assert_non_null(bytes);
		assert_int_equal((uintptr_t)bytes % 16, 0);
		for (size_t i = 0; i < size; i++)
			assert_int_equal(bytes[i], 0);
		memset(bytes, 0xa5, size);
	}
	arena_finish(&arena);
}

static void test_bound_holds(void **state)
{
	struct arena arena;

	(void)state;
	arena_init(&arena, 64);
	assert_non_null(arena_alloc(&arena, 48));
	assert_null(arena_alloc(&arena, 17));
	assert_non_null(arena_alloc(&arena, 16));
	assert_null(arena_alloc(&arena, 0));
	assert_null(arena_alloc(&arena, SIZE_MAX));
	arena_finish(&arena);
}

static void test_callers_block_is_used_first_and_wiped(void **state)
{
	_Alignas(16) char first[64];
	struct arena arena;
	char *text;

	(void)state;
	memset(first, 'x', sizeof(first));
	arena_init_with(&arena, 4096, first, sizeof(first));
	text = arena_copy_text(&arena, "canary");
	assert_ptr_equal(text, first);
	assert_string_equal(arena_printf(&arena, "%s-%d", text, 7), "canary-7");
	assert_non_null(arena_alloc(&arena, 100));
	arena_finish(&arena);
	assert_int_equal(first[0], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_memory_is_zeroed_and_aligned),
		cmocka_unit_test(test_bound_holds),
		cmocka_unit_test(test_callers_block_is_used_first_and_wiped),
	};

	return cmocka_run_group_tests_name("arena", tests, NULL, NULL);
}
