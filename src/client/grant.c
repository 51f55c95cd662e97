/* SPDX-License-Identifier: Apache-2.0 */
#include "client/grant.h"

#include "base/secret.h"
#include "client/account.h"
#include "client/context.h"
#include "client/identity.h"
#include "oauth/token_message.h"

#include <string.h>

enum {
	KEY_FILE_MAX = 16 * 1024,
	/* Of a token whose authority does not say how long it lives (RFC 6749, 5.1). */
	LIFETIME_UNSAID_S = 600,
};

static int load_key(struct adit_client *client, struct report *report)
{
	const char *path = client->options.assertion_key_file;
	struct secret pem = {0};
	int error = secret_init_file(&pem, path, KEY_FILE_MAX, SECRET_OWNER_ONLY);

	if (!error)
		error = crypto_key_from_pem(&pem, &client->assertion_key);
	secret_finish(&pem);
	if (!error)
		return 0;
	if (error == ERROR_MEMORY)
		return report_set(report, ADIT_ERROR_MEMORY, "no memory for a key");
	(void)report_set(report, ADIT_ERROR_STORAGE, "%s: no private key can be read there: %s",
		path, error_text(error));
	return report_action(report,
		"give a PEM file (PKCS#8; EC P-256, RSA or Ed25519) that only this user can read");
}

int grant_asker(struct operation *operation, struct token_asker *ret_asker)
{
	struct adit_client *client = operation->client;
	const struct account_record *credentials = account_credentials(client);
	int error = 0;

	if (client->options.assertion_key_file && !client->assertion_key)
		error = load_key(client, &operation->report);
	if (error)
		return error;
	*ret_asker = (struct token_asker){
		.metadata = &client->metadata,
		.client_id = client->client_id,
		.key = client->assertion_key,
		.kid = client->options.assertion_kid,
		.audience = client->options.assertion_audience,
		.now_s = client_clock_unix_ms(&client->clock) / 1000,
		.scope = client->options.scope,
		.resource = client->options.resource,
	};
	if (credentials && credentials->method == ACCOUNT_CLIENT_SECRET && !ret_asker->key)
		ret_asker->client_secret = credentials->secret;
	return 0;
}

int grant_no_request(struct operation *operation, int error, const struct fault *fault)
{
	struct report *report = &operation->report;

	if (error == ERROR_MEMORY)
		return report_set(report, ADIT_ERROR_MEMORY, "no memory for a request");
	if (error != ERROR_REFUSED)
		return report_set(report, ADIT_ERROR_INVALID, "a request can't be made: %s",
			fault->text[0] ? fault->text : error_text(error));
	(void)report_set(report, ADIT_ERROR_DENIED, "%s", fault->text);
	return report_action(report, "ask the authority's operator how this client authenticates");
}

/* A rotating token that came back the same does not rotate. */
static void note_rotation(struct token_record *tokens, const struct token_reply *reply)
{
	if (!reply->refresh_token || !tokens->refresh_token)
		return;
	tokens->rotates = strcmp(reply->refresh_token, tokens->refresh_token) != 0
				  ? TOKEN_ROTATES
				  : TOKEN_ROTATES_NOT;
}

static int move_text(char **to, const char *from, bool keep)
{
	return from || !keep ? record_set_text(to, from) : 0;
}

/* RFC 6749, 5.1 and 6: one that is not named is what was asked for, and a refresh asks for
 * what there was. */
static const char *scope_of(const struct adit_client *client, const struct grant_tokens *grant,
	const struct token_reply *reply)
{
	if (reply->scope)
		return reply->scope;
	if (grant->continues && client->tokens.scope)
		return NULL;
	return grant->scope ? grant->scope : client->options.scope;
}

static int fill(struct operation *operation, const struct grant_tokens *grant,
	const struct token_reply *reply)
{
	struct adit_client *client = operation->client;
	struct token_record *tokens = &client->tokens;
	int64_t lifetime_s = reply->expires_in_s < 0 ? LIFETIME_UNSAID_S : reply->expires_in_s;
	bool keep = grant->continues;
	const char *scope = scope_of(client, grant, reply);
	int error = 0;

	if (keep)
		note_rotation(tokens, reply);
	/* Where nobody was identified before, nobody is by that. */
	if (keep && reply->id_token && tokens->id_token)
		error = identity_check_refreshed(
			operation, reply->id_token, reply->access_token, tokens->id_token);
	if (error)
		return error;
	if (move_text(&tokens->access_token, reply->access_token, false) ||
		move_text(&tokens->token_type, reply->token_type, false) ||
		move_text(&tokens->scope, scope, keep) ||
		move_text(&tokens->refresh_token, reply->refresh_token, keep) ||
		move_text(&tokens->id_token, grant->identifies ? reply->id_token : NULL, keep)) {
		/* Half of one grant's tokens must not stand beside half of another's. */
		(void)record_set_text(&tokens->access_token, NULL);
		if (!keep)
			(void)record_set_text(&tokens->refresh_token, NULL);
		return ERROR_MEMORY;
	}
	/* From when it was sent: that it took long is no reason to trust it longer. */
	tokens->received = moment_now(&client->clock);
	tokens->received.unix_ms -= tokens->received.boot_ms - operation->exchange.sent_boot_ms;
	tokens->received.boot_ms = operation->exchange.sent_boot_ms;
	tokens->expires = moment_plus(&tokens->received, lifetime_s * 1000);
	tokens->expires_in_s = lifetime_s;
	tokens->rejected = false;
	tokens->intent = (struct token_intent){0};
	if (!keep) {
		tokens->rotates = TOKEN_ROTATION_UNKNOWN;
		tokens->person = grant->person;
	}
	return text_copy(tokens->generation, sizeof(tokens->generation), grant->generation);
}

int grant_take(struct operation *operation, const struct grant_tokens *tokens)
{
	const struct http_reply *answer = &operation->exchange.reply;
	struct report *report = &operation->report;
	struct token_reply reply;
	struct fault fault = {0};
	int error = exchange_check(operation, tokens->what);

	if (error)
		return error;
	error = token_reply_read(answer->body.data, answer->body.len, &reply, &fault);
	if (!error) {
		error = fill(operation, tokens, &reply);
		token_reply_finish(&reply);
	}
	if (!error)
		return 0;
	if (error == ERROR_MEMORY)
		return report_set(report, ADIT_ERROR_MEMORY, "no memory for a token");
	if (error == ADIT_ERROR_TRUST)
		return error;
	(void)report_set(report, ADIT_ERROR_PROTOCOL, "%s: the authority's answer: %s",
		tokens->what, fault.text[0] ? fault.text : error_text(error));
	report->http_status = answer->status;
	return report_action(report, "tell the authority's operator");
}
