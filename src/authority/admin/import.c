/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Service Users with the passwords that they have elsewhere (2-decisions, 2). Every line
 * is checked before the first password is hashed, and all are stored in one transaction.
 */
#include "authority/admin.h"

#include "authority/import_line.h"
#include "authority/password_hash.h"
#include "base/buf.h"
#include "base/random.h"

#include <stdlib.h>
#include <string.h>

/* Of one user, beside it. */
struct source {
	size_t line;		/* of the text, from 1 */
	struct secret password; /* with its NUL; empty where it came as a hash */
};

struct batch {
	struct store_service_user *users;
	struct source *sources;
	size_t count;
	size_t room;
};

/* The fault of a line, with its number before it. Returns `error`. */
static int fault_at(size_t line, int error, const struct fault *cause, struct fault *fault)
{
	fault_set(fault, "line %zu: %s", line, cause->text);
	return error;
}

static bool is_blank(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (text[i] != ' ' && text[i] != '\t' && text[i] != '\r')
			return false;
	return true;
}

/* The next line, without its line feed; false at the end. */
static bool next_line(
	const char **position, const char *end, const char **ret_text, size_t *ret_length)
{
	const char *feed;

	if (*position == end)
		return false;
	feed = memchr(*position, '\n', (size_t)(end - *position));
	*ret_text = *position;
	*ret_length = (size_t)((feed ? feed : end) - *position);
	*position = feed ? feed + 1 : end;
	return true;
}

/* What some editors write before UTF-8 is no part of the first line. */
static const char *after_mark(const struct admin_import *import)
{
	return import->length >= 3 && !memcmp(import->text, "\xef\xbb\xbf", 3) ? import->text + 3
									       : import->text;
}

static int make_room(const struct admin_import *import, struct batch *batch, struct fault *fault)
{
	const char *position = after_mark(import);
	const char *end = import->text + import->length;
	const char *text;
	size_t length;

	while (next_line(&position, end, &text, &length))
		batch->room += is_blank(text, length) ? 0 : 1;
	if (batch->room > IMPORT_LINES_MAX) {
		fault_set(fault, "there are %zu lines, and %d is the most; import them in parts",
			batch->room, IMPORT_LINES_MAX);
		return ERROR_INVALID;
	}
	if (!batch->room) {
		fault_set(fault, "there is nothing to import: give a JSON object a line");
		return ERROR_INVALID;
	}
	batch->users = calloc(batch->room, sizeof(*batch->users));
	batch->sources = calloc(batch->room, sizeof(*batch->sources));
	if (batch->users && batch->sources)
		return 0;
	fault_set(fault, "out of memory; nothing was changed");
	return ERROR_MEMORY;
}

static void finish(struct batch *batch)
{
	for (size_t i = 0; i < batch->count; i++)
		secret_finish(&batch->sources[i].password);
	if (batch->users)
		memory_wipe(batch->users, batch->room * sizeof(*batch->users));
	free(batch->users);
	free(batch->sources);
}

static int check_unused(const struct admin *admin, const char *username, struct fault *fault)
{
	struct store_service_user user;
	int error = store_service_user_get(admin->store, username, &user);

	if (error == ERROR_NOT_FOUND)
		return 0;
	if (error)
		return admin_read_fault(error, "service-user", username, fault);
	fault_set(fault,
		"there is a service-user \"%.256s\" already; take the line out, or give the "
		"Service User another name",
		username);
	return ERROR_EXISTS;
}

static int take_credential(
	const struct import_line *line, struct store_service_user *user, struct secret *password)
{
	struct store_credential *credential = &user->credentials[0];
	int error = random_alphanumeric(credential->id, KEYRING_KID_LENGTH);

	user->credential_count = 1;
	credential->created_at = user->created_at;
	credential->expires_at = line->expires_at;
	if (!error && line->password)
		error = secret_init(password, line->password, strlen(line->password) + 1);
	else if (!error)
		error = text_copy(credential->password_hash, sizeof(credential->password_hash),
			line->password_hash);
	return error;
}

static int take(const struct admin *admin, const struct import_line *line, struct batch *batch,
	struct fault *fault)
{
	const struct admin_new_service_user wanted = {
		.username = line->username,
		.site = line->site,
		.role = line->role,
		.label = line->label,
		.expires_at = line->expires_at,
	};
	struct store_service_user *user = &batch->users[batch->count];
	int error = admin_service_user_check(admin, &wanted, fault);

	if (!error)
		error = check_unused(admin, line->username, fault);
	if (error)
		return error;
	error = admin_service_user_compose(admin, &wanted, user);
	if (!error)
		error = take_credential(line, user, &batch->sources[batch->count].password);
	if (error)
		fault_set(
			fault, "it can't be prepared: %s; nothing was changed", error_text(error));
	return error;
}

static int read_all(const struct admin *admin, const struct admin_import *import,
	struct batch *batch, struct fault *fault)
{
	const char *position = after_mark(import);
	const char *end = import->text + import->length;
	const char *text;
	size_t length;

	for (size_t number = 1; next_line(&position, end, &text, &length); number++) {
		struct import_line line = {0};
		struct fault cause = {""};
		int error;

		if (is_blank(text, length))
			continue;
		error = import_line_read(text, length, &line, &cause);
		if (!error)
			error = take(admin, &line, batch, &cause);
		import_line_finish(&line);
		if (error)
			return fault_at(number, error, &cause, fault);
		batch->sources[batch->count++].line = number;
	}
	return 0;
}

struct named {
	const char *username;
	size_t line;
};

static int by_username(const void *a, const void *b)
{
	const struct named *left = a;
	const struct named *right = b;
	int order = strcmp(left->username, right->username);

	if (order)
		return order;
	return left->line < right->line ? -1 : 1;
}

/* The first line whose name stands in an earlier one. */
static int check_once(const struct batch *batch, struct fault *fault)
{
	struct named *sorted = batch->count ? calloc(batch->count, sizeof(*sorted)) : NULL;
	struct named twice = {NULL, SIZE_MAX};
	size_t first = 0;

	if (!sorted) {
		fault_set(fault, "out of memory; nothing was changed");
		return ERROR_MEMORY;
	}
	for (size_t i = 0; i < batch->count; i++)
		sorted[i] = (struct named){batch->users[i].username, batch->sources[i].line};
	qsort(sorted, batch->count, sizeof(*sorted), by_username);
	for (size_t i = 1; i < batch->count; i++) {
		if (strcmp(sorted[i - 1].username, sorted[i].username) != 0 ||
			sorted[i].line > twice.line)
			continue;
		twice = sorted[i];
		first = sorted[i - 1].line;
	}
	free(sorted);
	if (!twice.username)
		return 0;
	fault_set(fault, "line %zu: \"%.256s\" stands in line %zu already; take one of them out",
		twice.line, twice.username, first);
	return ERROR_EXISTS;
}

static int hash_passwords(struct batch *batch, struct fault *fault)
{
	for (size_t i = 0; i < batch->count; i++) {
		struct secret *password = &batch->sources[i].password;
		int error;

		if (!password->length)
			continue;
		error = password_hash_make((const char *)password->bytes,
			batch->users[i].credentials[0].password_hash);
		secret_finish(password);
		if (error) {
			fault_set(fault,
				"line %zu: the password can't be hashed: %s; nothing was changed",
				batch->sources[i].line, error_text(error));
			return error;
		}
	}
	return 0;
}

static int store_all(const struct admin *admin, const struct batch *batch, struct fault *fault)
{
	struct store_import import = {.users = batch->users, .count = batch->count};
	struct fault cause = {""};
	int error = store_service_user_import(admin->store, &import);
	bool of_a_line = error == ERROR_EXISTS || error == ERROR_NOT_FOUND;

	if (!error)
		return 0;
	/* Somebody else has changed something since the lines were checked. */
	if (error == ERROR_NOT_FOUND)
		(void)admin_read_fault(error, "site", batch->users[import.reached].site, &cause);
	else
		(void)admin_change_fault(
			error, "service-user", batch->users[import.reached].username, &cause);
	if (of_a_line)
		return fault_at(batch->sources[import.reached].line, error, &cause, fault);
	fault_set(
		fault, "the store failed (%s); nothing was changed; try again", error_text(error));
	return error;
}

int admin_service_user_import(
	const struct admin *admin, const struct admin_import *import, struct fault *fault)
{
	struct batch batch = {0};
	int error = make_room(import, &batch, fault);

	if (!error)
		error = read_all(admin, import, &batch, fault);
	if (!error)
		error = check_once(&batch, fault);
	if (!error)
		error = hash_passwords(&batch, fault);
	if (!error && import->before)
		import->before(import->context, batch.users, batch.count);
	if (!error)
		error = store_all(admin, &batch, fault);
	for (size_t i = 0; !error && import->each && i < batch.count; i++)
		import->each(import->context, &batch.users[i]);
	finish(&batch);
	return error;
}
