/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the holder of a verified access token may do: scope, then site, then role.
 * Reads nothing but its arguments. Thread-safe.
 */
#ifndef GUARD_DECIDE_H
#define GUARD_DECIDE_H

#include "oauth/access_token.h"

struct verdict {
	int status;	    /* 200, 403, 404 */
	const char *error;  /* a code of the OAuth registry, static, or NULL */
	const char *reason; /* static, or NULL */
	const char *site;   /* borrowed from the token, or NULL */
	enum site_role role;
};

/* `scope`: the one that is needed, or NULL. `site`: that of the route, or NULL. */
struct verdict decide(
	const struct access_token *token, const char *scope, const char *method, const char *site);

#endif
