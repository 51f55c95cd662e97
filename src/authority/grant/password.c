/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The resource owner password credentials grant (RFC 6749, 4.3), for Service
 * Users only (2-decisions, 2 and 6). Whatever is wrong, the answer is the same
 * bytes at the same time; the reason goes to the log.
 */
#include "authority/credential.h"
#include "authority/grant.h"

#include "base/random.h"
#include "oauth/scope.h"

#include <string.h>

/* The password is checked before the user's state is looked at, and against
 * nothing where there is no such user. */
static int check_password(struct token_call *call, const char *password, bool known)
{
	const struct store_service_user *user = &call->issuance.subject.user;
	const struct store_credential *match = NULL;
	struct credential_check check = {
		.kind = GENERATED_SERVICE_USER_PASSWORD,
		.owner_id = known ? user->id : "",
		.credentials = user->credentials,
		.count = known ? user->credential_count : 0,
		.secret = password ? password : "",
		.now_s = call->now_s,
	};

	int error = credential_verify(call->keys, &check, &match);

	if (error)
		return error;
	credential_renew(call->authority->store, call->keys, &check, match);
	memcpy(call->issuance.credential_id, match->id, sizeof(match->id));
	return 0;
}

static const char *denial_reason(const struct token_call *call, bool known, bool right)
{
	const struct store_service_user *user = &call->issuance.subject.user;

	if (!known)
		return "unknown_user";
	if (!right)
		return user->credential_count ? "wrong_password" : "no_live_credential";
	return authority_user_denial(user);
}

typedef int (*subject_reader)(struct token_call *call, const char *username);

static int read_cached(struct token_call *call, const char *username)
{
	return authority_subject_by_username(
		call->authority, username, call->client.id, &call->issuance.subject);
}

static int read_stored(struct token_call *call, const char *username)
{
	return store_subject_by_username(
		call->authority->store, username, call->client.id, &call->issuance.subject);
}

static int verify_user(struct token_call *call, subject_reader read_subject)
{
	const char *username = parameters_get(&call->parameters, "username");
	const char *password = parameters_get(&call->parameters, "password");
	const char *reason;
	bool known;
	int error = read_subject(call, username ? username : "");

	if (error && error != ERROR_NOT_FOUND)
		return token_call_fault(call, error, "reading the user");
	known = !error;
	error = check_password(call, password, known);
	if (error && error != ERROR_REFUSED)
		return token_call_fault(call, error, "checking the password");
	reason = denial_reason(call, known, !error);
	return reason ? token_call_wrong_credentials(call, reason) : 0;
}

static int verify(struct token_call *call)
{
	struct issuance *issuance = &call->issuance;
	int error = grant_scope(call, call->client.scopes, call->client.default_scopes);

	if (!error)
		error = verify_user(call, read_cached);
	if (error)
		return error;
	issuance->amr = "pwd";
	issuance->auth_time = call->now_s;
	if (scope_has_text(issuance->scope, "offline_access") &&
		scope_has_text(call->client.grants, "refresh_token"))
		memcpy(issuance->refresh_scope, issuance->scope, sizeof(issuance->scope));
	return 0;
}

/* The first link of a family: no row yet, it comes with the first redemption. */
static int begin_family(struct token_call *call, const struct store_access_grant *grant)
{
	struct issuance *issuance = &call->issuance;
	struct refresh_token *refresh = &issuance->refresh;
	const struct authority_settings *settings = &call->authority->settings;
	int error = random_ordered_id(refresh->family_id, call->now_s * 1000);

	refresh->epoch = call->authority->self.epoch;
	refresh->seq = 0;
	memcpy(refresh->grant_id, grant->id, sizeof(refresh->grant_id));
	refresh->generation = grant->generation;
	refresh->auth_time = issuance->auth_time;
	refresh->issued_at = call->now_s;
	refresh->family_expires_at = call->now_s + settings->refresh_absolute_s;
	memcpy(refresh->client_id, call->client.id, sizeof(refresh->client_id));
	memcpy(refresh->user_id, issuance->subject.user.id, sizeof(refresh->user_id));
	memcpy(refresh->scope, issuance->refresh_scope, sizeof(refresh->scope));
	memcpy(refresh->credential_id, issuance->credential_id, sizeof(refresh->credential_id));
	if (!error)
		error = text_copy(refresh->resource, sizeof(refresh->resource), issuance->resource);
	if (!error)
		error = text_copy(refresh->amr, sizeof(refresh->amr), issuance->amr);
	return error;
}

static void finish(struct token_call *call, int error, const struct store_access_grant *grant)
{
	if (!error && grant && *call->issuance.refresh_scope)
		error = begin_family(call, grant);
	if (error == ERROR_NOT_FOUND)
		(void)token_call_wrong_credentials(call, "removed_meanwhile");
	else if (error)
		(void)token_call_fault(call, error, "recording the grant");
	if (error)
		token_call_refuse(call);
	else
		token_call_answer(call);
}

/* A password that ended between its check and the grant's first row bumped no
 * generation, since there was none yet: so it is checked once more. */
static void granted(void *context, int error, const struct store_access_grant *grant)
{
	struct token_call *call = context;

	authority_forget_subject(call->authority, &call->issuance.subject, call->client.id);
	if (!error && verify_user(call, read_stored))
		token_call_refuse(call);
	else
		finish(call, error, grant);
}

/* The grant's row is made once; every later token of this user at this client
 * writes nothing. */
static void consume(struct token_call *call)
{
	const struct store_subject *subject = &call->issuance.subject;
	int error;

	if (subject->grant.exists) {
		finish(call, 0, &subject->grant);
		return;
	}
	error = store_access_grant_ensure(
		call->authority->store, subject->user.id, call->client.id, granted, call);
	if (error)
		finish(call, error, NULL);
}

const struct grant grant_password = {"password", verify, consume};
