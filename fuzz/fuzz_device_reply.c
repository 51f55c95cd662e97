/* SPDX-License-Identifier: Apache-2.0 */
/* A device authorization endpoint's reply: it sends nobody to where no password must go. */
#include "codec/uri.h"
#include "oauth/token_message.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void check_url(const char *text)
{
	struct uri uri;

	if (uri_parse(text, &uri) || !uri_is_safe(&uri))
		abort();
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	struct device_reply reply;
	struct fault fault = {0};

	if (device_reply_read((const char *)data, size, &reply, &fault)) {
		if (!*fault.text)
			abort();
		return 0;
	}
	if (!reply.device_code || !reply.user_code || reply.interval_s < 1 ||
		reply.interval_s > DEVICE_INTERVAL_MAX_S || reply.expires_in_s < 1 ||
		reply.expires_in_s > DEVICE_LIFETIME_MAX_S)
		abort();
	check_url(reply.verification_uri);
	if (reply.verification_uri_complete)
		check_url(reply.verification_uri_complete);
	device_reply_finish(&reply);
	return 0;
}
