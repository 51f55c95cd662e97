/* SPDX-License-Identifier: Apache-2.0 */
#include "authority/command/command.h"

enum { LIST_MAX = 64 };

static const struct option_spec change_specs[] = {
	{"alg", "ALG", "what signs its access tokens: ES256 or RS256 (ES256)", false, false},
	{"scope", "SCOPE", "a scope that stands for it", true, false},
	COMMAND_OPTION_JSON,
	COMMAND_OPTIONS_COMMON,
	{0},
};

static int print_scope(void *context, const struct store_scope *scope)
{
	output_row(context, (const struct output_field[]){
				    output_text("scope", scope->name),
				    output_text("resource", scope->resource),
				    output_text("alg", scope->alg),
				    {0},
			    });
	return 0;
}

/* A row a scope: a resource has one at least. */
static int run_list(struct invocation *invocation, const struct administration *administration)
{
	struct output output;
	int error;

	output_begin(&output, options_flag(&invocation->options, "json"), true);
	error = store_scope_list(administration->directory.store, print_scope, &output);
	return command_list_end(invocation, &output, error);
}

static int take_scopes(struct invocation *invocation, const char *scopes[LIST_MAX])
{
	size_t count = 0;

	while ((scopes[count] = options_each(&invocation->options, "scope", count)) != NULL) {
		if (++count == LIST_MAX) {
			fault_set(&invocation->fault,
				"--scope is given too often; at most %d times", LIST_MAX - 1);
			return ERROR_INVALID;
		}
	}
	return 0;
}

static int change(struct invocation *invocation, const struct administration *administration,
	int (*put)(const struct admin *admin, const struct admin_resource *wanted,
		struct fault *fault))
{
	const char *scopes[LIST_MAX];
	struct admin_resource wanted = {
		.id = invocation->options.positional[0],
		.alg = options_text(&invocation->options, "alg"),
		.scopes = scopes,
	};
	int error = take_scopes(invocation, scopes);

	if (!error)
		error = put(&administration->admin, &wanted, &invocation->fault);
	return error ? error : command_changed(invocation, run_list(invocation, administration));
}

static int run_add(struct invocation *invocation, const struct administration *administration)
{
	return change(invocation, administration, admin_resource_add);
}

static int run_set(struct invocation *invocation, const struct administration *administration)
{
	return change(invocation, administration, admin_resource_set);
}

const struct verb resource_verbs[] = {
	{.noun = "resource",
		.name = "add",
		.arguments = "ID",
		.summary = "add an API that tokens are for",
		.specs = change_specs,
		.least = 1,
		.most = 1,
		.administer = run_add},
	{.noun = "resource",
		.name = "list",
		.arguments = "",
		.summary = "list the scopes and what they belong to",
		.specs = command_plain_options,
		.administer = run_list},
	{.noun = "resource",
		.name = "set",
		.arguments = "ID",
		.summary = "change its algorithm, or give it another scope",
		.specs = change_specs,
		.least = 1,
		.most = 1,
		.administer = run_set},
	{0},
};
