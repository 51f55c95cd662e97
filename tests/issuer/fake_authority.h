/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An authority on a real HTTP server of this process, for tests: serves discovery
 * and a key set, and counts how often it is asked.
 */
#ifndef FAKE_AUTHORITY_H
#define FAKE_AUTHORITY_H

#include "base/buf.h"
#include "jose/crypto.h"

#include <pthread.h>

struct http_server;

struct fake_authority {
	struct http_server *server;
	char url[256]; /* "http://127.0.0.1:PORT/identity" */
	char jwks_uri[300];
	pthread_mutex_t mutex; /* over what follows */
	struct buf discovery;
	struct buf jwks;
	int status;	       /* of every answer */
	char content_type[64]; /* the same; "": none is sent */
	bool silent;	       /* asked, it never answers */
	int max_age_s;	       /* of the key set; negative: not said */
	int discovery_count;
	int jwks_count;
};

/* 0 or an error. Starts with an empty key set. */
int fake_authority_start(struct fake_authority *authority);
/* May be called twice. */
void fake_authority_stop(struct fake_authority *authority);

/* What the discovery document says; an issuer of NULL: the authority's own. */
void fake_authority_call_itself(struct fake_authority *authority, const char *issuer);
void fake_authority_set_jwks(struct fake_authority *authority, const char *text);
void fake_authority_add_key(
	struct fake_authority *authority, const struct crypto_key *key, const char *kid);
void fake_authority_set_status(struct fake_authority *authority, int status);
void fake_authority_set_type(struct fake_authority *authority, const char *content_type);
void fake_authority_set_max_age(struct fake_authority *authority, int max_age_s);
/* Takes connections and answers nothing; cleared by fake_authority_stop() only. */
void fake_authority_fall_silent(struct fake_authority *authority);
int fake_authority_jwks_count(struct fake_authority *authority);

#endif
