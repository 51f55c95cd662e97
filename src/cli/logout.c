/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/command.h"

static int show_done(const struct invocation *invocation)
{
	struct buf buf;

	buf_init(&buf, COMMAND_OUTPUT_MAX);
	if (invocation->json) {
		(void)buf_append_text(&buf, "{\"result\":\"signed out\"}\n");
	} else {
		(void)buf_append_text(&buf, "signed out of ");
		show_clean(&buf, invocation->options.positional[0]);
		(void)buf_append_char(&buf, '\n');
	}
	return show(invocation, &buf);
}

static int run_logout(struct invocation *invocation)
{
	const struct session_request request = {.authority = invocation->options.positional[0]};
	struct session session;
	int code = session_open(invocation, &request, &session);
	int error;

	if (code == EXIT_DONE) {
		error = adit_client_logout(session.client);
		code = error ? complain_of_library(invocation, error) : show_done(invocation);
	}
	session_close(&session);
	return code;
}

const struct command logout_command = {
	.name = "logout",
	.arguments = "URL",
	.summary = "revoke the refresh token and forget the tokens",
	.page = "adit-logout",
	.uses_client = true,
	.command_at = -1,
	.least = 1,
	.most = 1,
	.run = run_logout,
};
