/* SPDX-License-Identifier: Apache-2.0 */
#include "client/logout.h"

#include "client/account.h"
#include "client/context.h"
#include "client/discover.h"
#include "client/grant.h"

static int forget(struct operation *operation, int result)
{
	struct adit_client *client = operation->client;
	struct report report = operation->report;
	struct fault fault = {0};
	int error = token_record_remove(
		client->storage, client->account_id, client->options.scope, &fault);

	context_drop_token(client);
	token_record_finish(&client->tokens);
	token_record_init(&client->tokens);
	client->tokens_unwritten = false;
	if (error)
		return operation_end(operation, report_storage(&operation->report, error, &fault));
	operation->report = report;
	return operation_end(operation, result);
}

/* RFC 7009, 2.2: 200 also where the token was not known. */
static int take_answer(struct operation *operation)
{
	int status = operation->exchange.reply.status;
	int result = operation->result;

	if (!result && status != 200)
		result = exchange_check(operation, "revocation");
	return forget(operation, result);
}

static int revoke(struct operation *operation)
{
	struct adit_client *client = operation->client;
	const struct token_record *tokens = &client->tokens;
	bool has_refresh = tokens->refresh_token != NULL;
	struct token_request request;
	struct token_asker asker;
	struct fault fault = {0};
	int error = operation->result;

	if (error)
		return forget(operation, error);
	if (!client->metadata.revocation_endpoint)
		return forget(operation, 0);
	error = grant_asker(operation, &asker);
	if (error)
		return forget(operation, error);
	error = revocation_request(&asker,
		has_refresh ? tokens->refresh_token : tokens->access_token,
		has_refresh ? "refresh_token" : "access_token", &request, &fault);
	if (error)
		return forget(operation, grant_no_request(operation, error, &fault));
	return exchange_post(
		operation, client->metadata.revocation_endpoint, &request, take_answer);
}

static int locked(struct operation *operation)
{
	struct adit_client *client = operation->client;
	int error = operation->result;

	if (!error)
		error = account_read(client, &operation->report);
	if (error)
		return operation_end(operation, error);
	if (!client->tokens.refresh_token && !client->tokens.access_token)
		return forget(operation, 0);
	return operation_sub(operation, discover_begin, revoke);
}

int logout_begin(struct operation *operation)
{
	return operation_sub(operation, account_lock, locked);
}
