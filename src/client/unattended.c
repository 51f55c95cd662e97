/* SPDX-License-Identifier: Apache-2.0 */
#include "client/unattended.h"

#include "client/account.h"
#include "client/context.h"
#include "client/grant.h"
#include "oauth/error.h"

#include <string.h>

enum {
	/* Tries whose answer nobody saw, before the next one waits. */
	FREE_TRIES = 2,
	PAUSE_MS = 2000,
	DOUBLINGS_MAX = 7,
	PAUSE_MAX_MS = PAUSE_MS << DOUBLINGS_MAX,
};

static const char *what(const struct account_record *credentials)
{
	return credentials->method == ACCOUNT_PASSWORD ? "password grant"
						       : "client_credentials grant";
}

/* --- before ------------------------------------------------------------------------- */

static int refused_before(struct operation *operation, const struct account_record *credentials)
{
	const struct account_breaker *breaker = &operation->client->account.breaker;
	struct report *report = &operation->report;

	if (strcmp(breaker->generation, credentials->generation) != 0 &&
		strcmp(operation->client->refused, credentials->generation) != 0)
		return 0;
	(void)report_set(report, ADIT_ERROR_CREDENTIALS,
		"%s: the authority has refused these credentials (%s), and they are not tried "
		"again",
		operation->client->authority, breaker->oauth_error);
	report->http_status = breaker->http_status;
	(void)text_copy(report->oauth_error, sizeof(report->oauth_error), breaker->oauth_error);
	return report_action(report, "enter the right ones; if the authority's operator has made "
				     "these good again, forget them first");
}

/* The credentials of an application where people sign in are not those of the person: tokens
 * of its own in their place would be another's. */
static int check_person(struct operation *operation)
{
	const struct adit_client *client = operation->client;

	if (client->has_given || !client->tokens.person)
		return 0;
	(void)report_set(&operation->report, ADIT_ERROR_PERSON,
		"%s: who signed in has to sign in again", client->authority);
	return report_action(&operation->report, "sign in, or sign out first");
}

/* A process that dies while it waits for the answer must not try for ever. */
static int check_tries(struct operation *operation)
{
	struct adit_client *client = operation->client;
	const struct token_intent *intent = &client->tokens.intent;
	int over = intent->kind == TOKEN_INTENT_PASSWORD ? intent->tries - FREE_TRIES : -1;
	int64_t pause_ms;
	int64_t since_ms;

	if (over < 0)
		return 0;
	pause_ms = (int64_t)PAUSE_MS << (over < DOUBLINGS_MAX ? over : DOUBLINGS_MAX);
	since_ms = moment_since_ms(&client->clock, &intent->at);
	if (since_ms >= pause_ms)
		return 0;
	(void)report_set(&operation->report, ADIT_ERROR_WAIT,
		"%s: %d tries with these credentials have ended without an answer",
		client->authority, intent->tries);
	operation->report.retry_after_s = (pause_ms - since_ms + 999) / 1000;
	return report_action(&operation->report, "try again in %lld s",
		(long long)operation->report.retry_after_s);
}

static int write_intent(struct operation *operation)
{
	struct adit_client *client = operation->client;
	const struct token_intent *last = &client->tokens.intent;
	const struct token_intent intent = {
		.kind = TOKEN_INTENT_PASSWORD,
		.at = moment_now(&client->clock),
		.tries = last->kind == TOKEN_INTENT_PASSWORD ? last->tries + 1 : 1,
	};

	/* What is noted of a refresh token that may be spent would be lost here. */
	if (last->kind == TOKEN_INTENT_REFRESH)
		(void)record_set_text(&client->tokens.refresh_token, NULL);
	return account_write_intent(client, &intent, &operation->report);
}

/* --- after -------------------------------------------------------------------------- */

static int refuse(struct operation *operation, const struct account_record *credentials)
{
	struct adit_client *client = operation->client;
	struct account_breaker *breaker = &client->account.breaker;
	struct report report = operation->report;

	*breaker = (struct account_breaker){.http_status = report.http_status};
	(void)text_copy(breaker->generation, sizeof(breaker->generation), credentials->generation);
	(void)text_copy(breaker->oauth_error, sizeof(breaker->oauth_error), report.oauth_error);
	(void)text_copy(client->refused, sizeof(client->refused), credentials->generation);
	breaker->at = moment_now(&client->clock);
	if (!client->account.method)
		client->account.method = credentials->method;
	if (account_write(client, &operation->report))
		return operation_end(operation, operation->report.code);
	client->tokens.intent = (struct token_intent){0};
	(void)account_write_tokens(client, &operation->report);
	operation->report = report;
	return operation_end(operation, ADIT_ERROR_CREDENTIALS);
}

/* Whether it is the credentials that were refused, so that they must not be tried again: in
 * doubt it is, since tries are what locks an account. That a public client was refused says
 * nothing about a password. */
static int verdict(
	const struct operation *operation, const struct account_record *credentials, int result)
{
	const struct report *report = &operation->report;

	if (!result || !operation->exchange.has_reply)
		return result;
	if (credentials->method == ACCOUNT_PASSWORD &&
		!strcmp(report->oauth_error, OAUTH_INVALID_CLIENT))
		return ADIT_ERROR_DENIED;
	return operation->exchange.reply.status == 401 ? ADIT_ERROR_CREDENTIALS : result;
}

static int take_answer(struct operation *operation)
{
	struct adit_client *client = operation->client;
	const struct account_record *credentials = account_credentials(client);
	struct grant_tokens tokens = {
		.what = what(credentials), .generation = credentials->generation};
	int result = operation->result;

	if (!result)
		result = verdict(operation, credentials, grant_take(operation, &tokens));
	operation->report.code = result;
	if (result == ADIT_ERROR_CREDENTIALS)
		return refuse(operation, credentials);
	if (result) {
		struct report report = operation->report;

		/* It was answered, or never sent: nothing is in doubt. */
		if (operation->exchange.has_reply || !operation->exchange.sent) {
			client->tokens.intent = (struct token_intent){0};
			(void)account_write_tokens(client, &operation->report);
		}
		operation->report = report;
		return operation_end(operation, result);
	}
	/* First the credentials, then what came by them: tokens of others are no tokens. */
	if (client->has_given) {
		client->tokens.rejections = 0;
		result = account_write_given(client, &operation->report);
	}
	/* Where they can't be written, the client goes on with them all the same. */
	if (!result)
		(void)account_write_tokens(client, &operation->report);
	return operation_end(operation, result);
}

/* --- asking ------------------------------------------------------------------------- */

int unattended_begin(struct operation *operation)
{
	struct adit_client *client = operation->client;
	const struct account_record *credentials = account_credentials(client);
	struct token_request request;
	struct token_asker asker;
	struct fault fault = {0};
	int error;

	if (!credentials) {
		(void)report_set(&operation->report, ADIT_ERROR_PERSON,
			"%s: there are no credentials and no refresh token", client->authority);
		(void)report_action(&operation->report, "sign in, or enter the credentials");
		return operation_end(operation, ADIT_ERROR_PERSON);
	}
	error = check_person(operation);
	if (!error)
		error = refused_before(operation, credentials);
	if (!error)
		error = check_tries(operation);
	if (!error)
		error = grant_asker(operation, &asker);
	if (error)
		return operation_end(operation, error);
	if (credentials->method == ACCOUNT_PASSWORD)
		error = token_request_password(
			&asker, credentials->username, credentials->secret, &request, &fault);
	else
		error = token_request_client_credentials(&asker, &request, &fault);
	if (error)
		return operation_end(operation, grant_no_request(operation, error, &fault));
	error = write_intent(operation);
	if (error) {
		token_request_finish(&request);
		return operation_end(operation, error);
	}
	return exchange_post(operation, client->metadata.token_endpoint, &request, take_answer);
}
