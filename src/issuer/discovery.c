/* SPDX-License-Identifier: Apache-2.0 */
#include "issuer/discovery.h"

#include "codec/uri.h"

int discovery_get(struct http_client *client, const char *url, struct http_reply *ret_reply,
	struct fault *fault)
{
	static const char *const fields[] = {"Accept: application/json", NULL};
	const struct http_call call = {.method = "GET", .url = url, .fields = fields};
	struct http_reply reply;
	int error = http_client_call(client, &call, &reply, fault);

	if (error)
		return error;
	if (reply.status != 200) {
		fault_set(fault, "%.300s: answered %d where 200 was expected%s", url, reply.status,
			reply.status >= 300 && reply.status < 400
				? "; redirects are never followed, configure the final URL"
				: "");
		http_reply_finish(&reply);
		return ERROR_UNAVAILABLE;
	}
	*ret_reply = reply;
	return 0;
}

int discovery_fetch(struct http_client *client, const char *authority,
	struct metadata *ret_metadata, struct fault *fault)
{
	struct http_reply reply;
	struct buf url;
	int error;

	buf_init(&url, URI_MAX);
	error = metadata_append_url(&url, authority, fault);
	if (!error)
		error = discovery_get(client, url.data, &reply, fault);
	buf_finish(&url);
	if (error)
		return error;
	error = metadata_read(authority, reply.body.data ? reply.body.data : "", reply.body.len,
		ret_metadata, fault);
	http_reply_finish(&reply);
	return error;
}
