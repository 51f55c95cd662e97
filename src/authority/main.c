/* SPDX-License-Identifier: Apache-2.0 */
/*
 * aditd: finds the verb, reads its options, runs it, says what went wrong.
 */
#include "authority/command/command.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

static const struct verb *const nouns[] = {init_verbs, serve_verbs, dev_verbs, site_verbs,
	resource_verbs, service_user_verbs, client_verbs, grant_verbs, key_verbs, backup_verbs,
	audit_verbs, explain_verbs, migrate_verbs};

static void print_usage(FILE *stream)
{
	(void)fprintf(
		stream, "aditd " ADIT_VERSION ", an identity server for API integrations\n\n");
	for (size_t i = 0; i < sizeof(nouns) / sizeof(nouns[0]); i++) {
		for (const struct verb *verb = nouns[i]; verb->name; verb++) {
			int width = fprintf(stream, "  aditd %s%s%s%s%s",
				verb->noun ? verb->noun : "", verb->noun ? " " : "", verb->name,
				*verb->arguments ? " " : "", verb->arguments);

			(void)fprintf(
				stream, "%*s%s\n", width < 44 ? 44 - width : 1, "", verb->summary);
		}
	}
	(void)fprintf(stream, "\naditd VERB --help shows the options of a verb.\n");
}

static void print_verb_help(const struct verb *verb)
{
	(void)printf("aditd %s%s%s%s%s [options]: %s\n\n", verb->noun ? verb->noun : "",
		verb->noun ? " " : "", verb->name, *verb->arguments ? " " : "", verb->arguments,
		verb->summary);
	for (const struct option_spec *spec = verb->specs; spec->name; spec++) {
		int width = printf("  --%s%s%s", spec->name, spec->value ? " " : "",
			spec->value ? spec->value : "");

		(void)printf("%*s%s%s\n", width < 28 ? 28 - width : 1, "", spec->help,
			spec->repeatable ? "; repeatable" : "");
	}
}

static int complain(const char *text, int code)
{
	(void)fprintf(stderr, "aditd: %s\n", text);
	return code;
}

/* The verb that the first one or two arguments name. */
static const struct verb *find_verb(int count, char *const *arguments, int *ret_used)
{
	for (size_t i = 0; i < sizeof(nouns) / sizeof(nouns[0]); i++) {
		for (const struct verb *verb = nouns[i]; verb->name; verb++) {
			if (!verb->noun && !strcmp(arguments[0], verb->name)) {
				*ret_used = 1;
				return verb;
			}
			if (verb->noun && count > 1 && !strcmp(arguments[0], verb->noun) &&
				!strcmp(arguments[1], verb->name)) {
				*ret_used = 2;
				return verb;
			}
		}
	}
	return NULL;
}

/* A noun alone, or with a verb that it does not have: the verbs it has. */
static bool list_verbs_of(const char *noun, struct fault *fault)
{
	char list[128] = "";
	struct buf text;

	buf_init_fixed(&text, list, sizeof(list));
	for (size_t i = 0; i < sizeof(nouns) / sizeof(nouns[0]); i++)
		for (const struct verb *verb = nouns[i]; verb->name; verb++)
			if (verb->noun && !strcmp(verb->noun, noun))
				(void)buf_printf(&text, "%s%s", text.len ? ", " : "", verb->name);
	if (!text.len)
		return false;
	fault_set(fault, "aditd %s takes one of these verbs: %s", noun, list);
	return true;
}

static int fail_to_find(int count, char *const *arguments)
{
	struct fault fault;

	if (!list_verbs_of(arguments[0], &fault))
		fault_set(&fault,
			"there is no verb \"%.100s%s%.100s\"; aditd --help lists those there are",
			arguments[0], count > 1 ? " " : "", count > 1 ? arguments[1] : "");
	return complain(fault.text, EXIT_USAGE);
}

static int read_configuration(struct invocation *invocation)
{
	const char *named = options_text(&invocation->options, "config");
	const char *path = named ? named : COMMAND_DEFAULT_CONFIG;
	int error;

	/* `dev` takes none; the default file may be missing, a named one may not. */
	if (!options_find_spec(invocation->verb->specs, "config"))
		return 0;
	error = options_read_file(&invocation->options, serve_options, path, &invocation->fault);
	if (error != ERROR_NOT_FOUND)
		return error;
	if (named)
		return ERROR_INVALID;
	invocation->fault = (struct fault){0};
	return 0;
}

static int check_positional(struct invocation *invocation)
{
	const struct verb *verb = invocation->verb;
	size_t count = invocation->options.positional_count;

	if (count < verb->least)
		fault_set(&invocation->fault, "aditd %s%s%s needs %s; --help shows the form",
			verb->noun ? verb->noun : "", verb->noun ? " " : "", verb->name,
			verb->arguments);
	else if (count > verb->most)
		fault_set(&invocation->fault,
			"\"%.200s\" is one argument too many; --help shows the form",
			invocation->options.positional[verb->most]);
	else
		return 0;
	return ERROR_INVALID;
}

static int exit_code_of(const struct invocation *invocation, int error)
{
	if (invocation->exit_code != EXIT_DONE)
		return (int)invocation->exit_code;
	switch (error) {
	case ERROR_INVALID:
	case ERROR_NOT_FOUND:
	case ERROR_EXISTS:
		return EXIT_USAGE;
	case ERROR_UNAVAILABLE:
	case ERROR_BUSY:
	case ERROR_VERSION:
	case ERROR_REFUSED:
	case ERROR_IO:	  /* writing the store or a key; other files set invocation.exit_code */
	case ERROR_LIMIT: /* no room for a key; input over a bound is ERROR_INVALID */
		return EXIT_STORAGE;
	default:
		return EXIT_OTHER;
	}
}

static int administer(struct invocation *invocation)
{
	struct administration administration;
	struct change change;
	int error = administration_open(invocation, &administration);

	if (error)
		return error;
	change_watch(&change, invocation, &administration);
	error = invocation->verb->administer(invocation, &administration);
	error = change_end(&change, error);
	administration_close(&administration);
	return error;
}

static int run_verb(struct invocation *invocation)
{
	const char *clock_file = options_text(&invocation->options, "clock");
	int error = check_positional(invocation);

	if (!error)
		error = read_configuration(invocation);
	clock_init(&invocation->clock);
	if (!error && clock_file &&
		clock_init_file(&invocation->clock, clock_file, &invocation->fault))
		error = ERROR_INVALID;
	if (!error)
		error = invocation->verb->run ? invocation->verb->run(invocation)
					      : administer(invocation);
	clock_finish(&invocation->clock);
	return error;
}

int main(int argc, char **argv)
{
	static struct invocation invocation;
	int used = 0;
	int error;

	command_leave_no_core();
	crypto_guard_private_keys();
	(void)signal(SIGXFSZ, SIG_IGN); /* a file that gets too long is an error, not the end */
	if (argc > 1 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "help"))) {
		print_usage(stdout);
		return EXIT_DONE;
	}
	if (argc > 1 && !strcmp(argv[1], "--version")) {
		(void)printf("aditd " ADIT_VERSION "\n");
		return EXIT_DONE;
	}
	if (argc < 2)
		return complain("say what to do; aditd --help lists the verbs", EXIT_USAGE);
	invocation.verb = find_verb(argc - 1, argv + 1, &used);
	if (!invocation.verb)
		return fail_to_find(argc - 1, argv + 1);
	error = options_parse(&invocation.options, invocation.verb->specs, argc - 1 - used,
		argv + 1 + used, &invocation.fault);
	if (!error && options_flag(&invocation.options, "help")) {
		print_verb_help(invocation.verb);
		return EXIT_DONE;
	}
	if (!error)
		error = run_verb(&invocation);
	options_finish(&invocation.options);
	return error ? complain(invocation.fault.text, exit_code_of(&invocation, error))
		     : EXIT_DONE;
}
