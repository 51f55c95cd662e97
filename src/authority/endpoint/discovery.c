/* SPDX-License-Identifier: Apache-2.0 */
/*
 * OpenID Connect Discovery 1.0, section 3; RFC 8414. Only what is implemented is
 * listed: docs/adr/0004 says why authorization_endpoint is not there yet.
 */
#include "authority/endpoint.h"
#include "authority/respond.h"
#include "codec/json_writer.h"

enum {
	DISCOVERY_MAX = 8192,
	DISCOVERY_MAX_AGE_S = 300,
};

static void write_list(struct json_writer *writer, const char *name, const char *const *texts)
{
	json_write_array(writer, name);
	for (; *texts; texts++)
		json_write_text(writer, NULL, *texts);
	json_write_array_end(writer);
}

static void write_url(
	struct json_writer *writer, const char *name, const char *issuer, const char *path)
{
	char bytes[STORE_ISSUER_SIZE + 64];
	struct buf url;

	buf_init_fixed(&url, bytes, sizeof(bytes));
	(void)buf_printf(&url, "%s/%s", issuer, path);
	json_write_text(writer, name, url.data);
}

static void write_scopes(struct json_writer *writer, const struct catalog *catalog)
{
	json_write_array(writer, "scopes_supported");
	for (size_t i = 0; i < catalog->scope_count; i++)
		json_write_text(writer, NULL, catalog->scopes[i].name);
	json_write_array_end(writer);
}

static void write_members(struct json_writer *writer, const struct authority *authority,
	const struct catalog *catalog)
{
	static const char *const grants[] = {
		"password", "refresh_token", "client_credentials", NULL};
	static const char *const methods[] = {
		"none", "client_secret_basic", "client_secret_post", "private_key_jwt", NULL};
	static const char *const assertion_algs[] = {"ES256", "RS256", "EdDSA", NULL};
	static const char *const response_types[] = {"code", NULL};
	static const char *const subject_types[] = {"public", NULL};
	static const char *const id_token_algs[] = {"RS256", NULL};
	const char *issuer = authority->self.issuer;

	json_write_text(writer, "issuer", issuer);
	write_url(writer, "jwks_uri", issuer, ".well-known/openid-configuration/jwks");
	write_url(writer, "token_endpoint", issuer, "connect/token");
	write_url(writer, "userinfo_endpoint", issuer, "connect/userinfo");
	write_url(writer, "revocation_endpoint", issuer, "connect/revocation");
	write_url(writer, "introspection_endpoint", issuer, "connect/introspect");
	write_scopes(writer, catalog);
	write_list(writer, "grant_types_supported", grants);
	write_list(writer, "token_endpoint_auth_methods_supported", methods);
	write_list(writer, "token_endpoint_auth_signing_alg_values_supported", assertion_algs);
	write_list(writer, "revocation_endpoint_auth_methods_supported", methods);
	write_list(writer, "revocation_endpoint_auth_signing_alg_values_supported", assertion_algs);
	/* Whoever asks about tokens must show who it is. */
	write_list(writer, "introspection_endpoint_auth_methods_supported", methods + 1);
	write_list(
		writer, "introspection_endpoint_auth_signing_alg_values_supported", assertion_algs);
	write_list(writer, "response_types_supported", response_types);
	write_list(writer, "subject_types_supported", subject_types);
	write_list(writer, "id_token_signing_alg_values_supported", id_token_algs);
	json_write_number(writer, "adit_refresh_grace", authority->settings.refresh_grace_s);
}

int discovery_compose(const struct authority *authority, struct catalog *catalog)
{
	struct json_writer writer;
	struct buf buf;

	buf_init(&buf, DISCOVERY_MAX);
	json_writer_init(&writer, &buf);
	json_write_object(&writer, NULL);
	write_members(&writer, authority, catalog);
	json_write_object_end(&writer);
	catalog->discovery_length = buf.len;
	catalog->discovery = buf_take(&buf);
	return catalog->discovery ? 0 : ERROR_MEMORY;
}

void endpoint_discovery(
	struct authority *authority, const struct http_request *request, struct http_ticket ticket)
{
	struct catalog *catalog = authority_catalog(authority);

	(void)request;
	respond_document(
		ticket, catalog->discovery, catalog->discovery_length, DISCOVERY_MAX_AGE_S);
	catalog_release(catalog);
}
