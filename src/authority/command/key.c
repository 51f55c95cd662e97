/* SPDX-License-Identifier: Apache-2.0 */
#include "authority/command/command.h"

static const struct option_spec rotate_specs[] = {
	{"purpose", "PURPOSE", "signing, sealing or pepper (signing)", false, false},
	{"alg", "ALG", "of a signing key: ES256, RS256 or EdDSA (ES256)", false, false},
	COMMAND_OPTION_JSON,
	COMMAND_OPTIONS_COMMON,
	{0},
};

struct listing {
	struct output output;
	int64_t now_s;
};

static int print_row(void *context, const struct store_key *key)
{
	struct listing *listing = context;

	output_row(&listing->output,
		(const struct output_field[]){
			output_text("kid", key->kid),
			output_text("purpose", key->purpose),
			output_text("alg", key->alg),
			output_text("state", keyring_state(key->activates_at, key->retires_at,
						     key->gone_at, listing->now_s)),
			output_time("activates_at", key->activates_at),
			output_time("retires_at", key->retires_at),
			output_time("gone_at", key->gone_at),
			{0},
		});
	return 0;
}

static int run_list(struct invocation *invocation, const struct administration *administration)
{
	struct listing listing = {.now_s = clock_now_s(&invocation->clock)};
	int error;

	output_begin(&listing.output, options_flag(&invocation->options, "json"), true);
	error = store_key_list(administration->directory.store, print_row, &listing);
	return command_list_end(invocation, &listing.output, error);
}

static int show(
	struct invocation *invocation, const struct administration *administration, const char *kid)
{
	struct listing listing = {.now_s = clock_now_s(&invocation->clock)};
	struct store_key key;
	int error = admin_key_get(&administration->admin, kid, &key, &invocation->fault);

	if (error)
		return error;
	output_begin(&listing.output, options_flag(&invocation->options, "json"), false);
	(void)print_row(&listing, &key);
	return command_output_end(invocation, &listing.output);
}

static int run_show(struct invocation *invocation, const struct administration *administration)
{
	return show(invocation, administration, invocation->options.positional[0]);
}

static int run_rotate(struct invocation *invocation, const struct administration *administration)
{
	const char *purpose = options_text(&invocation->options, "purpose");
	struct admin_key_rotation rotation = {
		.purpose = purpose ? purpose : "signing",
		.alg = options_text(&invocation->options, "alg"),
	};
	char kid[STORE_ID_SIZE];
	int error = admin_key_rotate(&administration->admin, &rotation, kid, &invocation->fault);

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
	{0},
};
