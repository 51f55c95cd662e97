/* SPDX-License-Identifier: Apache-2.0 */
#include "authority/command/command.h"

static const struct option_spec list_specs[] = {
	{"service-user", "USERNAME", "only its grants", false, false},
	{"client", "ID", "only those of this client", false, false},
	COMMAND_OPTION_JSON,
	COMMAND_OPTIONS_COMMON,
	{0},
};

static int print_row(void *context, const struct store_grant_row *grant)
{
	output_row(
		context, (const struct output_field[]){
				 output_text("username", grant->username),
				 output_text("client_id", grant->client_id),
				 output_text("site", grant->site),
				 output_text("state", grant->disabled_at ? "disabled" : "enabled"),
				 output_time("created_at", grant->created_at),
				 output_time("disabled_at", grant->disabled_at),
				 {0},
			 });
	return 0;
}

static int run_list(struct invocation *invocation, const struct administration *administration)
{
	struct output output;
	int error;

	output_begin(&output, options_flag(&invocation->options, "json"), true);
	error = store_access_grant_list(administration->directory.store,
		options_text(&invocation->options, "service-user"),
		options_text(&invocation->options, "client"), print_row, &output);
	return command_list_end(invocation, &output, error);
}

static int print_grant(struct invocation *invocation, const struct administration *administration)
{
	struct output output;
	int error;

	output_begin(&output, options_flag(&invocation->options, "json"), false);
	error = store_access_grant_list(administration->directory.store,
		invocation->options.positional[0], invocation->options.positional[1], print_row,
		&output);
	return command_list_end(invocation, &output, error);
}

static int set_enabled(
	struct invocation *invocation, const struct administration *administration, bool enabled)
{
	int error =
		admin_grant_set_enabled(&administration->admin, invocation->options.positional[0],
			invocation->options.positional[1], enabled, &invocation->fault);

	return error ? error : command_changed(invocation, print_grant(invocation, administration));
}

static int run_enable(struct invocation *invocation, const struct administration *administration)
{
	return set_enabled(invocation, administration, true);
}

static int run_disable(struct invocation *invocation, const struct administration *administration)
{
	return set_enabled(invocation, administration, false);
}

const struct verb grant_verbs[] = {
	{.noun = "grant",
		.name = "list",
		.arguments = "",
		.summary = "list which clients have tokens of which Service Users",
		.specs = list_specs,
		.administer = run_list},
	{.noun = "grant",
		.name = "enable",
		.arguments = "USERNAME CLIENT",
		.summary = "let the client use the Service User again",
		.specs = command_plain_options,
		.least = 2,
		.most = 2,
		.administer = run_enable},
	{.noun = "grant",
		.name = "disable",
		.arguments = "USERNAME CLIENT",
		.summary = "keep the client from the Service User",
		.specs = command_plain_options,
		.least = 2,
		.most = 2,
		.administer = run_disable},
	{0},
};
