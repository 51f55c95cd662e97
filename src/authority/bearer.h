/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The authority's own access tokens, where it is asked with one (RFC 6750, RFC 9068).
 */
#ifndef AUTHORITY_BEARER_H
#define AUTHORITY_BEARER_H

#include "authority/context.h"
#include "oauth/access_token.h"

/* A token that holds: signed by a key of ours, not expired, its user, site and
 * client let in. */
struct bearer {
	struct jwt jwt;
	struct access_token token; /* texts in the jwt */
	struct access_token_site sites[ACCESS_TOKEN_SITES_MAX];
	struct store_subject subject;
};

/* 0; ERROR_REFUSED: it does not hold, for whatever reason; another error: it could
 * not be told. */
int bearer_verify(struct authority *authority, const char *text, struct bearer *ret_bearer);
void bearer_finish(struct bearer *bearer);

#endif
