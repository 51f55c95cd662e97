/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a fuzz target over every file of a folder, and over a few mutations of
 * each (bytes cut, doubled, flipped: always the same ones), as a TAP test.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INPUT_MAX = 256 * 1024 };

static uint32_t next_random(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8;
}

/* A copy of exactly `size` bytes, so that a read past the end is seen. */
static void run_copy(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);

	if (!copy)
		abort();
	memcpy(copy, data, size);
	(void)LLVMFuzzerTestOneInput(copy, size);
	free(copy);
}

static void run_mutations(uint8_t *data, size_t size)
{
	uint32_t state = 1;

	run_copy(data, size);
	for (size_t i = 0; i < 64 && size; i++) {
		size_t at = next_random(&state) % size;
		uint8_t kept = data[at];

		run_copy(data, at);
		data[at] = (uint8_t)next_random(&state);
		run_copy(data, size);
		data[at] = kept;
	}
}

static size_t read_file(const char *folder, const char *name, uint8_t *bytes)
{
	char path[4096];
	FILE *file;
	size_t size;

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "rb");
	if (!file)
		return 0;
	size = fread(bytes, 1, INPUT_MAX, file);
	(void)fclose(file);
	return size;
}

int main(int argc, char **argv)
{
	static uint8_t bytes[INPUT_MAX];
	DIR *folder = argc == 2 ? opendir(argv[1]) : NULL;
	unsigned count = 0;

	if (!folder) {
		printf("Bail out! no corpus folder\n");
		return 1;
	}
	for (const struct dirent *entry = readdir(folder); entry; entry = readdir(folder)) {
		if (entry->d_name[0] == '.')
			continue;
		run_mutations(bytes, read_file(argv[1], entry->d_name, bytes));
		printf("ok %u - %s\n", ++count, entry->d_name);
	}
	(void)closedir(folder);
	printf("1..%u\n", count);
	return count ? 0 : 1;
}
