/* SPDX-License-Identifier: Apache-2.0 */
#include "client/account.h"

#include "base/clock.h"
#include "base/secret.h"
#include "client/context.h"
#include "client/entry.h"
#include "codec/hex.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LOCK_PAUSE_MS = 5, KEY_FILE_MAX = 16 * 1024 };

/* --- finding it ------------------------------------------------------------------ */

struct search {
	struct adit_client *client;
	int count;
	bool empty; /* what was found */
	char found[STORAGE_ACCOUNT_SIZE];
	char names[256]; /* of those found */
};

static bool is_ours(const struct adit_client *client, const struct account_record *record)
{
	return record->authority && record->client_id &&
	       !strcmp(record->authority, client->authority) &&
	       !strcmp(record->client_id, client->client_id);
}

/* There is only that credentials were refused, and none of before. */
static bool is_empty(const struct account_record *record)
{
	return record->method != ACCOUNT_PERSON && !record->generation[0];
}

/* What is empty counts only where all are. */
static void note_found(
	struct search *search, const char *account, const struct account_record *record)
{
	bool empty = is_empty(record);
	size_t used;

	if (search->count && empty && !search->empty)
		return;
	if (search->empty && !empty) {
		search->count = 0;
		search->names[0] = '\0';
	}
	search->empty = empty;
	used = strlen(search->names);
	(void)text_copy(search->found, sizeof(search->found), account);
	(void)snprintf(search->names + used, sizeof(search->names) - used, "%s\"%s\"",
		search->count ? ", " : "", record->account ? record->account : "");
	search->count++;
}

static int visit(void *context, const char *account, const char *part)
{
	struct search *search = context;
	struct account_record record;

	/* One that can't be read is another's business, until it is asked for. */
	if (strcmp(part, STORAGE_PART_ACCOUNT) != 0 ||
		account_record_read(search->client->storage, account, &record, NULL))
		return 0;
	if (is_ours(search->client, &record))
		note_found(search, account, &record);
	account_record_finish(&record);
	return 0;
}

static int find_only(struct adit_client *client, struct report *report)
{
	struct search search = {.client = client};
	struct fault fault = {0};
	int error = storage_list(client->storage, visit, &search, &fault);

	if (error)
		return report_storage(report, error, &fault);
	if (search.count > 1) {
		(void)report_set(report, ADIT_ERROR_INVALID, "%s: there are several accounts: %s",
			client->authority, search.names);
		return report_action(report, "name the account");
	}
	if (search.count)
		(void)text_copy(client->account_id, sizeof(client->account_id), search.found);
	return 0;
}

/* The name that the account goes by, or NULL: whichever there is. */
static const char *account_name(const struct adit_client *client)
{
	if (client->options.account)
		return client->options.account;
	if (client->has_given)
		return client->given.username ? client->given.username : "";
	return NULL;
}

static int find(struct adit_client *client, struct report *report)
{
	const char *name = account_name(client);
	int error = 0;

	client->account_id[0] = '\0';
	client->has_name = name != NULL;
	if (!name && storage_is_shared(client->storage))
		error = find_only(client, report);
	if (!error && !client->account_id[0] &&
		storage_account_id(client->authority, client->client_id, name, client->account_id))
		error = report_set(report, ADIT_ERROR_MEMORY, "no memory for an account");
	return error;
}

/* The only account there is may be another one by now, where nothing is stored of the one that
 * was. One that was named stays that, also when what was given has become what is stored. */
static bool is_found(const struct adit_client *client)
{
	return client->account_id[0] &&
	       (client->has_name || client->account.authority || client->lock.held ||
		       !storage_is_shared(client->storage));
}

int account_open(struct adit_client *client, struct report *report)
{
	static const enum storage_kind kinds[] = {
		[ADIT_STORAGE_MEMORY] = STORAGE_MEMORY,
		[ADIT_STORAGE_FILES] = STORAGE_SEALED,
		[ADIT_STORAGE_PLAINTEXT] = STORAGE_PLAIN,
	};
	const struct storage_options options = {
		.kind = kinds[client->options.storage],
		.directory = client->options.storage_directory,
		.key = client->options.storage_key,
	};
	struct fault fault = {0};
	int error = 0;

	if (!client->storage)
		error = storage_open(&options, &client->storage, &fault);
	if (error)
		return report_storage(report, error, &fault);
	return is_found(client) ? 0 : find(client, report);
}

/* --- reading and writing ----------------------------------------------------------- */

static int read_account(struct adit_client *client, struct fault *fault)
{
	struct account_record record;
	int error = account_record_read(client->storage, client->account_id, &record, fault);

	if (error == ERROR_NOT_FOUND)
		account_record_init(&record);
	else if (error)
		return error;
	account_record_finish(&client->account);
	client->account = record;
	return 0;
}

static struct token_mark mark_of(const struct token_record *record)
{
	return (struct token_mark){record->intent, record->received, record->rejected};
}

static bool is_same_moment(const struct moment *one, const struct moment *other)
{
	return one->boot_ms == other->boot_ms && one->unix_ms == other->unix_ms;
}

static bool is_same_mark(const struct token_mark *one, const struct token_mark *other)
{
	return one->intent.kind == other->intent.kind && one->intent.tries == other->intent.tries &&
	       one->intent.asked_again == other->intent.asked_again &&
	       one->rejected == other->rejected &&
	       is_same_moment(&one->intent.at, &other->intent.at) &&
	       is_same_moment(&one->received, &other->received);
}

static int read_tokens(struct adit_client *client, struct fault *fault)
{
	struct token_record record;
	struct token_mark mark;
	int error = token_record_read(
		client->storage, client->account_id, client->options.scope, &record, fault);

	if (error == ERROR_NOT_FOUND)
		token_record_init(&record);
	else if (error)
		return error;
	mark = mark_of(&record);
	if (client->tokens_unwritten && is_same_mark(&client->stored, &mark)) {
		token_record_finish(&record);
		return 0;
	}
	token_record_finish(&client->tokens);
	client->tokens = record;
	client->stored = mark;
	client->tokens_unwritten = false;
	return 0;
}

/* Nothing that can't be done without stands in it, so a damaged one is none. */
static int read_gate(struct adit_client *client, struct fault *fault)
{
	struct gate_record record;
	int error = gate_record_read(client->storage, client->account_id, &record, fault);

	if (error == ERROR_NOT_FOUND || error == ERROR_INVALID)
		gate_record_init(&record);
	else if (error)
		return error;
	gate_record_finish(&client->gate);
	client->gate = record;
	client->gate_changed = false;
	if (record.skew_known)
		client_clock_restore(&client->clock, record.skew_ms, &record.skew_at);
	return 0;
}

int account_read(struct adit_client *client, struct report *report)
{
	struct fault fault = {0};
	int error = read_account(client, &fault);

	if (!error && !is_found(client)) {
		error = find(client, report);
		if (error)
			return error;
		error = read_account(client, &fault);
	}
	if (!error)
		error = read_tokens(client, &fault);
	if (!error)
		error = read_gate(client, &fault);
	return error ? report_storage(report, error, &fault) : 0;
}

static int name_account(struct adit_client *client)
{
	struct account_record *account = &client->account;
	const char *name = account_name(client);

	if (record_set_text(&account->authority, client->authority) ||
		record_set_text(&account->client_id, client->client_id))
		return ERROR_MEMORY;
	return account->account ? 0 : record_set_text(&account->account, name ? name : "");
}

int account_write(struct adit_client *client, struct report *report)
{
	struct fault fault = {0};
	int error = name_account(client);

	if (!error)
		error = account_record_write(
			client->storage, client->account_id, &client->account, &fault);
	return error ? report_storage(report, error, &fault) : 0;
}

int account_write_tokens(struct adit_client *client, struct report *report)
{
	struct fault fault = {0};
	int error = token_record_write(client->storage, client->account_id, client->options.scope,
		&client->tokens, &fault);

	client->tokens_unwritten = error != 0;
	if (!error)
		client->stored = mark_of(&client->tokens);
	return error ? report_storage(report, error, &fault) : 0;
}

int account_write_intent(
	struct adit_client *client, const struct token_intent *intent, struct report *report)
{
	const struct token_intent old = client->tokens.intent;
	bool unwritten = client->tokens_unwritten;
	int error;

	client->tokens.intent = *intent;
	error = account_write_tokens(client, report);
	if (error) {
		client->tokens.intent = old;
		client->tokens_unwritten = unwritten;
	}
	return error;
}

int account_write_gate(struct adit_client *client, struct report *report)
{
	struct fault fault = {0};
	int error;

	client->gate.skew_known = client->clock.skew_known;
	client->gate.skew_ms = client->clock.skew_ms;
	client->gate.skew_at = client->clock.anchor;
	error = gate_record_write(client->storage, client->account_id, &client->gate, &fault);
	if (!error)
		client->gate_changed = false;
	return error ? report_storage(report, error, &fault) : 0;
}

/* --- its lock ------------------------------------------------------------------------ */

int account_lock(struct operation *operation)
{
	int error = account_open(operation->client, &operation->report);

	if (error || operation->locked)
		return operation_end(operation, error);
	error = context_lock_account(operation);
	if (error == ADIT_AGAIN)
		return operation_wait(operation, clock_monotonic_ms() + LOCK_PAUSE_MS);
	return operation_end(operation, error);
}

/* --- credentials --------------------------------------------------------------------- */

/* The same credentials are the same generation, in every process: what was refused to one
 * is tried by none. */
static int make_generation(struct account_record *record, const struct adit_client *client)
{
	unsigned char digest[CRYPTO_SHA256_SIZE];
	struct secret key = {0};
	struct buf text;
	int error;

	buf_init(&text, KEY_FILE_MAX + RECORD_SECRET_MAX + RECORD_NAME_MAX + RECORD_URL_MAX);
	(void)buf_reserve(&text, RECORD_SECRET_MAX + RECORD_NAME_MAX);
	(void)buf_printf(&text, "%d %s %s ", (int)record->method, client->authority,
		record->username ? record->username : "");
	(void)buf_append_text(&text, record->secret ? record->secret : "");
	/* One that can't be read is told of when it is needed. */
	if (record->method == ACCOUNT_PRIVATE_KEY &&
		!secret_init_file(
			&key, client->options.assertion_key_file, KEY_FILE_MAX, SECRET_OWNER_ONLY))
		(void)buf_append(&text, key.bytes, key.length);
	secret_finish(&key);
	error = buf_status(&text);
	if (!error)
		error = crypto_sha256(text.data, text.len, digest);
	buf_finish(&text);
	if (!error)
		hex_encode(record->generation, digest, RECORD_GENERATION_SIZE / 2);
	return error;
}

static int fill_given(struct adit_client *client, const char *username, const char *secret)
{
	struct account_record *given = &client->given;

	account_record_finish(given);
	account_record_init(given);
	client->has_given = true;
	given->method = username ? ACCOUNT_PASSWORD
			: secret ? ACCOUNT_CLIENT_SECRET
				 : ACCOUNT_PRIVATE_KEY;
	if (record_set_text(&given->username, username) || record_set_text(&given->secret, secret))
		return ERROR_MEMORY;
	return make_generation(given, client);
}

int account_give(
	struct adit_client *client, const char *username, const char *secret, struct report *report)
{
	struct fault fault = {0};

	/* What can't be written in the end must not be asked for. */
	if (username && (!*username || strlen(username) > RECORD_NAME_MAX ||
				!utf8_valid(username, strlen(username))))
		return report_set(report, ADIT_ERROR_INVALID,
			"a user name has 1 to 1,024 bytes, and is UTF-8");
	if ((username && !secret) || (secret && (!*secret || strlen(secret) > RECORD_SECRET_MAX)))
		return report_set(report, ADIT_ERROR_INVALID, "a secret has 1 to 1,024 bytes");
	if (!secret && !client->options.assertion_key_file)
		return report_set(report, ADIT_ERROR_INVALID,
			"without a secret, option assertion_key_file has to name a key");
	if (secret && entry_check(secret, strlen(secret), &fault)) {
		(void)report_set(report, ADIT_ERROR_CREDENTIALS, "%s", fault.text);
		return report_action(report, "enter the password as it was given");
	}
	/* Another key may be in the file by now. */
	crypto_key_destroy(client->assertion_key);
	client->assertion_key = NULL;
	if (fill_given(client, username, secret)) {
		account_record_finish(&client->given);
		client->has_given = false;
		return report_set(report, ADIT_ERROR_MEMORY, "no memory for the credentials");
	}
	/* The account may be another one now; a token of the old one is not the new one's. */
	client->account_id[0] = '\0';
	context_drop_token(client);
	return 0;
}

void account_settle(struct adit_client *client)
{
	if (!client->has_given || !client->account.verified ||
		strcmp(client->given.generation, client->account.generation) != 0)
		return;
	account_record_finish(&client->given);
	account_record_init(&client->given);
	client->has_given = false;
}

int account_write_given(struct adit_client *client, struct report *report)
{
	struct account_record old = client->account;
	int error;

	client->account = client->given;
	client->account.account = old.account;
	client->account.verified = true;
	error = account_write(client, report);
	old.account = client->account.account;
	if (error) {
		/* The texts that were added for writing stay with it. */
		client->given = client->account;
		client->given.account = NULL;
		client->given.verified = false;
		client->account = old;
		return error;
	}
	old.account = NULL;
	account_record_finish(&old);
	account_record_init(&client->given);
	client->has_given = false;
	return 0;
}

const struct account_record *account_credentials(const struct adit_client *client)
{
	if (client->has_given)
		return &client->given;
	return client->account.method != ACCOUNT_PERSON && client->account.generation[0]
		       ? &client->account
		       : NULL;
}

int account_forget(struct adit_client *client, struct report *report)
{
	struct fault fault = {0};
	int error = storage_remove_account(client->storage, client->account_id, &fault);

	context_drop_token(client);
	token_record_finish(&client->tokens);
	token_record_init(&client->tokens);
	account_record_finish(&client->account);
	account_record_init(&client->account);
	account_record_finish(&client->given);
	account_record_init(&client->given);
	client->has_given = false;
	client->refused[0] = '\0';
	client->tokens_unwritten = false;
	return error ? report_storage(report, error, &fault) : 0;
}
