/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a request to its endpoint: one table of paths, methods and body caps. A
 * trailing or doubled slash is served, never redirected (3-wire): a redirect
 * turns a POST into a GET.
 */
#ifndef AUTHORITY_ROUTE_H
#define AUTHORITY_ROUTE_H

#include "authority/context.h"

/* Answers the request, or hands its ticket to what will. */
void route_request(
	struct authority *authority, const struct http_request *request, struct http_ticket ticket);

/* The same for the listener that has /metrics, and nothing else. */
void route_metrics(
	struct authority *authority, const struct http_request *request, struct http_ticket ticket);

#endif
