/* SPDX-License-Identifier: Apache-2.0 */
#include "client/call.h"

#include "base/clock.h"
#include "client/context.h"
#include "client/token_get.h"
#include "client/turn.h"
#include "codec/uri.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
	ANSWER_MAX = 16 * 1024 * 1024,
	FIELD_MAX = 64 * 1024,
	TYPE_MAX = 256,
	/* A token that ends while the request is on its way would cost another one. */
	TOKEN_TTL_S = 30,
	TOKEN_TTL_LEAST_S = 2,
};

struct answer {
	struct adit_answer shown; /* first, so that the one is the other */
	struct http_reply reply;
};

/* What is under way. */
struct attempt {
	struct adit_client *client;
	const struct adit_call *call;
	unsigned cancels; /* the client's count when it began */
};

/* What a request is made of, beside the caller's. */
struct request {
	struct buf authorization;
	struct buf type;
	const char *fields[4];
};

static bool is_method(const char *text)
{
	/* As http_client_begin() has them. */
	static const char *const methods[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"};

	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		if (!strcmp(text, methods[i]))
			return true;
	return false;
}

static int check(const struct adit_call *call, struct report *report)
{
	struct uri uri;

	if (call->method && !is_method(call->method))
		return report_set(report, ADIT_ERROR_INVALID,
			"the method is none of GET, HEAD, POST, PUT, PATCH and DELETE");
	if (!call->url || uri_parse(call->url, &uri))
		return report_set(report, ADIT_ERROR_INVALID, "the API's URL is none");
	if (!uri_is_safe(&uri)) {
		(void)report_set(report, ADIT_ERROR_INVALID,
			"a token is never sent by plain http, but on loopback");
		return report_action(report, "use the API's https URL");
	}
	if (call->body_length && !call->body)
		return report_set(report, ADIT_ERROR_INVALID, "body_length without a body");
	if (call->content_type && strnlen(call->content_type, TYPE_MAX) == TYPE_MAX)
		return report_set(report, ADIT_ERROR_INVALID, "content_type is too long");
	for (const char *c = call->content_type; c && *c; c++)
		if (*c < 0x20 || *c == 0x7f)
			return report_set(report, ADIT_ERROR_INVALID,
				"content_type holds a character that no field may");
	return 0;
}

static int prepare(
	const struct adit_call *call, const struct adit_token *token, struct request *request)
{
	size_t count = 0;
	const char *type = call->content_type ? call->content_type : "application/json";

	buf_init(&request->authorization, FIELD_MAX);
	buf_init(&request->type, FIELD_MAX);
	(void)buf_append_text(&request->authorization, "Authorization: ");
	(void)buf_append_text(&request->authorization, adit_token_header(token));
	request->fields[count++] = request->authorization.data;
	if (call->body_length) {
		(void)buf_printf(&request->type, "Content-Type: %s", type);
		request->fields[count++] = request->type.data;
	} else {
		/* Else libcurl calls the body of a POST a form, also where there is none. */
		request->fields[count++] = "Content-Type:";
	}
	request->fields[count] = NULL;
	if (buf_status(&request->authorization))
		return buf_status(&request->authorization);
	return buf_status(&request->type);
}

static void request_finish(struct request *request)
{
	buf_finish(&request->authorization);
	buf_finish(&request->type);
}

/* A connection stays open for the next call; threads that call at once have others. */
static int borrow_http(
	struct adit_client *client, struct http_client **ret_http, struct report *report)
{
	struct http_client *http;

	(void)pthread_mutex_lock(&client->mutex);
	http = client->call_http;
	client->call_http = NULL;
	client->used = true;
	(void)pthread_mutex_unlock(&client->mutex);
	if (!http) {
		struct fault fault = {0};
		int error = context_create_http(client, &http, &fault);

		if (error)
			return report_fault(report, error, &fault);
	}
	*ret_http = http;
	return 0;
}

static void return_http(struct adit_client *client, struct http_client *http)
{
	(void)pthread_mutex_lock(&client->mutex);
	if (!client->call_http) {
		client->call_http = http;
		http = NULL;
	}
	(void)pthread_mutex_unlock(&client->mutex);
	http_client_destroy(http);
}

static int no_answer(int error, const struct fault *fault, struct report *report)
{
	(void)report_fault(report, error, fault);
	if (error == ERROR_LIMIT)
		return report_action(report, "ask the API for less, or allow a longer answer");
	if (error == ERROR_MEMORY || error == ERROR_REFUSED)
		return report->code;
	return report_action(report, "check the API's URL and the network, and try again later");
}

/* Between two things that can be waited for nothing wakes: each begins with this. */
static int check_cancel(const struct attempt *attempt, struct report *report)
{
	return context_cancels(attempt->client) == attempt->cancels
		       ? 0
		       : report_set(report, ADIT_ERROR_CANCELLED, "cancelled");
}

static int exchange(const struct attempt *attempt, struct http_client *http,
	const struct http_call *call, struct http_reply *ret_reply, struct report *report)
{
	struct fault fault = {0};
	int error = check_cancel(attempt, report);

	if (error)
		return error;
	error = http_client_begin(http, call, &fault);
	if (!error)
		error = http_client_step(http, ret_reply, &fault);
	while (error == HTTP_CLIENT_WAIT) {
		int timeout_ms = http_client_timeout_ms(http);
		int64_t until_ms = timeout_ms < 0 ? INT64_MAX : clock_monotonic_ms() + timeout_ms;

		if (turn_wait(attempt->client, http_client_fd(http), until_ms, attempt->cancels)) {
			http_client_abandon(http);
			return report_set(report, ADIT_ERROR_CANCELLED, "cancelled");
		}
		error = http_client_step(http, ret_reply, &fault);
	}
	return error ? no_answer(error, &fault, report) : 0;
}

static int send_request(const struct attempt *attempt, const struct adit_token *token,
	struct http_reply *ret_reply, struct report *report)
{
	struct adit_client *client = attempt->client;
	const struct adit_call *call = attempt->call;
	struct request request;
	struct http_client *http = NULL;
	int error = prepare(call, token, &request);
	const struct http_call http_call = {
		.method = call->method ? call->method : "GET",
		.url = call->url,
		.fields = request.fields,
		.body = call->body_length ? call->body : NULL,
		.body_length = call->body_length,
		.max_body = call->answer_max ? call->answer_max : ANSWER_MAX,
	};

	if (error)
		error = report_set(report, ADIT_ERROR_MEMORY, "no memory for a request");
	else
		error = borrow_http(client, &http, report);
	if (!error) {
		error = exchange(attempt, http, &http_call, ret_reply, report);
		return_http(client, http);
	}
	request_finish(&request);
	return error;
}

/* The turn comes after the token, which may take long, and may be so late that the token
 * has to be another. */
static int get_ready(
	const struct attempt *attempt, struct adit_token **ret_token, struct report *report)
{
	struct adit_client *client = attempt->client;
	struct adit_token *token = NULL;
	int error = check_cancel(attempt, report);

	if (!error)
		error = token_get(client, TOKEN_TTL_S, &token, report);
	if (!error)
		error = check_cancel(attempt, report);
	if (!error)
		error = turn_take(client, client->options.call_timeout_ms, report);
	if (!error && adit_token_ttl(token) < TOKEN_TTL_LEAST_S) {
		adit_token_release(token);
		token = NULL;
		error = token_get(client, TOKEN_TTL_S, &token, report);
	}
	if (error)
		adit_token_release(token);
	else
		*ret_token = token;
	return error;
}

static int call_once(const struct attempt *attempt, bool last, struct http_reply *ret_reply,
	struct report *report)
{
	struct adit_client *client = attempt->client;
	struct adit_token *token = NULL;
	struct report ignored;
	int error = get_ready(attempt, &token, report);

	if (error)
		return error;
	error = send_request(attempt, token, ret_reply, report);
	if (error)
		goto done;
	context_log(
		client, "the API answered %d, %zu bytes", ret_reply->status, ret_reply->body.len);
	/* Best effort: the answer is there already. */
	(void)turn_answer(client, ret_reply->status, ret_reply->retry_after_s, &ignored);
	/* A token that could not be rejected would be sent again: then the answer stands. */
	if (ret_reply->status == 401 && !token_reject(client, token, &ignored) && !last) {
		http_reply_finish(ret_reply);
		error = ADIT_AGAIN;
	}
done:
	adit_token_release(token);
	return error;
}

int call_api(struct adit_client *client, const struct adit_call *call,
	struct adit_answer **ret_answer, struct report *report)
{
	const struct attempt attempt = {client, call, context_cancels(client)};
	struct answer *answer;
	int error = check(call, report);

	if (error)
		return error;
	answer = calloc(1, sizeof(*answer));
	if (!answer)
		return report_set(report, ADIT_ERROR_MEMORY, "no memory for an answer");
	error = call_once(&attempt, false, &answer->reply, report);
	if (error == ADIT_AGAIN)
		error = call_once(&attempt, true, &answer->reply, report);
	if (error) {
		free(answer);
		return error;
	}
	answer->shown = (struct adit_answer){
		.size = sizeof(answer->shown),
		.status = answer->reply.status,
		.content_type = answer->reply.content_type,
		.body = answer->reply.body.data ? answer->reply.body.data : "",
		.body_length = answer->reply.body.len,
		.retry_after_s = answer->reply.retry_after_s,
	};
	*ret_answer = &answer->shown;
	return 0;
}

void call_answer_free(struct adit_answer *answer)
{
	struct answer *whole = (struct answer *)answer;

	if (!whole)
		return;
	http_reply_finish(&whole->reply);
	free(whole);
}
