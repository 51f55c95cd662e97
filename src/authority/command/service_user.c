/* SPDX-License-Identifier: Apache-2.0 */
#include "authority/command/command.h"

#include "codec/json.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
	EXPIRING_DAYS_MAX = 3660,
	INPUT_STEP = 64 * 1024, /* bytes read from stdin at once */
};

static const struct option_spec add_specs[] = {
	{"site", "ID", "the one site it can reach", false, false},
	{"role", "ROLE", "read or write", false, false},
	{"label", "TEXT", "what it is for", false, false},
	{"expires", "DATE", "when its password ends, such as 2027-03-31", false, false},
	COMMAND_OPTION_PASSWORD_OUT,
	COMMAND_OPTION_JSON,
	COMMAND_OPTIONS_COMMON,
	{0},
};

static const struct option_spec list_specs[] = {
	{"site", "ID", "only this site's", false, false},
	{"expiring", "DAYS", "only those whose password ends within so many days", false, false},
	COMMAND_OPTION_JSON,
	COMMAND_OPTIONS_COMMON,
	{0},
};

static const char *state_of(const struct store_service_user *user)
{
	if (user->disabled_at)
		return "disabled";
	if (user->site_disabled)
		return "site disabled";
	return user->credential_count ? "enabled" : "no credential";
}

/* What each password that lives is, the newest first. */
static const char *kinds_of(const struct store_service_user *user)
{
	static const char *const kinds[2][2] = {
		{"generated generated", "generated imported"},
		{"imported generated", "imported imported"},
	};
	bool first = *user->credentials[0].password_hash != '\0';
	bool second = *user->credentials[1].password_hash != '\0';

	if (user->credential_count < 2)
		return !user->credential_count ? "" : first ? "imported" : "generated";
	return kinds[first][second];
}

static int print_with(const struct administration *administration, struct output *output,
	const struct store_service_user *user, const char *password)
{
	int64_t now_s = clock_now_s(administration->admin.clock);
	int64_t last_used_at = 0;
	char note[REMINDER_TEXT_SIZE + COMMAND_NOTE_ROOM];
	int error = store_service_user_last_used_at(
		administration->admin.store, user->id, &last_used_at);
	struct output_field fields[OUTPUT_COLUMNS_MAX] = {
		output_text("username", user->username),
		output_text("site", user->site),
		output_text("role", user->role),
		output_text("state", state_of(user)),
		output_text("label", user->label),
		output_text("sub", user->id),
		output_time("created_at", user->created_at),
		command_expiry(user->credentials, user->credential_count, now_s, note),
		output_list("passwords", kinds_of(user)),
		output_time("last_used_at", last_used_at),
	};

	if (password)
		fields[10] = output_text("password", password);
	output_row(output, fields);
	return error;
}

struct listing {
	const struct administration *administration;
	struct output output;
	const char *site;  /* NULL: all */
	int64_t ending_by; /* 0: whenever */
};

static int print_row(void *context, const struct store_service_user *user)
{
	struct listing *listing = context;

	if (listing->site && strcmp(user->site, listing->site) != 0)
		return 0;
	if (listing->ending_by &&
		!reminder_find(user->credentials, user->credential_count, listing->ending_by))
		return 0;
	return print_with(listing->administration, &listing->output, user, NULL);
}

/* A new secret must be shown, even where the store can't say any more when it was used. */
static int print_user(struct invocation *invocation, const struct administration *administration,
	const struct store_service_user *user, const struct delivery *delivery)
{
	struct output output;

	output_begin(&output, options_flag(&invocation->options, "json"), false);
	(void)print_with(administration, &output, user, delivery_shown(delivery));
	return delivery_output_end(invocation, delivery, &output);
}

static int require(struct invocation *invocation, const char *option, const char *example)
{
	if (options_text(&invocation->options, option))
		return 0;
	fault_set(&invocation->fault, "--%s is missing; say %s", option, example);
	return ERROR_INVALID;
}

static int run_add(struct invocation *invocation, const struct administration *administration)
{
	struct delivery delivery;
	struct store_service_user user;
	struct admin_new_service_user wanted = {
		.username = invocation->options.positional[0],
		.site = options_text(&invocation->options, "site"),
		.role = options_text(&invocation->options, "role"),
		.label = options_text(&invocation->options, "label"),
		.deliver = delivery_take,
		.context = &delivery,
	};
	int error = require(invocation, "site", "--site ID");

	if (!error)
		error = require(invocation, "role", "--role read or --role write");
	if (!error)
		error = options_date(
			&invocation->options, "expires", &wanted.expires_at, &invocation->fault);
	if (error)
		return error;
	delivery_init(&delivery, invocation);
	error = admin_service_user_add(&administration->admin, &wanted, &user, &invocation->fault);
	if (!error)
		(void)text_copy(invocation->made, sizeof(invocation->made), user.username);
	if (!error)
		error = print_user(invocation, administration, &user, &delivery);
	return delivery_finish(&delivery, error, &invocation->fault);
}

static int run_list(struct invocation *invocation, const struct administration *administration)
{
	const char *site = options_text(&invocation->options, "site");
	const struct number_range range = {0, EXPIRING_DAYS_MAX, 0};
	struct store_site found;
	struct listing listing = {.administration = administration, .site = site};
	int64_t days = 0;
	int error =
		site ? admin_site_get(&administration->admin, site, &found, &invocation->fault) : 0;

	if (!error)
		error = options_number(
			&invocation->options, "expiring", &range, &days, &invocation->fault);
	if (error)
		return error;
	if (options_text(&invocation->options, "expiring"))
		listing.ending_by =
			clock_now_s(administration->admin.clock) + days * REMINDER_DAY_S;
	output_begin(&listing.output, options_flag(&invocation->options, "json"), true);
	if (listing.ending_by)
		error = store_service_user_expiring(
			administration->admin.store, listing.ending_by, print_row, &listing);
	else
		error = store_service_user_list(
			administration->admin.store, site, print_row, &listing);
	return command_list_end(invocation, &listing.output, error);
}

static int run_show(struct invocation *invocation, const struct administration *administration)
{
	struct store_service_user user;
	struct output output;
	int error = admin_service_user_get(&administration->admin,
		invocation->options.positional[0], &user, &invocation->fault);

	if (error)
		return error;
	output_begin(&output, options_flag(&invocation->options, "json"), false);
	error = print_with(administration, &output, &user, NULL);
	command_print_credentials(&output, "credentials", user.credentials, user.credential_count,
		clock_now_s(administration->admin.clock));
	if (!error)
		error = command_print_uses(&output, administration->admin.store, user.id);
	return command_list_end(invocation, &output, error);
}

static int print_again(struct invocation *invocation, const struct administration *administration)
{
	struct store_service_user user;
	int error = admin_service_user_get(&administration->admin,
		invocation->options.positional[0], &user, &invocation->fault);

	return error ? error : print_user(invocation, administration, &user, NULL);
}

/* Reads all of stdin, within the bound. */
static int read_input(struct buf *input, struct fault *fault)
{
	ssize_t got = 1;

	if (isatty(STDIN_FILENO)) {
		fault_set(
			fault, "there is nothing to import; say aditd service-user import < FILE");
		return ERROR_INVALID;
	}
	while (got > 0) {
		if (buf_reserve(input, INPUT_STEP)) {
			fault_set(fault,
				"the file is larger than %d MiB, or there is no memory for it; "
				"import it in parts",
				IMPORT_TEXT_MAX / 1024 / 1024);
			return ERROR_INVALID;
		}
		do
			got = read(STDIN_FILENO, input->data + input->len, INPUT_STEP);
		while (got < 0 && errno == EINTR);
		input->len += got > 0 ? (size_t)got : 0;
	}
	if (!got)
		return 0;
	fault_set(fault, "stdin can't be read: %s; nothing was changed", strerror(errno));
	return ERROR_INVALID;
}

struct imported {
	struct invocation *invocation;
	const struct administration *administration;
	struct output output;
	int64_t count;
	int error; /* of showing them: by then they are stored */
};

/* For the audit, which names them before they are there. */
static void name_imported(void *context, const struct store_service_user *users, size_t count)
{
	struct imported *imported = context;

	imported->invocation->granted = users;
	imported->invocation->granted_count = count;
}

static void print_imported(void *context, const struct store_service_user *user)
{
	struct imported *imported = context;

	imported->count++;
	if (!imported->error)
		imported->error =
			print_with(imported->administration, &imported->output, user, NULL);
}

static int end_imported(struct invocation *invocation, struct imported *imported)
{
	int error = imported->error;

	(void)snprintf(invocation->made, sizeof(invocation->made), "%" PRId64 " Service Users",
		imported->count);
	if (error)
		fault_set(&invocation->fault, "%s", error_text(error));
	else
		return command_changed(
			invocation, command_output_end(invocation, &imported->output));
	output_abandon(&imported->output);
	return command_changed(invocation, error);
}

static int run_import(struct invocation *invocation, const struct administration *administration)
{
	struct imported imported = {.invocation = invocation, .administration = administration};
	struct admin_import import = {
		.before = name_imported, .each = print_imported, .context = &imported};
	struct buf input;
	int error;

	json_wipe_freed();
	buf_init(&input, IMPORT_TEXT_MAX + INPUT_STEP);
	output_begin(&imported.output, options_flag(&invocation->options, "json"), true);
	error = read_input(&input, &invocation->fault);
	if (!error) {
		import.text = input.data;
		import.length = input.len;
		error = admin_service_user_import(
			&administration->admin, &import, &invocation->fault);
		invocation->granted_count = 0;
	}
	buf_finish(&input);
	if (!error)
		return end_imported(invocation, &imported);
	output_abandon(&imported.output);
	return error;
}

static int set_enabled(
	struct invocation *invocation, const struct administration *administration, bool enabled)
{
	int error = admin_service_user_set_enabled(&administration->admin,
		invocation->options.positional[0], enabled, &invocation->fault);

	return error ? error : command_changed(invocation, print_again(invocation, administration));
}

static int run_enable(struct invocation *invocation, const struct administration *administration)
{
	return set_enabled(invocation, administration, true);
}

static int run_disable(struct invocation *invocation, const struct administration *administration)
{
	return set_enabled(invocation, administration, false);
}

static int run_rotate(struct invocation *invocation, const struct administration *administration)
{
	struct delivery delivery;
	struct store_service_user user;
	struct admin_rotation rotation;
	int error = rotation_init(&rotation, &delivery, invocation, &invocation->fault);

	if (error)
		return error;
	error = admin_service_user_rotate(
		&administration->admin, &rotation, &user, &invocation->fault);
	if (!error)
		error = print_user(invocation, administration, &user, &delivery);
	return delivery_finish(&delivery, error, &invocation->fault);
}

static int run_unlock(struct invocation *invocation, const struct administration *administration)
{
	const char *username = invocation->options.positional[0];
	struct store_service_user user;
	struct output output;
	int64_t failures = 0;
	int error = admin_service_user_unlock(&administration->admin,
		&administration->directory.secret_key, username, &failures, &invocation->fault);

	if (error)
		return error;
	error = admin_service_user_get(&administration->admin, username, &user, &invocation->fault);
	if (error)
		return command_changed(invocation, error);
	output_begin(&output, options_flag(&invocation->options, "json"), false);
	output_row(&output, (const struct output_field[]){
				    output_text("username", user.username),
				    output_text("sub", user.id),
				    output_number("forgotten", failures),
				    output_time("unlocked_at", clock_now_s(&invocation->clock)),
				    {0},
			    });
	return command_changed(invocation, command_output_end(invocation, &output));
}

const struct verb service_user_verbs[] = {
	{.noun = "service-user",
		.name = "add",
		.arguments = "[USERNAME]",
		.summary = "add a Service User to a site",
		.specs = add_specs,
		.most = 1,
		.administer = run_add},
	{.noun = "service-user",
		.name = "import",
		.arguments = "",
		.summary = "add those of another system, from stdin",
		.specs = command_plain_options,
		.administer = run_import},
	{.noun = "service-user",
		.name = "list",
		.arguments = "",
		.summary = "list the Service Users",
		.specs = list_specs,
		.administer = run_list},
	{.noun = "service-user",
		.name = "show",
		.arguments = "USERNAME",
		.summary = "show a Service User",
		.specs = command_plain_options,
		.least = 1,
		.most = 1,
		.administer = run_show},
	{.noun = "service-user",
		.name = "enable",
		.arguments = "USERNAME",
		.summary = "let it in again",
		.specs = command_plain_options,
		.least = 1,
		.most = 1,
		.administer = run_enable},
	{.noun = "service-user",
		.name = "disable",
		.arguments = "USERNAME",
		.summary = "refuse it, and end what it holds",
		.specs = command_plain_options,
		.least = 1,
		.most = 1,
		.administer = run_disable},
	{.noun = "service-user",
		.name = "unlock",
		.arguments = "USERNAME",
		.summary = "forget the failed attempts against it",
		.specs = command_plain_options,
		.least = 1,
		.most = 1,
		.administer = run_unlock},
	{.noun = "service-user",
		.name = "rotate",
		.arguments = "USERNAME",
		.summary = "give it a new password",
		.specs = command_rotate_options,
		.least = 1,
		.most = 1,
		.administer = run_rotate},
	{0},
};
