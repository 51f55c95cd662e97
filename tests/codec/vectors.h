/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Test vectors of other projects, in the folder that ADIT_VECTORS names. A test
 * whose vectors are absent says so and is skipped. Include after cmocka.h.
 */
#ifndef TESTS_CODEC_VECTORS_H
#define TESTS_CODEC_VECTORS_H

#include "codec/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VECTORS_FILE_MAX = 4 * 1024 * 1024 };

/* The path of a file or folder of the vectors; skips the test if it is absent. */
static inline void vectors_path(const char *name, char *path, size_t size)
{
	const char *root = getenv("ADIT_VECTORS");
	FILE *file;

	(void)snprintf(path, size, "%s/%s", root ? root : "../shared/vectors", name);
	file = fopen(path, "rb");
	if (!file) {
		print_message("# skipped: there is no %s\n", path);
		skip();
	}
	(void)fclose(file);
}

/* The bytes of a file, exactly; the caller frees. */
static inline char *vectors_bytes(const char *path, size_t *ret_length)
{
	FILE *file = fopen(path, "rb");
	char *text = malloc(VECTORS_FILE_MAX);
	size_t length;
	char *exact;

	assert_non_null(file);
	assert_non_null(text);
	length = fread(text, 1, VECTORS_FILE_MAX, file);
	assert_true(length < VECTORS_FILE_MAX);
	(void)fclose(file);
	exact = malloc(length ? length : 1);
	assert_non_null(exact);
	memcpy(exact, text, length);
	free(text);
	*ret_length = length;
	return exact;
}

/* A JSON file; the caller frees the document. */
static inline struct json *vectors_json(const char *name)
{
	char path[4096];
	struct json *document = NULL;
	size_t length;
	char *text;

	vectors_path(name, path, sizeof(path));
	text = vectors_bytes(path, &length);
	assert_int_equal(json_parse(text, length, VECTORS_FILE_MAX, &document), 0);
	free(text);
	return document;
}

#endif
