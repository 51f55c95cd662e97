/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/command.h"

#include "codec/json_writer.h"

enum {
	MIN_TTL_S = 60, /* a script uses what it got for a while */
	MIN_TTL_MAX_S = 86400,
	TOKEN_OUTPUT_MAX = 1024 * 1024,
};

static const struct option_spec token_options[] = {
	{"header", 'H', NULL, OPTION_TEXT, "print the field \"Authorization: Bearer …\""},
	{"min-ttl", 'm', "SECONDS", OPTION_TEXT, "how long it shall live at least (60)"},
	{0},
};

static void write_json(struct buf *buf, const struct adit_token *token)
{
	struct json_writer writer;

	json_writer_init(&writer, buf);
	json_write_object(&writer, NULL);
	json_write_text(&writer, "access_token", adit_token_value(token));
	json_write_text(&writer, "token_type", adit_token_type(token));
	json_write_number(&writer, "expires_at", adit_token_expires_at(token));
	json_write_text(&writer, "scope", adit_token_scope(token));
	json_write_object_end(&writer);
	(void)buf_append_char(buf, '\n');
}

static int show_token(const struct invocation *invocation, const struct adit_token *token)
{
	struct buf buf;

	buf_init(&buf, TOKEN_OUTPUT_MAX);
	if (invocation->json)
		write_json(&buf, token);
	else if (options_flag(&invocation->options, "header"))
		(void)buf_printf(&buf, "Authorization: %s\n", adit_token_header(token));
	else
		(void)buf_printf(&buf, "%s\n", adit_token_value(token));
	return show(invocation, &buf);
}

static int run_token(struct invocation *invocation)
{
	const struct number_range range = {0, MIN_TTL_MAX_S, MIN_TTL_S};
	const struct session_request request = {.authority = invocation->options.positional[0]};
	struct adit_token *token = NULL;
	struct session session;
	int64_t min_ttl_s;
	int error;
	int code;

	if (options_number(&invocation->options, "min-ttl", &range, &min_ttl_s, &invocation->fault))
		return complain_of_usage(invocation);
	if (invocation->json && options_flag(&invocation->options, "header"))
		return complain_usage(invocation, "--header and --json do not go together");
	code = session_open(invocation, &request, &session);
	if (code == EXIT_DONE) {
		error = adit_token_get(session.client, (int)min_ttl_s, &token);
		code = error ? complain_of_library(invocation, error)
			     : show_token(invocation, token);
	}
	adit_token_release(token);
	session_close(&session);
	return code;
}

const struct command token_command = {
	.name = "token",
	.arguments = "URL",
	.summary = "print a fresh access token",
	.page = "adit-token",
	.options = token_options,
	.uses_client = true,
	.command_at = -1,
	.least = 1,
	.most = 1,
	.run = run_token,
};
