/* SPDX-License-Identifier: Apache-2.0 */
#include "client/inspect.h"

#include "client/account.h"
#include "client/context.h"
#include "client/discover.h"
#include "client/keys.h"
#include "client/options.h"
#include "codec/json_writer.h"
#include "jose/jwt.h"

#include <stdlib.h>
#include <string.h>

enum {
	TEXT_MAX = 1024 * 1024,
	LEEWAY_LEAST_S = 5, /* clocks are never equal */
};

/* --- how things stand ------------------------------------------------------------------ */

static const char *method_name(enum account_method method)
{
	switch (method) {
	case ACCOUNT_PERSON:
		return "person";
	case ACCOUNT_PASSWORD:
		return "password";
	case ACCOUNT_CLIENT_SECRET:
		return "client_secret";
	case ACCOUNT_PRIVATE_KEY:
		return "private_key";
	default:
		return NULL;
	}
}

/* What stands in the storage of one account. */
struct seen {
	struct account_record account;
	struct token_record tokens;
	struct gate_record gate;
};

static void write_token(struct json_writer *writer, const struct token_record *tokens,
	const struct client_clock *clock)
{
	int64_t left_ms = moment_left_ms(clock, &tokens->received, tokens->expires_in_s * 1000);

	if (!tokens->access_token && !tokens->refresh_token)
		return;
	json_write_object(writer, "token");
	json_write_number(writer, "expires_at", tokens->expires.unix_ms / 1000);
	json_write_number(writer, "expires_in",
		tokens->access_token && !tokens->rejected ? left_ms / 1000 : 0);
	json_write_text(writer, "scope", tokens->scope);
	json_write_boolean(writer, "refresh_token", tokens->refresh_token != NULL);
	json_write_boolean(writer, "rejected", tokens->rejected);
	json_write_boolean(writer, "answer_lost", tokens->intent.kind != TOKEN_INTENT_NONE);
	json_write_object_end(writer);
}

/* What was refused may be what should have come in place of the credentials that are kept. */
static void write_breaker(struct json_writer *writer, const struct account_record *account,
	const struct client_clock *clock)
{
	const struct account_breaker *breaker = &account->breaker;

	if (!breaker->generation[0])
		return;
	json_write_object(writer, "refused");
	json_write_text(writer, "error", breaker->oauth_error);
	json_write_number(writer, "http_status", breaker->http_status);
	json_write_number(writer, "seconds_ago", moment_since_ms(clock, &breaker->at) / 1000);
	json_write_boolean(writer, "stored", !strcmp(breaker->generation, account->generation));
	json_write_object_end(writer);
}

static void write_gate(struct json_writer *writer, const struct gate_record *gate,
	const struct client_clock *clock)
{
	int64_t left_ms = moment_until_ms(clock, &gate->not_before, gate->wait_ms);

	json_write_number(writer, "retry_after", (left_ms + 999) / 1000);
	json_write_number(writer, "failures", gate->failures);
	if (gate->reason[0])
		json_write_text(writer, "reason", gate->reason);
	if (gate->skew_known)
		json_write_number(writer, "skew_ms", gate->skew_ms);
}

static void write_account(
	struct json_writer *writer, const struct seen *seen, const struct client_clock *clock)
{
	const struct account_record *account = &seen->account;

	json_write_text(writer, "authority", account->authority);
	json_write_text(writer, "client_id", account->client_id);
	json_write_text(writer, "account", account->account);
	json_write_text(writer, "kind", method_name(account->method));
	json_write_text(writer, "username", account->username);
	json_write_boolean(writer, "verified", account->verified);
	write_breaker(writer, account, clock);
	write_token(writer, &seen->tokens, clock);
	write_gate(writer, &seen->gate, clock);
}

static void write_storage(struct json_writer *writer, const struct storage *storage)
{
	struct storage_description description;

	storage_describe(storage, &description);
	json_write_object(writer, "storage");
	json_write_text(writer, "kind", description.kind);
	json_write_text(writer, "directory", description.directory);
	json_write_text(writer, "key", description.key);
	json_write_object_end(writer);
}

static void write_turns(struct json_writer *writer, struct adit_client *client)
{
	static const char *const names[PACE_WINDOWS] = {"10_s", "minute", "4_h"};
	int left[PACE_WINDOWS];

	if (turn_left(client, left))
		return;
	json_write_object(writer, "turns_left");
	for (int i = 0; i < PACE_WINDOWS; i++)
		if (left[i] >= 0)
			json_write_number(writer, names[i], left[i]);
	json_write_object_end(writer);
}

static int take_text(struct buf *buf, char **ret_text, struct report *report)
{
	char *text = buf_take(buf);

	if (!text)
		return report_set(report, ADIT_ERROR_MEMORY, "no memory for a report");
	*ret_text = text;
	return 0;
}

int inspect_client(struct adit_client *client, char **ret_text, struct report *report)
{
	struct json_writer writer;
	struct seen seen;
	struct buf buf;
	int error = account_open(client, report);

	if (!error)
		error = account_read(client, report);
	if (error)
		return error;
	/* Borrowed: nothing of it is finished here. */
	seen = (struct seen){client->account, client->tokens, client->gate};
	if (!seen.account.authority)
		seen.account.authority = client->authority;
	if (!seen.account.client_id)
		seen.account.client_id = client->client_id;
	buf_init(&buf, TEXT_MAX);
	json_writer_init(&writer, &buf);
	json_write_object(&writer, NULL);
	write_account(&writer, &seen, &client->clock);
	json_write_boolean(&writer, "credentials_to_verify", client->has_given);
	write_storage(&writer, client->storage);
	write_turns(&writer, client);
	json_write_text(&writer, "version", ADIT_VERSION);
	json_write_object_end(&writer);
	return take_text(&buf, ret_text, report);
}

/* --- every account ---------------------------------------------------------------------- */

struct listing {
	struct storage *storage;
	const char *scope; /* of the tokens that are shown */
	struct client_clock clock;
	struct json_writer writer;
};

/* One account, of which some part may be damaged: what can be read is shown. */
static void list_account(struct listing *listing, const char *account, struct seen *seen)
{
	struct fault fault = {0};

	if (account_record_read(listing->storage, account, &seen->account, &fault))
		account_record_init(&seen->account);
	if (gate_record_read(listing->storage, account, &seen->gate, NULL))
		gate_record_init(&seen->gate);
	json_write_object(&listing->writer, NULL);
	write_account(&listing->writer, seen, &listing->clock);
	if (fault.text[0])
		json_write_text(&listing->writer, "fault", fault.text);
	json_write_object_end(&listing->writer);
	account_record_finish(&seen->account);
	gate_record_finish(&seen->gate);
}

static int visit(void *context, const char *account, const char *part)
{
	struct listing *listing = context;
	struct seen seen;

	if (strcmp(part, STORAGE_PART_ACCOUNT) != 0)
		return 0;
	if (token_record_read(listing->storage, account, listing->scope, &seen.tokens, NULL))
		token_record_init(&seen.tokens);
	list_account(listing, account, &seen);
	token_record_finish(&seen.tokens);
	return 0;
}

static int open_listed(const struct adit_client_options *options, struct storage **ret_storage,
	struct report *report)
{
	const struct storage_options storage = {
		.kind = STORAGE_ANY,
		.directory = options ? options->storage_directory : NULL,
		.key = options ? options->storage_key : NULL,
		.existing = true,
	};
	struct fault fault = {0};
	int error = storage_open(&storage, ret_storage, &fault);

	return error && error != ERROR_NOT_FOUND ? report_storage(report, error, &fault) : error;
}

int inspect_accounts(
	const struct adit_client_options *options, char **ret_text, struct report *report)
{
	struct listing listing = {.scope = options ? options->scope : NULL};
	struct fault fault = {0};
	struct buf buf;
	int error = open_listed(options, &listing.storage, report);

	if (error && error != ERROR_NOT_FOUND)
		return error;
	client_clock_init(&listing.clock, NULL, NULL);
	buf_init(&buf, TEXT_MAX);
	json_writer_init(&listing.writer, &buf);
	json_write_array(&listing.writer, NULL);
	error = listing.storage ? storage_list(listing.storage, visit, &listing, &fault) : 0;
	json_write_array_end(&listing.writer);
	storage_close(listing.storage);
	if (!error)
		return take_text(&buf, ret_text, report);
	buf_finish(&buf);
	return report_storage(report, error, &fault);
}

/* --- a token ------------------------------------------------------------------------------ */

struct inspection {
	struct operation_flow flow;
	struct jws jws;
	char *claims;
};

static void forget(struct operation_flow *flow, struct operation *operation)
{
	(void)flow;
	(void)operation;
}

static int check_claims(struct operation *operation, struct inspection *inspection)
{
	struct adit_client *client = operation->client;
	struct report *report = &operation->report;
	int leeway_s = client->options.leeway_s > LEEWAY_LEAST_S ? client->options.leeway_s
								 : LEEWAY_LEAST_S;
	struct jwt jwt;
	struct buf buf;
	int error = jwt_from_jws(&inspection->jws, &jwt);

	if (error)
		return report_set(report, ADIT_ERROR_INVALID, "its claims can't be read: %s",
			error_text(error));
	buf_init(&buf, TEXT_MAX);
	error = jwt_check_times(&jwt, client_clock_unix_ms(&client->clock) / 1000, leeway_s);
	if (!jwt.iss || strcmp(jwt.iss, client->metadata.issuer) != 0)
		error = report_set(report, ADIT_ERROR_TRUST,
			"it was issued by \"%.300s\", not by %.300s", jwt.iss ? jwt.iss : "",
			client->metadata.issuer);
	else if (error)
		error = report_set(report, ADIT_ERROR_TRUST,
			error == ERROR_TIMEOUT ? "it has expired, or never says when it does"
					       : "it is not valid yet");
	else if (json_print(&buf, jwt.document, false))
		error = report_set(report, ADIT_ERROR_MEMORY, "no memory for its claims");
	if (!error)
		inspection->claims = buf_take(&buf);
	buf_finish(&buf);
	jwt_finish(&jwt);
	return error;
}

static int verify(struct operation *operation)
{
	struct inspection *inspection = (struct inspection *)(void *)operation->flow;
	int error = operation->result;

	if (!error)
		error = keys_verify(operation, &inspection->jws, "the token");
	if (!error)
		error = check_claims(operation, inspection);
	return operation_end(operation, error);
}

static int fetch_keys(struct operation *operation)
{
	struct inspection *inspection = (struct inspection *)(void *)operation->flow;

	if (operation->result)
		return operation_end(operation, operation->result);
	keys_want(operation->client, &inspection->jws);
	return operation_sub(operation, keys_begin, verify);
}

static int begin(struct operation *operation)
{
	return operation_sub(operation, discover_begin, fetch_keys);
}

int inspect_token(
	struct adit_client *client, const char *text, char **ret_claims, struct report *report)
{
	struct inspection inspection = {.flow.destroy = forget};
	struct operation operation;
	int error = jws_parse(text, strlen(text), &inspection.jws);

	if (error) {
		(void)report_set(report, ADIT_ERROR_INVALID, "no JWT that could be verified: %s",
			error_text(error));
		return report_action(
			report, "give a token in JWS compact form: three parts of base64url");
	}
	operation_begin(&operation, client, begin, client->options.call_timeout_ms);
	operation.flow = &inspection.flow;
	error = operation_run(&operation);
	*report = operation.report;
	operation_finish(&operation);
	jws_finish(&inspection.jws);
	if (!error)
		*ret_claims = inspection.claims;
	return error;
}
