/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Token revocation (RFC 7009): a refresh token ends its family. Access tokens live
 * until they expire (2-decisions, 5), and a client is told so. A failed revocation
 * is never a 200.
 */
#include "authority/client_auth.h"
#include "authority/endpoint.h"
#include "authority/token_call.h"
#include "oauth/error.h"

#include <string.h>

static void answer(struct token_call *call)
{
	/* RFC 7009 leaves the body open; some clients want JSON of every answer. */
	respond_token(call->ticket, "{}", 2);
	token_call_destroy(call);
}

static void audited(void *context, int error)
{
	struct token_call *call = context;

	if (error) {
		(void)token_call_fault(call, error, "writing the audit");
		token_call_refuse(call);
		return;
	}
	LOG_EVENT(call->authority->log, LOG_LEVEL_INFO, "token_revoked",
		log_text("correlation_id", call->correlation_id),
		log_text("client_id", call->client.id), log_text("sub", call->presented.user_id),
		log_text("source", call->source));
	answer(call);
}

static void revoked(void *context, int error)
{
	struct token_call *call = context;

	if (error) {
		(void)token_call_fault(call, error, "revoking the refresh token");
		token_call_refuse(call);
		return;
	}
	token_call_audit_revocation(call, audited);
}

/* A token that nobody knows is as good as revoked (RFC 7009, 2.2). */
static void pass_over(struct token_call *call)
{
	LOG_EVENT(call->authority->log, LOG_LEVEL_INFO, "token_not_known",
		log_text("correlation_id", call->correlation_id),
		log_text("client_id", call->client.id), log_text("source", call->source));
	answer(call);
}

static int start(struct token_call *call)
{
	const struct refresh_token *presented = &call->presented;
	struct store_revocation revocation = {
		.seq = presented->seq, .family_expires_at = presented->family_expires_at};
	int error;

	memcpy(revocation.family_id, presented->family_id, sizeof(revocation.family_id));
	memcpy(revocation.grant_id, presented->grant_id, sizeof(revocation.grant_id));
	error = store_refresh_revoke(call->authority->store, &revocation, revoked, call);
	return error ? token_call_fault(call, error, "revoking the refresh token") : 0;
}

/* Three parts with dots between: an access token, of ours or of anybody's. */
static bool is_jwt(const char *text)
{
	const char *dot = strchr(text, '.');

	return dot && strchr(dot + 1, '.');
}

static int refuse_type(struct token_call *call)
{
	return token_call_fail(
		call, &(struct token_failure){.status = 400,
			      .error = OAUTH_UNSUPPORTED_TOKEN_TYPE,
			      .description = "access tokens can't be revoked; they end by "
					     "themselves, and refresh tokens can be",
			      .reason = "access_token"});
}

static int refuse_another_clients(struct token_call *call)
{
	return token_call_fail(
		call, &(struct token_failure){.status = 400,
			      .error = OAUTH_INVALID_GRANT,
			      .description = "the token was issued to another client",
			      .reason = "another_client"});
}

static void revoke(struct token_call *call)
{
	const char *text = parameters_get(&call->parameters, "token");
	int error = refresh_token_open(
		call->keys, call->authority->self.issuer, call->now_s, text, &call->presented);

	call->presented_opened = !error;
	if (error == ERROR_REFUSED && !is_jwt(text)) {
		pass_over(call);
		return;
	}
	if (error == ERROR_REFUSED)
		error = refuse_type(call);
	else if (error)
		error = token_call_fault(call, error, "opening the refresh token");
	else if (strcmp(call->presented.client_id, call->client.id) != 0)
		error = refuse_another_clients(call);
	else
		error = token_call_check_audit(call);
	if (!error)
		error = start(call);
	if (error)
		token_call_refuse(call);
}

void endpoint_revocation(
	struct authority *authority, const struct http_request *request, struct http_ticket ticket)
{
	struct token_call *call = token_call_create(authority, request, ticket);

	if (!call)
		return;
	call->endpoint = "revocation";
	client_auth_consume(
		call, client_auth_token_request(call, request) ? token_call_refuse : revoke);
}
