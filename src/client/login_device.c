/* SPDX-License-Identifier: Apache-2.0 */
/* The device authorization grant (RFC 8628): a code that is entered on another device. */
#include "base/clock.h"
#include "client/context.h"
#include "client/grant.h"
#include "client/login_flow.h"

#include <string.h>

enum {
	SLOWER_MS = 5000, /* 3.5: slow_down */
	SLOWEST_MS = 5 * 60 * 1000,
};

static int poll_for_tokens(struct operation *operation);

static int nobody(struct operation *operation)
{
	(void)report_set(&operation->report, ADIT_ERROR_PERSON,
		"%s: nobody entered the code in time", operation->client->authority);
	(void)report_action(&operation->report, "begin again");
	return login_end(operation, ADIT_ERROR_PERSON);
}

/* The error of the answer that is there (5.2), or "". Some authorities send it with a 200. */
static void read_error(const struct operation *operation, struct error_reply *ret_error)
{
	const struct http_reply *reply = &operation->exchange.reply;

	*ret_error = (struct error_reply){0};
	if (reply->status == 200 || (reply->status >= 400 && reply->status < 500))
		(void)error_reply_read(reply->body.data, reply->body.len, ret_error);
}

/* Retry-After of the answer that is there, or 0. */
static int64_t told_to_wait_ms(const struct operation *operation)
{
	const struct exchange *exchange = &operation->exchange;

	if (!exchange->has_reply || exchange->reply.retry_after_s < 0)
		return 0;
	return exchange->reply.retry_after_s < SLOWEST_MS / 1000
		       ? exchange->reply.retry_after_s * 1000
		       : SLOWEST_MS;
}

/* Until the next poll, or until nobody is waited for any more. */
static int pause_polling(struct operation *operation)
{
	struct login *login = login_of(operation);
	int64_t pause_ms = login->interval_ms;

	if (told_to_wait_ms(operation) > pause_ms)
		pause_ms = told_to_wait_ms(operation);
	login->poll_ms = clock_monotonic_ms() + pause_ms;
	return operation_next(operation, poll_for_tokens);
}

static int pause_longer(struct operation *operation, int64_t more_ms)
{
	struct login *login = login_of(operation);

	login->interval_ms += more_ms;
	if (login->interval_ms > SLOWEST_MS)
		login->interval_ms = SLOWEST_MS;
	return pause_polling(operation);
}

/* 3.5. */
static int take_poll(struct operation *operation)
{
	struct login *login = login_of(operation);
	struct error_reply error;

	/* No answer: the person may be signing in all the same. */
	if (operation->result == ADIT_ERROR_TIMEOUT || operation->result == ADIT_ERROR_UNAVAILABLE)
		return pause_longer(operation, login->interval_ms);
	if (operation->result)
		return login_end(operation, operation->result);
	read_error(operation, &error);
	if (!strcmp(error.error, "authorization_pending"))
		return pause_polling(operation);
	if (!strcmp(error.error, "slow_down") || operation->exchange.reply.status == 429)
		return pause_longer(operation, SLOWER_MS);
	if (operation->exchange.reply.status >= 500)
		return pause_longer(operation, login->interval_ms);
	if (!strcmp(error.error, "expired_token"))
		return nobody(operation);
	return operation_next(operation, login_take);
}

static int poll_for_tokens(struct operation *operation)
{
	struct adit_client *client = operation->client;
	struct login *login = login_of(operation);
	struct token_request request;
	struct token_asker asker;
	struct fault fault = {0};
	int64_t now_ms = clock_monotonic_ms();
	int error;

	if (now_ms >= login->until_ms)
		return nobody(operation);
	if (now_ms < login->poll_ms)
		return operation_wait(operation,
			login->poll_ms < login->until_ms ? login->poll_ms : login->until_ms);
	error = grant_asker(operation, &asker);
	if (error)
		return login_end(operation, error);
	error = token_request_device(&asker, login->device.device_code, &request, &fault);
	if (error)
		return login_end(operation, grant_no_request(operation, error, &fault));
	return exchange_post(operation, client->metadata.token_endpoint, &request, take_poll);
}

static int show_code(struct operation *operation)
{
	const struct adit_client_hooks *hooks = &operation->client->hooks;
	const struct device_reply *device = &login_of(operation)->device;
	const struct adit_device_code code = {
		.size = sizeof(code),
		.user_code = device->user_code,
		.verification_uri = device->verification_uri,
		.verification_uri_complete = device->verification_uri_complete,
		.expires_in_s = (int)device->expires_in_s,
	};

	if (!hooks->show_code(hooks->context, &code))
		return 0;
	(void)report_set(
		&operation->report, ADIT_ERROR_PERSON, "the application could not show the code");
	return ADIT_ERROR_PERSON;
}

static int read_device(struct operation *operation)
{
	const struct http_reply *reply = &operation->exchange.reply;
	struct login *login = login_of(operation);
	struct fault fault = {0};
	int error = exchange_check(operation, "device authorization");

	if (error)
		return error;
	error = device_reply_read(reply->body.data, reply->body.len, &login->device, &fault);
	if (!error)
		return 0;
	if (error == ERROR_MEMORY)
		return report_set(&operation->report, ADIT_ERROR_MEMORY, "no memory for a code");
	(void)report_set(&operation->report, ADIT_ERROR_PROTOCOL,
		"device authorization: the authority's answer: %s", fault.text);
	return report_action(&operation->report, "tell the authority's operator");
}

static int take_device(struct operation *operation)
{
	struct login *login = login_of(operation);
	int64_t expires_ms;
	int error = operation->result;

	if (!error)
		error = read_device(operation);
	if (!error)
		error = show_code(operation);
	if (error)
		return login_end(operation, error);
	login->interval_ms = (int64_t)login->device.interval_s * 1000;
	expires_ms = clock_monotonic_ms() + login->device.expires_in_s * 1000;
	login_await_person(operation);
	if (login->until_ms > expires_ms)
		login->until_ms = expires_ms;
	return pause_polling(operation);
}

static int refuse(struct operation *operation, int code, const char *why, const char *action)
{
	(void)report_set(&operation->report, code, "%s: %s", operation->client->authority, why);
	(void)report_action(&operation->report, "%s", action);
	return login_end(operation, code);
}

int login_device_begin(struct operation *operation)
{
	struct adit_client *client = operation->client;
	struct login *login = login_of(operation);
	const char *endpoint = client->metadata.device_authorization_endpoint;
	struct token_request request;
	struct token_asker asker;
	struct fault fault = {0};
	int error;

	login->what = "sign-in with a code";
	if (!client->hooks.show_code)
		return refuse(operation, ADIT_ERROR_PERSON,
			"there is no way to show a person a code",
			"set the hook show_code, or sign in in a browser");
	if (!endpoint)
		return refuse(operation, ADIT_ERROR_DENIED,
			"the authority does not let people sign in with a code",
			"sign in in a browser");
	error = grant_asker(operation, &asker);
	if (error)
		return login_end(operation, error);
	asker.scope = login->scope.len ? login->scope.data : NULL;
	error = device_request(&asker, &request, &fault);
	if (error)
		return login_end(operation, grant_no_request(operation, error, &fault));
	return exchange_post(operation, endpoint, &request, take_device);
}
