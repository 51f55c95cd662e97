/* SPDX-License-Identifier: Apache-2.0 */
#include "authority/command/command.h"

static const struct option_spec add_specs[] = {
	{"name", "TEXT", "what people call it", false, false},
	COMMAND_OPTION_JSON,
	COMMAND_OPTIONS_COMMON,
	{0},
};

static int print_row(void *context, const struct store_site *site)
{
	output_row(
		context, (const struct output_field[]){
				 output_text("site", site->id),
				 output_text("name", site->name),
				 output_text("state", site->disabled_at ? "disabled" : "enabled"),
				 output_time("created_at", site->created_at),
				 output_time("disabled_at", site->disabled_at),
				 {0},
			 });
	return 0;
}

static int print_site(
	struct invocation *invocation, const struct administration *administration, const char *id)
{
	struct store_site site;
	struct output output;
	int error = admin_site_get(&administration->admin, id, &site, &invocation->fault);

	if (error)
		return error;
	output_begin(&output, options_flag(&invocation->options, "json"), false);
	(void)print_row(&output, &site);
	return command_output_end(invocation, &output);
}

static int run_add(struct invocation *invocation, const struct administration *administration)
{
	const char *id = invocation->options.positional[0];
	int error = admin_site_add(&administration->admin, id,
		options_text(&invocation->options, "name"), &invocation->fault);

	return error ? error
		     : command_changed(invocation, print_site(invocation, administration, id));
}

static int run_list(struct invocation *invocation, const struct administration *administration)
{
	struct output output;
	int error;

	output_begin(&output, options_flag(&invocation->options, "json"), true);
	error = store_site_list(administration->directory.store, print_row, &output);
	return command_list_end(invocation, &output, error);
}

static int run_show(struct invocation *invocation, const struct administration *administration)
{
	return print_site(invocation, administration, invocation->options.positional[0]);
}

static int set_enabled(
	struct invocation *invocation, const struct administration *administration, bool enabled)
{
	const char *id = invocation->options.positional[0];
	int error = admin_site_set_enabled(&administration->admin, id, enabled, &invocation->fault);

	return error ? error
		     : command_changed(invocation, print_site(invocation, administration, id));
}

static int run_enable(struct invocation *invocation, const struct administration *administration)
{
	return set_enabled(invocation, administration, true);
}

static int run_disable(struct invocation *invocation, const struct administration *administration)
{
	return set_enabled(invocation, administration, false);
}

const struct verb site_verbs[] = {
	{.noun = "site",
		.name = "add",
		.arguments = "ID",
		.summary = "add a site",
		.specs = add_specs,
		.least = 1,
		.most = 1,
		.administer = run_add},
	{.noun = "site",
		.name = "list",
		.arguments = "",
		.summary = "list the sites",
		.specs = command_plain_options,
		.administer = run_list},
	{.noun = "site",
		.name = "show",
		.arguments = "ID",
		.summary = "show a site",
		.specs = command_plain_options,
		.least = 1,
		.most = 1,
		.administer = run_show},
	{.noun = "site",
		.name = "enable",
		.arguments = "ID",
		.summary = "let its Service Users in again",
		.specs = command_plain_options,
		.least = 1,
		.most = 1,
		.administer = run_enable},
	{.noun = "site",
		.name = "disable",
		.arguments = "ID",
		.summary = "refuse all its Service Users",
		.specs = command_plain_options,
		.least = 1,
		.most = 1,
		.administer = run_disable},
	{0},
};
