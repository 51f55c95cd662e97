/* SPDX-License-Identifier: Apache-2.0 */
/* An authority's error: what is taken of it can be shown on a terminal. */
#include "oauth/token_message.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void check_text(const char *text, size_t size)
{
	if (!memchr(text, '\0', size))
		abort();
	for (; *text; text++)
		if (*text < 0x20 || *text > 0x7e)
			abort();
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	struct error_reply reply;

	if (error_reply_read((const char *)data, size, &reply))
		return 0;
	if (!*reply.error)
		abort();
	check_text(reply.error, sizeof(reply.error));
	check_text(reply.error_description, sizeof(reply.error_description));
	check_text(reply.correlation_id, sizeof(reply.correlation_id));
	return 0;
}
