/* SPDX-License-Identifier: Apache-2.0 */
/* A token endpoint's reply: every token that is taken can stand in a header field. */
#include "oauth/token_message.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void check_token(const char *token)
{
	if (!token)
		return;
	if (!*token || strlen(token) > TOKEN_TEXT_MAX)
		abort();
	for (; *token; token++)
		if (*token <= 0x20 || *token >= 0x7f)
			abort();
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	struct token_reply reply;
	struct fault fault = {0};

	if (token_reply_read((const char *)data, size, &reply, &fault)) {
		if (!*fault.text)
			abort();
		return 0;
	}
	if (!reply.access_token || !reply.token_type || reply.expires_in_s < -1 ||
		reply.expires_in_s > TOKEN_LIFETIME_MAX_S)
		abort();
	check_token(reply.access_token);
	check_token(reply.refresh_token);
	check_token(reply.id_token);
	token_reply_finish(&reply);
	return 0;
}
