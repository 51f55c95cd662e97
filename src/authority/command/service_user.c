/* SPDX-License-Identifier: Apache-2.0 */
#include "authority/command/command.h"

#include <string.h>

enum { DEFAULT_OVERLAP_S = 7 * 86400 };

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
	COMMAND_OPTION_JSON,
	COMMAND_OPTIONS_COMMON,
	{0},
};

static const struct option_spec rotate_specs[] = {
	{"overlap", "TIME", "how long the old password still works (7d; 0: not at all)", false,
		false},
	{"expires", "DATE", "when the new password ends", false, false},
	COMMAND_OPTION_PASSWORD_OUT,
	COMMAND_OPTION_JSON,
	COMMAND_OPTIONS_COMMON,
	{0},
};

static const struct option_spec plain_specs[] = {
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

static void print_with(
	struct output *output, const struct store_service_user *user, const char *password)
{
	struct output_field fields[OUTPUT_COLUMNS_MAX] = {
		output_text("username", user->username),
		output_text("site", user->site),
		output_text("role", user->role),
		output_text("state", state_of(user)),
		output_text("label", user->label),
		output_text("sub", user->id),
		output_time("created_at", user->created_at),
		output_time(
			"expires_at", user->credential_count ? user->credentials[0].expires_at : 0),
	};

	if (password)
		fields[8] = output_text("password", password);
	output_row(output, fields);
}

static int print_row(void *context, const struct store_service_user *user)
{
	print_with(context, user, NULL);
	return 0;
}

static int print_user(struct invocation *invocation, const struct store_service_user *user,
	const struct delivery *delivery)
{
	struct output output;

	output_begin(&output, options_flag(&invocation->options, "json"), false);
	print_with(&output, user, delivery && !delivery->path ? delivery->secret : NULL);
	return command_output_end(invocation, &output);
}

static int require(struct invocation *invocation, const char *option, const char *example)
{
	if (options_text(&invocation->options, option))
		return 0;
	fault_set(&invocation->fault, "--%s is missing; say %s", option, example);
	return ERROR_INVALID;
}

static int add(struct invocation *invocation, const struct administration *administration)
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
	int error = options_date(
		&invocation->options, "expires", &wanted.expires_at, &invocation->fault);

	if (error)
		return error;
	delivery_init(&delivery, invocation);
	error = admin_service_user_add(&administration->admin, &wanted, &user, &invocation->fault);
	if (!error)
		error = print_user(invocation, &user, &delivery);
	delivery_finish(&delivery);
	return error;
}

static int run_add(struct invocation *invocation)
{
	struct administration administration;
	int error = require(invocation, "site", "--site ID");

	if (!error)
		error = require(invocation, "role", "--role read or --role write");
	if (!error)
		error = administration_open(invocation, &administration);
	if (error)
		return error;
	error = add(invocation, &administration);
	administration_close(&administration);
	return error;
}

static int run_list(struct invocation *invocation)
{
	struct administration administration;
	struct output output;
	int error = administration_open(invocation, &administration);

	if (error)
		return error;
	output_begin(&output, options_flag(&invocation->options, "json"), true);
	error = admin_store_fault(
		store_service_user_list(administration.directory.store,
			options_text(&invocation->options, "site"), print_row, &output),
		"service-user", "list", &invocation->fault);
	if (!error)
		error = command_output_end(invocation, &output);
	administration_close(&administration);
	return error;
}

static int show(struct invocation *invocation, const struct administration *administration)
{
	struct store_service_user user;
	int error = admin_service_user_get(&administration->admin,
		invocation->options.positional[0], &user, &invocation->fault);

	return error ? error : print_user(invocation, &user, NULL);
}

static int run_show(struct invocation *invocation)
{
	struct administration administration;
	int error = administration_open(invocation, &administration);

	if (error)
		return error;
	error = show(invocation, &administration);
	administration_close(&administration);
	return error;
}

static int set_enabled(struct invocation *invocation, bool enabled)
{
	struct administration administration;
	int error = administration_open(invocation, &administration);

	if (error)
		return error;
	error = admin_service_user_set_enabled(&administration.admin,
		invocation->options.positional[0], enabled, &invocation->fault);
	if (!error)
		error = show(invocation, &administration);
	administration_close(&administration);
	return error;
}

static int run_enable(struct invocation *invocation)
{
	return set_enabled(invocation, true);
}

static int run_disable(struct invocation *invocation)
{
	return set_enabled(invocation, false);
}

static int rotate(struct invocation *invocation, const struct administration *administration)
{
	struct delivery delivery;
	struct store_service_user user;
	struct admin_rotation rotation = {
		.name = invocation->options.positional[0],
		.deliver = delivery_take,
		.context = &delivery,
	};
	int error = options_duration(&invocation->options, "overlap", DEFAULT_OVERLAP_S,
		&rotation.overlap_s, &invocation->fault);

	if (!error)
		error = options_date(
			&invocation->options, "expires", &rotation.expires_at, &invocation->fault);
	if (error)
		return error;
	delivery_init(&delivery, invocation);
	error = admin_service_user_rotate(&administration->admin, &rotation, &invocation->fault);
	if (!error)
		error = admin_service_user_get(
			&administration->admin, rotation.name, &user, &invocation->fault);
	if (!error)
		error = print_user(invocation, &user, &delivery);
	delivery_finish(&delivery);
	return error;
}

static int run_rotate(struct invocation *invocation)
{
	struct administration administration;
	int error = administration_open(invocation, &administration);

	if (error)
		return error;
	error = rotate(invocation, &administration);
	administration_close(&administration);
	return error;
}

const struct verb service_user_verbs[] = {
	{"service-user", "add", "[USERNAME]", "add a Service User to a site", add_specs, 0, 1,
		run_add},
	{"service-user", "list", "", "list the Service Users", list_specs, 0, 0, run_list},
	{"service-user", "show", "USERNAME", "show a Service User", plain_specs, 1, 1, run_show},
	{"service-user", "enable", "USERNAME", "let it in again", plain_specs, 1, 1, run_enable},
	{"service-user", "disable", "USERNAME", "refuse it, and end what it holds", plain_specs, 1,
		1, run_disable},
	{"service-user", "rotate", "USERNAME", "give it a new password", rotate_specs, 1, 1,
		run_rotate},
	{0},
};
