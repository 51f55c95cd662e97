/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The resource owner password credentials grant (RFC 6749, 4.3), for Service
 * Users only (2-decisions, 2 and 6). Whatever is wrong, the answer is the same
 * bytes at the same time; the reason goes to the log.
 */
#include "authority/credential.h"
#include "authority/grant.h"
#include "authority/password_hash.h"
#include "authority/token_attempt.h"

#include "base/random.h"
#include "oauth/scope.h"

#include <string.h>

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

/* That there is no such user is no error: what comes next is the same. */
static int read_user(struct token_call *call, subject_reader read_subject)
{
	const char *username = parameters_get(&call->parameters, "username");
	int error = read_subject(call, username ? username : "");

	if (error == ERROR_NOT_FOUND)
		memset(&call->issuance.subject, 0, sizeof(call->issuance.subject));
	else if (error)
		return token_call_fault(call, error, "reading the user");
	call->user_known = !error;
	return 0;
}

static const char *submitted(const struct token_call *call)
{
	const char *password = parameters_get(&call->parameters, "password");

	return password ? password : "";
}

static const char *denial_reason(const struct token_call *call, bool right)
{
	const struct store_service_user *user = &call->issuance.subject.user;

	if (!call->user_known)
		return "unknown_user";
	if (!right)
		return user->credential_count ? "wrong_password" : "no_live_credential";
	return authority_subject_denial(&call->issuance.subject);
}

/* Every way of checking ends here: the password is right (0) or not (ERROR_REFUSED), or
 * it can't be told. The user's state is looked at after it. */
static int conclude(struct token_call *call, int error)
{
	const struct attempt_sent sent = token_attempt_user(call, call->user_known);
	const char *reason;

	if (error && error != ERROR_REFUSED) {
		token_attempt_return(call);
		return token_call_fault(call, error, "checking the password");
	}
	reason = denial_reason(call, !error);
	if (!reason) {
		token_attempt_right(call, &sent);
		return 0;
	}
	/* A chosen one was counted before it was hashed. */
	error = sent.chosen ? 0 : token_attempt_take(call, &sent);
	return error ? error : token_call_wrong_credentials(call, reason);
}

/* --- passwords of the generated form: at once --- */

static int check_generated(struct token_call *call)
{
	const struct store_service_user *user = &call->issuance.subject.user;
	const struct store_credential *match = NULL;
	struct credential_check check = {
		.kind = GENERATED_SERVICE_USER_PASSWORD,
		.owner_id = user->id,
		.credentials = user->credentials,
		.count = user->credential_count,
		.secret = submitted(call),
		.now_s = call->now_s,
	};
	int error = credential_verify(call->keys, &check, &match);

	if (error)
		return error;
	credential_renew(call->authority->store, call->keys, &check, match);
	memcpy(call->issuance.credential_id, match->id, sizeof(match->id));
	return 0;
}

/* The cache may be a second behind, and whoever has just been given a password should not
 * be told that it is wrong: clients do not try a refused one again. Whatever is wrong, the
 * store is asked once more, so that the time does not tell what it was. */
static int check_generated_anew(struct token_call *call)
{
	int error = check_generated(call);

	if ((error && error != ERROR_REFUSED) || (!error && !denial_reason(call, true)))
		return conclude(call, error);
	error = read_user(call, read_stored);
	if (error)
		return error;
	error = check_generated(call);
	/* What the cache has of the user is older than this password. */
	if (!error)
		authority_forget_subject(call->authority, &call->issuance.subject, call->client.id);
	return conclude(call, error);
}

/* --- any other: one slow hash, in its queue --- */

static bool credential_lives(const struct token_call *call)
{
	const struct store_service_user *user = &call->issuance.subject.user;

	for (size_t i = 0; i < user->credential_count; i++)
		if (!strcmp(user->credentials[i].id, call->issuance.credential_id))
			return !user->credentials[i].expires_at ||
			       user->credentials[i].expires_at > call->now_s;
	return false;
}

/* A password was right a while ago: whether the user is still let in by it. */
static int confirm(struct token_call *call, subject_reader read_subject)
{
	int error = read_user(call, read_subject);

	if (error) {
		token_attempt_return(call);
		return error;
	}
	return conclude(call, credential_lives(call) ? 0 : ERROR_REFUSED);
}

/* Of another system's hash the cost is another: then all failures wait for the longest. */
static int64_t hash_ceiling_ms(struct authority *authority)
{
	return atomic_load(&authority->imported_others) ? PASSWORD_HASH_OTHERS_CEILING_MS
							: PASSWORD_HASH_CEILING_MS;
}

static void chosen_checked(void *context, const struct password_verdict *verdict)
{
	struct token_call *call = context;

	call->worker = &call->authority->password_workers[verdict->thread];
	if (verdict->began_ms)
		call->slow_until_ms = verdict->began_ms + hash_ceiling_ms(call->authority);
	call->resume(
		call, verdict->error ? conclude(call, verdict->error) : confirm(call, read_cached));
}

/* Everybody's goes through the same queue. Where nobody has an imported password there
 * is nothing to hide, and nothing is hashed. */
static int check_chosen(struct token_call *call)
{
	const struct store_service_user *user = &call->issuance.subject.user;
	const struct attempt_sent sent = token_attempt_user(call, call->user_known);
	const struct password_check check = {
		.password = submitted(call),
		.against =
			credential_imported(user->credentials, user->credential_count, call->now_s),
		.trusted = token_attempt_is_trusted(call, &sent),
		.done = chosen_checked,
		.context = call,
	};
	int error = token_attempt_take(call, &sent);

	if (error)
		return error;
	if (!check.against && !atomic_load(&call->authority->imported_exists))
		return conclude(call, ERROR_REFUSED);
	if (check.against)
		memcpy(call->issuance.credential_id, check.against->id, sizeof(check.against->id));
	error = password_queue_submit(call->authority->passwords, &check);
	if (!error)
		return GRANT_LATER;
	token_attempt_return(call);
	return error == ERROR_BUSY ? token_call_busy(call)
				   : token_call_fault(call, error, "checking the password");
}

static int verify_user(struct token_call *call)
{
	const char *password = submitted(call);
	int error = read_user(call, read_cached);

	if (error)
		return error;
	if (generated_password_has_form(
		    GENERATED_SERVICE_USER_PASSWORD, password, strlen(password)))
		return check_generated_anew(call);
	return check_chosen(call);
}

static int verify(struct token_call *call)
{
	struct issuance *issuance = &call->issuance;
	int error = grant_scope(call, call->client.scopes, call->client.default_scopes);

	if (error)
		return error;
	issuance->amr = "pwd";
	issuance->auth_time = call->now_s;
	if (scope_has_text(issuance->scope, "offline_access") &&
		scope_has_text(call->client.grants, "refresh_token"))
		memcpy(issuance->refresh_scope, issuance->scope, sizeof(issuance->scope));
	return verify_user(call); /* last: the call may have gone after it */
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
 * generation, since there was none yet: so it is looked for once more. */
static void granted(void *context, int error, const struct store_access_grant *grant)
{
	struct token_call *call = context;

	authority_forget_subject(call->authority, &call->issuance.subject, call->client.id);
	if (!error && confirm(call, read_stored))
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
