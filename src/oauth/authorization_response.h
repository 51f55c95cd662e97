/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a browser brings from an authority to the redirect URI (RFC 6749, 4.1.2 and 4.1.2.1;
 * RFC 9207). Anybody who can open a URL on this host can send such a thing.
 */
#ifndef OAUTH_AUTHORIZATION_RESPONSE_H
#define OAUTH_AUTHORIZATION_RESPONSE_H

#include "base/arena.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

enum {
	AUTHORIZATION_RESPONSE_MAX = 8192, /* bytes of the query */
	AUTHORIZATION_CODE_MAX = 4096,
	AUTHORIZATION_STATE_MAX = 256,
};

/* NULL: not there. Texts are the arena's. */
struct authorization_response {
	struct arena arena; /* wiped when it is finished */
	const char *code;
	const char *state;
	const char *iss;
	const char *error;	       /* cut and cleaned, so that it can be shown */
	const char *error_description; /* likewise */
};

/* Reads the query of the redirect, what follows '?'. Other parameters are passed over.
 * 0; ERROR_INVALID: not form-encoded, a parameter twice, one with characters that it can't
 * have, or neither code nor error, or both; ERROR_LIMIT; ERROR_MEMORY. The caller finishes
 * it. */
int authorization_response_read(const char *query, size_t length,
	struct authorization_response *ret_response, struct fault *fault);

/* Wipes and frees. */
void authorization_response_finish(struct authorization_response *response);

/* Whether it answers the request with this state, in a time that does not depend on how
 * much of it is right. */
bool authorization_response_answers(
	const struct authorization_response *response, const char *state);

/* Whether it is this issuer's (RFC 9207, 2.4): an `iss` that is there is compared, and one
 * that is `required` must be there. 0, or ERROR_REFUSED with the reason. */
int authorization_response_check_issuer(const struct authorization_response *response,
	const char *issuer, bool required, struct fault *fault);

#endif
