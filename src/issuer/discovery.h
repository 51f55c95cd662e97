/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asking an authority what it is (OpenID Connect Discovery 1.0, 4), and fetching
 * any document that it names.
 */
#ifndef ISSUER_DISCOVERY_H
#define ISSUER_DISCOVERY_H

#include "base/error.h"
#include "net/http_client.h"
#include "oauth/metadata.h"

/* Whether a discovery document may be read of the reply from `url`: 0; ERROR_UNAVAILABLE:
 * a status other than 200 (a redirect too); ERROR_INVALID: not of type application/json.
 * `fault` names the URL. For those who fetch it themselves. */
int discovery_check_reply(const char *url, const struct http_reply *reply, struct fault *fault);

/* Fetches a document: 0 with status 200 only. ERROR_UNAVAILABLE: another status
 * (a redirect too), or no answer; else as http_client_call(). `fault` names the
 * URL. The caller finishes the reply. */
int discovery_get(struct http_client *client, const char *url, struct http_reply *ret_reply,
	struct fault *fault);

/* Fetches and checks the authority's discovery document: 0, or the errors of
 * discovery_get(), discovery_check_reply(), metadata_append_url() and metadata_read(). The caller
 * finishes the metadata. */
int discovery_fetch(struct http_client *client, const char *authority,
	struct metadata *ret_metadata, struct fault *fault);

#endif
