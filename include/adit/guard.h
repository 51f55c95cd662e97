/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The resource side of Adit: decides whether a request to an API may pass, by the
 * access token that it carries (RFC 9068, RFC 6750) and the site that it names.
 *
 *	struct adit_guard_options options = {
 *		.size = sizeof(options),
 *		.authority = "https://login.example.com/identity",
 *		.audience = "external-api",
 *		.scope = "cosmos",
 *		.leeway_s = 5,
 *	};
 *	struct adit_guard *guard;
 *	struct adit_guard_error error;
 *
 *	if (adit_guard_open(&options, &guard, &error))
 *		die(error.text);
 *	…
 *	struct adit_guard_request request = {
 *		.size = sizeof(request),
 *		.authorization = value of the Authorization field,
 *		.method = "GET",
 *		.site = "north-pit",
 *	};
 *	struct adit_guard_decision decision = {.size = sizeof(decision)};
 *
 *	adit_guard_check(guard, &request, &decision);
 *	if (decision.status != 200)
 *		answer(decision.status, decision.www_authenticate);
 *
 * Every structure begins with its size, which the caller sets to sizeof, and is
 * otherwise zeroed before it is filled in, so that members can be added later.
 * The library never logs, never exits, starts no thread and keeps no global state.
 */
#ifndef ADIT_GUARD_H
#define ADIT_GUARD_H

#include <adit/error.h>

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One line for a person: what is wrong and what to do. */
struct adit_guard_error {
	int code; /* ADIT_ERROR_MEMORY or ADIT_ERROR_INVALID */
	char text[512];
};

struct adit_guard; /* opaque */

/* Texts are copied by adit_guard_open(). */
struct adit_guard_options {
	size_t size; /* sizeof(struct adit_guard_options) */

	/* The authority's URL, as in its discovery document's `issuer`, one slash
	 * at the end apart (OpenID Connect Discovery, 4.3). https, or http on
	 * loopback. Required. */
	const char *authority;

	/* What `aud` of a token must hold: the name of this API at the authority
	 * (RFC 9068, 4). Required. */
	const char *audience;

	/* A scope that every token must have (RFC 6749, 3.3), or NULL: none. */
	const char *scope;

	/* Seconds by which the clocks here and there may differ, 0 to 60. With 0 a clock
	 * here that is a second behind refuses the newest tokens (`nbf`). */
	int leeway_s;

	/* Milliseconds that one fetch from the authority may take in all. 0: 5,000. */
	int timeout_ms;

	/* Certificates to trust, a PEM file, in place of the system's. NULL: the system's. */
	const char *ca_file;

	/* For tests only: a file whose first 20 bytes are the time, Unix
	 * milliseconds in decimal, read at each check. NULL: the system's clock. */
	const char *clock_file;
};

/* Makes a guard. Does no I/O with the authority: that comes with the first token,
 * and again when its keys are older than their max-age (one hour where none is
 * given) or a token names a key that is not known (at most once a minute).
 * `ret_guard` is written on success and belongs to the caller, who closes it.
 * `ret_error` is written on failure; may be NULL. Thread-safe.
 * 0, ADIT_ERROR_INVALID, ADIT_ERROR_MEMORY. */
ADIT_PUBLIC int adit_guard_open(const struct adit_guard_options *options,
	struct adit_guard **ret_guard, struct adit_guard_error *ret_error);

/* Borrowed until adit_guard_check() returns. */
struct adit_guard_request {
	size_t size; /* sizeof(struct adit_guard_request) */

	/* The value of the request's Authorization field, or NULL: none. A token
	 * anywhere else, such as in the query, must not be passed (RFC 6750, 2;
	 * RFC 9700, 4.3.2). */
	const char *authorization;

	/* How many Authorization fields the request has; more than one is refused.
	 * 0 means one where `authorization` is set. */
	size_t authorization_count;

	/* The request's method, in its own case: GET, HEAD and OPTIONS need the
	 * role read, any other needs write. */
	const char *method;

	/* The site that the route is about, as in its path, or NULL: a route of no
	 * site. "" is a site that nobody has. */
	const char *site;
};

enum adit_guard_kind {
	ADIT_GUARD_KIND_NONE,
	ADIT_GUARD_KIND_SERVICE, /* a Service User, of exactly one site */
	ADIT_GUARD_KIND_USER,	 /* a person */
};

enum adit_guard_role {
	ADIT_GUARD_ROLE_NONE,
	ADIT_GUARD_ROLE_READ,
	ADIT_GUARD_ROLE_WRITE,
	ADIT_GUARD_ROLE_ADMIN,
};

/* Whole texts, never cut: a token whose claims do not fit is refused. */
struct adit_guard_decision {
	size_t size; /* sizeof(struct adit_guard_decision); set by the caller */

	/* What to answer: 200 let it pass; 401 no token, or not a good one; 403 the
	 * token is not enough; 404 there is no such site for the token, to be
	 * answered with the very bytes that a site which does not exist gets; 503
	 * the authority's keys can't be had, or the guard can't work now. */
	int status;

	/* Who asks; all "" or 0 unless status is 200, 403 or 404. */
	char subject[128];	   /* sub */
	char client_id[128];	   /* client_id */
	char token_id[128];	   /* jti, for audits */
	enum adit_guard_kind kind; /* the claim adit.kind */

	/* The site that the decision is about: the request's; on a route of no site
	 * a Service User's own; "" otherwise. Set with status 200 or 403. */
	char site[65];
	enum adit_guard_role role; /* the token's role there */

	/* The code of the OAuth registry (RFC 6750, 3.1): invalid_token,
	 * insufficient_scope, temporarily_unavailable; "" where there is none. */
	char error[64];

	/* Why, in a few words for a developer; holds nothing secret. */
	char error_description[256];

	/* The WWW-Authenticate field's value to send with 401 and 403 (RFC 6750, 3),
	 * else "". */
	char www_authenticate[768];

	/* For the operator alone, never to be sent to a client, since it names servers
	 * and addresses: why the status is 503, or with any status why new keys can't be
	 * fetched while the last ones serve. One line; "" where there is nothing. */
	char operator_text[512];
};

/* Decides, in this order: one bearer token, in the header only; its type, algorithm,
 * key, signature, issuer, audience and times (RFC 9068, 4; RFC 8725); its scope;
 * the site among the token's; the role for the method. Whatever can't be decided
 * is refused. May wait for the authority, as long as adit_guard_open() says, and
 * does no I/O while its keys are fresh; while the authority is silent, the keys
 * last seen serve on, for 24 hours after they were fetched; then the answer is 503,
 * since one of them may have been withdrawn. Thread-safe: any number of threads may use one guard.
 * Returns decision->status, or ADIT_ERROR_INVALID: `guard`, `request` or `decision`
 * is NULL or has a wrong size (a decision that can be written is then 503). */
ADIT_PUBLIC int adit_guard_check(struct adit_guard *guard, const struct adit_guard_request *request,
	struct adit_guard_decision *decision);

/* Ends a guard that no thread uses any more. Accepts NULL. */
ADIT_PUBLIC void adit_guard_close(struct adit_guard *guard);

#ifdef __cplusplus
}
#endif

#endif
