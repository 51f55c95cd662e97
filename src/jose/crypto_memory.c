/* SPDX-License-Identifier: Apache-2.0 */
/* Where OpenSSL keeps private keys, and what it leaves behind. */
#include "jose/crypto.h"

#include <openssl/crypto.h>

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

enum {
	PRIVATE_KEYS_SIZE = 512 * 1024, /* an RSA key of 2048 bits takes less than 3 KiB */
	PRIVATE_NUMBER_LEAST = 64,
};

static void *allocate(size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	return malloc(size);
}

static void wipe_and_free(void *bytes, const char *file, int line)
{
	(void)file;
	(void)line;
	if (bytes)
		memory_wipe(bytes, malloc_usable_size(bytes));
	free(bytes);
}

static void *reallocate(void *bytes, size_t size, const char *file, int line)
{
	size_t present = bytes ? malloc_usable_size(bytes) : 0;
	void *grown = size ? malloc(size) : NULL;

	if (size && !grown)
		return NULL;
	if (grown && present)
		memcpy(grown, bytes, present < size ? present : size);
	wipe_and_free(bytes, file, line);
	return grown;
}

/* Decoding a private key leaves its bytes in what OpenSSL frees, so that all of it is wiped.
 * Where RLIMIT_MEMLOCK forbids locking, the numbers are guarded and out of cores all the same;
 * where either can't be had, that is no reason to stop. */
void crypto_guard_private_keys(void)
{
	(void)CRYPTO_set_mem_functions(allocate, reallocate, wipe_and_free);
	if (!CRYPTO_secure_malloc_initialized())
		(void)CRYPTO_secure_malloc_init(PRIVATE_KEYS_SIZE, PRIVATE_NUMBER_LEAST);
}
