/* SPDX-License-Identifier: Apache-2.0 */
#include "guard/guard.h"

#include "base/clock.h"
#include "guard/bearer.h"
#include "guard/decide.h"
#include "guard/verify.h"
#include "oauth/error.h"
#include "oauth/scope.h"

#include <stdlib.h>
#include <string.h>

enum {
	AUDIENCE_MAX = 128, /* bytes, so that a challenge fits into a decision */
	SCOPE_NEEDED_MAX = 128,
	TIMEOUT_MAX_MS = 60000,
};

struct adit_guard {
	struct clock clock;
	char *issuer; /* the authority without a slash at its end */
	char *audience;
	char *scope; /* or NULL */
	struct verifier verifier;
	struct jwks_cache *keys;
};

static int check_options(const struct adit_guard_options *options, struct fault *fault)
{
	const char *audience = options->audience;
	const char *scope = options->scope;

	if (!options->authority) {
		fault_set(fault, "authority: missing; give the URL of the identity server");
		return ERROR_INVALID;
	}
	if (!audience || !*audience || strlen(audience) > AUDIENCE_MAX ||
		!bearer_text_valid(audience)) {
		fault_set(fault,
			"audience: must be 1 to %d visible ASCII characters without quotes and "
			"backslashes, such as external-api",
			AUDIENCE_MAX);
		return ERROR_INVALID;
	}
	if (scope &&
		(strlen(scope) > SCOPE_NEEDED_MAX || !scope_token_valid(scope, strlen(scope)))) {
		fault_set(fault, "scope: must be one scope of 1 to %d characters, such as cosmos",
			SCOPE_NEEDED_MAX);
		return ERROR_INVALID;
	}
	if (options->leeway_s < 0 || options->leeway_s > JWT_LEEWAY_MAX) {
		fault_set(fault, "leeway_s: must be 0 to %d seconds", JWT_LEEWAY_MAX);
		return ERROR_INVALID;
	}
	if (options->timeout_ms < 0 || options->timeout_ms > TIMEOUT_MAX_MS) {
		fault_set(fault, "timeout_ms: must be 0 to %d milliseconds", TIMEOUT_MAX_MS);
		return ERROR_INVALID;
	}
	return 0;
}

static int copy_options(struct adit_guard *guard, const struct adit_guard_options *options)
{
	size_t length = strlen(options->authority);

	if (length && options->authority[length - 1] == '/')
		length--;
	guard->issuer = strndup(options->authority, length);
	guard->audience = strdup(options->audience);
	guard->scope = options->scope ? strdup(options->scope) : NULL;
	if (!guard->issuer || !guard->audience || (options->scope && !guard->scope))
		return ERROR_MEMORY;
	return 0;
}

static int open_keys(
	struct adit_guard *guard, const struct adit_guard_options *options, struct fault *fault)
{
	const struct jwks_cache_options cache = {
		.authority = options->authority,
		.ca_file = options->ca_file,
		.timeout_ms = options->timeout_ms,
		.clock = &guard->clock,
	};

	return jwks_cache_create(&cache, &guard->keys, fault);
}

int guard_create(const struct adit_guard_options *options, struct adit_guard **ret_guard,
	struct fault *fault)
{
	struct adit_guard *guard = NULL;
	int error = check_options(options, fault);

	if (error)
		return error;
	guard = calloc(1, sizeof(*guard));
	if (!guard)
		return ERROR_MEMORY;
	clock_init(&guard->clock);
	if (options->clock_file && clock_init_file(&guard->clock, options->clock_file, fault)) {
		error = ERROR_INVALID;
		goto done;
	}
	error = copy_options(guard, options);
	if (error)
		goto done;
	error = open_keys(guard, options, fault);
	if (error)
		goto done;
	guard->verifier = (struct verifier){
		.issuer = guard->issuer,
		.audience = guard->audience,
		.leeway_s = options->leeway_s,
		.clock = &guard->clock,
		.keys = guard->keys,
	};
	*ret_guard = guard;
	guard = NULL;
done:
	guard_destroy(guard);
	return error;
}

void guard_destroy(struct adit_guard *guard)
{
	if (!guard)
		return;
	jwks_cache_destroy(guard->keys);
	clock_finish(&guard->clock);
	free(guard->issuer);
	free(guard->audience);
	free(guard->scope);
	free(guard);
}

static void copy_text(char *to, size_t size, const char *text)
{
	size_t length = text ? strlen(text) : 0;

	/* The callers' texts are bounded already; what is not would be left out. */
	if (length >= size)
		length = 0;
	if (length)
		memcpy(to, text, length);
	to[length] = '\0';
}

/* Sets status and error, and the challenge where RFC 6750 wants one. */
static void answer(const struct adit_guard *guard, const struct verdict *verdict,
	struct adit_guard_decision *decision)
{
	struct bearer_challenge challenge = {
		.realm = guard->audience,
		.error = verdict->error,
		.error_description = verdict->reason,
		.scope = verdict->status == 403 ? guard->scope : NULL,
	};
	struct buf field;

	decision->status = verdict->status;
	copy_text(decision->error, sizeof(decision->error), verdict->error);
	copy_text(
		decision->error_description, sizeof(decision->error_description), verdict->reason);
	decision->role = (enum adit_guard_role)verdict->role;
	if (verdict->status != 401 && verdict->status != 403)
		return;
	buf_init_fixed(&field, decision->www_authenticate, sizeof(decision->www_authenticate));
	(void)bearer_append_challenge(&field, &challenge);
}

static struct verdict refusal(int error, const char *reason)
{
	if (error == ERROR_REFUSED)
		return (struct verdict){
			.status = 401, .error = OAUTH_INVALID_TOKEN, .reason = reason};
	return (struct verdict){.status = 503,
		.error = OAUTH_TEMPORARILY_UNAVAILABLE,
		.reason = "the token can't be verified now"};
}

static void name_holder(const struct access_token *token, struct adit_guard_decision *decision)
{
	_Static_assert(sizeof(decision->subject) > ACCESS_TOKEN_SUB_MAX, "sub fits");
	_Static_assert(sizeof(decision->client_id) > ACCESS_TOKEN_CLIENT_ID_MAX, "client_id fits");
	_Static_assert(sizeof(decision->token_id) > ACCESS_TOKEN_JTI_MAX, "jti fits");
	_Static_assert(sizeof(decision->site) > SITE_ID_MAX, "a site fits");
	_Static_assert(sizeof(decision->operator_text) >= sizeof(struct fault), "a fault fits");
	copy_text(decision->subject, sizeof(decision->subject), token->sub);
	copy_text(decision->client_id, sizeof(decision->client_id), token->client_id);
	copy_text(decision->token_id, sizeof(decision->token_id), token->jti);
	if (token->kind == ACCESS_TOKEN_SERVICE)
		decision->kind = ADIT_GUARD_KIND_SERVICE;
	else if (token->kind == ACCESS_TOKEN_USER)
		decision->kind = ADIT_GUARD_KIND_USER;
}

static struct verdict check_token(struct adit_guard *guard,
	const struct adit_guard_request *request, struct adit_guard_decision *decision)
{
	struct verified verified;
	struct verdict verdict;
	struct verify_report report = {0};
	const char *token;
	size_t length;
	int error =
		bearer_read(request->authorization, request->authorization_count, &token, &length);

	if (error == ERROR_NOT_FOUND)
		return (struct verdict){.status = 401};
	if (error)
		return refusal(
			ERROR_REFUSED, "one bearer token is wanted, in one Authorization field");
	error = verify_access_token(&guard->verifier, token, length, &verified, &report);
	if (error == ERROR_MEMORY)
		fault_set(&report.fault, "out of memory");
	copy_text(decision->operator_text, sizeof(decision->operator_text), report.fault.text);
	if (error)
		return refusal(error, report.reason);
	verdict = decide(&verified.token, guard->scope, request->method, request->site);
	name_holder(&verified.token, decision);
	/* Now, since the site's memory is the token's. */
	copy_text(decision->site, sizeof(decision->site), verdict.site);
	verdict.site = NULL;
	verified_finish(&verified);
	return verdict;
}

void guard_check(struct adit_guard *guard, const struct adit_guard_request *request,
	struct adit_guard_decision *ret_decision)
{
	size_t size = ret_decision->size;
	struct verdict verdict;

	*ret_decision = (struct adit_guard_decision){.size = size, .status = 503};
	verdict = check_token(guard, request, ret_decision);
	answer(guard, &verdict, ret_decision);
}
