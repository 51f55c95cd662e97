/* SPDX-License-Identifier: Apache-2.0 */
#include "client/exchange.h"

#include "base/clock.h"
#include "client/account.h"
#include "client/context.h"
#include "client/operation.h"
#include "oauth/token_message.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
	FIELDS_MAX = 4,
	SECRET_LEAST = 4, /* bytes of one that is looked for */
};

static const char *const ACCEPT = "Accept: application/json";

void exchange_finish(struct exchange *exchange)
{
	token_request_finish(&exchange->request);
	if (exchange->has_reply)
		http_reply_finish(&exchange->reply);
	free(exchange->url);
	*exchange = (struct exchange){0};
}

static int watch_http(struct operation *operation)
{
	int error = context_open_http(operation->client, &operation->report);

	return error ? error : operation_watch(operation, http_client_fd(operation->client->http));
}

/* Why there is no answer. */
static int fail(struct operation *operation, int error, const struct fault *fault)
{
	struct exchange *exchange = &operation->exchange;

	exchange->begun = false;
	exchange->sent = http_client_sent(operation->client->http);
	context_log(operation->client, "no answer: %s", fault->text);
	return operation_end(operation, report_fault(&operation->report, error, fault));
}

static int await(struct operation *operation)
{
	struct exchange *exchange = &operation->exchange;
	struct http_client *http = operation->client->http;
	struct fault fault = {0};
	int error = http_client_step(http, &exchange->reply, &fault);
	int timeout_ms;

	if (error == HTTP_CLIENT_WAIT) {
		timeout_ms = http_client_timeout_ms(http);
		return operation_wait(
			operation, timeout_ms < 0 ? INT64_MAX : clock_monotonic_ms() + timeout_ms);
	}
	if (error)
		return fail(operation, error, &fault);
	exchange->begun = false;
	exchange->sent = true;
	exchange->has_reply = true;
	if (!exchange->reply.is_cached && client_clock_learn(&operation->client->clock,
						  exchange->reply.date, exchange->sent_boot_ms))
		operation->client->skew_learnt = true;
	context_log(operation->client, "answer: %d, %zu bytes of %s", exchange->reply.status,
		exchange->reply.body.len,
		exchange->reply.content_type[0] ? exchange->reply.content_type : "no type");
	return operation_end(operation, 0);
}

static int begin(struct operation *operation)
{
	struct exchange *exchange = &operation->exchange;
	bool posts = !strcmp(exchange->method, "POST");
	const char *fields[FIELDS_MAX] = {ACCEPT};
	const struct http_call call = {
		.method = exchange->method,
		.url = exchange->url,
		.fields = fields,
		.body = posts ? exchange->request.body.data : NULL,
		.body_length = posts ? exchange->request.body.len : 0,
	};
	struct fault fault = {0};
	size_t count = 1;
	int error = watch_http(operation);

	if (error)
		return operation_end(operation, error);
	if (posts)
		fields[count++] = TOKEN_REQUEST_TYPE;
	if (exchange->request.authorization.len)
		fields[count++] = exchange->request.authorization.data;
	context_log(operation->client, "%s %s", call.method, call.url);
	error = http_client_begin(operation->client->http, &call, &fault);
	if (error)
		return fail(operation, error, &fault);
	exchange->begun = true;
	exchange->sent_boot_ms = client_clock_boot_ms(&operation->client->clock);
	return operation_next(operation, await);
}

void exchange_interrupt(struct operation *operation)
{
	struct exchange *exchange = &operation->exchange;
	struct http_client *http = operation->client->http;

	exchange->begun = false;
	exchange->sent = http_client_sent(http);
	http_client_abandon(http);
	/* The state that waits for it is the one that ends. */
	(void)operation_end(operation, operation_say_ending(operation));
}

/* The URL may be in a document that goes away, or in the last exchange's own. */
static int start(struct operation *operation, const char *method, const char *url,
	int (*then)(struct operation *operation))
{
	struct exchange *exchange = &operation->exchange;
	char *copy = operation->ending ? NULL : strdup(url);

	if (!copy) {
		exchange_finish(exchange);
		operation->result = operation->ending
					    ? operation_say_ending(operation)
					    : report_set(&operation->report, ADIT_ERROR_MEMORY,
						      "no memory for a request");
		return operation_next(operation, then);
	}
	if (exchange->has_reply)
		http_reply_finish(&exchange->reply);
	exchange->has_reply = false;
	exchange->sent = false;
	free(exchange->url);
	exchange->url = copy;
	exchange->method = method;
	return operation_sub(operation, begin, then);
}

int exchange_get(
	struct operation *operation, const char *url, int (*then)(struct operation *operation))
{
	token_request_finish(&operation->exchange.request);
	return start(operation, "GET", url, then);
}

int exchange_post(struct operation *operation, const char *url, struct token_request *request,
	int (*then)(struct operation *operation))
{
	token_request_finish(&operation->exchange.request);
	operation->exchange.request = *request;
	*request = (struct token_request){0};
	return start(operation, "POST", url, then);
}

static bool is_type(const struct http_reply *reply, const char *type)
{
	size_t length = strlen(type);
	char after = '\0';

	if (strncasecmp(reply->content_type, type, length) != 0)
		return false;
	after = reply->content_type[length];
	return !after || after == ';' || after == ' ' || after == '\t';
}

static bool looks_like_html(const struct http_reply *reply)
{
	return is_type(reply, "text/html") || (reply->body.len && reply->body.data[0] == '<');
}

/* The codes that say something about who asked. */
static int code_of(const struct error_reply *error, int status)
{
	if (!strcmp(error->error, "invalid_grant") || !strcmp(error->error, "invalid_client"))
		return ADIT_ERROR_CREDENTIALS;
	if (!strcmp(error->error, "temporarily_unavailable") ||
		!strcmp(error->error, "server_error") || status >= 500)
		return ADIT_ERROR_UNAVAILABLE;
	return ADIT_ERROR_DENIED;
}

/* How far they agree, the text having been made fit to be shown. */
static size_t agreement(const char *text, const char *secret)
{
	size_t length = 0;

	while (secret[length] &&
		text[length] ==
			(secret[length] < 0x20 || secret[length] > 0x7e ? '?' : secret[length]))
		length++;
	return length;
}

/* Whether the text has that secret in it; or its beginning at the end, where it was cut. A
 * short one would be found by chance. */
static bool repeats(const char *text, bool was_cut, const char *secret)
{
	if (!secret || strlen(secret) < SECRET_LEAST)
		return false;
	for (; *text; text++) {
		size_t same = agreement(text, secret);

		if (!secret[same] || (was_cut && same >= SECRET_LEAST && !text[same]))
			return true;
	}
	return false;
}

/* What the authority says; nothing, where it repeats what only it may know. `size`: of what
 * the text was copied into. */
static const char *fit_to_show(const struct adit_client *client, const char *text, size_t size)
{
	const struct account_record *credentials = account_credentials(client);
	bool was_cut = strlen(text) == size - 1;

	if (repeats(text, was_cut, credentials ? credentials->secret : NULL) ||
		repeats(text, was_cut, client->tokens.refresh_token) ||
		repeats(text, was_cut, client->tokens.access_token))
		return "";
	return text;
}

static int refuse(struct operation *operation, const char *what, const struct error_reply *error)
{
	const struct adit_client *client = operation->client;
	const char *name = fit_to_show(client, error->error, sizeof(error->error));
	const char *description =
		fit_to_show(client, error->error_description, sizeof(error->error_description));
	const struct http_reply *reply = &operation->exchange.reply;
	struct report *report = &operation->report;
	int code = reply->status == 429 ? ADIT_ERROR_WAIT : code_of(error, reply->status);

	(void)report_set(report, code, "%s: the authority answered %d %s%s%s", what, reply->status,
		name, description[0] ? ": " : "", description);
	(void)text_copy(report->oauth_error, sizeof(report->oauth_error), name);
	(void)text_copy(report->correlation_id, sizeof(report->correlation_id),
		fit_to_show(client, error->correlation_id, sizeof(error->correlation_id)));
	return code;
}

static int refuse_plainly(struct operation *operation, const char *what)
{
	const struct http_reply *reply = &operation->exchange.reply;
	struct report *report = &operation->report;
	int code = ADIT_ERROR_PROTOCOL;

	if (reply->status == 429)
		code = ADIT_ERROR_WAIT;
	else if (reply->status >= 500)
		code = ADIT_ERROR_UNAVAILABLE;
	(void)report_set(report, code,
		"%s: the authority answered %d with %s, where %s was expected", what, reply->status,
		looks_like_html(reply)	 ? "an HTML page"
		: !reply->body.len	 ? "nothing"
		: reply->content_type[0] ? reply->content_type
					 : "something of no type",
		"200 and application/json");
	if (reply->status >= 300 && reply->status < 400)
		(void)report_action(report, "redirects are never followed: give the final URL");
	else if (code == ADIT_ERROR_PROTOCOL)
		(void)report_action(report,
			"check that the URL is the authority's, and that no proxy or sign-in page "
			"answers in its place");
	return code;
}

static void add_usual_action(struct report *report)
{
	if (report->action[0])
		return;
	if (report->code == ADIT_ERROR_UNAVAILABLE)
		(void)report_action(
			report, "try again later; if it stays so, tell the authority's operator");
	else if (report->code == ADIT_ERROR_WAIT)
		(void)report_action(report, "wait, then try again");
	else if (report->code == ADIT_ERROR_CREDENTIALS)
		(void)report_action(report, "check user name and password, or ask the authority's "
					    "operator with the correlation id");
	else if (report->code == ADIT_ERROR_DENIED)
		(void)report_action(report, "ask the authority's operator what this client may do");
}

int exchange_check(struct operation *operation, const char *what)
{
	const struct http_reply *reply = &operation->exchange.reply;
	struct report *report = &operation->report;
	struct error_reply error;
	bool is_json = is_type(reply, "application/json");
	bool is_error = is_json && !error_reply_read(reply->body.data, reply->body.len, &error);

	if (reply->status == 200 && is_json && !is_error)
		return 0;
	if (is_error)
		(void)refuse(operation, what, &error);
	else
		(void)refuse_plainly(operation, what);
	report->http_status = reply->status;
	report->retry_after_s = reply->retry_after_s;
	add_usual_action(report);
	return report->code;
}
