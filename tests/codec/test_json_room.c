/* SPDX-License-Identifier: Apache-2.0 */
/* JSON in a process that has less and less memory: it is read or that is said, and nothing else
 * happens. jansson alone writes beyond its buffers then. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/error.h"
#include "codec/json.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#endif

enum {
	STRING = 150000,
	TEXT_SIZE = STRING + 100,
	STEP = 16384,
	MORE_MAX = 3000000,
	PAGE = 4096,
	READ = 0,
	NO_MEMORY = 1,
	OTHER = 2,
};

/* {"a":["xx\nxx\n…"]} */
static size_t write_document(char text[TEXT_SIZE])
{
	size_t length = (size_t)sprintf(text, "{\"a\":[\"");

	for (int i = 0; i < STRING / 4; i++) {
		memcpy(text + length, "xx\\n", 4);
		length += 4;
	}
	memcpy(text + length, "\"]}", 3);
	return length + 3;
}

static rlim_t address_space(void)
{
	unsigned long pages = 0;
	FILE *file = fopen("/proc/self/statm", "r");

	if (!file || fscanf(file, "%lu", &pages) != 1)
		pages = 0;
	if (file)
		(void)fclose(file);
	return (rlim_t)pages * PAGE;
}

static void read_with(const char *text, size_t length, rlim_t more)
{
	rlim_t size = address_space() + more;
	const struct rlimit limit = {.rlim_cur = size, .rlim_max = size};
	struct json *document = NULL;
	int error;

	if (setrlimit(RLIMIT_AS, &limit))
		_exit(OTHER);
	error = json_parse(text, length, TEXT_SIZE, &document);
	if (!error)
		_exit(READ);
	_exit(error == ERROR_MEMORY ? NO_MEMORY : OTHER);
}

static void test_less_and_less_memory(void **state)
{
	static char text[TEXT_SIZE];
	size_t length = write_document(text);
	int outcomes[OTHER] = {0};

	(void)state;
#ifdef SANITIZED
	print_message("skipped: a sanitizer needs more memory than is left here\n");
	skip();
#endif
	for (rlim_t more = 0; more < MORE_MAX; more += STEP) {
		int status;
		pid_t child = fork();

		assert_true(child >= 0);
		if (!child)
			read_with(text, length, more);
		assert_int_equal(waitpid(child, &status, 0), child);
		if (!WIFEXITED(status) || WEXITSTATUS(status) >= OTHER)
			fail_msg("%lu bytes more: status %d", (unsigned long)more, status);
		outcomes[WEXITSTATUS(status)]++;
	}
	assert_true(outcomes[READ] > 0);
	assert_true(outcomes[NO_MEMORY] > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_less_and_less_memory),
	};

	return cmocka_run_group_tests_name("json room", tests, NULL, NULL);
}
