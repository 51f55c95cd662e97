/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The claims of an access token: what is read holds what it promises, and comes back
 * the same after it was written.
 */
#include "base/error.h"
#include "oauth/access_token.h"
#include "oauth/scope.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

#define MUST(condition)                                                                            \
	do {                                                                                       \
		if (!(condition))                                                                  \
			abort();                                                                   \
	} while (0)

static void check_sites(const struct access_token *token)
{
	MUST(token->site_count <= ACCESS_TOKEN_SITES_MAX);
	MUST(token->kind != ACCESS_TOKEN_SERVICE || token->site_count == 1);
	MUST(token->kind != ACCESS_TOKEN_UNBOUND || token->site_count == 0);
	for (size_t i = 0; i < token->site_count; i++) {
		const struct access_token_site *site = &token->sites[i];

		MUST(site_id_valid(site->id, strlen(site->id)));
		MUST(access_token_role_at(token, site->id) == site->role);
	}
}

static void check_token(const struct access_token *token)
{
	MUST(*token->iss && *token->sub && *token->client_id && *token->jti);
	MUST(strlen(token->sub) <= ACCESS_TOKEN_SUB_MAX);
	MUST(strlen(token->client_id) <= ACCESS_TOKEN_CLIENT_ID_MAX);
	MUST(strncmp(token->client_id, "su_", 3) != 0);
	MUST(token->iat >= 0 && token->exp >= 0 && token->nbf >= -1);
	MUST(!token->scope || !scope_check(token->scope));
	check_sites(token);
}

static int read_claims(const char *text, size_t length, struct jwt *ret_jwt,
	struct access_token_site *sites, struct access_token *ret_token)
{
	const struct jws jws = {
		.payload = (unsigned char *)(uintptr_t)text, .payload_length = length};
	int error = jwt_from_jws(&jws, ret_jwt);

	if (error)
		return error;
	error = access_token_read(ret_jwt, sites, ret_token);
	if (error)
		jwt_finish(ret_jwt);
	return error;
}

/* Without an audience of one there is nothing to write. */
static void write_and_read_again(const struct access_token *token)
{
	struct access_token_site sites[ACCESS_TOKEN_SITES_MAX];
	struct access_token again;
	struct jwt jwt;
	struct buf buf;

	buf_init(&buf, (size_t)4 * JWT_CLAIMS_MAX);
	MUST(!access_token_append(&buf, token));
	/* Escapes make a text longer, and so may make it too long. */
	if (buf.len <= JWT_CLAIMS_MAX) {
		MUST(!read_claims(buf.data, buf.len, &jwt, sites, &again));
		MUST(!strcmp(again.sub, token->sub) && !strcmp(again.iss, token->iss));
		MUST(again.kind == token->kind && again.site_count == token->site_count);
		MUST(again.exp == token->exp && again.auth_time == token->auth_time);
		for (size_t i = 0; i < token->site_count; i++)
			MUST(access_token_role_at(&again, token->sites[i].id) ==
				token->sites[i].role);
		jwt_finish(&jwt);
	}
	buf_finish(&buf);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	struct access_token_site sites[ACCESS_TOKEN_SITES_MAX];
	struct access_token token;
	struct jwt jwt;

	if (read_claims((const char *)data, size, &jwt, sites, &token))
		return 0;
	check_token(&token);
	if (token.aud)
		write_and_read_again(&token);
	jwt_finish(&jwt);
	return 0;
}
