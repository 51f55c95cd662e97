/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One request to the API with a token.
 */
#include "cli/command.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
	BODY_MAX = 64 * 1024 * 1024,
	STATUS_FAILED = 400, /* this and above (RFC 9110, 15.5) */
};

static const struct option_spec call_options[] = {
	{"data-file", 'd', "FILE", OPTION_FILE, "the request's body; \"-\": stdin"},
	{"content-type", 0, "TYPE", OPTION_TEXT, "of the body (application/json)"},
	{"include", 'i', NULL, OPTION_TEXT, "print status and fields before the body"},
	{0},
};

struct request {
	struct adit_call call;
	struct buf body;
	bool has_body;
};

static bool never_has_body(const char *method)
{
	return !strcmp(method, "GET") || !strcmp(method, "HEAD");
}

/* Of these the body has no meaning (RFC 9110, 9.3), and stdin is often somebody else's. */
static bool has_no_body(const char *method)
{
	return never_has_body(method) || !strcmp(method, "DELETE");
}

static int read_body(struct invocation *invocation, struct request *request)
{
	const char *path = options_text(&invocation->options, "data-file");
	int error;

	if (!path && (has_no_body(request->call.method) || is_terminal(STDIN_FILENO)))
		return EXIT_DONE;
	error = read_file(path ? path : "-", BODY_MAX, &request->body);
	if (signals_caught())
		return EXIT_SIGNALLED + signals_caught();
	if (error == ERROR_IO)
		return complain_usage(invocation, "the body can't be read from %s: %s",
			path && strcmp(path, "-") != 0 ? path : "stdin", strerror(errno));
	if (error)
		return complain_usage(invocation, "the body is longer than 64 MiB");
	request->has_body = true;
	return EXIT_DONE;
}

static bool is_method(const char *text)
{
	static const char *const methods[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"};

	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		if (!strcmp(text, methods[i]))
			return true;
	return false;
}

/* URL [METHOD] API-URL. */
static int take_request(struct invocation *invocation, struct request *request)
{
	const struct options *options = &invocation->options;
	bool has_method = options->positional_count == 3;
	bool has_data = options_flag(options, "data-file");
	int code;

	request->call.size = sizeof(request->call);
	request->call.method = has_data ? "POST" : "GET";
	if (has_method)
		request->call.method = options->positional[1];
	request->call.url = options->positional[has_method ? 2 : 1];
	request->call.content_type = options_text(options, "content-type");
	if (!is_method(request->call.method))
		return complain_usage(invocation,
			"\"%.100s\" is no method: it is GET, HEAD, POST, PUT, PATCH or DELETE",
			request->call.method);
	if (has_data && never_has_body(request->call.method))
		return complain_usage(invocation, "a %s request has no body", request->call.method);
	code = read_body(invocation, request);
	request->call.body = request->has_body ? request->body.data : NULL;
	request->call.body_length = request->body.len;
	return code;
}

static int show_answer(const struct invocation *invocation, const struct adit_answer *answer)
{
	struct buf buf;

	buf_init(&buf, COMMAND_OUTPUT_MAX);
	if (options_flag(&invocation->options, "include")) {
		(void)buf_printf(&buf, "HTTP %d\n", answer->status);
		if (answer->content_type && *answer->content_type) {
			(void)buf_append_text(&buf, "Content-Type: ");
			show_clean(&buf, answer->content_type);
			(void)buf_append_char(&buf, '\n');
		}
		if (answer->retry_after_s >= 0)
			(void)buf_printf(&buf, "Retry-After: %" PRId64 "\n", answer->retry_after_s);
		(void)buf_append_char(&buf, '\n');
	}
	(void)buf_append(&buf, answer->body, answer->body_length);
	/* The prompt is to stand on a line of its own. */
	if (buf.len && buf.data[buf.len - 1] != '\n' && is_terminal(STDOUT_FILENO))
		(void)buf_append_char(&buf, '\n');
	return show(invocation, &buf);
}

/* What an integrator is to look at first; NULL: the body says it better. */
static const char *advice_on(int status)
{
	if (status == 401)
		return "the API takes no token of this authority and account: 'adit token URL | "
		       "adit decode' shows for whom it is";
	if (status == 403)
		return "the account may not do this; its operator can tell what it may";
	if (status == 429)
		return "the API's limits are used up; the next call waits as long as it says";
	return NULL;
}

static int judge(const struct invocation *invocation, const struct adit_answer *answer)
{
	char text[128];
	int code = show_answer(invocation, answer);

	if (code != EXIT_DONE || answer->status < STATUS_FAILED)
		return code;
	(void)snprintf(text, sizeof(text), "the API answered %d", answer->status);
	return complain(invocation, EXIT_OTHER, text, advice_on(answer->status));
}

static int run_call(struct invocation *invocation)
{
	const struct session_request session_request = {
		.authority = invocation->options.positional[0]};
	struct request request = {0};
	struct adit_answer *answer = NULL;
	struct session session;
	int code = session_open(invocation, &session_request, &session);
	int error;

	if (code == EXIT_DONE)
		code = take_request(invocation, &request);
	if (code == EXIT_DONE) {
		error = adit_client_call(session.client, &request.call, &answer);
		code = error ? complain_of_library(invocation, error) : judge(invocation, answer);
	}
	adit_answer_free(answer);
	buf_finish(&request.body);
	session_close(&session);
	return code;
}

const struct command call_command = {
	.name = "call",
	.arguments = "URL [METHOD] API-URL",
	.summary = "send a request to the API with a token",
	.page = "adit-call",
	.options = call_options,
	.uses_client = true,
	.command_at = -1,
	.least = 2,
	.most = 3,
	.run = run_call,
};
