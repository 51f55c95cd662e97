/* SPDX-License-Identifier: Apache-2.0 */
#include "authority/command/command.h"

static const struct option_spec specs[] = {
	{"issuer", "URL", "the authority's address, for ever: https://www.example.com/identity",
		false, true},
	COMMAND_OPTIONS_COMMON,
	{0},
};

static int run(struct invocation *invocation)
{
	const char *issuer = options_text(&invocation->options, "issuer");
	const char *path = invocation_data(invocation);
	struct output output;
	int error;

	if (!issuer) {
		fault_set(&invocation->fault,
			"--issuer is missing; give the address that clients will know, such as "
			"https://www.example.com/identity");
		return ERROR_INVALID;
	}
	error = data_directory_init(path, issuer, &invocation->clock, &invocation->fault);
	if (error)
		return error;
	output_begin(&output, false, false);
	output_row(&output, (const struct output_field[]){output_text("issuer", issuer),
				    output_text("data", path),
				    output_text("next", "aditd site add ID; aditd service-user add "
							"--site ID --role read; aditd serve"),
				    {0}});
	return command_output_end(invocation, &output);
}

const struct verb init_verbs[] = {
	{.name = "init",
		.arguments = "",
		.summary = "make a data directory with its keys",
		.specs = specs,
		.run = run},
	{0},
};
