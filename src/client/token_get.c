/* SPDX-License-Identifier: Apache-2.0 */
#include "client/token_get.h"

#include "base/clock.h"
#include "client/account.h"
#include "client/context.h"
#include "client/discover.h"
#include "client/gate.h"
#include "client/login.h"
#include "client/refresh.h"
#include "client/unattended.h"

#include <string.h>

enum {
	LOCK_PAUSE_MS = 2,
	LOCK_PAUSE_MAX_MS = 50,
	/* Tokens that an API may refuse, each soon after it came, before the next one waits. */
	FREE_REJECTIONS = 2,
	SOON_MS = 60 * 1000,
	PAUSE_MS = 2000,
	DOUBLINGS_MAX = 7,
	PAUSE_MAX_MS = 5 * 60 * 1000,
};

static int look(struct operation *operation);
static int after_refresh(struct operation *operation);

/* --- what there is ------------------------------------------------------------------ */

/* A token that is asked to live longer than half of what tokens live would never be found
 * fresh: half is enough then. */
static int64_t needed_ms(int64_t lifetime_ms, int64_t min_ttl_ms)
{
	return min_ttl_ms < lifetime_ms / 2 ? min_ttl_ms : lifetime_ms / 2;
}

static bool is_of_these_credentials(const struct adit_client *client)
{
	const struct account_record *credentials = account_credentials(client);

	return !client->has_given &&
	       !strcmp(client->tokens.generation, credentials ? credentials->generation : "");
}

static bool is_fresh(const struct adit_client *client, int64_t min_ttl_ms)
{
	const struct token_record *tokens = &client->tokens;
	int64_t lifetime_ms = tokens->expires_in_s * 1000;
	int64_t left_ms;

	if (!tokens->access_token || tokens->rejected || !is_of_these_credentials(client))
		return false;
	left_ms = moment_left_ms(&client->clock, &tokens->received, lifetime_ms);
	return left_ms && left_ms >= needed_ms(lifetime_ms, min_ttl_ms);
}

/* --- the end ------------------------------------------------------------------------ */

static int finish(struct operation *operation, int result)
{
	struct adit_client *client = operation->client;
	struct report report = operation->report;

	if (client->gate_changed || (client->skew_learnt && !result))
		(void)account_write_gate(client, &operation->report);
	client->skew_learnt = false;
	operation->report = report;
	if (!result)
		result = context_adopt_token(client, &operation->report);
	context_unlock_account(operation);
	return operation_end(operation, result);
}

/* So long nothing would come of asking, nor of looking. */
static void be_patient(struct adit_client *client)
{
	const struct gate_record *gate = &client->gate;
	int64_t wait_ms = moment_until_ms(&client->clock, &gate->not_before, gate->wait_ms);
	int64_t now_ms = client_clock_boot_ms(&client->clock);

	(void)pthread_mutex_lock(&client->mutex);
	client->patient_until_ms = now_ms + wait_ms;
	(void)pthread_mutex_unlock(&client->mutex);
}

/* A token that is still alive is given while the authority can't be asked. */
static int serve(struct operation *operation, int result)
{
	struct adit_client *client = operation->client;

	if (report_is_passing(result) && is_fresh(client, 0)) {
		context_log(client, "the last token serves on: %s", operation->report.text);
		be_patient(client);
		result = 0;
	}
	return finish(operation, result);
}

static void note(struct operation *operation)
{
	if (operation->result)
		operation->report.code = operation->result;
	else
		report_init(&operation->report);
	gate_note(operation->client, &operation->report);
	discover_doubt(operation, operation->result);
}

/* Asking has ended. */
static int ended(struct operation *operation)
{
	struct adit_client *client = operation->client;

	if (!operation->result && !is_fresh(client, 0)) {
		operation->result = report_set(&operation->report, ADIT_ERROR_PROTOCOL,
			"%s: the token that came had expired already", client->authority);
		(void)report_action(&operation->report, "tell the authority's operator");
	}
	note(operation);
	return serve(operation, operation->result);
}

/* --- the rungs ---------------------------------------------------------------------- */

static int after_person(struct operation *operation)
{
	return operation_end(operation, operation->result);
}

/* The last rung. A person takes minutes, in which no other process is to wait. */
static int after_credentials(struct operation *operation)
{
	struct adit_client *client = operation->client;

	if (operation->result != ADIT_ERROR_PERSON || !client->options.allow_browser ||
		client->has_given)
		return ended(operation);
	if (client->gate_changed)
		(void)account_write_gate(client, &operation->report);
	context_unlock_account(operation);
	operation->argument = ADIT_FLOW_BROWSER;
	return operation_sub(operation, login_begin, after_person);
}

/* What has no credentials and lost its answer is not a matter for a person yet: the refresh
 * token may still be asked for again, or the authority come back. */
static int after_refresh(struct operation *operation)
{
	struct adit_client *client = operation->client;

	if (!operation->result || operation->ending)
		return ended(operation);
	if (operation->result != ADIT_ERROR_CREDENTIALS &&
		(!operation->exchange.sent || !account_credentials(client) ||
			operation->exchange.has_reply))
		return ended(operation);
	context_log(client, "refresh: %s", operation->report.text);
	return operation_sub(operation, unattended_begin, after_credentials);
}

static int after_discovery(struct operation *operation)
{
	if (operation->result)
		return ended(operation);
	if (refresh_is_possible(operation->client))
		return operation_sub(operation, refresh_begin, after_refresh);
	return operation_sub(operation, unattended_begin, after_credentials);
}

/* --- before asking ------------------------------------------------------------------ */

/* An API that refuses whatever it is shown must not have the authority give out one token after
 * the other. */
static int check_rejections(struct operation *operation)
{
	const struct adit_client *client = operation->client;
	const struct token_record *tokens = &client->tokens;
	struct report *report = &operation->report;
	int over = tokens->rejected ? tokens->rejections - FREE_REJECTIONS - 1 : -1;
	int64_t pause_ms = PAUSE_MAX_MS;
	int64_t since_ms = moment_since_ms(&client->clock, &tokens->rejected_at);

	if (over < 0 || client->has_given)
		return 0;
	if (over < DOUBLINGS_MAX)
		pause_ms = (int64_t)PAUSE_MS << over;
	if (since_ms >= pause_ms)
		return 0;
	(void)report_set(report, ADIT_ERROR_WAIT,
		"%s: the API has refused %d new tokens, one after the other", client->authority,
		tokens->rejections);
	report->retry_after_s = (pause_ms - since_ms + 999) / 1000;
	return report_action(report,
		"check that this account's tokens are for that API; try again in %lld s",
		(long long)report->retry_after_s);
}

/* Another process may have asked while this one waited for the lock. */
static int look_again(struct operation *operation)
{
	struct adit_client *client = operation->client;
	int error = account_read(client, &operation->report);

	if (error)
		return operation_end(operation, error);
	account_settle(client);
	/* Where it can't be written still, it stays with the client. */
	if (client->tokens_unwritten)
		(void)account_write_tokens(client, &operation->report);
	if (is_fresh(client, operation->min_ttl_ms))
		return finish(operation, 0);
	error = gate_check(client, &operation->report);
	if (!error)
		error = check_rejections(operation);
	if (error)
		return serve(operation, error);
	return operation_sub(operation, discover_begin, after_discovery);
}

static int take_lock(struct operation *operation)
{
	int error = context_lock_account(operation);

	if (error && error != ADIT_AGAIN)
		return operation_end(operation, error);
	if (!error)
		return operation_next(operation, look_again);
	operation->pause_ms = operation->pause_ms ? 2 * operation->pause_ms : LOCK_PAUSE_MS;
	if (operation->pause_ms > LOCK_PAUSE_MAX_MS)
		operation->pause_ms = LOCK_PAUSE_MAX_MS;
	(void)operation_next(operation, look);
	return operation_wait(operation, clock_monotonic_ms() + operation->pause_ms);
}

/* Without the lock: what is in the storage is whole at any time. */
static int look(struct operation *operation)
{
	struct adit_client *client = operation->client;
	int error = account_read(client, &operation->report);

	if (error)
		return operation_end(operation, error);
	account_settle(client);
	/* Should it come to nothing else in time, that one is there. */
	if (!operation->pause_ms && is_fresh(client, 0))
		(void)context_adopt_token(client, &operation->report);
	if (!is_fresh(client, operation->min_ttl_ms))
		return operation_next(operation, take_lock);
	error = context_adopt_token(client, &operation->report);
	return operation_end(operation, error);
}

int token_get_begin(struct operation *operation)
{
	int error = account_open(operation->client, &operation->report);

	return error ? operation_end(operation, error) : operation_next(operation, look);
}

/* --- verifying credentials ------------------------------------------------------------ */

/* That an older token is alive says nothing of the credentials. */
static int verify_ended(struct operation *operation)
{
	struct adit_client *client = operation->client;

	if (!operation->result && client->tokens_unwritten)
		operation->result = account_write_tokens(client, &operation->report);
	note(operation);
	return finish(operation, operation->result);
}

static int verify_after_discovery(struct operation *operation)
{
	if (operation->result)
		return verify_ended(operation);
	return operation_sub(operation, unattended_begin, verify_ended);
}

static int verify_locked(struct operation *operation)
{
	struct adit_client *client = operation->client;
	int error = operation->result;

	if (!error)
		error = account_read(client, &operation->report);
	if (error)
		return operation_end(operation, error);
	error = gate_check(client, &operation->report);
	if (error) {
		context_unlock_account(operation);
		return operation_end(operation, error);
	}
	return operation_sub(operation, discover_begin, verify_after_discovery);
}

int token_get_verify(struct operation *operation)
{
	return operation_sub(operation, account_lock, verify_locked);
}

/* --- the calls ------------------------------------------------------------------------ */

static bool take_fresh(
	struct adit_client *client, int64_t min_ttl_ms, struct adit_token **ret_token)
{
	struct adit_token *token;
	int64_t patient_until_ms;

	(void)pthread_mutex_lock(&client->mutex);
	token = adit_token_retain(client->token);
	patient_until_ms = client->patient_until_ms;
	(void)pthread_mutex_unlock(&client->mutex);
	if (!token)
		return false;
	/* Without the lock: the clock may be the application's. */
	if (token_lives(token, needed_ms(token_lifetime_ms(token), min_ttl_ms)) ||
		(patient_until_ms && patient_until_ms > client_clock_boot_ms(&client->clock) &&
			token_lives(token, 0))) {
		*ret_token = token;
		return true;
	}
	adit_token_release(token);
	return false;
}

int token_get(struct adit_client *client, int min_ttl_s, struct adit_token **ret_token,
	struct report *report)
{
	const struct run run = {ADIT_OPERATION_TOKEN, min_ttl_s};
	int error;

	context_notice_fork(client);
	if (take_fresh(client, (int64_t)min_ttl_s * 1000, ret_token))
		return 0;
	error = run_operation(client, &run, report);
	if ((!error || report_is_passing(error)) && take_fresh(client, 0, ret_token))
		return 0;
	if (error)
		return error;
	(void)report_set(report, ADIT_ERROR_PROTOCOL, "%s: the token that came had expired already",
		client->authority);
	return report_action(report, "tell the authority's operator");
}

static void note_rejection(struct adit_client *client)
{
	struct token_record *tokens = &client->tokens;
	bool soon = moment_since_ms(&client->clock, &tokens->received) < SOON_MS;

	tokens->rejected = true;
	tokens->rejections = soon ? tokens->rejections + 1 : 1;
	tokens->rejected_at = moment_now(&client->clock);
}

static int reject_stored(struct adit_client *client, const char *value, struct report *report)
{
	struct operation operation;
	int error;

	operation_begin(&operation, client, account_lock, client->options.call_timeout_ms);
	error = operation_run(&operation);
	if (error)
		*report = operation.report;
	if (!error)
		error = account_read(client, report);
	if (!error && client->tokens.access_token && !client->tokens.rejected &&
		!strcmp(client->tokens.access_token, value)) {
		note_rejection(client);
		error = account_write_tokens(client, report);
	}
	operation_finish(&operation);
	return error;
}

int token_reject(struct adit_client *client, const struct adit_token *token, struct report *report)
{
	bool newest;
	int error;

	context_notice_fork(client);
	(void)pthread_mutex_lock(&client->mutex);
	newest = client->token && !strcmp(adit_token_value(client->token), adit_token_value(token));
	if (newest)
		token_mark_rejected(client->token);
	(void)pthread_mutex_unlock(&client->mutex);
	if (!newest)
		return 0;
	error = run_enter(client, report);
	if (error)
		return error;
	error = reject_stored(client, adit_token_value(token), report);
	run_leave(client);
	return error;
}
