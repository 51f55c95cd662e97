/* SPDX-License-Identifier: Apache-2.0 */
#include "base/random.h"

#include "base/error.h"
#include "base/secret.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

int random_bytes(void *bytes, size_t length)
{
	unsigned char *next = bytes;

	while (length) {
		ssize_t got = getrandom(next, length, 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return ERROR_IO;
		next += got;
		length -= (size_t)got;
	}
	return 0;
}

/* Bytes past the last whole multiple of the alphabet's size are thrown away,
 * so that every character is as likely as any other. */
int random_text(char *text, size_t length, const char *alphabet)
{
	size_t letters = strlen(alphabet);
	size_t limit = 256 - 256 % letters;
	unsigned char pool[64];
	size_t done = 0;

	while (done < length) {
		int error = random_bytes(pool, sizeof(pool));

		if (error)
			return error;
		for (size_t i = 0; i < sizeof(pool) && done < length; i++)
			if (pool[i] < limit)
				text[done++] = alphabet[pool[i] % letters];
	}
	text[done] = '\0';
	memory_wipe(pool, sizeof(pool));
	return 0;
}

int random_alphanumeric(char *text, size_t length)
{
	return random_text(text, length,
		"ABCDEFGHIJKLMNOPQRSTUVWXYZ"
		"abcdefghijklmnopqrstuvwxyz"
		"0123456789");
}

int random_ordered_id(unsigned char id[16], int64_t now_ms)
{
	uint64_t time = (uint64_t)now_ms;
	int error = random_bytes(id + 6, 10);

	if (error)
		return error;
	for (int i = 5; i >= 0; i--) {
		id[i] = (unsigned char)(time & 0xff);
		time >>= 8;
	}
	id[6] = (unsigned char)(0x70 | (id[6] & 0x0f));
	id[8] = (unsigned char)(0x80 | (id[8] & 0x3f));
	return 0;
}
