/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A login up to the point where the flows part, and from where they meet again: the tokens
 * that came are the account's once the ID token among them has been checked (OpenID Connect
 * Core 1.0, 3.1.3.7), and only if it is of the person who was signed in before.
 */
#include "client/login.h"

#include "base/clock.h"
#include "base/secret.h"
#include "client/account.h"
#include "client/context.h"
#include "client/discover.h"
#include "client/gate.h"
#include "client/grant.h"
#include "client/identity.h"
#include "client/keys.h"
#include "client/login_flow.h"
#include "client/loopback.h"
#include "oauth/scope.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FAREWELL_MS = 2000 };

struct login *login_of(const struct operation *operation)
{
	return (struct login *)(void *)operation->flow;
}

/* What came is forgotten, and what was there before is back. */
static void restore(struct login *login, struct adit_client *client)
{
	if (!login->has_before)
		return;
	token_record_finish(&client->tokens);
	client->tokens = login->before;
	login->has_before = false;
}

static void destroy(struct operation_flow *flow, struct operation *operation)
{
	struct login *login = (struct login *)(void *)flow;

	restore(login, operation->client);
	if (operation->forked)
		loopback_forget(login->loopback);
	else
		loopback_destroy(login->loopback);
	if (login->browser_fd >= 0)
		(void)close(login->browser_fd);
	device_reply_finish(&login->device);
	buf_finish(&login->scope);
	memory_wipe(login, sizeof(*login));
	free(login);
}

static int leave(struct operation *operation)
{
	int result = login_of(operation)->result;

	destroy(operation->flow, operation);
	operation->flow = NULL;
	return operation_end(operation, result);
}

/* The browser's last page is on its way; whoever signed in should see it. */
static int farewell(struct operation *operation)
{
	struct login *login = login_of(operation);
	int64_t now_ms = clock_monotonic_ms();
	bool cut = loopback_step(login->loopback) != 0;
	int timeout_ms = loopback_timeout_ms(login->loopback);
	int64_t wake_ms = login->farewell_ms;

	if (cut || !loopback_is_answering(login->loopback) || now_ms >= login->farewell_ms) {
		operation_unwatch(operation, loopback_fd(login->loopback));
		return leave(operation);
	}
	if (timeout_ms >= 0 && now_ms + timeout_ms < wake_ms)
		wake_ms = now_ms + timeout_ms;
	return operation_wait(operation, wake_ms);
}

static int say_farewell(struct operation *operation)
{
	const struct report *report = &operation->report;
	struct login *login = login_of(operation);
	struct loopback_page page = {
		.title = "You are signed in",
		.text = "You can close this window and go back to the application.",
	};
	char text[sizeof(report->text) + sizeof(report->action) + 8];

	if (login->result) {
		(void)snprintf(text, sizeof(text), "%s\n%s", report->text, report->action);
		page = (struct loopback_page){
			.failed = true, .title = "You are not signed in", .text = text};
	}
	(void)loopback_answer(login->loopback, &page);
	login->farewell_ms = clock_monotonic_ms() + FAREWELL_MS;
	/* Where it can't be watched, it is looked at when that time has passed. */
	(void)operation_watch(operation, loopback_fd(login->loopback));
	return operation_next(operation, farewell);
}

int login_end(struct operation *operation, int result)
{
	struct adit_client *client = operation->client;
	struct login *login = login_of(operation);
	struct report report = operation->report;

	if (!result)
		report_init(&report);
	/* That a person said no, or that this host is at fault, is no reason to wait. */
	if (result != ADIT_ERROR_DENIED && !login->is_local) {
		gate_note(client, &report);
		discover_doubt(operation, result);
	}
	if (client->account_id[0] && client->gate_changed)
		(void)account_write_gate(client, &operation->report);
	context_unlock_account(operation);
	operation->report = report;
	login->result = result;
	return login->answered ? say_farewell(operation) : leave(operation);
}

void login_await_person(struct operation *operation)
{
	struct login *login = login_of(operation);
	int64_t person_ms = operation->client->options.person_timeout_ms;

	login->until_ms = clock_monotonic_ms() + person_ms;
	operation_extend(operation, person_ms);
}

/* --- the tokens --------------------------------------------------------------------- */

static int unsaved(struct operation *operation)
{
	struct report report = operation->report;

	/* In this process they are of use all the same. */
	if (!context_adopt_token(operation->client, &operation->report))
		operation->report = report;
	return login_end(operation, operation->report.code);
}

static int keep(struct operation *operation)
{
	struct adit_client *client = operation->client;
	struct login *login = login_of(operation);
	int error;

	token_record_finish(&login->before);
	login->has_before = false;
	if (!client->account.method)
		client->account.method = ACCOUNT_PERSON;
	error = client->has_given ? account_write_given(client, &operation->report)
				  : account_write(client, &operation->report);
	if (error)
		client->tokens_unwritten = true;
	else
		error = account_write_tokens(client, &operation->report);
	if (error)
		return unsaved(operation);
	/* Where there is no memory for it now, the next who asks finds it in the storage. */
	(void)context_adopt_token(client, &operation->report);
	return login_end(operation, 0);
}

static int check_identity(struct operation *operation)
{
	struct login *login = login_of(operation);
	const struct identity_check check = {
		.what = login->what,
		.nonce = login->nonce[0] ? login->nonce : NULL,
		.before = login->before.id_token,
	};
	int error = operation->result;

	if (!error)
		error = identity_verify(operation, &check);
	return error ? login_end(operation, error) : operation_next(operation, keep);
}

/* What was refused is this login, and no credentials that could be entered otherwise. */
static int not_granted(struct operation *operation, int error)
{
	struct report *report = &operation->report;

	if (error != ADIT_ERROR_CREDENTIALS || strcmp(report->oauth_error, "invalid_grant") != 0)
		return error;
	report->code = ADIT_ERROR_DENIED;
	return report_action(report, "begin again; if it stays so, tell the authority's operator");
}

static int take_tokens(struct operation *operation)
{
	struct adit_client *client = operation->client;
	struct login *login = login_of(operation);
	const struct account_record *credentials = account_credentials(client);
	const struct grant_tokens tokens = {
		.what = login->what,
		.generation = credentials ? credentials->generation : "",
		.scope = login->scope.len ? login->scope.data : NULL,
		.person = true,
		.identifies = login->has_openid,
	};
	int error;

	login->before = client->tokens;
	login->has_before = true;
	token_record_init(&client->tokens);
	error = grant_take(operation, &tokens);
	if (error)
		return login_end(operation, not_granted(operation, error));
	if (!login->has_openid)
		return operation_next(operation, keep);
	error = identity_want_key(operation, login->what);
	return error ? login_end(operation, error)
		     : operation_sub(operation, keys_begin, check_identity);
}

static int locked(struct operation *operation)
{
	int error = operation->result;

	if (!error)
		error = account_read(operation->client, &operation->report);
	return error ? login_end(operation, error) : operation_next(operation, take_tokens);
}

int login_take(struct operation *operation)
{
	return operation_sub(operation, account_lock, locked);
}

/* --- the beginning ------------------------------------------------------------------ */

/* Where the application says nothing: who it is, and to stay signed in (OpenID Connect
 * Core 1.0, 11). */
static int choose_scope(struct login *login, const struct adit_client *client)
{
	const char *scope = client->options.scope;

	if (scope)
		(void)buf_append_text(&login->scope, scope);
	else
		(void)buf_append_text(&login->scope, "openid");
	if (!scope && metadata_lists(&client->metadata, "scopes_supported", "offline_access"))
		(void)buf_append_text(&login->scope, " offline_access");
	if (buf_status(&login->scope))
		return ERROR_MEMORY;
	login->has_openid = login->scope.len && scope_has_text(login->scope.data, "openid");
	return 0;
}

static int dispatch(struct operation *operation)
{
	struct login *login = login_of(operation);
	int error = operation->result;

	if (!error && choose_scope(login, operation->client))
		error = report_set(
			&operation->report, ADIT_ERROR_MEMORY, "no memory for a sign-in");
	if (error)
		return login_end(operation, error);
	return operation_next(operation,
		operation->argument == ADIT_FLOW_DEVICE ? login_device_begin : login_browser_begin);
}

/* A person's tokens beside a stored password would be another identity's as soon as they
 * can't be refreshed. */
static int check_credentials(struct operation *operation)
{
	struct adit_client *client = operation->client;
	const struct account_record *credentials = account_credentials(client);

	if (!credentials || credentials->method != ACCOUNT_PASSWORD)
		return 0;
	(void)report_set(&operation->report, ADIT_ERROR_INVALID,
		"%s: this account has the password of \"%s\", so that nobody else signs in to it",
		client->authority, credentials->username);
	return report_action(&operation->report,
		"name another account, or have the credentials forgotten first");
}

int login_begin(struct operation *operation)
{
	struct adit_client *client = operation->client;
	struct login *login = calloc(1, sizeof(*login));
	int error;

	if (!login)
		return operation_end(operation, report_set(&operation->report, ADIT_ERROR_MEMORY,
							"no memory for a sign-in"));
	login->flow.destroy = destroy;
	login->browser_fd = -1;
	buf_init(&login->scope, TOKEN_REPLY_SCOPE_MAX);
	operation->flow = &login->flow;
	error = account_open(client, &operation->report);
	if (!error)
		error = account_read(client, &operation->report);
	if (!error) {
		account_settle(client);
		error = check_credentials(operation);
	}
	if (!error)
		error = gate_check(client, &operation->report);
	return error ? login_end(operation, error)
		     : operation_sub(operation, discover_begin, dispatch);
}
