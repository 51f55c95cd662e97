/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A line of an import, and what is taken for a password's hash: the input is tried as
 * both. What passes as a hash can be verified, where that does not take long.
 */
#include "authority/import_line.h"
#include "authority/password_hash.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A few milliseconds at most. */
static bool is_cheap(const char *hash)
{
	unsigned memory_kib = 0;
	unsigned passes = 0;

	if (hash[0] == 'A')
		return !strncmp(hash, "AQAAAA", 6) && !strncmp(hash + 7, "AAA", 3);
	if (!strncmp(hash, "$argon2", 7))
		return sscanf(strchr(hash, '='), "=19$m=%u,t=%u", &memory_kib, &passes) == 2 &&
		       memory_kib <= 256 && passes <= 4;
	return hash[4] == '0' && hash[5] == '4';
}

static void check_hash(const char *hash)
{
	const char *problem = NULL;
	int error = password_hash_check(hash, &problem);

	if (error && (!problem || (error != ERROR_INVALID && error != ERROR_LIMIT)))
		abort();
	if (error) {
		if (password_hash_verify(hash, "x") != ERROR_INVALID)
			abort();
		return;
	}
	if (strlen(hash) >= STORE_PASSWORD_HASH_SIZE)
		abort();
	(void)password_hash_is_current(hash);
	if (!is_cheap(hash))
		return;
	error = password_hash_verify(hash, "x");
	if (error && error != ERROR_REFUSED)
		abort();
}

static void check_line(const struct import_line *line)
{
	if (!line->username || !line->site || !line->role || line->expires_at < 0)
		abort();
	if (!line->password == !line->password_hash)
		abort();
	if (line->password && (!*line->password || strlen(line->password) > PASSWORD_MAX))
		abort();
	if (line->password_hash)
		check_hash(line->password_hash);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	struct import_line line = {0};
	struct fault fault = {""};

	if (!text)
		abort();
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	check_hash(text);
	if (!import_line_read(text, size, &line, &fault))
		check_line(&line);
	else if (!*fault.text || line.document)
		abort();
	import_line_finish(&line);
	free(text);
	return 0;
}
