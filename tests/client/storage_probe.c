/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Uses a storage once and says how that went, for tests that arrange its surroundings.
 *
 * storage_probe DIRECTORY KEY|- put TEXT: keeps a text
 * storage_probe DIRECTORY KEY|- get: prints it
 *
 * Prints "0", the source of the key and the text, or the error and its line.
 */
#include "client/storage.h"

#include <stdio.h>
#include <string.h>

#define ACCOUNT "0123456789abcdef0123456789abcdef"

static int use(struct storage *storage, const char *text, struct fault *fault)
{
	struct storage_description description;
	struct buf bytes = {0};
	int error;

	if (text)
		return storage_write(storage, ACCOUNT, "account", text, strlen(text), fault);
	error = storage_read(storage, ACCOUNT, "account", &bytes, fault);
	storage_describe(storage, &description);
	if (!error)
		printf("0 %s %s\n", description.key ? description.key : "-", bytes.data);
	buf_finish(&bytes);
	return error;
}

int main(int argc, char **argv)
{
	struct storage_options options = {.kind = STORAGE_SEALED};
	struct storage *storage = NULL;
	struct fault fault = {0};
	int error;

	if (argc < 4 || argc > 5)
		return 2;
	options.directory = argv[1];
	options.key = strcmp(argv[2], "-") != 0 ? argv[2] : NULL;
	error = storage_open(&options, &storage, &fault);
	if (!error)
		error = use(storage, argc == 5 ? argv[4] : NULL, &fault);
	if (!error && argc == 5)
		error = use(storage, NULL, &fault);
	if (error)
		printf("%d %s\n", error, fault.text);
	storage_close(storage);
	return 0;
}
