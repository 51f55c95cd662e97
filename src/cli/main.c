/* SPDX-License-Identifier: Apache-2.0 */
/*
 * adit: finds the command, reads its options, runs it.
 */
#include "cli/command.h"

#include "cli/help.h"

#include <stdio.h>
#include <string.h>

enum { TABLES = 4 };

const struct option_spec plain_options[] = {
	{"json", 'j', NULL, OPTION_TEXT, "print JSON, errors too"},
	{"help", 'h', NULL, OPTION_TEXT, "print this and exit"},
	{0},
};

static const struct command *const commands[] = {&login_command, &service_set_command,
	&service_verify_command, &service_rotate_command, &service_forget_command, &token_command,
	&run_command, &call_command, &decode_command, &status_command, &logout_command, NULL};

/* The command that the first one or two arguments name, and how many they are. */
static const struct command *find_command(char *const *arguments, int *ret_used)
{
	for (const struct command *const *each = commands; arguments[0] && *each; each++) {
		const struct command *command = *each;
		bool has_noun = command->noun && !strcmp(arguments[0], command->noun);

		*ret_used = command->noun ? 2 : 1;
		if (!command->noun && !strcmp(arguments[0], command->name))
			return command;
		if (has_noun && arguments[1] && !strcmp(arguments[1], command->name))
			return command;
	}
	return NULL;
}

static bool is_noun(const char *word)
{
	for (const struct command *const *each = commands; *each; each++)
		if ((*each)->noun && !strcmp((*each)->noun, word))
			return true;
	return false;
}

static int fail_to_find(struct invocation *invocation, char *const *arguments)
{
	const char *nearest = NULL;
	size_t least = 3;

	if (is_noun(arguments[0]))
		return complain_usage(invocation,
			"adit %s needs one of these verbs: set, verify, rotate, forget",
			arguments[0]);
	for (const struct command *const *each = commands; *each; each++) {
		const char *name = (*each)->noun ? (*each)->noun : (*each)->name;
		size_t distance = options_distance(arguments[0], strlen(arguments[0]), name);

		if (distance < least) {
			least = distance;
			nearest = name;
		}
	}
	return complain_usage(invocation, "there is no command \"%.100s\"%s%s%s", arguments[0],
		nearest ? "; did you mean " : "", nearest ? nearest : "", nearest ? "?" : "");
}

static int check_arguments(struct invocation *invocation)
{
	const struct command *command = invocation->command;
	size_t count = invocation->options.positional_count;

	if (count < command->least || (command->command_at >= 0 && !invocation->options.command))
		return complain_usage(invocation, "adit %s%s%s needs %s",
			command->noun ? command->noun : "", command->noun ? " " : "", command->name,
			command->arguments);
	if (count > command->most)
		return complain_usage(invocation, "\"%.200s\" is one argument too many",
			invocation->options.positional[command->most]);
	return EXIT_DONE;
}

/* Also where the options can't be parsed. */
static bool wants_json(char *const *arguments)
{
	for (; *arguments && strcmp(*arguments, "--") != 0; arguments++)
		if (!strcmp(*arguments, "--json") || !strcmp(*arguments, "-j"))
			return true;
	return false;
}

static int run_command_line(struct invocation *invocation, char *const *arguments)
{
	const struct option_spec *tables[TABLES] = {0};
	const struct command *command = invocation->command;
	size_t count = 0;
	int code;

	if (command->options)
		tables[count++] = command->options;
	if (command->uses_client)
		tables[count++] = client_options;
	tables[count] = plain_options;
	invocation->json = wants_json(arguments);
	if (options_parse(&invocation->options, tables, command->command_at, arguments,
		    &invocation->fault))
		return complain_of_usage(invocation);
	invocation->json = options_flag(&invocation->options, "json");
	if (options_flag(&invocation->options, "help"))
		return help_command(invocation, command);
	code = check_arguments(invocation);
	return code == EXIT_DONE ? command->run(invocation) : code;
}

/* "adit help [COMMAND]", "adit --help". */
static int run_help(struct invocation *invocation, char *const *arguments)
{
	const struct command *command;
	int used;

	invocation->json = wants_json(arguments);
	if (!arguments[0] || arguments[0][0] == '-')
		return help_all(invocation, commands, NULL);
	command = find_command(arguments, &used);
	if (command)
		return help_command(invocation, command);
	if (is_noun(arguments[0]) && (!arguments[1] || arguments[1][0] == '-'))
		return help_all(invocation, commands, arguments[0]);
	return fail_to_find(invocation, arguments);
}

static bool is_one_of(const char *word, const char *one, const char *other, const char *third)
{
	return !strcmp(word, one) || !strcmp(word, other) || !strcmp(word, third);
}

int main(int argc, char **argv)
{
	struct invocation invocation = {0};
	int used = 0;

	process_prepare();
	if (argc < 2) {
		return complain_usage(&invocation, "say what to do");
	}
	if (is_one_of(argv[1], "--help", "-h", "help"))
		return run_help(&invocation, argv + 2);
	if (is_one_of(argv[1], "--version", "-V", "version"))
		return help_version(&invocation);
	invocation.command = find_command(argv + 1, &used);
	if (invocation.command)
		return run_command_line(&invocation, argv + 1 + used);
	if (is_noun(argv[1]) && argv[2] && is_one_of(argv[2], "--help", "-h", "help"))
		return run_help(&invocation, argv + 1);
	return fail_to_find(&invocation, argv + 1);
}
