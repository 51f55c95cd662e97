/* SPDX-License-Identifier: Apache-2.0 */
#include "authority/command/command.h"

static const struct option_spec specs[] = {
	{"issuer", "URL", "the authority's address, for ever: https://www.example.com/identity",
		false, true},
	COMMAND_OPTIONS_COMMON,
	{0},
};

/* The first entry: everything else follows it. */
static int record(struct invocation *invocation, const char *path)
{
	struct data_directory directory;
	struct audit_now now = {.clock = &invocation->clock};
	char bytes[256];
	struct buf members;
	int error = data_directory_open(
		&directory, path, &invocation->clock, false, &invocation->fault);

	if (error)
		return error;
	now.data_directory = directory.path;
	now.store = directory.store;
	now.secret_key = &directory.secret_key;
	buf_init_fixed(&members, bytes, sizeof(bytes));
	(void)buf_append_text(&members, "\"event\":\"initialized\"");
	error = audit_members_append_actor(&members);
	if (!error)
		error = audit_record_now(&now, members.data, members.len, &invocation->fault);
	data_directory_close(&directory);
	if (error) {
		struct fault why = invocation->fault;

		fault_set(&invocation->fault, "it was made, but its audit can't be begun: %s",
			why.text);
	}
	return error;
}

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
	if (!error)
		error = record(invocation, path);
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
