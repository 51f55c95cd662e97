/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading an authority's discovery document (OpenID Connect Discovery 1.0, 3 and
 * 4.3; RFC 8414, 2 and 3.3), strictly. May be shared by threads once read.
 */
#ifndef OAUTH_METADATA_H
#define OAUTH_METADATA_H

#include "base/buf.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json;

enum {
	METADATA_TEXT_MAX = 64 * 1024, /* bytes of a discovery document */
	METADATA_REFRESH_GRACE_MAX_S = 600,
};

/* The endpoints are NULL where the document has none, but for the first three.
 * All texts are borrowed from the document. */
struct metadata {
	struct json *document; /* owned */
	const char *issuer;
	const char *jwks_uri;
	const char *token_endpoint;
	const char *authorization_endpoint;
	const char *userinfo_endpoint;
	const char *revocation_endpoint;
	const char *introspection_endpoint;
	const char *device_authorization_endpoint;
	const char *end_session_endpoint;
	int64_t refresh_grace_s; /* adit_refresh_grace: how long a redeemed refresh token gives
				    the same answer again; 0: not at all */
	bool response_iss;	 /* RFC 9207, 3: authorization_response_iss_parameter_supported */
};

/* Appends the document's URL: the authority's, without one slash at its end, and
 * the well-known path. 0; ERROR_INVALID: not an absolute URL, with a query, or one
 * where tokens must not go (neither https nor loopback); ERROR_MEMORY,
 * ERROR_LIMIT. `fault` names the URL. */
int metadata_append_url(struct buf *buf, const char *authority, struct fault *fault);

/* Whether the document's issuer is the configured authority: equal byte for byte, as it is
 * configured or after one slash was taken from its end. 0, or ERROR_REFUSED with both texts and
 * their first difference in `fault`. */
int metadata_check_issuer(const char *authority, const char *issuer, struct fault *fault);

/* 0; ERROR_INVALID: no JSON object, a member of a wrong type, a required one
 * (issuer, jwks_uri, token_endpoint) missing, or an endpoint that is not https, but for
 * http on loopback where the authority is so itself; ERROR_LIMIT: over METADATA_TEXT_MAX;
 * ERROR_REFUSED: another issuer; ERROR_MEMORY. The caller finishes it. */
int metadata_read(const char *authority, const char *text, size_t length,
	struct metadata *ret_metadata, struct fault *fault);
void metadata_finish(struct metadata *metadata);

/* Whether the list of that name holds `value`: metadata_lists(m,
 * "grant_types_supported", "password"). False where there is no such list. */
bool metadata_lists(const struct metadata *metadata, const char *list, const char *value);

#endif
