/* SPDX-License-Identifier: Apache-2.0 */
#include "client/keys.h"

#include "client/context.h"

#include <string.h>

enum {
	FRESH_MS = 3600 * 1000,
	UNKNOWN_PAUSE_MS = 60 * 1000,
};

void keys_want(struct adit_client *client, const struct jws *jws)
{
	client->wanted_key.has_kid = jws->has_kid;
	client->wanted_key.alg = jws->alg;
	memcpy(client->wanted_key.kid, jws->kid, sizeof(client->wanted_key.kid));
}

static const struct crypto_key *find(const struct adit_client *client)
{
	const struct wanted_key *wanted = &client->wanted_key;

	return client->keys
		       ? jwks_find(client->keys, wanted->has_kid ? wanted->kid : NULL, wanted->alg)
		       : NULL;
}

static int take_answer(struct operation *operation)
{
	struct adit_client *client = operation->client;
	const struct http_reply *reply = &operation->exchange.reply;
	struct jwks *keys;
	int error = operation->result;

	if (error)
		return operation_end(operation, error);
	/* Some authorities serve application/jwk-set+json (RFC 7517, 8.5.2), or text. */
	if (reply->status != 200)
		return operation_end(operation, exchange_check(operation, "the authority's keys"));
	error = jwks_parse(reply->body.data, reply->body.len, &keys);
	if (error) {
		struct fault fault = {0};

		fault_set(&fault, "%.300s: no key set can be read there: %s",
			client->metadata.jwks_uri, error_text(error));
		return operation_end(operation, report_fault(&operation->report, error, &fault));
	}
	jwks_destroy(client->keys);
	client->keys = keys;
	client->keys_at_ms = client_clock_boot_ms(&client->clock);
	return operation_end(operation, 0);
}

int keys_begin(struct operation *operation)
{
	struct adit_client *client = operation->client;
	int64_t age_ms = client_clock_boot_ms(&client->clock) - client->keys_at_ms;

	if (client->keys && age_ms < FRESH_MS && (find(client) || age_ms < UNKNOWN_PAUSE_MS))
		return operation_end(operation, 0);
	return exchange_get(operation, client->metadata.jwks_uri, take_answer);
}

int keys_verify(struct operation *operation, const struct jws *jws, const char *what)
{
	struct report *report = &operation->report;
	const struct crypto_key *key;
	int error;

	keys_want(operation->client, jws);
	key = find(operation->client);
	error = key ? jws_verify(jws, key) : ERROR_NOT_FOUND;
	if (!error)
		return 0;
	/* That it could not be looked at says nothing about it. */
	if (error == ERROR_MEMORY || error == ERROR_CRYPTO) {
		(void)report_set(report, ADIT_ERROR_MEMORY,
			"%s: its signature can't be verified: %s", what, error_text(error));
		return report_action(report, "free memory, then try again");
	}
	(void)report_set(report, ADIT_ERROR_TRUST, "%s: %s", what,
		key ? "its signature is wrong"
		    : "the authority has no key that it could be signed by");
	return report_action(report, "do not use it; tell the authority's operator");
}
