/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The endpoints, one file each.
 */
#ifndef AUTHORITY_ENDPOINT_H
#define AUTHORITY_ENDPOINT_H

#include "authority/context.h"

typedef void (*endpoint_handler)(
	struct authority *authority, const struct http_request *request, struct http_ticket ticket);

void endpoint_token(
	struct authority *authority, const struct http_request *request, struct http_ticket ticket);
void endpoint_revocation(
	struct authority *authority, const struct http_request *request, struct http_ticket ticket);
void endpoint_introspection(
	struct authority *authority, const struct http_request *request, struct http_ticket ticket);
void endpoint_userinfo(
	struct authority *authority, const struct http_request *request, struct http_ticket ticket);
void endpoint_discovery(
	struct authority *authority, const struct http_request *request, struct http_ticket ticket);
void endpoint_jwks(
	struct authority *authority, const struct http_request *request, struct http_ticket ticket);
void endpoint_healthz(
	struct authority *authority, const struct http_request *request, struct http_ticket ticket);
void endpoint_readyz(
	struct authority *authority, const struct http_request *request, struct http_ticket ticket);
void endpoint_metrics(
	struct authority *authority, const struct http_request *request, struct http_ticket ticket);

/* Writes the discovery document into a catalog that nobody has yet. */
int discovery_compose(const struct authority *authority, struct catalog *catalog);

#endif
