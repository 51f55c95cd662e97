/* SPDX-License-Identifier: Apache-2.0 */
#include "authority/command/command.h"

#include <stdio.h>
#include <string.h>

static const struct option_spec rotate_specs[] = {
	{"purpose", "PURPOSE", "signing, sealing or pepper (signing)", false, false},
	{"alg", "ALG", "of a signing key: ES256, RS256 or EdDSA (ES256)", false, false},
	{"dry-run", NULL, "show the keys as they would be, and change nothing", false, false},
	COMMAND_OPTION_JSON,
	COMMAND_OPTIONS_COMMON,
	{0},
};

static const struct option_spec revoke_specs[] = {
	{"now", NULL, "at once: what it signed or sealed is good no more", false, false},
	COMMAND_OPTION_JSON,
	COMMAND_OPTIONS_COMMON,
	{0},
};

struct listing {
	struct output output;
	int64_t now_s;
	struct store *store;
	const struct admin_key_rotation *only; /* the keys that a rotation is about; NULL: all */
};

/* What keeps a key that is used no more for what is new. */
static int find_holder(
	const struct listing *listing, const struct store_key *key, char *text, size_t size)
{
	int64_t count = 0;
	int error = 0;

	text[0] = '\0';
	if (strcmp(keyring_stored_state(key, listing->now_s), "retired") != 0)
		return 0;
	if (!strcmp(key->purpose, "signing"))
		return text_copy(text, size, "access tokens");
	if (!strcmp(key->purpose, "sealing"))
		return text_copy(text, size, "refresh tokens");
	error = store_pepper_count(listing->store, key->kid, &count);
	if (!error && count)
		(void)snprintf(text, size, "%lld passwords and secrets", (long long)count);
	return error;
}

static int print_row(void *context, const struct store_key *key)
{
	struct listing *listing = context;
	char holder[64];
	int error = find_holder(listing, key, holder, sizeof(holder));

	if (error)
		return error;
	output_row(&listing->output,
		(const struct output_field[]){
			output_text("kid", key->kid),
			output_text("purpose", key->purpose),
			output_text("alg", key->alg),
			output_text("state", keyring_stored_state(key, listing->now_s)),
			output_time("published_at", key->published_at),
			output_time("activates_at", key->activates_at),
			output_time("retires_at", key->retires_at),
			output_time("gone_at", key->gone_at),
			output_text("held_by", holder),
			{0},
		});
	return 0;
}

static int print_planned(void *context, const struct store_key *key)
{
	const struct listing *listing = context;
	const char *alg = listing->only->alg ? listing->only->alg : "ES256";

	if (strcmp(key->purpose, listing->only->purpose) != 0 ||
		(!strcmp(key->purpose, "signing") && strcmp(key->alg, alg) != 0))
		return 0;
	return print_row(context, key);
}

static int run_list(struct invocation *invocation, const struct administration *administration)
{
	struct listing listing = {
		.now_s = clock_now_s(&invocation->clock), .store = administration->directory.store};
	int error;

	output_begin(&listing.output, options_flag(&invocation->options, "json"), true);
	error = store_key_list(administration->directory.store, print_row, &listing);
	return command_list_end(invocation, &listing.output, error);
}

static int show(
	struct invocation *invocation, const struct administration *administration, const char *kid)
{
	struct listing listing = {
		.now_s = clock_now_s(&invocation->clock), .store = administration->directory.store};
	struct store_key key;
	int error = admin_key_get(&administration->admin, kid, &key, &invocation->fault);

	if (error)
		return error;
	output_begin(&listing.output, options_flag(&invocation->options, "json"), false);
	return command_list_end(invocation, &listing.output, print_row(&listing, &key));
}

static int run_show(struct invocation *invocation, const struct administration *administration)
{
	return show(invocation, administration, invocation->options.positional[0]);
}

static int show_plan(struct invocation *invocation, const struct administration *administration,
	const struct admin_key_rotation *rotation)
{
	struct listing listing = {.now_s = clock_now_s(&invocation->clock),
		.store = administration->directory.store,
		.only = rotation};
	int error;

	output_begin(&listing.output, options_flag(&invocation->options, "json"), true);
	error = admin_key_plan(
		&administration->admin, rotation, print_planned, &listing, &invocation->fault);
	if (error) {
		output_abandon(&listing.output);
		return error;
	}
	return command_output_end(invocation, &listing.output);
}

static int run_rotate(struct invocation *invocation, const struct administration *administration)
{
	const char *purpose = options_text(&invocation->options, "purpose");
	struct admin_key_rotation rotation = {
		.purpose = purpose ? purpose : "signing",
		.alg = options_text(&invocation->options, "alg"),
	};
	char kid[STORE_ID_SIZE];
	int error;

	if (options_flag(&invocation->options, "dry-run"))
		return show_plan(invocation, administration, &rotation);
	error = admin_key_rotate(&administration->admin, &rotation, kid, &invocation->fault);
	if (error)
		return error;
	(void)text_copy(invocation->made, sizeof(invocation->made), kid);
	return command_changed(invocation, show(invocation, administration, kid));
}

static int run_revoke(struct invocation *invocation, const struct administration *administration)
{
	const char *kid = invocation->options.positional[0];
	int error;

	if (!options_flag(&invocation->options, "now")) {
		fault_set(&invocation->fault,
			"--now is missing: say it, for what the key signed or sealed is good no "
			"more then");
		return ERROR_INVALID;
	}
	error = admin_key_revoke(&administration->admin, kid, &invocation->fault);
	return error ? error : command_changed(invocation, show(invocation, administration, kid));
}

const struct verb key_verbs[] = {
	{.noun = "key",
		.name = "list",
		.arguments = "",
		.summary = "list the keys and their states",
		.specs = command_plain_options,
		.administer = run_list},
	{.noun = "key",
		.name = "show",
		.arguments = "KID",
		.summary = "show a key",
		.specs = command_plain_options,
		.least = 1,
		.most = 1,
		.administer = run_show},
	{.noun = "key",
		.name = "rotate",
		.arguments = "",
		.summary = "make a new key that takes over",
		.specs = rotate_specs,
		.administer = run_rotate},
	{.noun = "key",
		.name = "revoke",
		.arguments = "KID",
		.summary = "end a key that others may have",
		.specs = revoke_specs,
		.least = 1,
		.most = 1,
		.administer = run_revoke},
	{0},
};
