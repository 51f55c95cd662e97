/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The token endpoint (RFC 6749, 3.2): a list of checks in the order of 3-wire,
 * then the grant's verify, the signature, and the grant's consume.
 */
#include "authority/client_auth.h"
#include "authority/endpoint.h"
#include "authority/grant.h"
#include "authority/issue.h"
#include "oauth/error.h"
#include "oauth/scope.h"

#include <stdlib.h>
#include <string.h>

static const struct grant *const grants[] = {&grant_password, &grant_refresh_token};

static int read_parameters(struct token_call *call, const struct http_request *request)
{
	const char *description = NULL;
	int error = parameters_read(request, &call->arena, &call->parameters, &description);

	if (error == ERROR_MEMORY)
		return token_call_fault(call, error, "reading the parameters");
	if (error)
		return token_call_fail(call, &(struct token_failure){.status = 400,
						     .error = OAUTH_INVALID_REQUEST,
						     .description = description,
						     .reason = "shape"});
	return 0;
}

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

static int issue(struct token_call *call, const struct http_request *request)
{
	(void)request;
	return issue_access_token(call);
}

static int (*const steps[])(struct token_call *call, const struct http_request *request) = {
	read_parameters,
	client_auth_identify,
	verify_client,
	find_grant,
	check_client_may,
	verify_grant,
	issue,
};

static struct token_call *call_create(
	struct authority *authority, const struct http_request *request, struct http_ticket ticket)
{
	struct token_call *call = malloc(sizeof(*call));

	if (!call)
		return NULL;
	memset(call, 0, offsetof(struct token_call, arena_first));
	call->authority = authority;
	call->worker = &authority->workers[ticket.loop % AUTHORITY_WORKERS_MAX];
	call->ticket = ticket;
	call->arrived_at_ms = request->arrived_at_ms;
	call->now_s = clock_now_s(authority->clock);
	call->keys = keyring_acquire(authority->keyring);
	http_source_text(request->peer, call->source);
	arena_init_with(
		&call->arena, TOKEN_CALL_ARENA_MAX, call->arena_first, sizeof(call->arena_first));
	return call;
}

void endpoint_token(
	struct authority *authority, const struct http_request *request, struct http_ticket ticket)
{
	struct token_call *call = call_create(authority, request, ticket);
	int error;

	if (!call) {
		respond_error(ticket, &(struct error_reply){.status = 503,
					      .error = OAUTH_SERVER_ERROR,
					      .description = "out of memory",
					      .retry_after_s = 5});
		return;
	}
	error = correlation_id_make(call->correlation_id);
	if (error)
		error = token_call_fault(call, error, "making a correlation id");
	for (size_t i = 0; !error && i < sizeof(steps) / sizeof(steps[0]); i++)
		error = steps[i](call, request);
	if (error)
		token_call_refuse(call);
	else
		call->grant->consume(call);
}
