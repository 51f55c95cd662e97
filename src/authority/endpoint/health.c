/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Alive: the process answers. Ready: the store does too, and the audit can be written.
 */
#include "authority/endpoint.h"
#include "authority/respond.h"

void endpoint_healthz(
	struct authority *authority, const struct http_request *request, struct http_ticket ticket)
{
	(void)authority;
	(void)request;
	respond_text(ticket, 200, "alive\n");
}

void endpoint_readyz(
	struct authority *authority, const struct http_request *request, struct http_ticket ticket)
{
	(void)request;
	if (authority_is_ready(authority))
		respond_text(ticket, 200, "ready\n");
	else
		respond_text(ticket, 503, "the store or the audit fails\n");
}
