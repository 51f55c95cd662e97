/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_HELP_H
#define CLI_HELP_H

#include "cli/command.h"

/* Each gives the exit code. With --json all of it is one object, which the completions are
 * made from (packaging/completion/generate). `noun`: only its commands; NULL: all. */
int help_all(const struct invocation *invocation, const struct command *const *commands,
	const char *noun);
int help_command(const struct invocation *invocation, const struct command *command);
int help_version(const struct invocation *invocation);

#endif
