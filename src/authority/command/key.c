/* SPDX-License-Identifier: Apache-2.0 */
#include "authority/command/command.h"

static const struct option_spec rotate_specs[] = {
	{"purpose", "PURPOSE", "signing, sealing or pepper (signing)", false, false},
	{"alg", "ALG", "of a signing key: ES256, RS256 or EdDSA (ES256)", false, false},
	COMMAND_OPTION_JSON,
	COMMAND_OPTIONS_COMMON,
	{0},
};

static const struct option_spec plain_specs[] = {
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

static int run_list(struct invocation *invocation)
{
	struct administration administration;
	struct listing listing = {.now_s = clock_now_s(&invocation->clock)};
	int error = administration_open(invocation, &administration);

	if (error)
		return error;
	output_begin(&listing.output, options_flag(&invocation->options, "json"), true);
	error = admin_store_fault(
		store_key_list(administration.directory.store, print_row, &listing), "key", "list",
		&invocation->fault);
	if (!error)
		error = command_output_end(invocation, &listing.output);
	administration_close(&administration);
	return error;
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

static int run_show(struct invocation *invocation)
{
	struct administration administration;
	int error = administration_open(invocation, &administration);

	if (error)
		return error;
	error = show(invocation, &administration, invocation->options.positional[0]);
	administration_close(&administration);
	return error;
}

static int run_rotate(struct invocation *invocation)
{
	struct administration administration;
	const char *purpose = options_text(&invocation->options, "purpose");
	struct admin_key_rotation rotation = {
		.purpose = purpose ? purpose : "signing",
		.alg = options_text(&invocation->options, "alg"),
	};
	char kid[STORE_ID_SIZE];
	int error = administration_open(invocation, &administration);

	if (error)
		return error;
	error = admin_key_rotate(&administration.admin, &rotation, kid, &invocation->fault);
	if (!error)
		error = show(invocation, &administration, kid);
	administration_close(&administration);
	return error;
}

const struct verb key_verbs[] = {
	{"key", "list", "", "list the keys and their states", plain_specs, 0, 0, run_list},
	{"key", "show", "KID", "show a key", plain_specs, 1, 1, run_show},
	{"key", "rotate", "", "make a new key that takes over", rotate_specs, 0, 0, run_rotate},
	{0},
};
