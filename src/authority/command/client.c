/* SPDX-License-Identifier: Apache-2.0 */
#include "authority/command/command.h"

#include "authority/client_keys.h"
#include "authority/cors.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum {
	LIST_MAX = 64,
	ACCESS_TTL_MAX_S = 86400,
};

#define OPTION_JWKS_FILE                                                                           \
	{                                                                                          \
		"jwks-file", "FILE", "its public keys, a JWK Set: it has no secret then", false,   \
			false                                                                      \
	}

static const struct option_spec add_specs[] = {
	{"type", "TYPE", "public, confidential, native, web or device", false, false},
	{"service-user", "USERNAME", "whom it acts as by client_credentials", false, false},
	{"resource", "ID", "the API that it is: it may ask about that API's tokens", false, false},
	{"redirect-uri", "URI", "where a person is sent back to", true, false},
	{"scope", "SCOPE", "what it may ask for (cosmos offline_access)", true, false},
	{"grant", "GRANT", "a grant_type that it may use (the type's own)", true, false},
	{"access-ttl", "S", "seconds that its access tokens live (3600)", false, false},
	OPTION_JWKS_FILE,
	COMMAND_OPTION_PASSWORD_OUT,
	COMMAND_OPTION_JSON,
	COMMAND_OPTIONS_COMMON,
	{0},
};

static const struct option_spec set_keys_specs[] = {
	OPTION_JWKS_FILE,
	COMMAND_OPTION_JSON,
	COMMAND_OPTIONS_COMMON,
	{0},
};

static void print_with(struct output *output, const struct store_client *client, const char *secret,
	int64_t last_used_at)
{
	char keys[STORE_JWKS_SIZE];
	char origins[STORE_URIS_SIZE];
	struct output_field fields[OUTPUT_COLUMNS_MAX] = {
		output_text("client_id", client->id),
		output_text("type", client->type),
		output_text("state", client->disabled_at ? "disabled" : "enabled"),
		output_list("grant_types", client->grants),
		output_text("scope", client->scopes),
		output_list("redirect_uris", client->redirect_uris),
		output_time("created_at", client->created_at),
		output_time("last_used_at", last_used_at),
	};
	size_t count = last_used_at ? 8 : 7;

	if (client->access_ttl_s)
		fields[count++] = output_number("access_ttl", client->access_ttl_s);
	if (*client->service_user_id)
		fields[count++] = output_text("sub", client->service_user_id);
	if (*client->resource)
		fields[count++] = output_text("resource", client->resource);
	if (!strcmp(client->type, "web") && !cors_origins(client->redirect_uris, origins) &&
		*origins)
		fields[count++] = output_list("origins", origins);
	if (!client_keys_list(client->jwks, keys) && *keys)
		fields[count++] = output_list("keys", keys);
	if (secret)
		fields[count++] = output_text("client_secret", secret);
	output_row(output, fields);
}

struct listing {
	const struct administration *administration;
	struct output output;
};

static int print_row(void *context, const struct store_client *client)
{
	struct listing *listing = context;
	char note[REMINDER_TEXT_SIZE + COMMAND_NOTE_ROOM];
	int64_t last_used_at = 0;
	int error = store_client_last_used_at(
		listing->administration->admin.store, client->id, &last_used_at);
	const struct output_field fields[] = {
		output_text("client_id", client->id),
		output_text("type", client->type),
		output_text("state", client->disabled_at ? "disabled" : "enabled"),
		output_list("grant_types", client->grants),
		output_text("scope", client->scopes),
		command_expiry(client->secrets, client->secret_count,
			clock_now_s(listing->administration->admin.clock), note),
		output_time("last_used_at", last_used_at),
		{0},
	};

	output_row(&listing->output, fields);
	return error;
}

static int print_client(struct invocation *invocation, const struct store_client *client,
	const struct delivery *delivery)
{
	struct output output;

	output_begin(&output, options_flag(&invocation->options, "json"), false);
	print_with(&output, client, delivery_shown(delivery), 0);
	return delivery_output_end(invocation, delivery, &output);
}

static int collect(struct invocation *invocation, const char *option, const char *list[LIST_MAX])
{
	size_t count = 0;

	while ((list[count] = options_each(&invocation->options, option, count)) != NULL) {
		if (++count == LIST_MAX) {
			fault_set(&invocation->fault, "--%s is given too often; at most %d times",
				option, LIST_MAX - 1);
			return ERROR_INVALID;
		}
	}
	return 0;
}

/* Of any kind, so that a pipe may be named. Wiped after use: somebody gives his private
 * key by mistake. NULL bytes where the option was not given. */
static int read_jwks(struct invocation *invocation, struct secret *ret_jwks)
{
	const char *path = options_text(&invocation->options, "jwks-file");
	FILE *file = path ? fopen(path, "re") : NULL;
	struct secret jwks = {0};
	int reason = errno;
	int error = file ? secret_init_empty(&jwks, CLIENT_KEYS_TEXT_MAX + 1) : ERROR_INVALID;

	if (!path)
		return 0;
	if (!error) {
		(void)setvbuf(file, NULL, _IONBF, 0);
		jwks.length = fread(jwks.bytes, 1, CLIENT_KEYS_TEXT_MAX + 1, file);
		reason = errno;
		error = ferror(file) ? ERROR_INVALID : 0;
	}
	if (file)
		(void)fclose(file);
	if (error) {
		secret_finish(&jwks);
		fault_set(&invocation->fault, "--jwks-file %s can't be read: %s", path,
			error == ERROR_INVALID ? strerror(reason) : error_text(error));
		return error;
	}
	*ret_jwks = jwks;
	return 0;
}

static int run_add(struct invocation *invocation, const struct administration *administration)
{
	const struct number_range ttl = {60, ACCESS_TTL_MAX_S, 0};
	const char *scopes[LIST_MAX];
	const char *grants[LIST_MAX];
	const char *redirect_uris[LIST_MAX];
	struct delivery delivery;
	struct secret jwks = {0};
	struct store_client client;
	struct admin_new_client wanted = {
		.id = invocation->options.positional[0],
		.type = options_text(&invocation->options, "type"),
		.service_user = options_text(&invocation->options, "service-user"),
		.resource = options_text(&invocation->options, "resource"),
		.secret_wanted = options_text(&invocation->options, "password-out") != NULL,
		.scopes = scopes,
		.grants = grants,
		.redirect_uris = redirect_uris,
		.deliver = delivery_take,
		.context = &delivery,
	};
	int error = 0;

	if (!wanted.type) {
		fault_set(&invocation->fault,
			"--type is missing; say public, confidential, native, web or device");
		return ERROR_INVALID;
	}
	error = collect(invocation, "scope", scopes);
	if (!error)
		error = collect(invocation, "grant", grants);
	if (!error)
		error = collect(invocation, "redirect-uri", redirect_uris);
	if (!error)
		error = options_number(&invocation->options, "access-ttl", &ttl,
			&wanted.access_ttl_s, &invocation->fault);
	if (!error)
		error = read_jwks(invocation, &jwks);
	if (error)
		return error;
	wanted.jwks = jwks.bytes ? &jwks : NULL;
	delivery_init(&delivery, invocation);
	error = admin_client_add(&administration->admin, &wanted, &client, &invocation->fault);
	secret_finish(&jwks);
	if (!error)
		error = print_client(invocation, &client, &delivery);
	return delivery_finish(&delivery, error, &invocation->fault);
}

static int run_list(struct invocation *invocation, const struct administration *administration)
{
	struct listing listing = {.administration = administration};
	int error;

	output_begin(&listing.output, options_flag(&invocation->options, "json"), true);
	error = store_client_list(administration->admin.store, print_row, &listing);
	return command_list_end(invocation, &listing.output, error);
}

static int show(struct invocation *invocation, const struct administration *administration,
	const struct store_client *client)
{
	struct output output;
	int64_t last_used_at = 0;
	int error =
		store_client_last_used_at(administration->admin.store, client->id, &last_used_at);

	output_begin(&output, options_flag(&invocation->options, "json"), false);
	print_with(&output, client, NULL, last_used_at);
	if (client->secret_count)
		command_print_credentials(&output, "secrets", client->secrets, client->secret_count,
			clock_now_s(administration->admin.clock));
	return command_list_end(invocation, &output, error);
}

static int run_show(struct invocation *invocation, const struct administration *administration)
{
	struct store_client client;
	int error = admin_client_get(&administration->admin, invocation->options.positional[0],
		&client, &invocation->fault);

	return error ? error : show(invocation, administration, &client);
}

static int print_again(struct invocation *invocation, const struct administration *administration)
{
	struct store_client client;
	int error = admin_client_get(&administration->admin, invocation->options.positional[0],
		&client, &invocation->fault);

	return error ? error : print_client(invocation, &client, NULL);
}

static int set_enabled(
	struct invocation *invocation, const struct administration *administration, bool enabled)
{
	int error = admin_client_set_enabled(&administration->admin,
		invocation->options.positional[0], enabled, &invocation->fault);

	return error ? error : command_changed(invocation, print_again(invocation, administration));
}

static int run_enable(struct invocation *invocation, const struct administration *administration)
{
	return set_enabled(invocation, administration, true);
}

static int run_disable(struct invocation *invocation, const struct administration *administration)
{
	return set_enabled(invocation, administration, false);
}

static int run_rotate(struct invocation *invocation, const struct administration *administration)
{
	struct delivery delivery;
	struct store_client client;
	struct admin_rotation rotation;
	int error = rotation_init(&rotation, &delivery, invocation, &invocation->fault);

	if (error)
		return error;
	error = admin_client_rotate_secret(
		&administration->admin, &rotation, &client, &invocation->fault);
	if (!error)
		error = print_client(invocation, &client, &delivery);
	return delivery_finish(&delivery, error, &invocation->fault);
}

static int run_set_keys(struct invocation *invocation, const struct administration *administration)
{
	struct store_client client;
	struct secret jwks = {0};
	int error = read_jwks(invocation, &jwks);

	if (!error && !jwks.bytes) {
		fault_set(&invocation->fault, "--jwks-file is missing; name a file with the "
					      "client's public keys, a JWK Set");
		error = ERROR_INVALID;
	}
	if (!error)
		error = admin_client_set_keys(&administration->admin,
			invocation->options.positional[0], &jwks, &client, &invocation->fault);
	secret_finish(&jwks);
	return error ? error : command_changed(invocation, print_client(invocation, &client, NULL));
}

const struct verb client_verbs[] = {
	{.noun = "client",
		.name = "add",
		.arguments = "ID",
		.summary = "register a client",
		.specs = add_specs,
		.least = 1,
		.most = 1,
		.administer = run_add},
	{.noun = "client",
		.name = "list",
		.arguments = "",
		.summary = "list the clients",
		.specs = command_plain_options,
		.administer = run_list},
	{.noun = "client",
		.name = "show",
		.arguments = "ID",
		.summary = "show a client",
		.specs = command_plain_options,
		.least = 1,
		.most = 1,
		.administer = run_show},
	{.noun = "client",
		.name = "enable",
		.arguments = "ID",
		.summary = "let it in again",
		.specs = command_plain_options,
		.least = 1,
		.most = 1,
		.administer = run_enable},
	{.noun = "client",
		.name = "disable",
		.arguments = "ID",
		.summary = "refuse it, and end what it holds",
		.specs = command_plain_options,
		.least = 1,
		.most = 1,
		.administer = run_disable},
	{.noun = "client",
		.name = "rotate-secret",
		.arguments = "ID",
		.summary = "give it a new secret",
		.specs = command_rotate_options,
		.least = 1,
		.most = 1,
		.administer = run_rotate},
	{.noun = "client",
		.name = "set-keys",
		.arguments = "ID",
		.summary = "give it other public keys, in the place of keys or secrets",
		.specs = set_keys_specs,
		.least = 1,
		.most = 1,
		.administer = run_set_keys},
	{0},
};
