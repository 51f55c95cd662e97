/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The token endpoint (RFC 6749, 3.2): a list of checks in the order of 3-wire, of
 * which the grant's verify is the last and may take its time; then the signature, and
 * the grant's consume.
 */
#include "authority/client_auth.h"
#include "authority/endpoint.h"
#include "authority/grant.h"
#include "authority/issue.h"
#include "oauth/error.h"
#include "oauth/scope.h"

#include <string.h>

static const struct grant *const grants[] = {
	&grant_password, &grant_refresh_token, &grant_client_credentials};

static int verify_client(struct token_call *call, const struct http_request *request)
{
	(void)request;
	return client_auth_verify(call);
}

static int find_grant(struct token_call *call, const struct http_request *request)
{
	const char *type = parameters_get(&call->parameters, "grant_type");

	(void)request;
	for (size_t i = 0; type && i < sizeof(grants) / sizeof(grants[0]); i++)
		if (!strcmp(type, grants[i]->type))
			call->grant = grants[i];
	if (call->grant)
		return 0;
	return token_call_fail(
		call, &(struct token_failure){.status = 400,
			      .error = OAUTH_UNSUPPORTED_GRANT_TYPE,
			      .description = type ? "grants are listed in the discovery document"
						  : "grant_type is missing",
			      .reason = "grant_type"});
}

static int check_client_may(struct token_call *call, const struct http_request *request)
{
	(void)request;
	if (scope_has_text(call->client.grants, call->grant->type))
		return 0;
	return token_call_fail(call, &(struct token_failure){.status = 400,
					     .error = OAUTH_UNAUTHORIZED_CLIENT,
					     .description = "this client may not use this grant",
					     .reason = "grant_not_allowed"});
}

static int verify_grant(struct token_call *call, const struct http_request *request)
{
	(void)request;
	return call->grant->verify(call);
}

static int (*const steps[])(struct token_call *call, const struct http_request *request) = {
	token_call_read_parameters,
	client_auth_identify,
	verify_client,
	find_grant,
	check_client_may,
	verify_grant,
};

static void finish(struct token_call *call, int error)
{
	if (!error)
		error = token_call_check_audit(call);
	if (!error)
		error = issue_access_token(call);
	client_auth_consume(call, error ? token_call_refuse : call->grant->consume);
}

void endpoint_token(
	struct authority *authority, const struct http_request *request, struct http_ticket ticket)
{
	struct token_call *call = token_call_create(authority, request, ticket);
	int error = 0;

	if (!call)
		return;
	call->resume = finish;
	for (size_t i = 0; !error && i < sizeof(steps) / sizeof(steps[0]); i++)
		error = steps[i](call, request);
	if (error != GRANT_LATER)
		finish(call, error);
}
