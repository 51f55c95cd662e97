/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "place.h"
#include "suite.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void place_make(struct place *place)
{
	(void)stpcpy(place->directory, "/tmp/adit-store-XXXXXX");
	assert_non_null(mkdtemp(place->directory));
	(void)snprintf(place->path, sizeof(place->path), "%s/adit.db", place->directory);
}

void place_remove(const struct place *place)
{
	DIR *directory = opendir(place->directory);
	struct dirent *entry;

	while (directory && (entry = readdir(directory)))
		(void)unlinkat(dirfd(directory), entry->d_name, 0);
	if (directory)
		(void)closedir(directory);
	(void)rmdir(place->directory);
}

struct store *place_open(const struct place *place, const struct clock *clock)
{
	struct store_options options = {.path = place->path, .create = true, .clock = clock};
	struct store *store = NULL;
	struct fault fault = {""};

	if (store_open(&options, &store, &fault))
		fail_msg("%s", fault.text);
	return store;
}

static struct store *open_memory(const struct clock *clock)
{
	struct store_options options = {.create = true, .clock = clock};
	struct store *store = NULL;
	struct fault fault = {""};

	if (store_open(&options, &store, &fault))
		fail_msg("%s", fault.text);
	return store;
}

const struct suite_engine memory_engine = {
	.name = "memory", .empty_open = open_memory, .empty_close = store_close};

static struct place suite_place;

static struct store *open_file(const struct clock *clock)
{
	place_make(&suite_place);
	return place_open(&suite_place, clock);
}

static void close_file(struct store *store)
{
	store_close(store);
	place_remove(&suite_place);
}

const struct suite_engine file_engine = {
	.name = "file", .empty_open = open_file, .empty_close = close_file};
