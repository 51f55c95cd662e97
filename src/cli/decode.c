/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a token says (RFC 7519). It is sent nowhere: with --verify the authority's public keys
 * are fetched, and the rest happens here.
 */
#include "cli/command.h"

#include "base/clock.h"
#include "cli/claims.h"
#include "codec/base64url.h"
#include "codec/json.h"
#include "codec/json_writer.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum { TOKEN_MAX = 64 * 1024 };

static const struct option_spec decode_options[] = {
	{"verify", 0, "URL", OPTION_TEXT, "check the signature by this authority's keys"},
	{0},
};

struct decoded {
	struct buf text; /* the token alone */
	struct json *header;
	struct json *claims;
};

static void decoded_finish(struct decoded *decoded)
{
	json_free(decoded->header);
	json_free(decoded->claims);
	buf_finish(&decoded->text);
}

/* --- reading it -------------------------------------------------------------------- */

static int read_stdin(struct invocation *invocation, struct buf *buf)
{
	int error;

	if (is_terminal(STDIN_FILENO))
		(void)!write(STDERR_FILENO, "adit: paste the token, then Ctrl-D\n", 35);
	error = read_all(STDIN_FILENO, TOKEN_MAX, buf);
	if (error == ERROR_IO)
		return complain_usage(invocation, "stdin can't be read: %s", strerror(errno));
	if (error)
		return complain_usage(invocation, "that is too long for a token");
	return EXIT_DONE;
}

/* Drops a word in front, as "Bearer ", whatever its case. */
static const char *skip(const char *text, const char *word)
{
	text += strspn(text, " \t\r\n");
	return strncasecmp(text, word, strlen(word)) ? text : text + strlen(word);
}

static int take_token(struct invocation *invocation, struct buf *ret_text)
{
	const char *given = invocation->options.positional[0];
	const char *text = given;
	struct buf raw = {0};
	int code = EXIT_DONE;

	if (!given || !strcmp(given, "-")) {
		code = read_stdin(invocation, &raw);
		text = raw.data;
	}
	if (code != EXIT_DONE)
		return code;
	text = skip(skip(text, "Authorization:"), "Bearer ");
	text += strspn(text, " \t\r\n");
	buf_init(ret_text, TOKEN_MAX);
	if (buf_append(ret_text, text, strcspn(text, " \t\r\n")))
		code = complain_usage(invocation, "that is too long for a token");
	else if (text[ret_text->len + strspn(text + ret_text->len, " \t\r\n")])
		code = complain_usage(invocation, "more stands there than one token");
	buf_finish(&raw);
	return code;
}

static int parse_part(const char *text, size_t length, struct json **ret_json)
{
	struct buf bytes;
	size_t decoded = 0;
	int error;

	buf_init(&bytes, TOKEN_MAX);
	error = buf_reserve(&bytes, length + 1);
	if (!error)
		error = base64url_decode(
			text, length, (unsigned char *)bytes.data, length, &decoded);
	if (!error)
		error = json_parse(bytes.data, decoded, TOKEN_MAX, ret_json);
	buf_finish(&bytes);
	return error;
}

/* What else it may be that has no three parts. */
static const char *other_kind(const char *text)
{
	static const struct {
		const char *prefix;
		const char *what;
	} kinds[] = {
		{"adr_", "it is a refresh token, which only the authority can read"},
		{"adsu_", "it is a Service User's password; treat it as one that others have seen"},
		{"adcs_", "it is a client's secret; treat it as one that others have seen"},
	};
	size_t dots = 0;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (!strncmp(text, kinds[i].prefix, strlen(kinds[i].prefix)))
			return kinds[i].what;
	for (const char *c = text; *c; c++)
		dots += *c == '.';
	if (dots == 4)
		return "it is encrypted (JWE): only whom it is for can read it";
	if (dots == 2)
		return "header and claims of a JWT are JSON objects in base64url, and name nothing "
		       "twice: it may be cut off, or changed on its way";
	return "an opaque token is known to its authority alone";
}

static int parse(struct invocation *invocation, struct decoded *decoded)
{
	const char *text = decoded->text.data ? decoded->text.data : "";
	const char *first = strchr(text, '.');
	const char *second = first ? strchr(first + 1, '.') : NULL;

	if (!*text)
		return complain_usage(invocation, "there is no token");
	if (!second || strchr(second + 1, '.') ||
		parse_part(text, (size_t)(first - text), &decoded->header) ||
		parse_part(first + 1, (size_t)(second - first) - 1, &decoded->claims) ||
		!json_is_object(decoded->header) || !json_is_object(decoded->claims))
		return complain(invocation, EXIT_USAGE, "this is no JWT", other_kind(text));
	return EXIT_DONE;
}

/* --- checking it ------------------------------------------------------------------- */

static int check_by(struct invocation *invocation, struct adit_client *client, const char *text)
{
	char *claims = NULL;
	int error = adit_client_token_verify(client, text, &claims);

	adit_text_free(claims);
	/* It has been read already: what can't be verified has failed to be. */
	if (error == ADIT_ERROR_INVALID)
		error = ADIT_ERROR_TRUST;
	return error ? complain_of_library(invocation, error) : EXIT_DONE;
}

static int check(struct invocation *invocation, const char *text)
{
	const char *authority = options_text(&invocation->options, "verify");
	const struct session_request request = {
		.authority = authority, .kind = SESSION_PERSON, .keeps_nothing = true};
	struct session session;
	int code;

	if (!authority)
		return EXIT_DONE;
	code = session_open(invocation, &request, &session);
	if (code == EXIT_DONE)
		code = check_by(invocation, session.client, text);
	session_close(&session);
	return code;
}

/* --- showing it -------------------------------------------------------------------- */

static void write_member(struct buf *buf, const char *name, const struct json *value)
{
	struct buf json;

	buf_init(&json, COMMAND_OUTPUT_MAX);
	(void)buf_printf(buf, "\"%s\":", name);
	if (json_print(&json, value, false))
		buf->failed = ERROR_MEMORY;
	else
		show_clean_json(buf, json.data, json.len);
	buf_finish(&json);
}

static int show_json(const struct invocation *invocation, const struct decoded *decoded)
{
	struct buf buf;

	buf_init(&buf, COMMAND_OUTPUT_MAX);
	(void)buf_append_char(&buf, '{');
	write_member(&buf, "header", decoded->header);
	(void)buf_append_char(&buf, ',');
	write_member(&buf, "claims", decoded->claims);
	(void)buf_printf(&buf, ",\"verified\":%s}\n",
		options_text(&invocation->options, "verify") ? "true" : "false");
	return show(invocation, &buf);
}

static int show_words(const struct invocation *invocation, const struct decoded *decoded)
{
	const char *authority = options_text(&invocation->options, "verify");
	int64_t now_s = clock_now_s(NULL);
	struct buf buf;

	buf_init(&buf, COMMAND_OUTPUT_MAX);
	(void)claims_tell(&buf, decoded->claims, now_s);
	if (authority) {
		(void)buf_append_text(&buf, "The signature is good: it is a key of ");
		show_clean(&buf, authority);
		(void)buf_append_text(&buf, ".\n");
	} else {
		(void)buf_append_text(&buf, "The signature was not checked, anybody can have "
					    "written this: --verify URL checks it.\n");
	}
	(void)buf_append_text(&buf, "\nheader\n");
	(void)claims_list(&buf, decoded->header, now_s);
	(void)buf_append_text(&buf, "claims\n");
	(void)claims_list(&buf, decoded->claims, now_s);
	return show(invocation, &buf);
}

static int run_decode(struct invocation *invocation)
{
	struct decoded decoded = {0};
	int code = take_token(invocation, &decoded.text);

	if (code == EXIT_DONE)
		code = parse(invocation, &decoded);
	if (code == EXIT_DONE)
		code = check(invocation, decoded.text.data);
	if (code == EXIT_DONE)
		code = invocation->json ? show_json(invocation, &decoded)
					: show_words(invocation, &decoded);
	decoded_finish(&decoded);
	return code;
}

const struct command decode_command = {
	.name = "decode",
	.arguments = "[TOKEN]",
	.summary = "show what a token says; it is sent nowhere",
	.page = "adit-decode",
	.options = decode_options,
	.uses_client = true,
	.command_at = -1,
	.least = 0,
	.most = 1,
	.run = run_decode,
};
