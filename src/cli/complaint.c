/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/command.h"

#include "codec/json_writer.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { COMPLAINT_MAX = 8192 };

static enum exit_code code_of(int error)
{
	switch (error) {
	case ADIT_ERROR_INVALID:
		return EXIT_USAGE;
	case ADIT_ERROR_CREDENTIALS:
		return EXIT_CREDENTIALS;
	case ADIT_ERROR_UNAVAILABLE:
	case ADIT_ERROR_TIMEOUT:
		return EXIT_UNREACHABLE;
	case ADIT_ERROR_STORAGE:
		return EXIT_STORAGE;
	case ADIT_ERROR_WAIT:
		return EXIT_WAIT;
	case ADIT_ERROR_TRUST:
		return EXIT_TRUST;
	case ADIT_ERROR_PERSON:
		return EXIT_PERSON;
	default:
		return EXIT_OTHER;
	}
}

/* As <adit/error.h> calls it. */
static const char *name_of(enum exit_code code)
{
	static const char *const names[] = {"", "other", "usage", "credentials", "unavailable",
		"storage", "wait", "trust", "person"};

	return code > 0 && code <= EXIT_PERSON ? names[code] : names[EXIT_OTHER];
}

static void write_text(struct json_writer *writer, const char *name, const char *text)
{
	json_write_text(writer, name, text && *text ? text : NULL);
}

static void write_object(
	struct buf *buf, enum exit_code code, const struct adit_client_error *error)
{
	struct json_writer writer;

	json_writer_init(&writer, buf);
	json_write_object(&writer, NULL);
	json_write_text(&writer, "error", name_of(code));
	json_write_number(&writer, "exit_code", code);
	write_text(&writer, "text", error->text);
	write_text(&writer, "action", error->action);
	write_text(&writer, "oauth_error", error->oauth_error);
	write_text(&writer, "correlation_id", error->correlation_id);
	if (error->http_status)
		json_write_number(&writer, "http_status", error->http_status);
	if (error->retry_after_s >= 0)
		json_write_number(&writer, "retry_after_s", error->retry_after_s);
	json_write_object_end(&writer);
	(void)buf_append_char(buf, '\n');
}

static void write_lines(struct buf *buf, const struct adit_client_error *error)
{
	(void)buf_append_text(buf, "adit: ");
	show_clean(buf, error->text);
	if (*error->correlation_id) {
		(void)buf_append_text(buf, " (correlation id ");
		show_clean(buf, error->correlation_id);
		(void)buf_append_text(buf, ")");
	}
	if (*error->action) {
		(void)buf_append_text(buf, "\nadit: ");
		show_clean(buf, error->action);
	}
	(void)buf_append_char(buf, '\n');
}

static int say(const struct invocation *invocation, enum exit_code code,
	const struct adit_client_error *error)
{
	char text[COMPLAINT_MAX];
	struct buf buf;

	buf_init_fixed(&buf, text, sizeof(text));
	if (invocation->json)
		write_object(&buf, code, error);
	else
		write_lines(&buf, error);
	/* One write, so that lines of several processes do not mix. */
	if (!buf_status(&buf) && write(STDERR_FILENO, buf.data, buf.len) < 0)
		return (int)code;
	return (int)code;
}

int complain(const struct invocation *invocation, enum exit_code code, const char *text,
	const char *action)
{
	struct adit_client_error error = {.size = sizeof(error), .retry_after_s = -1};

	(void)snprintf(error.text, sizeof(error.text), "%s", text);
	(void)snprintf(error.action, sizeof(error.action), "%s", action ? action : "");
	return say(invocation, code, &error);
}

int complain_of_usage(const struct invocation *invocation)
{
	const struct command *command = invocation->command;
	char action[128];

	(void)snprintf(action, sizeof(action), "adit%s%s%s%s --help shows the form",
		command && command->noun ? " " : "", command && command->noun ? command->noun : "",
		command ? " " : "", command ? command->name : "");
	return complain(invocation, EXIT_USAGE, invocation->fault.text, action);
}

int complain_usage(struct invocation *invocation, const char *format, ...)
{
	char text[sizeof(invocation->fault.text)];
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	fault_set(&invocation->fault, "%s", text);
	return complain_of_usage(invocation);
}

/* The library does not know what to type. */
static void name_commands(const struct invocation *invocation, struct adit_client_error *error)
{
	const struct command *command = invocation->command;
	const char *authority = invocation->options.positional[0];

	if (command == &service_set_command || command == &service_rotate_command)
		(void)snprintf(error->action, sizeof(error->action),
			"give it by --password-file, --password-fd, --password-systemd or "
			"--password-exec, or where a person can type it");
	if (command == &token_command || command == &run_command || command == &call_command ||
		command == &service_verify_command)
		(void)snprintf(error->action, sizeof(error->action),
			"sign in by 'adit login %.70s', or give a Service User's password to 'adit "
			"service set %.70s --username NAME'",
			authority, authority);
}

int complain_of_library(const struct invocation *invocation, int code)
{
	struct adit_client_error error = {.size = sizeof(error), .retry_after_s = -1};

	if (code == ADIT_ERROR_CANCELLED && signals_caught())
		return EXIT_SIGNALLED + signals_caught();
	if (adit_client_last_error(&error) || !*error.text)
		(void)snprintf(error.text, sizeof(error.text), "failed (error %d)", code);
	if (code == ADIT_ERROR_PERSON)
		name_commands(invocation, &error);
	return say(invocation, code_of(code), &error);
}
