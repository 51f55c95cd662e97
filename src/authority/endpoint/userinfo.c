/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UserInfo (OpenID Connect Core, 5.3): who the access token speaks for. A Service
 * User has a `sub` and nothing more.
 */
#include "authority/bearer.h"
#include "authority/endpoint.h"
#include "authority/respond.h"
#include "codec/json_writer.h"
#include "oauth/error.h"
#include "oauth/scope.h"

#include <string.h>
#include <strings.h>

enum { USERINFO_MAX = 1024 };

/* The one token in the header: nowhere else is it looked for (RFC 6750, 2.1). */
static const char *find_token(const struct http_request *request)
{
	size_t count = 0;
	const char *field = http_request_field(request, "Authorization", &count);

	if (count != 1 || strncasecmp(field, "Bearer ", 7) != 0)
		return NULL;
	return field + 7 + strspn(field + 7, " ");
}

static void answer(struct http_ticket ticket, const struct bearer *bearer)
{
	char bytes[USERINFO_MAX];
	struct json_writer writer;
	struct buf body;

	buf_init_fixed(&body, bytes, sizeof(bytes));
	json_writer_init(&writer, &body);
	json_write_object(&writer, NULL);
	json_write_text(&writer, "sub", bearer->token.sub);
	json_write_object_end(&writer);
	respond_token(ticket, body.data, body.len);
}

static void serve(struct authority *authority, const char *text, struct http_ticket ticket)
{
	struct bearer bearer = {0};
	int error = bearer_verify(authority, text, &bearer);

	if (error == ERROR_REFUSED) {
		respond_error_anew(
			ticket, &(struct error_reply){.status = 401,
					.error = OAUTH_INVALID_TOKEN,
					.description = "the access token is not good (any more)",
					.challenge = CHALLENGE_BEARER_TOKEN});
	} else if (error) {
		respond_error_anew(
			ticket, &(struct error_reply){.status = 503,
					.error = OAUTH_SERVER_ERROR,
					.description = "the authority can't answer now; ask again "
						       "later",
					.retry_after_s = 5});
	} else if (!scope_has_text(bearer.token.scope, "openid")) {
		respond_error_anew(
			ticket, &(struct error_reply){.status = 403,
					.error = OAUTH_INSUFFICIENT_SCOPE,
					.description = "the access token needs the scope openid",
					.challenge = CHALLENGE_BEARER_TOKEN});
	} else {
		answer(ticket, &bearer);
	}
	bearer_finish(&bearer);
}

void endpoint_userinfo(
	struct authority *authority, const struct http_request *request, struct http_ticket ticket)
{
	const char *text = find_token(request);

	if (strcmp(request->method, "GET") != 0 && strcmp(request->method, "HEAD") != 0 &&
		strcmp(request->method, "POST") != 0)
		respond_error_anew(
			ticket, &(struct error_reply){.status = 405,
					.error = OAUTH_INVALID_REQUEST,
					.description = "this endpoint takes GET and POST only",
					.allow = "GET, HEAD, POST"});
	else if (!text)
		respond_error_anew(
			ticket, &(struct error_reply){.status = 401,
					.error = OAUTH_INVALID_TOKEN,
					.description = "send the access token in the Authorization "
						       "field, as Bearer",
					.challenge = CHALLENGE_BEARER});
	else
		serve(authority, text, ticket);
}
