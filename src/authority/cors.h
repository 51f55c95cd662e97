/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cross-origin requests (Fetch, 3.2): scripts of registered web clients may read what the
 * token endpoint and its like answer. Without credentials of the browser's, which nothing
 * here looks at; scripts send what they have to send. Never at the authorization endpoint
 * (RFC 9700, 2.6) or at introspection, which is asked by servers.
 */
#ifndef AUTHORITY_CORS_H
#define AUTHORITY_CORS_H

#include "authority/catalog.h"
#include "net/http_server.h"
#include "store/store.h"

/* The origins of redirect URIs (a line feed between two), each once, likewise. */
int cors_origins(const char *redirect_uris, char ret_origins[STORE_URIS_SIZE]);

/* Adds the fields by which a script of an origin in the catalog may read the answer to
 * come; a stranger's gets none, and the answer all the same. Whether it is a preflight of
 * such an origin's: then cors_answer_preflight() is the answer. */
bool cors_begin(const struct catalog *catalog, const struct http_request *request,
	struct http_ticket ticket);

/* `methods`: those that the endpoint takes, "GET, HEAD". */
void cors_answer_preflight(struct http_ticket ticket, const char *methods);

#endif
