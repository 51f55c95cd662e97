/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the verbs on an authority's data share: opening it, and ending their output.
 */
#include "authority/command/command.h"

const struct option_spec command_plain_options[] = {
	COMMAND_OPTION_JSON,
	COMMAND_OPTIONS_COMMON,
	{0},
};

const char *invocation_data(const struct invocation *invocation)
{
	const char *path = options_text(&invocation->options, "data");

	return path ? path : COMMAND_DEFAULT_DATA;
}

int administration_open(struct invocation *invocation, struct administration *administration)
{
	struct data_directory *directory = &administration->directory;
	int error;

	*administration = (struct administration){0};
	error = data_directory_open(directory, invocation_data(invocation), &invocation->clock,
		false, &invocation->fault);
	if (error)
		return error;
	error = keyring_create(directory->store, &invocation->clock, &directory->secret_key,
		&administration->keyring);
	if (error) {
		fault_set(&invocation->fault, "the keys in %s can't be opened: %s", directory->path,
			error == ERROR_REFUSED ? "secret.key belongs to other data; put back the "
						 "one that was made with it"
					       : error_text(error));
		administration_close(administration);
		return error;
	}
	administration->admin = (struct admin){.store = directory->store,
		.keyring = administration->keyring,
		.clock = &invocation->clock};
	return 0;
}

void administration_close(struct administration *administration)
{
	keyring_destroy(administration->keyring);
	administration->keyring = NULL;
	data_directory_close(&administration->directory);
}

int command_output_end(struct invocation *invocation, struct output *output)
{
	int error = output_end(output);

	if (error) {
		fault_set(&invocation->fault, "the output can't be written to stdout: %s",
			error_text(error));
		invocation->exit_code = EXIT_OTHER;
	}
	return error;
}

int command_changed(struct invocation *invocation, int error)
{
	struct fault fault = invocation->fault;

	if (error)
		fault_set(&invocation->fault, "it was done, but can't be shown: %s", fault.text);
	return error;
}

int command_list_end(struct invocation *invocation, struct output *output, int error)
{
	if (error) {
		output_abandon(output);
		fault_set(&invocation->fault, "the list can't be read from the store: %s",
			error_text(error));
		return error;
	}
	return command_output_end(invocation, output);
}
