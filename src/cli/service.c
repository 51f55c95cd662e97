/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Credentials that nobody is there to type: entered once, verified by one grant, kept.
 */
#include "cli/command.h"

#include "codec/json_writer.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#define OPTION_USERNAME                                                                            \
	{                                                                                          \
		"username", 'u', "NAME", OPTION_TEXT, "the Service User's name"                    \
	}
#define OPTIONS_PASSWORD                                                                           \
	{"password-fd", 0, "N", OPTION_TEXT, "read the password from this descriptor"},            \
		{"password-file", 0, "FILE", OPTION_FILE, "read it from this file"},               \
		{"password-systemd", 0, "NAME", OPTION_TEXT,                                       \
			"read it from this credential of the systemd service"},                    \
	{                                                                                          \
		"password-exec", 0, "PROGRAM", OPTION_PROGRAM, "it is what this program prints"    \
	}

static const struct option_spec set_options[] = {OPTION_USERNAME, OPTIONS_PASSWORD, {0}};
static const struct option_spec rotate_options[] = {OPTIONS_PASSWORD, {0}};

enum { SOURCE_SIZE = PATH_MAX + 16 };

/* Where the password comes from, as adit_client_credentials_from() has it. */
static int take_source(struct invocation *invocation, char ret_source[SOURCE_SIZE])
{
	static const struct {
		const char *option;
		const char *prefix;
	} sources[] = {{"password-fd", "fd:"}, {"password-file", "file:"},
		{"password-systemd", "systemd:"}, {"password-exec", "exec:"}};
	const char *chosen = NULL;

	(void)snprintf(ret_source, SOURCE_SIZE, "tty:");
	for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
		const char *value = options_text(&invocation->options, sources[i].option);

		if (!value)
			continue;
		if (chosen)
			return complain_usage(invocation, "--%s and --%s do not go together",
				chosen, sources[i].option);
		chosen = sources[i].option;
		if (snprintf(ret_source, SOURCE_SIZE, "%s%s", sources[i].prefix, value) >=
			SOURCE_SIZE)
			return complain_usage(invocation, "--%s is too long", chosen);
	}
	return EXIT_DONE;
}

/* What was done, for people and for programs. */
static int show_done(
	const struct invocation *invocation, const struct session *session, const char *done)
{
	const char *authority = invocation->options.positional[0];
	struct json_writer writer;
	struct buf buf;

	buf_init(&buf, COMMAND_OUTPUT_MAX);
	json_writer_init(&writer, &buf);
	if (invocation->json) {
		json_write_object(&writer, NULL);
		json_write_text(&writer, "authority", authority);
		json_write_text(&writer, "client_id", session->client_id);
		json_write_text(&writer, "account", *session->account ? session->account : NULL);
		json_write_text(&writer, "result", done);
		json_write_object_end(&writer);
	} else {
		show_clean(&buf, *session->account ? session->account : session->client_id);
		(void)buf_append_text(&buf, " at ");
		show_clean(&buf, authority);
		(void)buf_printf(&buf, ": %s", done);
	}
	(void)buf_append_char(&buf, '\n');
	return show(invocation, &buf);
}

static int verify(struct invocation *invocation, const struct session *session, const char *done)
{
	int error = adit_client_credentials_verify(session->client);

	return error ? complain_of_library(invocation, error)
		     : show_done(invocation, session, done);
}

/* With a key of its own a client needs no secret. */
static bool is_by_key(const struct invocation *invocation, const char *username)
{
	return !username && options_text(&invocation->options, "assertion-key");
}

static int enter(struct invocation *invocation, const struct session *session, const char *username,
	const char *source, const char *done)
{
	int error = is_by_key(invocation, username)
			    ? adit_client_credentials_set(session->client, NULL, NULL)
			    : adit_client_credentials_from(session->client, username, source);

	return error ? complain_of_library(invocation, error) : verify(invocation, session, done);
}

static int run_set(struct invocation *invocation)
{
	const char *username = options_text(&invocation->options, "username");
	const struct session_request request = {.authority = invocation->options.positional[0],
		.kind = SESSION_SERVICE,
		.account = username};
	char source[SOURCE_SIZE];
	struct session session;
	int code;

	if (!username && !options_text(&invocation->options, "client-id"))
		return complain_usage(invocation,
			"give the Service User's --username, or a --client-id whose "
			"own secret or --assertion-key it is");
	code = take_source(invocation, source);
	if (code != EXIT_DONE)
		return code;
	code = session_open(invocation, &request, &session);
	if (code == EXIT_DONE)
		code = enter(invocation, &session, username, source, "verified and stored");
	session_close(&session);
	return code;
}

/* The new password is stored once the authority has taken it; until then the old one is. */
static int rotate(struct invocation *invocation, const struct session *session, const char *source)
{
	if (!session->has_credentials)
		return complain(invocation, EXIT_PERSON, "there is no password to rotate",
			"'adit service set URL --username NAME' enters one");
	return enter(invocation, session, *session->username ? session->username : NULL, source,
		"the new password is verified and stored");
}

/* Whose password it is has to be known, or it would be sent as the client's own secret. */
static int run_rotate(struct invocation *invocation)
{
	const struct session_request request = {
		.authority = invocation->options.positional[0], .looks_up = true};
	char source[SOURCE_SIZE];
	struct session session;
	int code = take_source(invocation, source);

	if (code != EXIT_DONE)
		return code;
	code = session_open(invocation, &request, &session);
	if (code == EXIT_DONE)
		code = rotate(invocation, &session, source);
	session_close(&session);
	return code;
}

static int run_verify(struct invocation *invocation)
{
	const struct session_request request = {.authority = invocation->options.positional[0]};
	struct session session;
	int code = session_open(invocation, &request, &session);

	if (code == EXIT_DONE)
		code = verify(invocation, &session, "verified");
	session_close(&session);
	return code;
}

static int run_forget(struct invocation *invocation)
{
	const struct session_request request = {.authority = invocation->options.positional[0]};
	struct session session;
	int code = session_open(invocation, &request, &session);
	int error;

	if (code == EXIT_DONE) {
		error = adit_client_credentials_forget(session.client);
		code = error ? complain_of_library(invocation, error)
			     : show_done(invocation, &session, "forgotten here");
	}
	session_close(&session);
	return code;
}

const struct command service_set_command = {
	.noun = "service",
	.name = "set",
	.arguments = "URL",
	.summary = "enter a Service User's password, verify and keep it",
	.page = "adit-service",
	.options = set_options,
	.uses_client = true,
	.command_at = -1,
	.least = 1,
	.most = 1,
	.run = run_set,
};

const struct command service_verify_command = {
	.noun = "service",
	.name = "verify",
	.arguments = "URL",
	.summary = "try what is kept, by one grant",
	.page = "adit-service",
	.uses_client = true,
	.command_at = -1,
	.least = 1,
	.most = 1,
	.run = run_verify,
};

const struct command service_rotate_command = {
	.noun = "service",
	.name = "rotate",
	.arguments = "URL",
	.summary = "replace the password, once the new one is verified",
	.page = "adit-service",
	.options = rotate_options,
	.uses_client = true,
	.command_at = -1,
	.least = 1,
	.most = 1,
	.run = run_rotate,
};

const struct command service_forget_command = {
	.noun = "service",
	.name = "forget",
	.arguments = "URL",
	.summary = "remove password and tokens from this machine",
	.page = "adit-service",
	.uses_client = true,
	.command_at = -1,
	.least = 1,
	.most = 1,
	.run = run_forget,
};
