/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client as the command line describes it. Which account is meant need not be said where
 * the storage has only one at the authority.
 */
#include "cli/command.h"

#include "codec/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
	ACCOUNTS_MAX = 16 * 1024 * 1024,
	TIMEOUT_MAX_S = 3600,
	REQUEST_TIMEOUT_MS = 15000,
};

const struct option_spec client_options[] = {
	{"account", 'a', "NAME", OPTION_TEXT, "which of several accounts at the authority"},
	{"client-id", 'c', "ID", OPTION_TEXT, "which application, by its client_id"},
	{"scope", 's', "SCOPE", OPTION_TEXT, "the scope to ask for"},
	{"state-dir", 0, "DIR", OPTION_DIRECTORY,
		"where tokens are kept ($XDG_STATE_HOME/adit, ~/.local/state/adit)"},
	{"storage-key", 0, "SOURCE", OPTION_TEXT,
		"what seals them: keyring, systemd:NAME or file:PATH"},
	{"plaintext", 0, NULL, OPTION_TEXT, "keep them unsealed"},
	{"ca-file", 0, "FILE", OPTION_FILE, "certificates to trust, PEM, in place of the system's"},
	{"cert", 'E', "FILE", OPTION_FILE, "a client certificate, PEM"},
	{"cert-key", 0, "FILE", OPTION_FILE, "its key, PEM"},
	{"assertion-key", 0, "FILE", OPTION_FILE,
		"the client's key, PEM, in place of a secret (private_key_jwt)"},
	{"assertion-kid", 0, "ID", OPTION_TEXT, "its key id"},
	{"assertion-audience", 0, "URL", OPTION_TEXT, "whom its assertions are for (the issuer)"},
	{"proxy", 'x', "URL", OPTION_TEXT, "http://HOST:PORT; \"\": none"},
	{"timeout", 't', "SECONDS", OPTION_TEXT, "how long to try in all (60)"},
	{"verbose", 'v', NULL, OPTION_TEXT, "say on stderr what happens"},
	{0},
};

static void log_line(void *context, const char *text)
{
	char line[1024];
	struct buf buf;

	(void)context;
	buf_init_fixed(&buf, line, sizeof(line));
	(void)buf_append_text(&buf, "adit: ");
	show_clean(&buf, text);
	if (buf_append_char(&buf, '\n'))
		line[sizeof(line) - 2] = '\n';
	if (write(STDERR_FILENO, line, strlen(line)) < 0)
		return;
}

static int take_timeout(struct invocation *invocation, struct adit_client_options *options)
{
	const struct number_range range = {1, TIMEOUT_MAX_S, 0};
	int64_t seconds;
	int error = options_number(
		&invocation->options, "timeout", &range, &seconds, &invocation->fault);

	if (error || !seconds)
		return error;
	options->call_timeout_ms = (int)seconds * 1000;
	options->person_timeout_ms = options->call_timeout_ms;
	if (options->call_timeout_ms < REQUEST_TIMEOUT_MS)
		options->request_timeout_ms = options->call_timeout_ms;
	return 0;
}

int session_options(struct invocation *invocation, struct adit_client_options *ret_options)
{
	const struct options *given = &invocation->options;
	struct adit_client_options options = {
		.size = sizeof(options),
		.scope = options_text(given, "scope"),
		.account = options_text(given, "account"),
		.ca_file = options_text(given, "ca-file"),
		.certificate_file = options_text(given, "cert"),
		.certificate_key_file = options_text(given, "cert-key"),
		.proxy = options_text(given, "proxy"),
		.storage = options_flag(given, "plaintext") ? ADIT_STORAGE_PLAINTEXT
							    : ADIT_STORAGE_FILES,
		.storage_directory = options_text(given, "state-dir"),
		.storage_key = options_text(given, "storage-key"),
		.assertion_key_file = options_text(given, "assertion-key"),
		.assertion_kid = options_text(given, "assertion-kid"),
		.assertion_audience = options_text(given, "assertion-audience"),
	};
	int error = take_timeout(invocation, &options);

	if (!error)
		*ret_options = options;
	return error;
}

/* One slash at the end apart. */
static bool same_authority(const char *one, const char *other)
{
	size_t one_length = strlen(one);
	size_t other_length = strlen(other);

	one_length -= one_length && one[one_length - 1] == '/';
	other_length -= other_length && other[other_length - 1] == '/';
	return one_length == other_length && !memcmp(one, other, one_length);
}

static bool is_meant(const struct json *account, const struct session_request *request,
	const struct options *given)
{
	const char *authority = json_member_text(account, "authority");
	const char *client_id = json_member_text(account, "client_id");
	const char *name = json_member_text(account, "account");
	const char *wanted_client = options_text(given, "client-id");
	const char *wanted_name = options_text(given, "account");

	return authority && client_id && same_authority(authority, request->authority) &&
	       (!wanted_client || !strcmp(wanted_client, client_id)) &&
	       (!wanted_name || (name && !strcmp(wanted_name, name)));
}

/* Of a password that was refused, and none kept before, there is only that it was refused. */
static bool holds_something(const struct json *account)
{
	bool verified = false;

	(void)json_boolean(json_member(account, "verified"), &verified);
	return verified || json_member(account, "token");
}

static int take(struct session *session, const struct json *account)
{
	const char *client_id = json_member_text(account, "client_id");
	const char *name = json_member_text(account, "account");
	const char *username = json_member_text(account, "username");

	if (text_copy(session->client_id, sizeof(session->client_id), client_id) ||
		text_copy(session->account, sizeof(session->account), name ? name : "") ||
		text_copy(session->username, sizeof(session->username), username ? username : ""))
		return ERROR_LIMIT;
	(void)json_boolean(json_member(account, "verified"), &session->has_credentials);
	session->options.account = session->account;
	return 0;
}

/* A URL that can't be one is not there to sign in at. */
static int check_authority(const struct invocation *invocation, const char *authority)
{
	struct adit_client *client = NULL;
	int error = adit_client_open(authority, "adit", &client);

	adit_client_close(client);
	return error ? complain_of_library(invocation, error) : EXIT_DONE;
}

static int complain_none(struct invocation *invocation, const char *authority)
{
	int code = check_authority(invocation, authority);
	char text[SESSION_TEXT_SIZE];
	char action[2 * SESSION_TEXT_SIZE];

	if (code != EXIT_DONE)
		return code;
	(void)snprintf(text, sizeof(text), "nothing is stored for %s", authority);
	(void)snprintf(action, sizeof(action),
		"sign in by 'adit login %s', or give a Service User's password to 'adit service "
		"set %s --username NAME'",
		authority, authority);
	if (options_text(&invocation->options, "client-id") ||
		options_text(&invocation->options, "account"))
		(void)snprintf(action, sizeof(action),
			"'adit status' lists what is there, by --client-id and --account");
	return complain(invocation, EXIT_PERSON, text, action);
}

static int complain_several(struct invocation *invocation, const struct session_request *request,
	const struct json *accounts, bool hold_something)
{
	char list[sizeof(invocation->fault.text) / 2];
	struct buf buf;

	buf_init_fixed(&buf, list, sizeof(list));
	for (size_t i = 0; i < json_length(accounts); i++) {
		const struct json *account = json_at(accounts, i);
		const char *name = json_member_text(account, "account");

		if (is_meant(account, request, &invocation->options) &&
			holds_something(account) == hold_something)
			(void)buf_printf(&buf, "%s--client-id %s%s%s", buf.len ? "; " : "",
				json_member_text(account, "client_id"),
				name && *name ? " --account " : "", name ? name : "");
	}
	fault_set(&invocation->fault, "there are several accounts at %s; choose: %s",
		request->authority, list);
	return complain_of_usage(invocation);
}

static int choose(struct invocation *invocation, const struct session_request *request,
	const struct json *accounts, struct session *session)
{
	const struct json *found = NULL;
	bool several = false;

	for (size_t i = 0; i < json_length(accounts); i++) {
		const struct json *account = json_at(accounts, i);
		bool better = !found || (holds_something(account) && !holds_something(found));

		if (!is_meant(account, request, &invocation->options))
			continue;
		if (found && holds_something(account) == holds_something(found))
			several = true;
		else if (better)
			several = false;
		if (better)
			found = account;
	}
	if (several)
		return complain_several(invocation, request, accounts, holds_something(found));
	if (!found)
		return complain_none(invocation, request->authority);
	if (take(session, found))
		return complain(invocation, EXIT_STORAGE, "the account's name is too long", NULL);
	return EXIT_DONE;
}

static int find_stored(struct invocation *invocation, const struct session_request *request,
	struct session *session)
{
	struct json *accounts = NULL;
	char *text = NULL;
	int code;
	int error = adit_accounts(&session->options, &text);

	if (error)
		return complain_of_library(invocation, error);
	if (json_parse(text, strlen(text), ACCOUNTS_MAX, &accounts))
		code = complain(invocation, EXIT_OTHER, "the list of accounts can't be read", NULL);
	else
		code = choose(invocation, request, accounts, session);
	json_free(accounts);
	adit_text_free(text);
	return code;
}

/* Which client and account it is. */
static int identify(struct invocation *invocation, const struct session_request *request,
	struct session *session)
{
	const char *client_id = options_text(&invocation->options, "client-id");
	const char *account = options_text(&invocation->options, "account");

	/* What need not be looked for is not: a keyring takes its time. */
	if (request->kind == SESSION_STORED && (request->looks_up || !(client_id && account)))
		return find_stored(invocation, request, session);
	if (!client_id)
		client_id = request->kind == SESSION_PERSON ? "adit" : "external.customer";
	if (!account)
		account = request->account;
	if (text_copy(session->client_id, sizeof(session->client_id), client_id) ||
		text_copy(session->account, sizeof(session->account), account ? account : ""))
		return complain_usage(invocation, "--client-id or --account is too long");
	session->options.account = session->account;
	return EXIT_DONE;
}

static int open_client(struct invocation *invocation, const struct session_request *request,
	struct session *session)
{
	struct adit_client_hooks hooks = {.size = sizeof(hooks)};
	int error;

	if (request->hooks)
		hooks = *request->hooks;
	if (options_flag(&invocation->options, "verbose"))
		hooks.log = log_line;
	error = adit_client_open(request->authority, session->client_id, &session->client);
	if (!error)
		error = adit_client_set_options(session->client, &session->options);
	if (!error)
		error = adit_client_set_hooks(session->client, &hooks);
	if (error)
		return complain_of_library(invocation, error);
	signals_watch(session->client);
	return EXIT_DONE;
}

int session_open(struct invocation *invocation, const struct session_request *request,
	struct session *session)
{
	int code;

	*session = (struct session){0};
	if (session_options(invocation, &session->options))
		return complain_of_usage(invocation);
	if (request->keeps_nothing)
		session->options.storage = ADIT_STORAGE_MEMORY;
	code = identify(invocation, request, session);
	if (code != EXIT_DONE)
		return code;
	return open_client(invocation, request, session);
}

void session_close(struct session *session)
{
	signals_watch(NULL);
	adit_client_close(session->client);
	session->client = NULL;
}
