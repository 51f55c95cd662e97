/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every authority begins with (the contract: "made by init").
 */
#include "authority/data_directory.h"

static const struct store_client first_clients[] = {
	{
		.id = "external.customer",
		.type = "public",
		.grants = "password refresh_token",
		.scopes = "cosmos offline_access openid",
		.default_scopes = "cosmos offline_access",
	},
	{
		.id = "adit",
		.type = "native",
		.grants = "authorization_code urn:ietf:params:oauth:grant-type:device_code "
			  "refresh_token",
		.scopes = "cosmos offline_access openid",
		.default_scopes = "cosmos offline_access openid",
		.redirect_uris = "http://127.0.0.1/callback\nhttp://[::1]/callback",
	},
};

static int seed_scopes(struct store *store)
{
	int error = store_resource_put(store, "external-api", "ES256");

	if (!error)
		error = store_scope_put(store, "cosmos", "external-api");
	if (!error)
		error = store_scope_put(store, "offline_access", "");
	if (!error)
		error = store_scope_put(store, "openid", "");
	return error;
}

static int seed_keys(
	struct store *store, const struct clock *clock, const struct secret *secret_key)
{
	static const struct keyring_new_key first_keys[] = {
		{.purpose = "signing", .alg = JOSE_ES256, .first = true},
		{.purpose = "sealing", .first = true},
		{.purpose = "pepper", .first = true},
	};
	struct keyring *keyring = NULL;
	int error = keyring_create(store, clock, secret_key, &keyring);

	for (size_t i = 0; !error && i < sizeof(first_keys) / sizeof(first_keys[0]); i++)
		error = keyring_add(keyring, &first_keys[i], NULL);
	keyring_destroy(keyring);
	return error;
}

int authority_seed(struct store *store, const struct clock *clock, const struct secret *secret_key,
	const char *issuer)
{
	int error = store_authority_create(store, issuer);

	if (!error)
		error = seed_scopes(store);
	for (size_t i = 0; !error && i < sizeof(first_clients) / sizeof(first_clients[0]); i++)
		error = store_client_add(store, &first_clients[i]);
	return error ? error : seed_keys(store, clock, secret_key);
}
