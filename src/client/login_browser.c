/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The authorization code grant (RFC 6749, 4.1) with PKCE (RFC 7636), in a browser that comes
 * back to this host (RFC 8252, 7.3). Anybody on this host, and any page in the browser, can
 * send something there, so that what does not know this login's state is answered and passed
 * over.
 */
#include "base/clock.h"
#include "client/browser.h"
#include "client/context.h"
#include "client/grant.h"
#include "client/login_flow.h"
#include "client/loopback.h"
#include "codec/form.h"
#include "oauth/authorization_response.h"
#include "oauth/scope.h"

#include <poll.h>
#include <string.h>

#define REDIRECT_PATH "/callback"

enum { AUTHORIZATION_URL_MAX = 16 * 1024 };

static int end_with(struct operation *operation, int code, const char *text, const char *action)
{
	(void)report_set(&operation->report, code, "%s: %s", operation->client->authority, text);
	(void)report_action(&operation->report, "%s", action);
	return login_end(operation, code);
}

static int end_here(struct operation *operation, const char *text, const char *action)
{
	login_of(operation)->is_local = true;
	return end_with(operation, ADIT_ERROR_UNAVAILABLE, text, action);
}

/* --- the answer --------------------------------------------------------------------- */

static int take_exchange(struct operation *operation)
{
	return operation->result ? login_end(operation, operation->result)
				 : operation_next(operation, login_take);
}

static int exchange_code(struct operation *operation, const char *code)
{
	struct adit_client *client = operation->client;
	struct login *login = login_of(operation);
	const struct token_code redeemed = {
		.code = code,
		.redirect_uri = loopback_redirect_uri(login->loopback),
		.verifier = login->verifier,
	};
	struct token_request request;
	struct token_asker asker;
	struct fault fault = {0};
	int error = grant_asker(operation, &asker);

	if (error)
		return login_end(operation, error);
	error = token_request_code(&asker, &redeemed, &request, &fault);
	if (error)
		return login_end(operation, grant_no_request(operation, error, &fault));
	return exchange_post(operation, client->metadata.token_endpoint, &request, take_exchange);
}

/* RFC 6749, 4.1.2.1. */
static int take_refusal(struct operation *operation, const struct authorization_response *response)
{
	struct report *report = &operation->report;
	bool denied = !strcmp(response->error, "access_denied");
	bool passing = !strcmp(response->error, "temporarily_unavailable") ||
		       !strcmp(response->error, "server_error");

	(void)report_set(report, passing ? ADIT_ERROR_UNAVAILABLE : ADIT_ERROR_DENIED,
		"%s: the authority answered %s%s%s", login_of(operation)->what, response->error,
		response->error_description ? ": " : "",
		response->error_description ? response->error_description : "");
	(void)text_copy(report->oauth_error, sizeof(report->oauth_error), response->error);
	(void)report_action(report, "%s",
		denied	  ? "sign in again and agree"
		: passing ? "try again later"
			  : "ask the authority's operator what this client may do");
	return login_end(operation, report->code);
}

static int take_response(struct operation *operation, const struct authorization_response *response)
{
	const struct metadata *metadata = &operation->client->metadata;
	struct fault fault = {0};

	/* From here on its browser waits for how it ends, and no other is listened to. */
	operation_unwatch(operation, loopback_fd(login_of(operation)->loopback));
	login_of(operation)->answered = true;
	if (authorization_response_check_issuer(
		    response, metadata->issuer, metadata->response_iss, &fault))
		return end_with(operation, ADIT_ERROR_TRUST, fault.text,
			"do not go on; tell the authority's operator");
	if (response->error)
		return take_refusal(operation, response);
	return exchange_code(operation, response->code);
}

/* --- waiting for it ------------------------------------------------------------------ */

static int await_redirect(struct operation *operation);

/* Whether the response is this login's. Anything else leaves everything as it was. */
static bool read_response(
	struct operation *operation, const char *query, struct authorization_response *ret_response)
{
	struct login *login = login_of(operation);
	struct fault fault = {0};

	if (authorization_response_read(query, strlen(query), ret_response, &fault)) {
		context_log(operation->client, "a redirect was passed over: %s", fault.text);
		return false;
	}
	if (authorization_response_answers(ret_response, login->state))
		return true;
	context_log(operation->client, "a redirect was passed over: its state is not this login's");
	authorization_response_finish(ret_response);
	return false;
}

static int pass_over(struct operation *operation)
{
	static const struct loopback_page page = {
		.failed = true,
		.title = "This is not the sign-in that is waited for",
		.text = "Nothing has changed. If you meant to sign in, begin again in the "
			"application, and use the page that it opens.",
	};

	(void)loopback_answer(login_of(operation)->loopback, &page);
	return operation_next(operation, await_redirect);
}

static int take_query(struct operation *operation, const char *query)
{
	struct authorization_response response;
	int went;

	if (!read_response(operation, query, &response))
		return pass_over(operation);
	went = take_response(operation, &response);
	authorization_response_finish(&response);
	return went;
}

static int no_browser(struct operation *operation, const struct fault *fault)
{
	(void)report_set(&operation->report, ADIT_ERROR_PERSON, "%s", fault->text);
	return report_action(&operation->report,
		"use a desktop session, or sign in with a code on another device");
}

/* 0, or ADIT_ERROR_PERSON: it is known now that there is no browser. */
static int look_at_browser(struct operation *operation)
{
	struct login *login = login_of(operation);
	struct pollfd ended = {.fd = login->browser_fd, .events = POLLIN};
	struct fault fault = {0};
	int error;

	if (login->browser_fd < 0 || poll(&ended, 1, 0) != 1)
		return 0;
	operation_unwatch(operation, login->browser_fd);
	error = browser_finish(login->browser_fd, &fault);
	login->browser_fd = -1;
	return error ? no_browser(operation, &fault) : 0;
}

static int await_redirect(struct operation *operation)
{
	struct loopback *loopback = login_of(operation)->loopback;
	int64_t until_ms = login_of(operation)->until_ms;
	int64_t now_ms = clock_monotonic_ms();
	int timeout_ms;
	int error = loopback_step(loopback);

	if (error)
		return end_here(operation, "the browser's way back was cut off", "begin again");
	if (loopback_query(loopback))
		return take_query(operation, loopback_query(loopback));
	if (look_at_browser(operation))
		return login_end(operation, operation->report.code);
	if (now_ms >= until_ms)
		return end_with(
			operation, ADIT_ERROR_PERSON, "nobody signed in in time", "begin again");
	timeout_ms = loopback_timeout_ms(loopback);
	if (timeout_ms >= 0 && now_ms + timeout_ms < until_ms)
		until_ms = now_ms + timeout_ms;
	return operation_wait(operation, until_ms);
}

/* --- asking -------------------------------------------------------------------------- */

static void add(struct buf *url, const char *name, const char *value)
{
	(void)buf_append_char(url, '&');
	(void)form_append_component(url, name);
	(void)buf_append_char(url, '=');
	(void)form_append_component(url, value);
}

/* RFC 6749, 4.1.1; RFC 7636, 4.3; OpenID Connect Core 1.0, 3.1.2.1. */
static int write_url(struct operation *operation, struct buf *url)
{
	struct adit_client *client = operation->client;
	struct login *login = login_of(operation);
	const char *endpoint = client->metadata.authorization_endpoint;
	char challenge[PKCE_CHALLENGE_SIZE];

	if (pkce_challenge(login->verifier, challenge))
		return ERROR_CRYPTO;
	(void)buf_append_text(url, endpoint);
	(void)buf_append_text(url, strchr(endpoint, '?') ? "&" : "?");
	(void)buf_append_text(url, "response_type=code");
	add(url, "client_id", client->client_id);
	add(url, "redirect_uri", loopback_redirect_uri(login->loopback));
	if (login->scope.len)
		add(url, "scope", login->scope.data);
	add(url, "state", login->state);
	if (login->nonce[0])
		add(url, "nonce", login->nonce);
	add(url, "code_challenge", challenge);
	add(url, "code_challenge_method", "S256");
	/* Core, 11: without it the authority ignores offline_access. */
	if (login->has_openid && scope_has_text(login->scope.data, "offline_access"))
		add(url, "prompt", "consent");
	if (client->options.resource)
		add(url, "resource", client->options.resource);
	return buf_status(url);
}

static int open_browser(struct operation *operation, const char *url)
{
	const struct adit_client_hooks *hooks = &operation->client->hooks;
	struct login *login = login_of(operation);
	struct fault fault = {0};

	if (hooks->open_url && !hooks->open_url(hooks->context, url))
		return 0;
	if (hooks->open_url)
		fault_set(&fault, "the application could not show the page");
	else if (!browser_start(url, &login->browser_fd, &fault))
		return operation_watch(operation, login->browser_fd);
	return no_browser(operation, &fault);
}

static int show_page(struct operation *operation)
{
	struct buf url;
	int error;

	buf_init(&url, AUTHORIZATION_URL_MAX);
	error = write_url(operation, &url);
	if (error)
		error = report_set(&operation->report,
			error == ERROR_MEMORY ? ADIT_ERROR_MEMORY : ADIT_ERROR_INVALID,
			"the address to sign in at can't be made: %s", error_text(error));
	if (!error)
		error = operation_watch(operation, loopback_fd(login_of(operation)->loopback));
	if (!error)
		error = open_browser(operation, url.data);
	buf_finish(&url);
	if (error)
		return login_end(operation, error);
	login_await_person(operation);
	return operation_next(operation, await_redirect);
}

/* What a code is worth nothing without (RFC 7636), and what tells answers apart. */
static int make_secrets(struct login *login)
{
	if (pkce_make_verifier(login->verifier) || pkce_make_verifier(login->state))
		return ERROR_IO;
	return login->has_openid ? pkce_make_verifier(login->nonce) : 0;
}

static int listen_for_redirect(struct operation *operation)
{
	const struct adit_client_options *options = &operation->client->options;
	const char *path = options->redirect_path ? options->redirect_path : REDIRECT_PATH;
	struct fault fault = {0};
	int error = loopback_create(
		(uint16_t)options->redirect_port, path, &login_of(operation)->loopback, &fault);

	if (error == ERROR_MEMORY)
		return end_with(operation, ADIT_ERROR_MEMORY, "no memory for a sign-in",
			"free memory, then try again");
	if (error)
		return end_here(
			operation, fault.text, "free the port, or leave the choice to the system");
	return operation_next(operation, show_page);
}

int login_browser_begin(struct operation *operation)
{
	static const char methods[] = "code_challenge_methods_supported";
	const struct metadata *metadata = &operation->client->metadata;
	struct login *login = login_of(operation);

	login->what = "sign-in in the browser";
	if (!metadata->authorization_endpoint)
		return end_with(operation, ADIT_ERROR_DENIED,
			"the authority lets nobody sign in in a browser",
			"ask its operator how this client gets tokens");
	if (json_member(metadata->document, methods) && !metadata_lists(metadata, methods, "S256"))
		return end_with(operation, ADIT_ERROR_DENIED,
			"the authority has no PKCE with S256, without which a code can be stolen",
			"tell the authority's operator");
	if (make_secrets(login))
		return end_here(operation, "the system gives no random bytes", "mend the system");
	return listen_for_redirect(operation);
}
