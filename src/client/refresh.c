/* SPDX-License-Identifier: Apache-2.0 */
#include "client/refresh.h"

#include "client/account.h"
#include "client/context.h"
#include "client/grant.h"
#include "oauth/error.h"

#include <string.h>

/* How long before the window's end a token is not asked for again: the request has to
 * arrive within it. */
enum { WINDOW_MARGIN_MS = 5000 };

static int ask(struct operation *operation);

/* The credentials have changed since, or belong to somebody else. */
static bool is_of_other_credentials(const struct adit_client *client)
{
	const struct account_record *credentials = account_credentials(client);

	return client->has_given ||
	       strcmp(client->tokens.generation, credentials ? credentials->generation : "") != 0;
}

bool refresh_is_possible(const struct adit_client *client)
{
	return client->tokens.refresh_token && !is_of_other_credentials(client);
}

/* The authority gives the same answer once more for a while (adit_refresh_grace), or its
 * refresh tokens do not rotate, which it showed. */
static bool may_ask_again(const struct adit_client *client)
{
	const struct token_intent *intent = &client->tokens.intent;
	int64_t window_ms = client->metadata.refresh_grace_s * 1000 - WINDOW_MARGIN_MS;
	int64_t since_ms = moment_since_ms(&client->clock, &intent->at);

	if (client->tokens.rotates == TOKEN_ROTATES_NOT)
		return true;
	return !intent->asked_again && since_ms <= window_ms;
}

/* The token is worth nothing any more. */
static int drop(struct operation *operation, int result)
{
	struct token_record *tokens = &operation->client->tokens;
	struct report report = operation->report;
	int error;

	(void)record_set_text(&tokens->refresh_token, NULL);
	tokens->intent = (struct token_intent){0};
	error = account_write_tokens(operation->client, &operation->report);
	if (error)
		return operation_end(operation, error);
	operation->report = report;
	return operation_end(operation, result);
}

/* It certainly was not used this time: the next one may try it. Where an answer had been lost
 * before, that is as it was. */
static int keep(struct operation *operation, int result)
{
	struct token_intent *intent = &operation->client->tokens.intent;
	struct report report = operation->report;

	if (intent->asked_again)
		intent->asked_again = false;
	else
		*intent = (struct token_intent){0};
	/* Where that can't be written, the next one takes it for spent. */
	(void)account_write_tokens(operation->client, &operation->report);
	operation->report = report;
	return operation_end(operation, result);
}

static int write_intent_and_ask(struct operation *operation, const struct token_intent *intent)
{
	int error = account_write_intent(operation->client, intent, &operation->report);

	return error ? operation_end(operation, error) : operation_next(operation, ask);
}

/* Nobody knows whether it was used. */
static int ask_again_or_leave(struct operation *operation, int result)
{
	struct adit_client *client = operation->client;
	struct token_intent intent = client->tokens.intent;

	if (!may_ask_again(client) || intent.asked_again || operation->ending)
		return operation_end(operation, result);
	intent.asked_again = true;
	context_log(client, "the answer to a refresh was lost: asking again");
	return write_intent_and_ask(operation, &intent);
}

static int take_answer(struct operation *operation)
{
	struct adit_client *client = operation->client;
	const struct grant_tokens tokens = {
		.what = "refresh",
		.generation = client->tokens.generation,
		.continues = true,
	};
	int result = operation->result;
	int status;

	if (result && !operation->exchange.sent)
		return keep(operation, result);
	if (result)
		return ask_again_or_leave(operation, result);
	result = grant_take(operation, &tokens);
	status = operation->exchange.reply.status;
	if (!result) {
		/* Where it can't be written, the client goes on with it all the same. */
		(void)account_write_tokens(client, &operation->report);
		return operation_end(operation, 0);
	}
	/* Another person's tokens are as little use as none. */
	if (result == ADIT_ERROR_TRUST)
		return drop(operation, result);
	if (!strcmp(operation->report.oauth_error, OAUTH_INVALID_GRANT))
		return drop(operation, ADIT_ERROR_CREDENTIALS);
	/* The client itself was refused: asking in another way would be the same again. */
	if (result == ADIT_ERROR_CREDENTIALS)
		result = ADIT_ERROR_DENIED;
	if (status == 429 || status == 503 || result == ADIT_ERROR_DENIED ||
		(operation->report.oauth_error[0] && status >= 400))
		return keep(operation, result);
	return ask_again_or_leave(operation, result);
}

static int ask(struct operation *operation)
{
	struct adit_client *client = operation->client;
	struct token_request request;
	struct token_asker asker;
	struct fault fault = {0};
	int error = grant_asker(operation, &asker);

	if (error)
		return keep(operation, error);
	error = token_request_refresh(&asker, client->tokens.refresh_token, &request, &fault);
	if (error)
		return keep(operation, grant_no_request(operation, error, &fault));
	return exchange_post(operation, client->metadata.token_endpoint, &request, take_answer);
}

int refresh_begin(struct operation *operation)
{
	struct adit_client *client = operation->client;
	struct token_intent intent = client->tokens.intent;

	if (!refresh_is_possible(client)) {
		(void)report_set(
			&operation->report, ADIT_ERROR_CREDENTIALS, "there is no refresh token");
		return operation_end(operation, ADIT_ERROR_CREDENTIALS);
	}
	if (intent.kind != TOKEN_INTENT_REFRESH) {
		intent = (struct token_intent){
			.kind = TOKEN_INTENT_REFRESH, .at = moment_now(&client->clock), .tries = 1};
		return write_intent_and_ask(operation, &intent);
	}
	if (!may_ask_again(client)) {
		(void)report_set(&operation->report, ADIT_ERROR_CREDENTIALS,
			"the answer to the last refresh was lost, and the refresh token may be "
			"spent");
		return drop(operation, ADIT_ERROR_CREDENTIALS);
	}
	intent.asked_again = true;
	intent.tries++;
	return write_intent_and_ask(operation, &intent);
}
