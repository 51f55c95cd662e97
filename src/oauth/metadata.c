/* SPDX-License-Identifier: Apache-2.0 */
#include "oauth/metadata.h"

#include "codec/json.h"
#include "codec/uri.h"

#include <string.h>

static size_t authority_length(const char *authority)
{
	size_t length = strlen(authority);

	return length && authority[length - 1] == '/' ? length - 1 : length;
}

int metadata_append_url(struct buf *buf, const char *authority, struct fault *fault)
{
	struct uri uri;

	/* What stands before the '@' may be a password. */
	if (strchr(authority, '@')) {
		fault_set(fault, "the authority's URL can't hold a user name or password (an '@'): "
				 "it is as https://host/identity");
		return ERROR_INVALID;
	}
	if (uri_parse(authority, &uri) || uri.query) {
		fault_set(fault,
			"authority %s: must be an https URL without query or fragment, such as "
			"https://host/identity",
			authority);
		return ERROR_INVALID;
	}
	if (!uri_is_safe(&uri)) {
		fault_set(fault, "authority %s: plain http is taken on loopback only; use https",
			authority);
		return ERROR_INVALID;
	}
	(void)buf_append(buf, authority, authority_length(authority));
	return buf_append_text(buf, "/.well-known/openid-configuration");
}

int metadata_check_issuer(const char *authority, const char *issuer, struct fault *fault)
{
	size_t length = authority_length(authority);
	size_t same = 0;

	/* Some authorities' issuers end in a slash: with it in the configured URL they are equal.
	 */
	if (!strcmp(authority, issuer) ||
		(strlen(issuer) == length && !memcmp(authority, issuer, length)))
		return 0;
	while (same < length && issuer[same] == authority[same])
		same++;
	fault_set(fault,
		"the authority calls itself \"%.150s\", but \"%.*s\" is configured: they differ "
		"from character %zu on (\"%.20s\")",
		issuer, (int)(length < 150 ? length : 150), authority, same + 1, issuer + same);
	return ERROR_REFUSED;
}

struct endpoint {
	const char *name;
	const char **value;
	bool required;
};

static int read_endpoint(const struct json *document, const struct endpoint *endpoint,
	bool plain_allowed, struct fault *fault)
{
	const struct json *value = json_member(document, endpoint->name);
	const char *text = json_text(value);
	struct uri uri;

	if (!value && !endpoint->required)
		return 0;
	if (!text) {
		fault_set(fault, "the discovery document has no text \"%s\"", endpoint->name);
		return ERROR_INVALID;
	}
	if (uri_parse(text, &uri) || !uri_is_safe(&uri) || !(uri.https || plain_allowed)) {
		fault_set(fault, "the discovery document's %s \"%.200s\" is no https URL",
			endpoint->name, text);
		return ERROR_INVALID;
	}
	*endpoint->value = text;
	return 0;
}

/* An authority that is reached by https sends nobody to plain http, loopback or not. */
static int read_endpoints(const char *authority, struct metadata *metadata, struct fault *fault)
{
	const struct endpoint endpoints[] = {
		{"jwks_uri", &metadata->jwks_uri, true},
		{"token_endpoint", &metadata->token_endpoint, true},
		{"authorization_endpoint", &metadata->authorization_endpoint, false},
		{"userinfo_endpoint", &metadata->userinfo_endpoint, false},
		{"revocation_endpoint", &metadata->revocation_endpoint, false},
		{"introspection_endpoint", &metadata->introspection_endpoint, false},
		{"device_authorization_endpoint", &metadata->device_authorization_endpoint, false},
		{"end_session_endpoint", &metadata->end_session_endpoint, false},
	};

	struct uri uri;
	bool plain = !uri_parse(authority, &uri) && !uri.https;

	for (size_t i = 0; i < sizeof(endpoints) / sizeof(endpoints[0]); i++) {
		int error = read_endpoint(metadata->document, &endpoints[i], plain, fault);

		if (error)
			return error;
	}
	return 0;
}

static int read_abilities(struct metadata *metadata, struct fault *fault)
{
	const struct json *grace = json_member(metadata->document, "adit_refresh_grace");
	const struct json *iss =
		json_member(metadata->document, "authorization_response_iss_parameter_supported");

	if (grace &&
		(json_integer(grace, &metadata->refresh_grace_s) || metadata->refresh_grace_s < 0 ||
			metadata->refresh_grace_s > METADATA_REFRESH_GRACE_MAX_S)) {
		fault_set(fault, "the discovery document's adit_refresh_grace is no number of "
				 "seconds from 0 to 600");
		return ERROR_INVALID;
	}
	if (iss && json_boolean(iss, &metadata->response_iss)) {
		fault_set(fault, "the discovery document's "
				 "authorization_response_iss_parameter_supported is neither true "
				 "nor false");
		return ERROR_INVALID;
	}
	return 0;
}

/* The lists that metadata_lists() is asked for must be lists of texts. */
static int check_lists(const struct json *document, struct fault *fault)
{
	static const char *const lists[] = {"scopes_supported", "grant_types_supported",
		"response_types_supported", "token_endpoint_auth_methods_supported",
		"token_endpoint_auth_signing_alg_values_supported",
		"code_challenge_methods_supported"};

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		const struct json *list = json_member(document, lists[i]);
		bool good = !list || json_is_array(list);

		for (size_t j = 0; good && j < json_length(list); j++)
			good = json_is_text(json_at(list, j));
		if (!good) {
			fault_set(
				fault, "the discovery document's %s is no list of texts", lists[i]);
			return ERROR_INVALID;
		}
	}
	return 0;
}

int metadata_read(const char *authority, const char *text, size_t length,
	struct metadata *ret_metadata, struct fault *fault)
{
	struct metadata metadata = {0};
	int error = json_parse(text, length, METADATA_TEXT_MAX, &metadata.document);

	if (error) {
		fault_set(fault, "the discovery document can't be read as JSON: %s",
			error_text(error));
		return error;
	}
	metadata.issuer = json_member_text(metadata.document, "issuer");
	if (!metadata.issuer) {
		fault_set(fault, "the discovery document has no text \"issuer\"");
		error = ERROR_INVALID;
		goto done;
	}
	error = metadata_check_issuer(authority, metadata.issuer, fault);
	if (error)
		goto done;
	error = read_endpoints(authority, &metadata, fault);
	if (error)
		goto done;
	error = read_abilities(&metadata, fault);
	if (error)
		goto done;
	error = check_lists(metadata.document, fault);
	if (error)
		goto done;
	*ret_metadata = metadata;
	metadata.document = NULL;
done:
	metadata_finish(&metadata);
	return error;
}

void metadata_finish(struct metadata *metadata)
{
	if (!metadata)
		return;
	json_free(metadata->document);
	*metadata = (struct metadata){0};
}

bool metadata_lists(const struct metadata *metadata, const char *list, const char *value)
{
	const struct json *values = json_member(metadata->document, list);

	for (size_t i = 0; i < json_length(values); i++) {
		const char *text = json_text(json_at(values, i));

		if (text && !strcmp(text, value))
			return true;
	}
	return false;
}
