/* SPDX-License-Identifier: Apache-2.0 */
#include "authority/client_auth.h"

#include "authority/credential.h"
#include "authority/token_attempt.h"
#include "codec/base64url.h"
#include "oauth/error.h"

#include <string.h>
#include <strings.h>

enum { BASIC_MAX = 4096 };

static int fail_saying(struct token_call *call, const char *reason, const char *description)
{
	bool by_header = call->claim.by_header;

	return token_call_fail(
		call, &(struct token_failure){.status = by_header ? 401 : 400,
			      .error = OAUTH_INVALID_CLIENT,
			      .description = description,
			      .reason = reason,
			      .at_fixed_time = true,
			      .challenge = by_header ? CHALLENGE_BASIC : CHALLENGE_NONE});
}

static int fail_invalid_client(struct token_call *call, const char *reason)
{
	return fail_saying(call, reason,
		call->claim.assertion
			? "there is no such client, or its assertion is not signed by a key of its"
			: "there is no such client, or its secret is wrong");
}

static int fail_two_ways(struct token_call *call, const char *description)
{
	return token_call_fail(call, &(struct token_failure){.status = 400,
					     .error = OAUTH_INVALID_REQUEST,
					     .description = description,
					     .reason = "client_authentication"});
}

/* "Basic " and base64 of id:secret, both form-encoded (RFC 6749, 2.3.1). */
static int decode_basic(struct arena *arena, const char *field, struct client_claim *claim)
{
	unsigned char *pair = arena_alloc(arena, BASIC_MAX + 1);
	unsigned char *colon;
	size_t length = 0;
	size_t part = 0;

	if (!pair)
		return ERROR_MEMORY;
	if (strncasecmp(field, "Basic ", 6) != 0)
		return ERROR_INVALID;
	field += 6 + strspn(field + 6, " ");
	if (base64_decode_any(field, strlen(field), pair, BASIC_MAX, &length))
		return ERROR_INVALID;
	colon = memchr(pair, ':', length);
	if (!colon)
		return ERROR_INVALID;
	if (form_decode(arena, (char *)pair, (size_t)(colon - pair), &claim->id, &part) || !part)
		return ERROR_INVALID;
	part = (size_t)(pair + length - (colon + 1));
	return form_decode(arena, (char *)colon + 1, part, &claim->secret, &length);
}

static int read_assertion(struct token_call *call, const char *text)
{
	struct client_assertion *assertion = arena_alloc(&call->arena, sizeof(*assertion));
	int error = assertion ? client_assertion_read(text, assertion) : ERROR_MEMORY;

	if (error == ERROR_MEMORY)
		return token_call_fault(call, error, "reading the client's assertion");
	if (error)
		return fail_saying(call, "assertion_malformed",
			"client_assertion is no JWT with iss and sub, signed by ES256, RS256 or "
			"EdDSA");
	call->claim.assertion = assertion;
	call->claim.id = assertion->jwt.sub;
	return 0;
}

/* RFC 7521, 4.2: the assertion says whose it is, and client_id may say the same. */
static int identify_by_assertion(struct token_call *call, const struct http_request *request)
{
	const char *type = parameters_get(&call->parameters, "client_assertion_type");
	const char *text = parameters_get(&call->parameters, "client_assertion");
	const char *body_id = call->claim.id;
	int error;

	if (http_request_field(request, "Authorization", NULL) || call->claim.secret)
		return fail_two_ways(call, "send a client assertion or a client secret, not both");
	if (!type || !text || strcmp(type, CLIENT_ASSERTION_TYPE) != 0)
		return fail_saying(call, "assertion_type",
			"send client_assertion, and with it client_assertion_type "
			"=" CLIENT_ASSERTION_TYPE);
	error = read_assertion(call, text);
	if (!error && body_id && strcmp(body_id, call->claim.id) != 0)
		error = fail_two_ways(call, "client_id differs from sub of the client assertion");
	return error;
}

int client_auth_identify(struct token_call *call, const struct http_request *request)
{
	const char *body_id = parameters_get(&call->parameters, "client_id");
	const char *body_secret = parameters_get(&call->parameters, "client_secret");
	size_t count = 0;
	const char *field = http_request_field(request, "Authorization", &count);
	int error;

	call->claim = (struct client_claim){.id = body_id, .secret = body_secret};
	if (parameters_get(&call->parameters, "client_assertion") ||
		parameters_get(&call->parameters, "client_assertion_type"))
		return identify_by_assertion(call, request);
	if (!count)
		return 0;
	if (count > 1)
		return fail_two_ways(call, "there is more than one Authorization field");
	call->claim = (struct client_claim){.by_header = true};
	error = decode_basic(&call->arena, field, &call->claim);
	if (error == ERROR_MEMORY)
		return token_call_fault(call, error, "reading the Authorization field");
	if (error) {
		call->claim.id = NULL;
		return fail_invalid_client(call, "malformed_authorization");
	}
	if (body_id && strcmp(body_id, call->claim.id) != 0)
		return fail_two_ways(
			call, "client_id in the body differs from the one in Authorization");
	call->claim.two_secrets = body_secret && *call->claim.secret;
	if (body_secret && !*call->claim.secret)
		call->claim.secret = body_secret;
	return 0;
}

/* Does the same work for a client that does not exist. */
static int check_secret(struct token_call *call, bool known)
{
	const struct store_credential *match = NULL;
	struct credential_check check = {
		.kind = GENERATED_CLIENT_SECRET,
		.owner_id = known ? call->client.id : "",
		.credentials = call->client.secrets,
		.count = known ? call->client.secret_count : 0,
		.secret = call->claim.secret ? call->claim.secret : "",
		.now_s = call->now_s,
	};

	int error = credential_verify(call->keys, &check, &match);

	if (error)
		return error;
	credential_renew(call->authority->store, call->keys, &check, match);
	last_uses_note(call->authority->last_uses, &(const struct last_use_note){
							   .client_id = call->client.id,
							   .source = call->source,
							   .secret_id = match->id,
							   .at_s = call->now_s,
						   });
	return 0;
}

/* The refresh token itself says whose it is; only a public client may rely on it. */
static int identify_by_refresh_token(struct token_call *call)
{
	const char *text = parameters_get(&call->parameters, "refresh_token");

	int error = token_call_open_refresh_token(call, text);

	if (error)
		return error;
	call->claim.id = call->presented.client_id;
	return 0;
}

static bool refreshes_without_client(const struct token_call *call)
{
	const char *grant_type = parameters_get(&call->parameters, "grant_type");

	return !call->claim.id && grant_type && !strcmp(grant_type, "refresh_token") &&
	       parameters_get(&call->parameters, "refresh_token");
}

/* One that has shown its key is told what else is wrong. */
static int verify_assertion(struct token_call *call)
{
	const char *issuer = call->authority->self.issuer;
	struct client_assertion_problem problem = {0};
	const struct client_assertion_check check = {
		.client_id = call->client.id,
		.jwks = call->client.jwks,
		.issuer = issuer,
		.token_endpoint = arena_printf(&call->arena, "%s/connect/token", issuer),
		.now_s = call->now_s,
		.restored_at = call->authority->self.epoch,
	};
	int error = check.token_endpoint
			    ? client_assertion_verify(call->claim.assertion, &check, &problem)
			    : ERROR_MEMORY;

	if (!error)
		return 0;
	if (error != ERROR_REFUSED)
		return token_call_fault(call, error, "verifying the client's assertion");
	if (problem.description)
		return fail_saying(call, problem.reason, problem.description);
	/* Like a wrong secret, and an unknown client's assertion. */
	error = token_attempt_wrong_client(call);
	return error ? error : fail_invalid_client(call, problem.reason);
}

static int verify_secret(struct token_call *call, bool known)
{
	int error;

	if (call->claim.two_secrets)
		return fail_two_ways(
			call, "two client secrets were sent; send one, in Authorization");
	error = check_secret(call, known);
	if (error && error != ERROR_REFUSED)
		return token_call_fault(call, error, "checking the client's secret");
	if (known && !error)
		return 0;
	error = token_attempt_wrong_client(call);
	if (error)
		return error;
	if (!known)
		return fail_invalid_client(
			call, call->client.disabled_at ? "client_disabled" : "unknown_client");
	return fail_invalid_client(call, "wrong_client_secret");
}

int client_auth_verify(struct token_call *call)
{
	bool known;
	int error;

	if (refreshes_without_client(call)) {
		error = identify_by_refresh_token(call);
		if (error)
			return error;
	}
	if (!call->claim.id)
		return fail_saying(call, "no_client_id", "client_id is missing");
	error = authority_client(call->authority, call->claim.id, &call->client);
	if (error && error != ERROR_NOT_FOUND)
		return token_call_fault(call, error, "reading the client");
	known = !error && !call->client.disabled_at;
	if (call->claim.assertion && known)
		return verify_assertion(call);
	if (known && !store_client_type_has_secret(call->client.type)) {
		call->secret_ignored = call->claim.secret && *call->claim.secret;
		return 0;
	}
	return verify_secret(call, known);
}

static void assertion_used(void *context, int error)
{
	struct token_call *call = context;

	if (error == ERROR_EXISTS)
		(void)fail_saying(call, "assertion_replayed",
			"the client assertion was used before; make one for each request");
	else if (error)
		(void)token_call_fault(call, error, "using up the client's assertion");
	if (error)
		token_call_refuse(call);
	else
		call->next(call);
}

void client_auth_consume(struct token_call *call, void (*next)(struct token_call *call))
{
	const struct client_assertion *assertion = call->claim.assertion;
	int error;

	if (!assertion || !assertion->verified) {
		next(call);
		return;
	}
	call->next = next;
	error = store_client_assertion_use(
		call->authority->store, assertion->id, assertion->expires_at, assertion_used, call);
	if (error)
		assertion_used(call, error);
}

int client_auth_token_request(struct token_call *call, const struct http_request *request)
{
	int error = token_call_read_parameters(call, request);

	if (!error)
		error = client_auth_identify(call, request);
	if (!error)
		error = client_auth_verify(call);
	if (error || parameters_get(&call->parameters, "token"))
		return error;
	return token_call_fail(call, &(struct token_failure){.status = 400,
					     .error = OAUTH_INVALID_REQUEST,
					     .description = "token is missing",
					     .reason = "no_token"});
}
