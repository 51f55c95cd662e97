/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Validating an access token (RFC 9068, 4; RFC 8725, 3): type, algorithm, key,
 * signature, issuer, audience, times, required claims.
 */
#ifndef GUARD_VERIFY_H
#define GUARD_VERIFY_H

#include "base/clock.h"
#include "base/error.h"
#include "issuer/jwks_cache.h"
#include "oauth/access_token.h"

/* All borrowed. Used by several threads at once. */
struct verifier {
	const char *issuer; /* what `iss` must equal */
	const char *audience;
	int64_t leeway_s;
	const struct clock *clock;
	struct jwks_cache *keys;
};

struct verified {
	struct jwt jwt; /* owned */
	struct access_token_site sites[ACCESS_TOKEN_SITES_MAX];
	struct access_token token; /* borrowed from jwt and sites: not to be copied or moved */
};

/* What is said about it; zeroed by the caller. */
struct verify_report {
	const char *reason; /* of ERROR_REFUSED: static, holds nothing of the token */
	struct fault fault; /* for the operator: why keys can't be had, whatever came of it */
};

/* 0; ERROR_REFUSED: not a good token; ERROR_UNAVAILABLE: it can't be told, since
 * the authority's keys can't be had; ERROR_MEMORY. The caller finishes it after 0. */
int verify_access_token(const struct verifier *verifier, const char *text, size_t length,
	struct verified *ret_verified, struct verify_report *report);
void verified_finish(struct verified *verified);

#endif
