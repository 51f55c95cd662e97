/* SPDX-License-Identifier: Apache-2.0 */
#include "client/discover.h"

#include "client/context.h"
#include "codec/uri.h"

#include <stdlib.h>
#include <string.h>

enum { KEPT_MS = 24 * 3600 * 1000 };

static int take_document(
	struct operation *operation, const char *text, size_t length, int64_t age_ms)
{
	struct adit_client *client = operation->client;
	struct metadata metadata;
	struct fault fault = {0};
	int error = metadata_read(client->configured, text, length, &metadata, &fault);

	if (error)
		return report_fault(&operation->report, error, &fault);
	if (client->has_metadata)
		metadata_finish(&client->metadata);
	client->metadata = metadata;
	client->has_metadata = true;
	client->metadata_at_ms = client_clock_boot_ms(&client->clock) - age_ms;
	return 0;
}

/* So that the next process need not ask. Best effort: it can. */
static void keep_document(struct adit_client *client, const char *text)
{
	char *copy = strdup(text);

	if (!copy)
		return;
	free(client->gate.metadata);
	client->gate.metadata = copy;
	client->gate.metadata_at = moment_now(&client->clock);
	client->gate_changed = true;
}

/* Nobody shows credentials here, so none can have been refused. */
static int check_answer(struct operation *operation)
{
	struct report *report = &operation->report;
	int error = exchange_check(operation, "discovery");

	if (error != ADIT_ERROR_CREDENTIALS && error != ADIT_ERROR_DENIED)
		return error;
	report->code = ADIT_ERROR_PROTOCOL;
	return report_action(report, "check that the URL is that of an OpenID Connect authority");
}

static int take_answer(struct operation *operation)
{
	const struct http_reply *reply = &operation->exchange.reply;
	int error = operation->result;

	if (!error)
		error = check_answer(operation);
	if (!error)
		error = take_document(operation, reply->body.data, reply->body.len, 0);
	if (!error)
		keep_document(operation->client, reply->body.data);
	return operation_end(operation, error);
}

int discover_anew(struct operation *operation)
{
	struct fault fault = {0};
	struct buf url;
	int error;

	buf_init(&url, URI_MAX);
	error = metadata_append_url(&url, operation->client->authority, &fault);
	if (error) {
		buf_finish(&url);
		return operation_end(operation, report_fault(&operation->report, error, &fault));
	}
	error = exchange_get(operation, url.data, take_answer);
	buf_finish(&url);
	return error;
}

/* What the authority said before serves where it does not say anything now. */
static int after_renewal(struct operation *operation)
{
	int result = operation->result;

	if (!operation->client->has_metadata || !report_is_passing(result) || operation->ending)
		return operation_end(operation, result);
	context_log(operation->client, "the last discovery document serves on: %s",
		operation->report.text);
	report_init(&operation->report);
	return operation_end(operation, 0);
}

static bool is_recent(const struct adit_client *client)
{
	return client->has_metadata &&
	       client_clock_boot_ms(&client->clock) - client->metadata_at_ms < KEPT_MS;
}

int discover_begin(struct operation *operation)
{
	struct adit_client *client = operation->client;
	const char *kept = client->gate.metadata;
	int64_t age_ms = moment_since_ms(&client->clock, &client->gate.metadata_at);

	if (is_recent(client))
		return operation_end(operation, 0);
	if (kept && age_ms < KEPT_MS && !take_document(operation, kept, strlen(kept), age_ms))
		return operation_end(operation, 0);
	return operation_sub(operation, discover_anew, after_renewal);
}

static void forget(struct adit_client *client)
{
	if (client->has_metadata)
		metadata_finish(&client->metadata);
	client->has_metadata = false;
	free(client->gate.metadata);
	client->gate.metadata = NULL;
	client->gate_changed = true;
}

void discover_doubt(struct operation *operation, int result)
{
	const struct exchange *exchange = &operation->exchange;
	int status = exchange->has_reply ? exchange->reply.status : 0;

	if (!result || operation->ending)
		return;
	if ((status >= 300 && status < 400) || status == 404 || status == 405 || status == 410 ||
		(!status && !exchange->sent && result == ADIT_ERROR_UNAVAILABLE))
		forget(operation->client);
}
