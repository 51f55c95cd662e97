/* SPDX-License-Identifier: Apache-2.0 */
/* A redirect's query: either a code or an error, and nothing that can't be shown or sent. */
#include "oauth/authorization_response.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void check_text(const char *text, char least, size_t max)
{
	if (!text)
		return;
	if (strlen(text) > max)
		abort();
	for (; *text; text++)
		if (*text < least || *text > 0x7e)
			abort();
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	struct authorization_response response;
	struct fault fault = {0};

	if (authorization_response_read((const char *)data, size, &response, &fault)) {
		if (!*fault.text)
			abort();
		return 0;
	}
	if (!response.code == !response.error)
		abort();
	check_text(response.code, 0x21, AUTHORIZATION_CODE_MAX);
	check_text(response.state, 0x21, AUTHORIZATION_STATE_MAX);
	check_text(response.iss, 0x21, AUTHORIZATION_RESPONSE_MAX);
	check_text(response.error, 0x20, 256);
	check_text(response.error_description, 0x20, 256);
	(void)authorization_response_answers(&response, "s");
	authorization_response_finish(&response);
	return 0;
}
