/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The public client, but for what concerns a token alone (client/token.c): checks arguments,
 * and keeps what went wrong for the calling thread.
 */
#include <adit/client.h>

#include "base/sized_struct.h"
#include "client/account.h"
#include "client/call.h"
#include "client/context.h"
#include "client/entry.h"
#include "client/inspect.h"
#include "client/options.h"
#include "client/run.h"
#include "client/token_get.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

/* The calling thread's last failure. */
static _Thread_local struct report last = {.retry_after_s = -1};
static _Thread_local char last_text[sizeof(last.text) + sizeof(last.action) + 8];

enum { ERROR_SIZE_LEAST = sizeof(struct adit_client_error) };

static int told(int error, const struct report *report)
{
	if (!error || error == ADIT_AGAIN)
		return error;
	last = *report;
	last.code = error;
	report_complete(&last);
	return error;
}

static int refuse(const char *text)
{
	struct report report;

	return told(report_set(&report, ADIT_ERROR_INVALID, "%s", text), &report);
}

/* For calls that are no operations. */
static int enter(struct adit_client *client, struct report *report)
{
	context_notice_fork(client);
	return told(run_enter(client, report), report);
}

static int leave(struct adit_client *client, int error, const struct report *report)
{
	run_leave(client);
	return told(error, report);
}

static int simple(struct adit_client *client, enum adit_operation operation, int argument)
{
	const struct run run = {operation, argument};
	struct report report;
	int error;

	if (!client)
		return refuse("client must not be NULL");
	report_init(&report);
	context_notice_fork(client);
	error = run_operation(client, &run, &report);
	return told(error, &report);
}

/* --- opening ----------------------------------------------------------------------- */

int adit_client_open(const char *authority, const char *client_id, struct adit_client **ret_client)
{
	struct report report;

	if (!ret_client)
		return refuse("ret_client must not be NULL");
	report_init(&report);
	return told(context_create(authority, client_id, ret_client, &report), &report);
}

void adit_client_close(struct adit_client *client)
{
	if (client)
		context_notice_fork(client);
	context_destroy(client);
}

int adit_client_set_options(struct adit_client *client, const struct adit_client_options *options)
{
	struct report report;

	if (!client)
		return refuse("client must not be NULL");
	return told(options_set(client, options, &report), &report);
}

int adit_client_set_hooks(struct adit_client *client, const struct adit_client_hooks *hooks)
{
	struct report report;

	if (!client)
		return refuse("client must not be NULL");
	return told(options_set_hooks(client, hooks, &report), &report);
}

/* --- errors -------------------------------------------------------------------------- */

int adit_client_last_error(struct adit_client_error *ret_error)
{
	if (!ret_error || ret_error->size < ERROR_SIZE_LEAST)
		return ADIT_ERROR_INVALID;
	ret_error->code = last.code;
	ret_error->http_status = last.http_status;
	ret_error->retry_after_s = last.retry_after_s;
	(void)text_copy(ret_error->oauth_error, sizeof(ret_error->oauth_error), last.oauth_error);
	(void)text_copy(
		ret_error->correlation_id, sizeof(ret_error->correlation_id), last.correlation_id);
	(void)text_copy(ret_error->text, sizeof(ret_error->text), last.text);
	(void)text_copy(ret_error->action, sizeof(ret_error->action), last.action);
	return 0;
}

const char *adit_client_text(void)
{
	(void)snprintf(last_text, sizeof(last_text), "%s%s%s", last.text,
		last.action[0] ? "; " : "", last.action);
	return last_text;
}

/* --- credentials ---------------------------------------------------------------------- */

int adit_client_credentials_set(
	struct adit_client *client, const char *username, const char *secret)
{
	struct report report;
	int error;

	if (!client)
		return refuse("client must not be NULL");
	error = enter(client, &report);
	if (error)
		return error;
	error = account_give(client, username, secret, &report);
	return leave(client, error, &report);
}

int adit_client_credentials_from(
	struct adit_client *client, const char *username, const char *source)
{
	struct entry_options options = {.cancel_fd = -1};
	struct fault fault = {0};
	struct report report;
	struct buf secret;
	char prompt[256];
	int error;

	if (!client || !source)
		return refuse("client and source must not be NULL");
	(void)snprintf(prompt, sizeof(prompt),
		"Password of %.150s: ", username ? username : client->client_id);
	options.prompt = prompt;
	options.ask_secret = client->hooks.ask_secret;
	options.context = client->hooks.context;
	options.person_limit_ms = client->options.person_timeout_ms;
	error = enter(client, &report);
	if (error)
		return error;
	options.cancel_fd = client->event_fd;
	error = entry_read(source, &options, &secret, &fault);
	if (error) {
		(void)report_set(
			&report, error, "%s", fault.text[0] ? fault.text : "no secret was read");
		/* The usual one is about the storage of tokens. */
		if (error == ADIT_ERROR_STORAGE)
			(void)report_action(
				&report, "mend that, or have the secret read from somewhere else");
	} else {
		error = account_give(client, username, secret.data, &report);
		buf_finish(&secret);
	}
	return leave(client, error, &report);
}

int adit_client_credentials_verify(struct adit_client *client)
{
	return simple(client, ADIT_OPERATION_VERIFY, 0);
}

int adit_client_credentials_forget(struct adit_client *client)
{
	struct operation operation;
	struct report report;
	int error;

	if (!client)
		return refuse("client must not be NULL");
	error = enter(client, &report);
	if (error)
		return error;
	operation_begin(&operation, client, account_lock, client->options.call_timeout_ms);
	error = operation_run(&operation);
	report = operation.report;
	if (!error)
		error = account_forget(client, &report);
	operation_finish(&operation);
	return leave(client, error, &report);
}

/* --- flows and tokens ------------------------------------------------------------------- */

int adit_client_discover(struct adit_client *client)
{
	return simple(client, ADIT_OPERATION_DISCOVER, 0);
}

int adit_client_login(struct adit_client *client, enum adit_flow flow)
{
	if (flow != ADIT_FLOW_BROWSER && flow != ADIT_FLOW_DEVICE)
		return refuse("no such flow");
	return simple(client, ADIT_OPERATION_LOGIN, (int)flow);
}

int adit_client_logout(struct adit_client *client)
{
	return simple(client, ADIT_OPERATION_LOGOUT, 0);
}

int adit_token_get(struct adit_client *client, int min_ttl_s, struct adit_token **ret_token)
{
	struct report report;
	int error;

	if (!client || !ret_token || min_ttl_s < 0)
		return refuse("client and ret_token must not be NULL, nor min_ttl_s negative");
	error = token_get(client, min_ttl_s, ret_token, &report);
	return error ? told(error, &report) : 0;
}

int adit_token_reject(struct adit_client *client, const struct adit_token *token)
{
	struct report report;

	if (!client || !token)
		return refuse("client and token must not be NULL");
	return told(token_reject(client, token, &report), &report);
}

/* --- calling the API -------------------------------------------------------------------- */

int adit_client_pace(struct adit_client *client, int timeout_ms)
{
	struct report report;

	if (!client || timeout_ms < 0)
		return refuse("client must not be NULL, nor timeout_ms negative");
	return told(turn_take(client, timeout_ms, &report), &report);
}

int adit_client_pace_answer(struct adit_client *client, int status, int64_t retry_after_s)
{
	struct report report;

	if (!client)
		return refuse("client must not be NULL");
	return told(turn_answer(client, status, retry_after_s, &report), &report);
}

int adit_client_call(
	struct adit_client *client, const struct adit_call *call, struct adit_answer **ret_answer)
{
	struct report report;

	if (!client || !call || !sized_struct_is_known(call, sizeof(*call), sizeof(*call)) ||
		!ret_answer)
		return refuse("client and ret_answer must not be NULL, call->size be "
			      "sizeof(struct adit_call), and nothing in it be newer than this "
			      "library");
	return told(call_api(client, call, ret_answer, &report), &report);
}

void adit_answer_free(struct adit_answer *answer)
{
	call_answer_free(answer);
}

/* --- looking ------------------------------------------------------------------------------ */

int adit_client_diagnose(struct adit_client *client, char **ret_text)
{
	struct report report;
	int error;

	if (!client || !ret_text)
		return refuse("client and ret_text must not be NULL");
	error = enter(client, &report);
	if (error)
		return error;
	error = inspect_client(client, ret_text, &report);
	return leave(client, error, &report);
}

int adit_accounts(const struct adit_client_options *options, char **ret_text)
{
	struct report report;

	if (!ret_text ||
		(options && !sized_struct_is_known(options, sizeof(*options), sizeof(*options))))
		return refuse("ret_text must not be NULL, options->size be sizeof(struct "
			      "adit_client_options), and nothing in it be newer than this library");
	return told(inspect_accounts(options, ret_text, &report), &report);
}

int adit_client_token_verify(struct adit_client *client, const char *text, char **ret_claims)
{
	struct report report;
	int error;

	if (!client || !text || !ret_claims)
		return refuse("client, text and ret_claims must not be NULL");
	error = enter(client, &report);
	if (error)
		return error;
	error = inspect_token(client, text, ret_claims, &report);
	return leave(client, error, &report);
}

void adit_text_free(char *text)
{
	free(text);
}

/* --- without blocking ------------------------------------------------------------------- */

int adit_client_start(struct adit_client *client, enum adit_operation operation, int argument)
{
	const struct run run = {operation, argument};
	struct report report;

	if (!client || argument < 0)
		return refuse("client must not be NULL, nor argument negative");
	context_notice_fork(client);
	return told(run_start(client, &run, &report), &report);
}

int adit_client_step(struct adit_client *client, struct adit_wait *ret_wait)
{
	struct report report;

	if (!client || !ret_wait || ret_wait->size < sizeof(*ret_wait))
		return refuse("client must not be NULL, and ret_wait->size be sizeof(struct "
			      "adit_wait)");
	report_init(&report);
	context_notice_fork(client);
	return told(run_step(client, ret_wait, &report), &report);
}

void adit_client_cancel(struct adit_client *client)
{
	if (client)
		context_cancel(client);
}
