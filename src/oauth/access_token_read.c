/* SPDX-License-Identifier: Apache-2.0 */
#include "oauth/access_token.h"

#include "base/error.h"
#include "codec/json.h"
#include "oauth/scope.h"

#include <string.h>

/* Absent is fine; anything but a text is not. */
static int read_text(const struct json *claims, const char *name, const char **ret_text)
{
	const struct json *value = json_member(claims, name);

	if (value && !json_is_text(value))
		return ERROR_INVALID;
	*ret_text = json_text(value);
	return 0;
}

static int read_date(const struct json *claims, const char *name, int64_t *ret_seconds)
{
	const struct json *value = json_member(claims, name);

	if (!value) {
		*ret_seconds = -1;
		return 0;
	}
	return json_numeric_date(value, ret_seconds);
}

static int read_aud(const struct json *claims, const char **ret_aud)
{
	const struct json *aud = json_member(claims, "aud");
	size_t count = json_length(aud);

	if (json_is_text(aud)) {
		*ret_aud = json_text(aud);
		return 0;
	}
	if (!json_is_array(aud) || !count)
		return ERROR_INVALID;
	for (size_t i = 0; i < count; i++)
		if (!json_is_text(json_at(aud, i)))
			return ERROR_INVALID;
	*ret_aud = count == 1 ? json_text(json_at(aud, 0)) : NULL;
	return 0;
}

static int read_amr(const struct json *claims, const char *ret_amr[ACCESS_TOKEN_AMR_MAX])
{
	const struct json *amr = json_member(claims, "amr");
	size_t count = json_length(amr);

	if (amr && (!json_is_array(amr) || count > ACCESS_TOKEN_AMR_MAX))
		return ERROR_INVALID;
	for (size_t i = 0; i < count; i++) {
		ret_amr[i] = json_text(json_at(amr, i));
		if (!ret_amr[i])
			return ERROR_INVALID;
	}
	return 0;
}

static bool is_set(const char *text, size_t max)
{
	return text && *text && strlen(text) <= max;
}

static bool has_subject_prefix(const char *text)
{
	return !strncmp(text, "su_", 3) || !strncmp(text, "p_", 2) || !strncmp(text, "c_", 2);
}

/* RFC 9068, 2.2; and RFC 9700, 4.15: a client_id never passes for a subject. */
static int read_registered(const struct jwt *jwt, struct access_token *token)
{
	const struct json *claims = jwt->document;

	*token = (struct access_token){.iss = jwt->iss, .sub = jwt->sub, .jti = jwt->jti};
	token->iat = jwt->iat;
	token->nbf = jwt->nbf;
	token->exp = jwt->exp;
	if (!is_set(token->iss, SIZE_MAX) || !is_set(token->sub, ACCESS_TOKEN_SUB_MAX) ||
		!is_set(token->jti, ACCESS_TOKEN_JTI_MAX) || token->iat < 0 || token->exp < 0)
		return ERROR_INVALID;
	if (read_aud(claims, &token->aud) || read_amr(claims, token->amr) ||
		read_text(claims, "client_id", &token->client_id) ||
		read_text(claims, "scope", &token->scope) ||
		read_text(claims, "idp", &token->idp) ||
		read_date(claims, "auth_time", &token->auth_time))
		return ERROR_INVALID;
	if (!is_set(token->client_id, ACCESS_TOKEN_CLIENT_ID_MAX) ||
		has_subject_prefix(token->client_id))
		return ERROR_INVALID;
	return token->scope && scope_check(token->scope) ? ERROR_INVALID : 0;
}

static int read_site(const struct json *id, const struct json *role, struct access_token_site *site)
{
	site->id = json_text(id);
	if (!site->id || !json_is_text(role) || !site_id_valid(site->id, strlen(site->id)))
		return ERROR_INVALID;
	return site_role_parse(json_text(role), &site->role);
}

static int read_service(
	const struct json *claim, struct access_token_site *sites, struct access_token *token)
{
	const struct json *site = json_member(claim, "site");
	int error;

	if (!site)
		return 0;
	error = read_site(site, json_member(claim, "role"), &sites[0]);
	if (error || strncmp(token->sub, "su_", 3) != 0)
		return ERROR_INVALID;
	token->kind = ACCESS_TOKEN_SERVICE;
	token->sites = sites;
	token->site_count = 1;
	return 0;
}

static int read_user(
	const struct json *claim, struct access_token_site *sites, struct access_token *token)
{
	const struct json *list = json_member(claim, "sites");
	size_t count = json_length(list);

	if (!list)
		return 0;
	if (!json_is_array(list) || count > ACCESS_TOKEN_SITES_MAX ||
		strncmp(token->sub, "p_", 2) != 0)
		return ERROR_INVALID;
	token->sites = sites;
	token->site_count = 0;
	for (size_t i = 0; i < count; i++) {
		const struct json *entry = json_at(list, i);

		if (read_site(json_member(entry, "id"), json_member(entry, "role"), &sites[i]) ||
			access_token_role_at(token, sites[i].id))
			return ERROR_INVALID;
		token->site_count = i + 1;
	}
	token->kind = ACCESS_TOKEN_USER;
	return 0;
}

static int read_private(
	const struct jwt *jwt, struct access_token_site *sites, struct access_token *token)
{
	const struct json *claim = json_member(jwt->document, "adit");
	const char *kind = json_member_text(claim, "kind");

	if (!claim)
		return 0;
	if (!json_is_object(claim) || !kind)
		return ERROR_INVALID;
	/* Both at once would leave open which of them counts. */
	if (json_member(claim, "site") && json_member(claim, "sites"))
		return ERROR_INVALID;
	if (!strcmp(kind, "service"))
		return json_member(claim, "sites") ? ERROR_INVALID
						   : read_service(claim, sites, token);
	if (!strcmp(kind, "user"))
		return json_member(claim, "site") ? ERROR_INVALID : read_user(claim, sites, token);
	return ERROR_INVALID;
}

int access_token_read(const struct jwt *jwt, struct access_token_site sites[ACCESS_TOKEN_SITES_MAX],
	struct access_token *ret_token)
{
	struct access_token token;

	if (read_registered(jwt, &token) || read_private(jwt, sites, &token))
		return ERROR_INVALID;
	*ret_token = token;
	return 0;
}

enum site_role access_token_role_at(const struct access_token *token, const char *site)
{
	for (size_t i = 0; i < token->site_count; i++)
		if (!strcmp(token->sites[i].id, site))
			return token->sites[i].role;
	return (enum site_role)0;
}
