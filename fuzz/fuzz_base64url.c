/* SPDX-License-Identifier: Apache-2.0 */
/* What the strict decoder takes is what the encoder writes, byte for byte. */
#include "codec/base64url.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	unsigned char *bytes = malloc(size + 1);
	char *again = malloc(size + 1);
	size_t length;

	if (!bytes || !again)
		abort();
	if (!base64url_decode(text, size, bytes, size, &length)) {
		if (base64url_encoded_length(length) != size)
			abort();
		base64url_encode(again, bytes, length);
		if (memcmp(again, text, size) != 0)
			abort();
		/* The lenient one takes no less. */
		if (base64_decode_any(text, size, bytes, size, &length))
			abort();
	}
	(void)base64_decode_any(text, size, bytes, size / 2, &length);
	free(again);
	free(bytes);
	return 0;
}
