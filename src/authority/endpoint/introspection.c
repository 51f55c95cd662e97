/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Token introspection (RFC 7662) for the APIs that are registered as such: each
 * about the access tokens for itself. Of every other token, and of one that does not
 * hold, it learns that it is not active, and nothing more.
 */
#include "authority/bearer.h"
#include "authority/client_auth.h"
#include "authority/endpoint.h"
#include "authority/token_call.h"
#include "codec/json_writer.h"
#include "oauth/error.h"

enum { INTROSPECTION_MAX = 4096 };

static int refuse_client(struct token_call *call)
{
	return token_call_fail(
		call, &(struct token_failure){.status = 400,
			      .error = OAUTH_UNAUTHORIZED_CLIENT,
			      .description = "this client is no API that may ask about tokens",
			      .reason = "no_resource"});
}

/* As the token has it, but for the role: that is today's. */
static void write_active(struct json_writer *writer, const struct bearer *bearer)
{
	const struct access_token *token = &bearer->token;

	json_write_boolean(writer, "active", true);
	json_write_text(writer, "iss", token->iss);
	json_write_text(writer, "sub", token->sub);
	json_write_text(writer, "aud", token->aud);
	json_write_text(writer, "client_id", token->client_id);
	json_write_text(writer, "scope", token->scope);
	json_write_text(writer, "jti", token->jti);
	json_write_text(writer, "token_type", "Bearer");
	json_write_number(writer, "iat", token->iat);
	json_write_number(writer, "exp", token->exp);
	json_write_object(writer, "adit");
	json_write_text(writer, "kind", "service");
	json_write_text(writer, "site", bearer->subject.user.site);
	json_write_text(writer, "role", bearer->subject.user.role);
	json_write_object_end(writer);
}

static bool is_for(const struct bearer *bearer, const struct store_client *client)
{
	return bearer->token.kind == ACCESS_TOKEN_SERVICE &&
	       jwt_has_audience(&bearer->jwt, client->resource);
}

static void answer(struct token_call *call, const struct bearer *bearer)
{
	char bytes[INTROSPECTION_MAX];
	struct json_writer writer;
	struct buf body;

	buf_init_fixed(&body, bytes, sizeof(bytes));
	json_writer_init(&writer, &body);
	json_write_object(&writer, NULL);
	if (bearer)
		write_active(&writer, bearer);
	else
		json_write_boolean(&writer, "active", false);
	json_write_object_end(&writer);
	if (json_writer_status(&writer)) {
		(void)token_call_fault(call, json_writer_status(&writer), "writing the answer");
		token_call_refuse(call);
		return;
	}
	respond_token(call->ticket, body.data, body.len);
	token_call_destroy(call);
}

static void introspect(struct token_call *call)
{
	const char *token = parameters_get(&call->parameters, "token");
	struct bearer bearer = {0};
	int error = bearer_verify(call->authority, token, &bearer);

	if (!error) {
		answer(call, is_for(&bearer, &call->client) ? &bearer : NULL);
	} else if (error == ERROR_REFUSED) {
		answer(call, NULL);
	} else {
		(void)token_call_fault(call, error, "reading the token's user");
		token_call_refuse(call);
	}
	bearer_finish(&bearer);
}

void endpoint_introspection(
	struct authority *authority, const struct http_request *request, struct http_ticket ticket)
{
	struct token_call *call = token_call_create(authority, request, ticket);
	int error;

	if (!call)
		return;
	call->endpoint = "introspection";
	error = client_auth_token_request(call, request);
	if (!error && !*call->client.resource)
		error = refuse_client(call);
	client_auth_consume(call, error ? token_call_refuse : introspect);
}
