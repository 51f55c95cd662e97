/* SPDX-License-Identifier: Apache-2.0 */
#include "authority/command/command.h"

static const struct option_spec add_specs[] = {
	{"name", "TEXT", "what people call it", false, false},
	COMMAND_OPTION_JSON,
	COMMAND_OPTIONS_COMMON,
	{0},
};

static const struct option_spec plain_specs[] = {
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

static int run_add(struct invocation *invocation)
{
	struct administration administration;
	const char *id = invocation->options.positional[0];
	int error = administration_open(invocation, &administration);

	if (error)
		return error;
	error = admin_site_add(&administration.admin, id,
		options_text(&invocation->options, "name"), &invocation->fault);
	if (!error)
		error = print_site(invocation, &administration, id);
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
		store_site_list(administration.directory.store, print_row, &output), "site", "list",
		&invocation->fault);
	if (!error)
		error = command_output_end(invocation, &output);
	administration_close(&administration);
	return error;
}

static int run_show(struct invocation *invocation)
{
	struct administration administration;
	int error = administration_open(invocation, &administration);

	if (error)
		return error;
	error = print_site(invocation, &administration, invocation->options.positional[0]);
	administration_close(&administration);
	return error;
}

static int set_enabled(struct invocation *invocation, bool enabled)
{
	struct administration administration;
	const char *id = invocation->options.positional[0];
	int error = administration_open(invocation, &administration);

	if (error)
		return error;
	error = admin_site_set_enabled(&administration.admin, id, enabled, &invocation->fault);
	if (!error)
		error = print_site(invocation, &administration, id);
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

const struct verb site_verbs[] = {
	{"site", "add", "ID", "add a site", add_specs, 1, 1, run_add},
	{"site", "list", "", "list the sites", plain_specs, 0, 0, run_list},
	{"site", "show", "ID", "show a site", plain_specs, 1, 1, run_show},
	{"site", "enable", "ID", "let its Service Users in again", plain_specs, 1, 1, run_enable},
	{"site", "disable", "ID", "refuse all its Service Users", plain_specs, 1, 1, run_disable},
	{0},
};
