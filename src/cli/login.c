/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A person signs in: in a browser (RFC 8252), or with a code on another device (RFC 8628).
 */
#include "cli/command.h"

#include "cli/qr.h"
#include "cli/words.h"
#include "codec/json_writer.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define BROWSER "xdg-open"
#define LARGE "\033[1;7m"
#define LARGE_END "\033[0m"

enum { NOTICE_MAX = 64 * 1024 };

static const struct option_spec login_options[] = {
	{"device", 'd', NULL, OPTION_TEXT, "by a code that is entered on another device"},
	{"no-browser", 0, NULL, OPTION_TEXT, "only print the address, open nothing"},
	{"qr", 0, NULL, OPTION_TEXT, "show the device code's address as QR, terminal or not"},
	{0},
};

/* A line for programs goes to stdout, what is for people to stderr. */
static int tell(const struct invocation *invocation, struct buf *buf)
{
	int code = EXIT_OTHER;

	if (invocation->json)
		return show(invocation, buf);
	if (!buf_status(buf) && write(STDERR_FILENO, buf->data, buf->len) == (ssize_t)buf->len)
		code = EXIT_DONE;
	buf_finish(buf);
	return code;
}

/* --- the browser ---------------------------------------------------------------------- */

/* In a grandchild, whose end nobody waits for: some of them stay as long as the browser. */
static void become_browser(const char *url, int report_fd)
{
	int nowhere;
	int reason;

	if (fork() != 0)
		_exit(0);
	process_restore();
	(void)setsid();
	nowhere = open("/dev/null", O_RDWR);
	for (int stream = 0; nowhere >= 0 && stream <= STDERR_FILENO; stream++)
		(void)dup2(nowhere, stream);
	(void)execlp(BROWSER, BROWSER, url, (char *)NULL);
	reason = errno;
	if (write(report_fd, &reason, sizeof(reason)) < 0)
		reason = 0;
	_exit(EXIT_OTHER);
}

static int run_browser(const char *url)
{
	int report[2];
	int reason = 0;
	ssize_t got;
	pid_t child;

	if (pipe2(report, O_CLOEXEC))
		return ERROR_IO;
	child = fork();
	if (child == 0)
		become_browser(url, report[1]);
	(void)close(report[1]);
	if (child > 0)
		(void)waitpid(child, NULL, 0);
	do
		got = child < 0 ? -1 : read(report[0], &reason, sizeof(reason));
	while (got < 0 && child > 0 && errno == EINTR && !signals_caught());
	(void)close(report[0]);
	return got == 0 ? 0 : ERROR_IO;
}

static int open_url(void *context, const char *url)
{
	const struct invocation *invocation = context;
	struct json_writer writer;
	struct buf buf;
	int code;

	buf_init(&buf, NOTICE_MAX);
	json_writer_init(&writer, &buf);
	if (invocation->json) {
		json_write_object(&writer, NULL);
		json_write_text(&writer, "authorization_url", url);
		json_write_object_end(&writer);
		(void)buf_append_char(&buf, '\n');
	} else {
		(void)buf_append_text(
			&buf, "Sign in in the browser. Where none opens, go to\n\n  ");
		show_clean(&buf, url);
		(void)buf_append_text(&buf, "\n\n");
	}
	code = tell(invocation, &buf);
	if (code != EXIT_DONE || options_flag(&invocation->options, "no-browser"))
		return code;
	/* On a terminal a person has read the address. */
	return run_browser(url) && !is_terminal(STDERR_FILENO) && !invocation->json;
}

/* --- the device code -------------------------------------------------------------------- */

static size_t terminal_width(void)
{
	struct winsize size;

	return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) || !size.ws_col ? 80 : size.ws_col;
}

/* Only where it fits: a broken one is none. */
static void append_qr(const struct invocation *invocation, struct buf *buf, const char *url)
{
	bool forced = options_flag(&invocation->options, "qr");
	struct buf code;
	size_t width = 0;

	if (!forced && !is_terminal(STDERR_FILENO))
		return;
	buf_init(&code, NOTICE_MAX / 2);
	if (!qr_append(&code, url, has_colour(STDERR_FILENO), &width) &&
		(forced || width <= terminal_width()))
		(void)buf_printf(buf, "%s\n", code.data);
	buf_finish(&code);
}

static void append_code(
	const struct invocation *invocation, struct buf *buf, const struct adit_device_code *code)
{
	const char *complete = code->verification_uri_complete;
	bool colour = has_colour(STDERR_FILENO);

	(void)buf_append_text(buf, "On another device go to\n\n  ");
	show_clean(buf, code->verification_uri);
	(void)buf_printf(buf, "\n\nand enter\n\n  %s  ", colour ? LARGE : "");
	show_clean(buf, code->user_code);
	(void)buf_printf(buf, "  %s\n\n", colour ? LARGE_END : "");
	append_qr(invocation, buf, complete ? complete : code->verification_uri);
	if (code->expires_in_s > 0) {
		(void)buf_append_text(buf, "The code is good for ");
		(void)words_duration(buf, code->expires_in_s);
		(void)buf_append_text(buf, ".\n");
	}
}

static int show_code(void *context, const struct adit_device_code *code)
{
	const struct invocation *invocation = context;
	struct json_writer writer;
	struct buf buf;

	buf_init(&buf, NOTICE_MAX);
	json_writer_init(&writer, &buf);
	if (!invocation->json) {
		append_code(invocation, &buf, code);
		return tell(invocation, &buf);
	}
	json_write_object(&writer, NULL);
	json_write_text(&writer, "user_code", code->user_code);
	json_write_text(&writer, "verification_uri", code->verification_uri);
	json_write_text(&writer, "verification_uri_complete", code->verification_uri_complete);
	json_write_number(&writer, "expires_in", code->expires_in_s);
	json_write_object_end(&writer);
	(void)buf_append_char(&buf, '\n');
	return tell(invocation, &buf);
}

/* --- the end ------------------------------------------------------------------------------ */

static const char *name_of(const struct adit_token *token)
{
	static const char *const claims[] = {"preferred_username", "name", "email", "sub"};

	for (size_t i = 0; i < sizeof(claims) / sizeof(claims[0]); i++) {
		const char *text = adit_token_claim(token, claims[i]);

		if (text && *text)
			return text;
	}
	return NULL;
}

static int show_done(const struct invocation *invocation, const struct session *session,
	const struct adit_token *token)
{
	const char *name = name_of(token);
	struct json_writer writer;
	struct buf buf;

	buf_init(&buf, COMMAND_OUTPUT_MAX);
	json_writer_init(&writer, &buf);
	if (invocation->json) {
		json_write_object(&writer, NULL);
		json_write_text(&writer, "authority", invocation->options.positional[0]);
		json_write_text(&writer, "client_id", session->client_id);
		json_write_text(&writer, "account", *session->account ? session->account : NULL);
		json_write_text(&writer, "name", name);
		json_write_number(&writer, "expires_at", adit_token_expires_at(token));
		json_write_object_end(&writer);
	} else {
		(void)buf_append_text(&buf, "signed in at ");
		show_clean(&buf, invocation->options.positional[0]);
		(void)buf_append_text(&buf, name ? " as " : "");
		show_clean(&buf, name ? name : "");
	}
	(void)buf_append_char(&buf, '\n');
	return show(invocation, &buf);
}

static int sign_in(const struct invocation *invocation, const struct session *session)
{
	bool device = options_flag(&invocation->options, "device");
	struct adit_token *token = NULL;
	int error =
		adit_client_login(session->client, device ? ADIT_FLOW_DEVICE : ADIT_FLOW_BROWSER);
	int code;

	if (!error)
		error = adit_token_get(session->client, 0, &token);
	code = error ? complain_of_library(invocation, error)
		     : show_done(invocation, session, token);
	adit_token_release(token);
	return code;
}

static int run_login(struct invocation *invocation)
{
	const struct adit_client_hooks hooks = {.size = sizeof(hooks),
		.context = invocation,
		.open_url = open_url,
		.show_code = show_code};
	const struct session_request request = {.authority = invocation->options.positional[0],
		.kind = SESSION_PERSON,
		.hooks = &hooks};
	struct session session;
	int code = session_open(invocation, &request, &session);

	if (code == EXIT_DONE)
		code = sign_in(invocation, &session);
	session_close(&session);
	return code;
}

const struct command login_command = {
	.name = "login",
	.arguments = "URL",
	.summary = "sign in in a browser, or by a code on another device",
	.page = "adit-login",
	.options = login_options,
	.uses_client = true,
	.command_at = -1,
	.least = 1,
	.most = 1,
	.run = run_login,
};
