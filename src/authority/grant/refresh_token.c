/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The refresh token grant (RFC 6749, 6), with rotation and a grace window
 * (2-decisions, 1). What fails before the redemption changes nothing.
 */
#include "authority/grant.h"

#include "oauth/error.h"
#include "oauth/scope.h"

#include <string.h>

static int open_presented(struct token_call *call)
{
	const char *text = parameters_get(&call->parameters, "refresh_token");

	if (!text)
		return token_call_fail(call, &(struct token_failure){.status = 400,
						     .error = OAUTH_INVALID_REQUEST,
						     .description = "refresh_token is missing",
						     .reason = "no_refresh_token"});
	return token_call_open_refresh_token(call, text);
}

static const char *token_problem(const struct token_call *call)
{
	const struct refresh_token *presented = &call->presented;
	const struct authority *authority = call->authority;

	if (strcmp(presented->client_id, call->client.id) != 0)
		return "another_client";
	if (presented->epoch != authority->self.epoch)
		return "older_epoch";
	if (presented->family_expires_at <= call->now_s)
		return "expired";
	if (presented->issued_at + authority->settings.refresh_idle_s <= call->now_s)
		return "idle_too_long";
	return *presented->cnf ? "bound_to_a_key" : NULL;
}

/* A password that has ended, by time too, takes its refresh tokens with it; those
 * of a newer one live on, so that a rotation interrupts nobody. */
static bool credential_lives(const struct token_call *call)
{
	const struct store_service_user *user = &call->issuance.subject.user;
	const char *id = call->presented.credential_id;

	for (size_t i = 0; i < user->credential_count; i++)
		if (!strcmp(user->credentials[i].id, id))
			return !user->credentials[i].expires_at ||
			       user->credentials[i].expires_at > call->now_s;
	return !*id;
}

static const char *subject_problem(const struct token_call *call)
{
	const struct store_subject *subject = &call->issuance.subject;
	const char *denial = authority_subject_denial(subject);

	if (denial)
		return denial;
	if (!subject->grant.exists ||
		memcmp(subject->grant.id, call->presented.grant_id, sizeof(subject->grant.id)) !=
			0 ||
		subject->grant.generation != call->presented.generation)
		return "grant_ended";
	return credential_lives(call) ? NULL : "credential_ended";
}

/* What the cache says against the token is asked of the store once more: an entry
 * from before the grant's row must not end an honest session. */
static int check_subject(struct token_call *call)
{
	struct store_subject *subject = &call->issuance.subject;
	const char *user_id = call->presented.user_id;
	int error = authority_subject_by_id(call->authority, user_id, call->client.id, subject);
	const char *problem;

	if (!error && subject_problem(call)) {
		authority_forget_subject(call->authority, subject, call->client.id);
		error = store_subject_by_id(
			call->authority->store, user_id, call->client.id, subject);
	}
	if (error == ERROR_NOT_FOUND)
		return token_call_wrong_refresh_token(call, "unknown_user");
	if (error)
		return token_call_fault(call, error, "reading the user");
	problem = subject_problem(call);
	return problem ? token_call_wrong_refresh_token(call, problem) : 0;
}

/* The original scope less what the client has lost since. */
static int remaining_scope(struct token_call *call, char *ret_scope, size_t size)
{
	return scope_filter(call->presented.scope, call->client.scopes, true, ret_scope, size);
}

static int verify(struct token_call *call)
{
	struct issuance *issuance = &call->issuance;
	char remaining[STORE_SCOPES_SIZE];
	const char *problem;
	int error = open_presented(call);

	if (error)
		return error;
	problem = token_problem(call);
	if (problem)
		return token_call_wrong_refresh_token(call, problem);
	if (remaining_scope(call, remaining, sizeof(remaining)))
		return token_call_fault(call, ERROR_LIMIT, "reading the scope");
	error = grant_scope(call, remaining, remaining);
	if (!error)
		error = check_subject(call);
	if (error)
		return error;
	issuance->amr = call->presented.amr;
	issuance->auth_time = call->presented.auth_time;
	/* A successor keeps the original scope; narrowing is the access token's. */
	memcpy(issuance->refresh_scope, call->presented.scope, sizeof(issuance->refresh_scope));
	return 0;
}

static void redeemed(void *context, int error, const struct store_redeemed *outcome)
{
	struct token_call *call = context;
	struct refresh_token *refresh = &call->issuance.refresh;

	if (error)
		(void)token_call_fault(call, error, "redeeming the refresh token");
	else if (outcome->outcome == STORE_REDEEM_REVOKED)
		/* The outcome goes before the refusal is logged: it must be on disk first. */
		error = token_call_wrong_refresh_token(
			call, !strcmp(outcome->reason, "replay") ? "replay" : "state_lost");
	else if (outcome->outcome == STORE_REDEEM_DEAD)
		error = token_call_wrong_refresh_token(call, "revoked_before");
	call->family_revoked = outcome && outcome->outcome == STORE_REDEEM_REVOKED;
	if (error) {
		token_call_refuse(call);
		return;
	}
	*refresh = call->presented;
	refresh->seq = outcome->seq;
	refresh->issued_at = outcome->rotated_at;
	token_call_answer(call);
}

static void consume(struct token_call *call)
{
	struct store_redemption redemption = {
		.seq = call->presented.seq,
		.generation = call->presented.generation,
		.family_expires_at = call->presented.family_expires_at,
		.grace_s = call->authority->settings.refresh_grace_s,
		.unattended = true,
	};
	int error;

	memcpy(redemption.family_id, call->presented.family_id, sizeof(redemption.family_id));
	memcpy(redemption.grant_id, call->presented.grant_id, sizeof(redemption.grant_id));
	error = store_refresh_redeem(call->authority->store, &redemption, redeemed, call);
	if (!error)
		return;
	(void)token_call_fault(call, error, "redeeming the refresh token");
	token_call_refuse(call);
}

const struct grant grant_refresh_token = {"refresh_token", verify, consume};
