/* SPDX-License-Identifier: Apache-2.0 */
#include "authority/bearer.h"

#include "base/error.h"

#include <string.h>

/* The authority's clock made the times: no leeway. */
enum { LEEWAY_S = 0 };

/* What is wrong with a token is no fault of the authority's. */
static int refused(int error)
{
	return error && error != ERROR_MEMORY ? ERROR_REFUSED : error;
}

static int check_signature(struct authority *authority, const struct jws *jws)
{
	struct keyring_snapshot *snapshot = keyring_acquire(authority->keyring);
	const struct keyring_key *key = jws->has_kid ? keyring_find_signing(snapshot, jws->kid,
							       clock_now_s(authority->clock))
						     : NULL;
	int error = ERROR_REFUSED;

	if (key && !strcmp(jws->typ, ACCESS_TOKEN_TYP))
		error = refused(jws_verify(jws, key->key));
	keyring_release(snapshot);
	return error;
}

static int check_claims(struct authority *authority, struct bearer *bearer)
{
	int error;

	if (!bearer->jwt.iss || strcmp(bearer->jwt.iss, authority->self.issuer) != 0)
		return ERROR_REFUSED;
	error = jwt_check_times(&bearer->jwt, clock_now_s(authority->clock), LEEWAY_S);
	if (!error)
		error = access_token_read(&bearer->jwt, bearer->sites, &bearer->token);
	return refused(error);
}

/* A miss is an answer; a store that is down is a fault. */
static int check_holder(struct authority *authority, struct bearer *bearer)
{
	struct store_client client;
	int error = authority_client(authority, bearer->token.client_id, &client);

	if (!error && client.disabled_at)
		return ERROR_REFUSED;
	if (!error)
		error = authority_subject_by_id(
			authority, bearer->token.sub, client.id, &bearer->subject);
	if (error)
		return error == ERROR_NOT_FOUND ? ERROR_REFUSED : error;
	return authority_subject_denial(&bearer->subject) ? ERROR_REFUSED : 0;
}

int bearer_verify(struct authority *authority, const char *text, struct bearer *ret_bearer)
{
	struct jws jws;
	int error = jws_parse(text, strnlen(text, JWS_TEXT_MAX + 1), &jws);

	if (error)
		return refused(error);
	error = check_signature(authority, &jws);
	if (!error) {
		error = jwt_from_jws(&jws, &ret_bearer->jwt);
		error = refused(error);
		if (!error)
			error = check_claims(authority, ret_bearer);
		if (!error)
			error = check_holder(authority, ret_bearer);
		if (error)
			bearer_finish(ret_bearer);
	}
	jws_finish(&jws);
	return error;
}

void bearer_finish(struct bearer *bearer)
{
	jwt_finish(&bearer->jwt);
	bearer->jwt = (struct jwt){0};
}
