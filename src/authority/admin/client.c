/* SPDX-License-Identifier: Apache-2.0 */
#include "authority/admin.h"

#include "authority/client_keys.h"
#include "base/buf.h"
#include "codec/uri.h"
#include "oauth/scope.h"

#include <string.h>

/* What a client of each type may do where nothing else is said. */
static const struct client_type {
	const char *name;
	bool has_redirects;
	const char *grants;
} types[] = {
	{"public", false, "password refresh_token"},
	{"confidential", false, "password refresh_token"},
	{"native", true, "authorization_code refresh_token"},
	{"web", true, "authorization_code refresh_token"},
	{"device", false, "urn:ietf:params:oauth:grant-type:device_code refresh_token"},
};

static const char *const known_grants[] = {"password", "refresh_token", "authorization_code",
	"client_credentials", "urn:ietf:params:oauth:grant-type:device_code"};

static const struct client_type *find_type(const char *name)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (!strcmp(types[i].name, name))
			return &types[i];
	return NULL;
}

/* Visible ASCII without the characters that Basic, JSON or a shell would need
 * escaped; never the form of a subject (requirement 43). */
static int check_id(const char *id, struct fault *fault)
{
	size_t length = strlen(id);
	size_t plain = strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				  "0123456789._-");

	if (!length || length >= STORE_CLIENT_SIZE || plain != length) {
		fault_set(fault,
			"\"%.128s\" is no client id; use 1 to %d letters, digits, dots, hyphens "
			"and underscores",
			id, STORE_CLIENT_SIZE - 1);
		return ERROR_INVALID;
	}
	if (!strncmp(id, "su_", 3) || !strncmp(id, "p_", 2) || !strncmp(id, "c_", 2)) {
		fault_set(fault, "the client id \"%.128s\" begins like a subject's; choose another",
			id);
		return ERROR_INVALID;
	}
	return 0;
}

/* What the type lacks that the grant needs (RFC 6749, 4.4 and 4.1), or NULL. */
static const char *missing_for(const struct client_type *type, const char *grant)
{
	if (!store_client_type_has_secret(type->name) && !strcmp(grant, "client_credentials"))
		return "secret; use confidential or web";
	if (!type->has_redirects && !strcmp(grant, "authorization_code"))
		return "redirect URI; use native or web";
	return NULL;
}

static int take_grants(const struct admin_new_client *wanted, const struct client_type *type,
	struct store_client *client, struct fault *fault)
{
	struct buf grants;

	buf_init_fixed(&grants, client->grants, sizeof(client->grants));
	if (!*wanted->grants && wanted->resource)
		return 0;
	if (!*wanted->grants)
		return buf_append_text(&grants, type->grants);
	for (const char *const *grant = wanted->grants; *grant; grant++) {
		const char *missing = missing_for(type, *grant);
		bool known = false;

		for (size_t i = 0; i < sizeof(known_grants) / sizeof(known_grants[0]); i++)
			known |= !strcmp(*grant, known_grants[i]);
		if (!known || scope_append(&grants, *grant, strlen(*grant))) {
			fault_set(fault,
				"\"%.128s\" is no grant; use password, refresh_token, "
				"authorization_code, client_credentials or the device "
				"grant's URN",
				*grant);
			return ERROR_INVALID;
		}
		if (missing) {
			fault_set(fault, "a %s client can't have the grant %s, for it has no %s",
				type->name, *grant, missing);
			return ERROR_INVALID;
		}
	}
	return 0;
}

static int has_scope(void *context, const struct store_scope *scope)
{
	return !strcmp(context, scope->name);
}

static int take_scopes(const struct admin *admin, const struct admin_new_client *wanted,
	struct store_client *client, struct fault *fault)
{
	static const char *const usual[] = {"cosmos", "offline_access", NULL};
	const char *const *names = *wanted->scopes ? wanted->scopes : usual;
	struct buf scopes;

	buf_init_fixed(&scopes, client->scopes, sizeof(client->scopes));
	for (; *names; names++) {
		char name[65];
		int found = text_copy(name, sizeof(name), *names)
				    ? 0
				    : store_scope_list(admin->store, has_scope, name);

		if (found < 0)
			return admin_read_fault(found, "scope", *names, fault);
		if (!found || scope_append(&scopes, *names, strlen(*names))) {
			fault_set(fault,
				"there is no scope \"%.128s\"; aditd resource list shows those "
				"there are",
				*names);
			return ERROR_INVALID;
		}
	}
	return text_copy(client->default_scopes, sizeof(client->default_scopes), client->scopes);
}

/* The list is kept with a line feed between two. */
static bool is_visible_ascii(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x21 || (unsigned char)*text > 0x7e)
			return false;
	return true;
}

/* https, http on loopback, or a private scheme with a dot in it (RFC 8252, 7). */
static bool redirect_uri_allowed(const char *text, bool native)
{
	size_t scheme = strcspn(text, ":");
	struct uri uri;

	if (!is_visible_ascii(text))
		return false;
	if (!uri_parse(text, &uri))
		return uri.https || (native && uri_is_loopback(&uri));
	return native && text[scheme] == ':' && memchr(text, '.', scheme) &&
	       strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789.-+") == scheme &&
	       !strpbrk(text, " #\"<>\\^`{|}");
}

static int take_redirect_uris(const struct admin_new_client *wanted, const struct client_type *type,
	struct store_client *client, struct fault *fault)
{
	struct buf uris;

	buf_init_fixed(&uris, client->redirect_uris, sizeof(client->redirect_uris));
	if (*wanted->redirect_uris && !type->has_redirects) {
		fault_set(fault, "a %s client has no redirect URI; leave --redirect-uri out",
			type->name);
		return ERROR_INVALID;
	}
	for (const char *const *uri = wanted->redirect_uris; *uri; uri++) {
		if (!redirect_uri_allowed(*uri, !store_client_type_has_secret(type->name))) {
			fault_set(fault,
				"the redirect URI \"%.200s\" is not allowed; use https, or for "
				"a native client http on loopback or a private scheme, "
				"without a fragment",
				*uri);
			return ERROR_INVALID;
		}
		(void)buf_printf(&uris, "%s%s", uris.len ? "\n" : "", *uri);
	}
	if (buf_status(&uris))
		fault_set(fault,
			"the redirect URIs are too long; at most %d bytes together, with one "
			"between two",
			STORE_URIS_SIZE - 1);
	return buf_status(&uris) ? ERROR_INVALID : 0;
}

static int has_resource(void *context, const struct store_scope *scope)
{
	return !strcmp(context, scope->resource);
}

/* An API that asks about tokens must show who it is. */
static int take_resource(const struct admin *admin, const struct admin_new_client *wanted,
	const struct client_type *type, struct store_client *client, struct fault *fault)
{
	int found;

	if (!wanted->resource)
		return 0;
	if (strcmp(type->name, "confidential") != 0) {
		fault_set(fault, "a client with --resource must be confidential; say --type "
				 "confidential");
		return ERROR_INVALID;
	}
	found = !*wanted->resource || text_copy(client->resource, sizeof(client->resource),
					      wanted->resource)
			? 0
			: store_scope_list(admin->store, has_resource, client->resource);
	if (found < 0)
		return admin_read_fault(found, "resource", wanted->resource, fault);
	if (!found)
		fault_set(fault,
			"there is no resource \"%.128s\"; aditd resource list shows those there "
			"are",
			wanted->resource);
	return found ? 0 : ERROR_NOT_FOUND;
}

static int take_service_user(const struct admin *admin, const struct admin_new_client *wanted,
	struct store_client *client, struct fault *fault)
{
	struct store_service_user user;
	bool needed = scope_has_text(client->grants, "client_credentials");
	int error;

	if (!wanted->service_user && !needed)
		return 0;
	if (!wanted->service_user) {
		fault_set(fault, "client_credentials needs a Service User to act as; name it with "
				 "--service-user");
		return ERROR_INVALID;
	}
	error = admin_service_user_get(admin, wanted->service_user, &user, fault);
	return error ? error
		     : text_copy(client->service_user_id, sizeof(client->service_user_id), user.id);
}

static int make_secret(const struct admin *admin, const struct admin_new_client *wanted,
	struct store_client *client, struct fault *fault)
{
	char secret[GENERATED_PASSWORD_SIZE];
	int error = credential_make(admin->keyring, admin->clock, GENERATED_CLIENT_SECRET,
		client->id, secret, &client->secrets[0]);

	if (!error)
		error = wanted->deliver(wanted->context, client->id, secret);
	memory_wipe(secret, sizeof(secret));
	if (error)
		fault_set(fault,
			"the secret of \"%s\" can't be made or handed over (%s); nothing was "
			"changed",
			client->id, error_text(error));
	else
		client->secret_count = 1;
	return error;
}

static int check_may_have_keys(
	const struct admin_new_client *wanted, const struct client_type *type, struct fault *fault)
{
	if (!store_client_type_has_secret(type->name)) {
		fault_set(fault,
			"a %s client has no keys; leave --jwks-file out, or use confidential or "
			"web",
			type->name);
		return ERROR_INVALID;
	}
	if (wanted->secret_wanted) {
		fault_set(fault, "a client has keys or a secret, not both; leave --jwks-file or "
				 "--password-out out");
		return ERROR_INVALID;
	}
	return 0;
}

static int read_keys(const struct secret *jwks, char ret_jwks[STORE_JWKS_SIZE], struct fault *fault)
{
	return client_keys_read((const char *)jwks->bytes, jwks->length, ret_jwks, fault);
}

/* By what it will show who it is. */
static int take_proof(const struct admin *admin, const struct admin_new_client *wanted,
	struct store_client *client, struct fault *fault)
{
	if (!store_client_type_has_secret(client->type))
		return 0;
	return wanted->jwks ? read_keys(wanted->jwks, client->jwks, fault)
			    : make_secret(admin, wanted, client, fault);
}

static int compose(const struct admin *admin, const struct admin_new_client *wanted,
	struct store_client *client, struct fault *fault)
{
	const struct client_type *type = find_type(wanted->type);
	int error = check_id(wanted->id, fault);

	if (!error && !type) {
		fault_set(fault,
			"\"%.128s\" is no type of client; use public, confidential, native, "
			"web or device",
			wanted->type);
		error = ERROR_INVALID;
	}
	if (!error && wanted->secret_wanted && !store_client_type_has_secret(type->name)) {
		fault_set(fault, "a %s client has no secret; leave --password-out out", type->name);
		error = ERROR_INVALID;
	}
	if (!error && wanted->jwks)
		error = check_may_have_keys(wanted, type, fault);
	if (error)
		return error;
	client->created_at = clock_now_s(admin->clock);
	client->access_ttl_s = wanted->access_ttl_s;
	error = text_copy(client->id, sizeof(client->id), wanted->id);
	if (!error)
		error = text_copy(client->type, sizeof(client->type), type->name);
	if (!error)
		error = take_grants(wanted, type, client, fault);
	if (!error)
		error = take_scopes(admin, wanted, client, fault);
	if (!error)
		error = take_redirect_uris(wanted, type, client, fault);
	if (!error)
		error = take_resource(admin, wanted, type, client, fault);
	if (!error)
		error = take_service_user(admin, wanted, client, fault);
	return error ? error : take_proof(admin, wanted, client, fault);
}

int admin_client_add(const struct admin *admin, const struct admin_new_client *wanted,
	struct store_client *ret_client, struct fault *fault)
{
	struct store_client client = {0};
	int error = compose(admin, wanted, &client, fault);

	if (error)
		return error;
	error = store_client_add(admin->store, &client);
	if (error && client.secret_count)
		(void)wanted->deliver(wanted->context, client.id, NULL);
	/* The time is the store's, where it can be read again. */
	if (!error && store_client_get(admin->store, client.id, ret_client))
		*ret_client = client;
	return admin_change_fault(error, "client", client.id, fault);
}

int admin_client_get(const struct admin *admin, const char *id, struct store_client *ret_client,
	struct fault *fault)
{
	return admin_read_fault(
		store_client_get(admin->store, id, ret_client), "client", id, fault);
}

int admin_client_set_enabled(
	const struct admin *admin, const char *id, bool enabled, struct fault *fault)
{
	return admin_change_fault(
		store_client_set_enabled(admin->store, id, enabled), "client", id, fault);
}

int admin_client_rotate_secret(const struct admin *admin, const struct admin_rotation *rotation,
	struct store_client *ret_client, struct fault *fault)
{
	struct store_client client;
	struct store_credential credential;
	char secret[GENERATED_PASSWORD_SIZE];
	int error = admin_client_get(admin, rotation->name, &client, fault);

	if (error)
		return error;
	if (!store_client_type_has_secret(client.type)) {
		fault_set(fault,
			"the client \"%s\" is %s and has no secret; only confidential and web ones "
			"have",
			client.id, client.type);
		return ERROR_INVALID;
	}
	if (*client.jwks) {
		fault_set(fault,
			"the client \"%s\" has keys and no secret; aditd client set-keys gives it "
			"others",
			client.id);
		return ERROR_INVALID;
	}
	error = admin_check_rotation(admin, rotation, client.secrets, client.secret_count, fault);
	if (error)
		return error;
	error = credential_make(admin->keyring, admin->clock, GENERATED_CLIENT_SECRET, client.id,
		secret, &credential);
	if (!error) {
		credential.expires_at = rotation->expires_at;
		error = rotation->deliver(rotation->context, client.id, secret);
		memory_wipe(secret, sizeof(secret));
	}
	if (error) {
		fault_set(fault,
			"the new secret of \"%s\" can't be made or handed over (%s); nothing was "
			"changed",
			client.id, error_text(error));
		return error;
	}
	error = store_client_rotate_secret(
		admin->store, client.id, &credential, rotation->overlap_s);
	if (error) {
		(void)rotation->deliver(rotation->context, client.id, NULL);
	} else {
		admin_put_first(
			client.secrets, &client.secret_count, &credential, rotation->overlap_s);
		*ret_client = client;
	}
	return admin_change_fault(error, "client", client.id, fault);
}

int admin_client_set_keys(const struct admin *admin, const char *id, const struct secret *jwks,
	struct store_client *ret_client, struct fault *fault)
{
	char kept[STORE_JWKS_SIZE];
	struct store_client client;
	int error = admin_client_get(admin, id, &client, fault);

	if (error)
		return error;
	if (!store_client_type_has_secret(client.type)) {
		fault_set(fault,
			"the client \"%s\" is %s and has no keys; only confidential and web ones "
			"have",
			client.id, client.type);
		return ERROR_INVALID;
	}
	error = read_keys(jwks, kept, fault);
	if (error)
		return error;
	error = store_client_set_keys(admin->store, id, kept);
	if (!error) {
		memcpy(client.jwks, kept, sizeof(kept));
		client.secret_count = 0;
		*ret_client = client;
	}
	return admin_change_fault(error, "client", id, fault);
}
