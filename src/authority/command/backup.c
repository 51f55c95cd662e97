/* SPDX-License-Identifier: Apache-2.0 */
#include "authority/command/command.h"

#include <stdio.h>

static const struct option_spec specs[] = {
	COMMAND_OPTIONS_COMMON,
	{0},
};

/* Ends a verb that has made something, by a line that must not be missed. */
static int say(struct invocation *invocation, const char *what, const char *name, const char *note)
{
	if (printf("%s %s; %s\n", what, name, note) > 0 && !fflush(stdout))
		return 0;
	fault_set(&invocation->fault, "%s %s, but stdout can't be written; %s", what, name, note);
	invocation->exit_code = EXIT_OTHER;
	return ERROR_IO;
}

static int run_backup(struct invocation *invocation, const struct administration *administration)
{
	const char *file = invocation->options.positional[0];
	int error = store_backup(administration->directory.store, file, &invocation->fault);

	if (!error)
		error = change_record(invocation, administration);
	if (error)
		return error;
	return say(invocation, "backed up to", file,
		"secret.key is not in it: keep it apart, losing it is losing the authority");
}

static int run_restore(struct invocation *invocation)
{
	const char *path = invocation_data(invocation);
	int error = data_directory_restore(
		path, invocation->options.positional[0], &invocation->clock, &invocation->fault);

	if (error)
		return error;
	return say(
		invocation, "restored to", path, "every session has ended: all must sign in again");
}

const struct verb backup_verbs[] = {
	{.name = "backup",
		.arguments = "FILE",
		.summary = "write the data to a new file, also while serving",
		.specs = specs,
		.least = 1,
		.most = 1,
		.administer = run_backup},
	{.name = "restore",
		.arguments = "FILE",
		.summary = "make a data directory of a backup",
		.specs = specs,
		.least = 1,
		.most = 1,
		.run = run_restore},
	{0},
};
