/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The grants, one file each. `verify` only reads: it decides, and fills the
 * issuance, at once or later from a thread that may take its time. Then the access
 * token is signed, with no lock held. `consume` does the one short write there may be,
 * and from there on owns the call.
 */
#ifndef AUTHORITY_GRANT_H
#define AUTHORITY_GRANT_H

#include "authority/token_call.h"

enum { GRANT_LATER = 1 };

struct grant {
	const char *type; /* the registered grant_type */
	/* 0, or ERROR_REFUSED with the failure recorded; or GRANT_LATER: it has taken the
	 * call, which may have gone by now, and hands 0 or ERROR_REFUSED to call->resume(),
	 * once, with call->worker set to that thread's. */
	int (*verify)(struct token_call *call);
	/* Answers or refuses, now or from the store's thread. */
	void (*consume)(struct token_call *call);
};

extern const struct grant grant_password;
extern const struct grant grant_refresh_token;
extern const struct grant grant_client_credentials;

/* What the scope in the request means for this client: the default where it is
 * omitted; ERROR_REFUSED with the failure recorded where it goes beyond `allowed`,
 * is malformed, or belongs to more than one resource. Fills the issuance's scope,
 * resource and alg. */
int grant_scope(struct token_call *call, const char *allowed, const char *otherwise);

#endif
