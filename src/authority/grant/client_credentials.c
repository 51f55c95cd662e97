/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The client credentials grant (RFC 6749, 4.4): a client with a secret or a key acts as
 * the Service User that it belongs to (2-decisions, 4). It has shown who it is by then,
 * so what is wrong is said plainly. No refresh token: secret or key is at hand.
 */
#include "authority/grant.h"

#include "oauth/error.h"
#include "oauth/scope.h"

#include <string.h>

/* All but offline_access, which would ask for a refresh token. */
static int without_offline_access(const char *scopes, char *ret_scopes, size_t size)
{
	return scope_filter(scopes, "offline_access", false, ret_scopes, size);
}

static int fail_subject(struct token_call *call, const char *reason)
{
	return token_call_fail(
		call, &(struct token_failure){.status = 400,
			      .error = OAUTH_INVALID_GRANT,
			      .description = "the Service User of this client is not let in",
			      .reason = reason});
}

static int read_subject(struct token_call *call)
{
	struct store_subject *subject = &call->issuance.subject;
	const char *denial;
	int error = *call->client.service_user_id
			    ? authority_subject_by_id(call->authority, call->client.service_user_id,
				      call->client.id, subject)
			    : ERROR_NOT_FOUND;

	if (error == ERROR_NOT_FOUND)
		return fail_subject(call, "no_service_user");
	if (error)
		return token_call_fault(call, error, "reading the user");
	denial = authority_subject_denial(subject);
	return denial ? fail_subject(call, denial) : 0;
}

static int verify(struct token_call *call)
{
	char allowed[STORE_SCOPES_SIZE];
	char otherwise[STORE_SCOPES_SIZE];
	int error;

	if (!store_client_type_has_secret(call->client.type))
		return token_call_fail(call, &(struct token_failure){.status = 400,
						     .error = OAUTH_UNAUTHORIZED_CLIENT,
						     .description = "this grant needs a client "
								    "with a secret",
						     .reason = "grant_not_allowed"});
	if (without_offline_access(call->client.scopes, allowed, sizeof(allowed)) ||
		without_offline_access(call->client.default_scopes, otherwise, sizeof(otherwise)))
		return token_call_fault(call, ERROR_LIMIT, "reading the client's scopes");
	error = grant_scope(call, allowed, otherwise);
	if (!error)
		error = read_subject(call);
	if (error)
		return error;
	call->issuance.amr = "pwd";
	if (call->claim.assertion)
		call->issuance.amr = "pop"; /* RFC 8176 */
	call->issuance.auth_time = call->now_s;
	return 0;
}

const struct grant grant_client_credentials = {"client_credentials", verify, token_call_answer};
