/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client, and all that libcurl is told for a call. For net/http_client alone.
 */
#ifndef NET_HTTP_SETTINGS_H
#define NET_HTTP_SETTINGS_H

#include "codec/uri.h"
#include "net/http_curl.h"
#include "net/http_events.h"
#include "net/http_reply.h"

enum { HTTP_TARGET_SIZE = URI_HOST_MAX + 40 };

struct http_client {
	const struct http_curl *curl;
	CURL *easy;
	struct http_events events;
	int connect_timeout_ms;
	int total_timeout_ms;
	size_t max_body;
	char *ca_file;
	char *certificate_file;
	char *certificate_key_file;
	char *proxy;
	char *user_agent;

	/* The call under way. */
	bool under_way;
	bool repeatable; /* a GET or HEAD: may be sent again where a connection ends */
	struct curl_slist *fields;
	struct http_arrival arrival;
	char curl_text[CURL_ERROR_SIZE];
	char target[HTTP_TARGET_SIZE]; /* method, scheme, host and port, for faults */

	bool sent; /* of the last call */
};

/* Sets the options of client->easy, which has none but the standard ones. */
CURLcode http_settings_apply(
	struct http_client *client, const struct http_call *call, const struct uri *uri);

#endif
