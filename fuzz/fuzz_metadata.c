/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A discovery document: whatever is accepted names the configured issuer, and sends
 * nobody to where tokens must not go.
 */
#include "codec/uri.h"
#include "oauth/metadata.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void check_endpoint(const char *endpoint)
{
	struct uri uri;

	if (endpoint && (uri_parse(endpoint, &uri) || !uri_is_safe(&uri)))
		abort();
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	static const char authority[] = "https://a.example/identity";
	struct metadata metadata;
	struct fault fault = {0};

	if (metadata_read(authority, (const char *)data, size, &metadata, &fault)) {
		if (!*fault.text)
			abort();
		return 0;
	}
	if (strcmp(metadata.issuer, authority) != 0 || !metadata.jwks_uri ||
		!metadata.token_endpoint)
		abort();
	check_endpoint(metadata.jwks_uri);
	check_endpoint(metadata.token_endpoint);
	check_endpoint(metadata.authorization_endpoint);
	check_endpoint(metadata.userinfo_endpoint);
	check_endpoint(metadata.end_session_endpoint);
	(void)metadata_lists(&metadata, "grant_types_supported", "password");
	metadata_finish(&metadata);
	return 0;
}
