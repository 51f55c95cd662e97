/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The claims of an Adit access token (RFC 9068), which binds its holder to sites:
 * {iss, sub, aud, client_id, iat, nbf, exp, jti, auth_time, idp, amr, scope} and
 * one private claim, `adit`: {"kind": "service", "site": ID, "role": ROLE} or
 * {"kind": "user", "sites": [{"id": ID, "role": ROLE}, …]}. Thread-safe.
 */
#ifndef OAUTH_ACCESS_TOKEN_H
#define OAUTH_ACCESS_TOKEN_H

#include "base/buf.h"
#include "jose/jwt.h"
#include "oauth/site.h"

#include <stddef.h>
#include <stdint.h>

enum {
	ACCESS_TOKEN_SUB_MAX = 127,	  /* bytes of sub */
	ACCESS_TOKEN_CLIENT_ID_MAX = 127, /* bytes of client_id */
	ACCESS_TOKEN_JTI_MAX = 127,	  /* bytes of jti */
	ACCESS_TOKEN_SITES_MAX = 64,	  /* sites of one token */
	ACCESS_TOKEN_AMR_MAX = 4,	  /* authentication methods of one token */
};

/* RFC 9068, 2.1: the header's typ. */
#define ACCESS_TOKEN_TYP "at+jwt"

enum access_token_kind {
	ACCESS_TOKEN_UNBOUND,	  /* no private claim: opens no site */
	ACCESS_TOKEN_SERVICE = 1, /* a Service User: exactly one site */
	ACCESS_TOKEN_USER,	  /* a person: any number of sites */
};

struct access_token_site {
	const char *id;
	enum site_role role;
};

/* Every text is borrowed. */
struct access_token {
	const char *iss;
	const char *sub;
	const char *aud; /* the one audience */
	const char *client_id;
	const char *scope; /* space-separated; NULL: no such claim */
	const char *jti;
	int64_t iat; /* seconds; so are the others */
	int64_t nbf; /* -1: no such claim */
	int64_t exp;
	int64_t auth_time;		       /* -1: no such claim */
	const char *idp;		       /* "local"; NULL: no such claim */
	const char *amr[ACCESS_TOKEN_AMR_MAX]; /* "pwd"…; NULL after the last */
	enum access_token_kind kind;	       /* the private claim's */
	const struct access_token_site *sites; /* a Service User's one, or a person's */
	size_t site_count;		       /* 1 for ACCESS_TOKEN_SERVICE */
};

/* Appends the claims as one JSON object, without allocating anything besides what
 * the buf grows by. 0; ERROR_INVALID: a Service User without exactly one site, a
 * role or site that is none, more sites than ACCESS_TOKEN_SITES_MAX;
 * ERROR_MEMORY, ERROR_LIMIT: the buf's. */
int access_token_append(struct buf *buf, const struct access_token *token);

/* Reads the claims of a JWT whose signature was verified. The texts belong to the
 * jwt, the sites to the caller's array. `aud` is set where the claim is one text
 * or an array of one, else NULL: who is the audience is jwt_has_audience()'s to
 * say, and iss, aud and the times' meaning are the caller's to check.
 * 0; ERROR_INVALID: a claim that RFC 9068, 2.2 requires is missing (iss, exp, aud,
 * sub, client_id, iat, jti), a claim is of a wrong type or out of bounds, a
 * client_id that could be a sub, or a malformed private claim. A token without
 * the private claim, or without site or sites in it, is ACCESS_TOKEN_UNBOUND. */
int access_token_read(const struct jwt *jwt, struct access_token_site sites[ACCESS_TOKEN_SITES_MAX],
	struct access_token *ret_token);

/* The role at the site, or 0 where the token does not hold the site. */
enum site_role access_token_role_at(const struct access_token *token, const char *site);

#endif
