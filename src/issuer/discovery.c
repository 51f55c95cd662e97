/* SPDX-License-Identifier: Apache-2.0 */
#include "issuer/discovery.h"

#include "codec/media_type.h"
#include "codec/uri.h"

#include <ctype.h>
#include <strings.h>

static int check_status(const char *url, const struct http_reply *reply, struct fault *fault)
{
	if (reply->status == 200)
		return 0;
	fault_set(fault, "%.300s: answered %d where 200 was expected%s", url, reply->status,
		reply->status >= 300 && reply->status < 400
			? "; redirects are never followed, configure the final URL"
			: "");
	return ERROR_UNAVAILABLE;
}

/* A web server or a portal answers with its page at any URL. */
static bool is_page(const struct http_reply *reply)
{
	const char *text = reply->body.data ? reply->body.data : "";

	while (isspace((unsigned char)*text))
		text++;
	return media_type_is(reply->content_type, "text/html") ||
	       !strncasecmp(text, "<!doctype html", 14) || !strncasecmp(text, "<html", 5);
}

int discovery_check_reply(const char *url, const struct http_reply *reply, struct fault *fault)
{
	int error = check_status(url, reply, fault);

	if (error)
		return error;
	if (is_page(reply))
		fault_set(
			fault, "%.300s: answered an HTML page, is this the authority's URL?", url);
	else if (!media_type_is(reply->content_type, "application/json"))
		fault_set(fault,
			"%.300s: answered content type \"%.60s\" where application/json was "
			"expected",
			url, reply->content_type);
	else
		return 0;
	return ERROR_INVALID;
}

int discovery_get(struct http_client *client, const char *url, struct http_reply *ret_reply,
	struct fault *fault)
{
	static const char *const fields[] = {"Accept: application/json", NULL};
	const struct http_call call = {.method = "GET", .url = url, .fields = fields};
	struct http_reply reply;
	int error = http_client_call(client, &call, &reply, fault);

	if (error)
		return error;
	error = check_status(url, &reply, fault);
	if (error)
		http_reply_finish(&reply);
	else
		*ret_reply = reply;
	return error;
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
	if (error)
		goto done;
	error = discovery_check_reply(url.data, &reply, fault);
	if (!error)
		error = metadata_read(authority, reply.body.data ? reply.body.data : "",
			reply.body.len, ret_metadata, fault);
	http_reply_finish(&reply);
done:
	buf_finish(&url);
	return error;
}
