/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All accounts in the storage, and how each does. Asks nobody.
 */
#include "cli/command.h"

#include "base/clock.h"
#include "cli/table.h"
#include "cli/words.h"
#include "codec/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
	ACCOUNTS_MAX = 16 * 1024 * 1024,
	CELL_SIZE = 512,
	SKEW_TOLD_S = 5, /* what is worth a word */
};

static void append_token(struct buf *buf, const struct json *account, enum table_tone *ret_tone)
{
	const struct json *token = json_member(account, "token");
	bool renewable = false;
	int64_t left_s;

	*ret_tone = TABLE_PLAIN;
	if (json_integer(json_member(token, "expires_in"), &left_s))
		return;
	if (left_s > 0) {
		*ret_tone = TABLE_GOOD;
		(void)words_duration(buf, left_s);
		return;
	}
	/* The next call gets another one. */
	(void)json_boolean(json_member(token, "refresh_token"), &renewable);
	*ret_tone = renewable ? TABLE_PLAIN : TABLE_BAD;
	(void)buf_append_text(buf, renewable ? "to be renewed" : "expired");
}

/* Begins another one. */
static void append_note(struct buf *buf, const char *text)
{
	(void)buf_printf(buf, "%s%s", buf->len ? "; " : "", text);
}

static void note_wait(struct buf *buf, const struct json *account)
{
	const char *reason = json_member_text(account, "reason");
	int64_t wait_s;

	if (json_integer(json_member(account, "retry_after"), &wait_s) || wait_s <= 0)
		return;
	append_note(buf, "not asked for ");
	(void)words_duration(buf, wait_s);
	if (reason) {
		(void)buf_append_text(buf, ": ");
		show_clean(buf, reason);
	}
}

static void note_skew(struct buf *buf, const struct json *account)
{
	int64_t skew_s;

	if (json_integer(json_member(account, "skew_ms"), &skew_s))
		return;
	skew_s /= 1000;
	if (skew_s <= SKEW_TOLD_S && skew_s >= -SKEW_TOLD_S)
		return;
	append_note(buf, "this machine's clock is ");
	(void)words_duration(buf, skew_s < 0 ? -skew_s : skew_s);
	(void)buf_append_text(buf, skew_s < 0 ? " fast" : " slow");
}

/* What was refused, and what that means for what is kept. */
static const char *refusal_of(const struct json *account, bool *ret_harmless)
{
	const struct json *refused = json_member(account, "refused");
	bool stored = false;
	bool verified = false;

	(void)json_boolean(json_member(refused, "stored"), &stored);
	(void)json_boolean(json_member(account, "verified"), &verified);
	*ret_harmless = !stored && verified;
	if (!refused)
		return NULL;
	if (stored)
		return "refused, not tried again until the password changes";
	return verified ? "another password was refused, this one stays"
			: "the password was refused, and not stored";
}

static void append_notes(struct buf *buf, const struct json *account, enum table_tone *ret_tone)
{
	const char *fault = json_member_text(account, "fault");
	bool harmless;
	const char *refusal = refusal_of(account, &harmless);

	if (fault)
		show_clean(buf, fault);
	if (refusal && !harmless)
		append_note(buf, refusal);
	note_wait(buf, account);
	*ret_tone = buf->len ? TABLE_BAD : TABLE_PLAIN;
	if (refusal && harmless)
		append_note(buf, refusal);
	note_skew(buf, account);
}

static void append_account(struct table *table, const struct json *account)
{
	static const char *const members[] = {"authority", "client_id", "account", "kind"};
	enum { MEMBERS = sizeof(members) / sizeof(members[0]), CELLS = MEMBERS + 2 };
	struct table_cell cells[CELLS + 1] = {0};
	char texts[CELLS][CELL_SIZE];
	struct buf bufs[CELLS];

	for (size_t i = 0; i < CELLS; i++) {
		buf_init_fixed(&bufs[i], texts[i], CELL_SIZE);
		cells[i].text = texts[i];
	}
	for (size_t i = 0; i < MEMBERS; i++)
		if (json_member_text(account, members[i]))
			show_clean(&bufs[i], json_member_text(account, members[i]));
	append_token(&bufs[MEMBERS], account, &cells[MEMBERS].tone);
	append_notes(&bufs[MEMBERS + 1], account, &cells[MEMBERS + 1].tone);
	table_row(table, cells);
}

static int show_table(const struct invocation *invocation, const struct json *accounts)
{
	static const struct table_cell head[] = {{"authority", 0}, {"client", 0}, {"account", 0},
		{"kind", 0}, {"token", 0}, {"notes", 0}, {0}};
	struct table table;
	struct buf buf;
	int error;

	buf_init(&buf, COMMAND_OUTPUT_MAX);
	table_init(&table);
	table_row(&table, head);
	for (size_t i = 0; i < json_length(accounts); i++)
		append_account(&table, json_at(accounts, i));
	error = table_print(&table, has_colour(STDOUT_FILENO), &buf);
	table_finish(&table);
	if (!error)
		return show(invocation, &buf);
	buf_finish(&buf);
	return complain(invocation, EXIT_OTHER, "no memory for the table", NULL);
}

static int show_none(const struct invocation *invocation)
{
	struct buf buf;

	buf_init(&buf, COMMAND_OUTPUT_MAX);
	(void)buf_append_text(&buf, "Nothing is stored yet: adit login URL, or adit service set "
				    "URL --username NAME.\n");
	return show(invocation, &buf);
}

static int show_text(const struct invocation *invocation, const char *text)
{
	struct json *accounts = NULL;
	struct buf buf;
	int code;

	if (invocation->json) {
		buf_init(&buf, COMMAND_OUTPUT_MAX);
		(void)buf_printf(&buf, "%s\n", text);
		return show(invocation, &buf);
	}
	if (json_parse(text, strlen(text), ACCOUNTS_MAX, &accounts))
		return complain(invocation, EXIT_OTHER, "the list of accounts can't be read", NULL);
	code = json_length(accounts) ? show_table(invocation, accounts) : show_none(invocation);
	json_free(accounts);
	return code;
}

static int run_status(struct invocation *invocation)
{
	struct adit_client_options options;
	char *text = NULL;
	int error;
	int code;

	if (session_options(invocation, &options))
		return complain_of_usage(invocation);
	error = adit_accounts(&options, &text);
	code = error ? complain_of_library(invocation, error) : show_text(invocation, text);
	adit_text_free(text);
	return code;
}

const struct command status_command = {
	.name = "status",
	.arguments = "",
	.summary = "list the accounts and how they do",
	.page = "adit-status",
	.uses_client = true,
	.command_at = -1,
	.run = run_status,
};
