/* SPDX-License-Identifier: Apache-2.0 */
#include "authority/client_assertion.h"

#include "base/error.h"
#include "jose/jwks.h"

#include <string.h>

int client_assertion_read(const char *text, struct client_assertion *ret_assertion)
{
	struct client_assertion assertion = {0};
	size_t length = strnlen(text, CLIENT_ASSERTION_TEXT_MAX + 1);
	int error = length > CLIENT_ASSERTION_TEXT_MAX ? ERROR_LIMIT
						       : jws_parse(text, length, &assertion.jws);

	if (!error)
		error = jwt_from_jws(&assertion.jws, &assertion.jwt);
	/* Without these it is nobody's (RFC 7523, 3). */
	if (!error && (!assertion.jwt.iss || !assertion.jwt.sub || !*assertion.jwt.sub))
		error = ERROR_INVALID;
	if (error) {
		client_assertion_finish(&assertion);
		return error == ERROR_MEMORY ? error : ERROR_INVALID;
	}
	*ret_assertion = assertion;
	return 0;
}

void client_assertion_finish(struct client_assertion *assertion)
{
	if (!assertion)
		return;
	jwt_finish(&assertion->jwt);
	jws_finish(&assertion->jws);
}

static int refuse(
	struct client_assertion_problem *problem, const char *reason, const char *description)
{
	*problem = (struct client_assertion_problem){reason, description};
	return ERROR_REFUSED;
}

/* The key is found by kid and algorithm, and has but one (RFC 8725, 3.1). */
static int verify_signature(const struct client_assertion *assertion, const char *text,
	struct client_assertion_problem *problem)
{
	const struct jws *jws = &assertion->jws;
	const struct crypto_key *key;
	struct jwks *jwks = NULL;
	int error;

	if (!*text)
		return refuse(problem, "assertion_without_keys", NULL);
	error = jwks_parse(text, strlen(text), &jwks);
	if (error)
		return error == ERROR_MEMORY ? error : ERROR_CRYPTO;
	key = jwks_find(jwks, jws->has_kid ? jws->kid : NULL, jws->alg);
	error = key ? jws_verify(jws, key) : refuse(problem, "assertion_key", NULL);
	if (key && error == ERROR_REFUSED)
		error = refuse(problem, "assertion_signature", NULL);
	jwks_destroy(jwks);
	return error;
}

/* One that names another audience too could be used there, or come from there
 * (RFC 7523, 3, 3.); openid-client names the issuer and the token endpoint at once. */
static bool audience_is_ours(const struct jwt *jwt, const struct client_assertion_check *check)
{
	const struct json *aud = json_member(jwt->document, "aud");
	size_t count = json_is_array(aud) ? json_length(aud) : 1;

	for (size_t i = 0; i < count; i++) {
		const char *text = json_text(json_is_array(aud) ? json_at(aud, i) : aud);

		if (!text || (strcmp(text, check->issuer) != 0 &&
				     strcmp(text, check->token_endpoint) != 0))
			return false;
	}
	return count > 0;
}

/* `typ` keeps a JWT that was made for another end from being an assertion (RFC 8725,
 * 3.11); most libraries say "JWT" or nothing. */
static bool type_is_right(const char *typ)
{
	return !*typ || !strcmp(typ, "jwt") || !strcmp(typ, "client-authentication+jwt");
}

/* One that was taken before then had to end within the hour. A restoration that is still
 * to come tells of a clock that was wrong, and of nothing else. */
static bool may_be_older_than_data(
	const struct jwt *jwt, const struct client_assertion_check *check)
{
	int64_t last = check->restored_at + CLIENT_ASSERTION_AHEAD_S + JWT_LEEWAY_MAX;

	return jwt->iat < check->restored_at && jwt->exp <= last &&
	       check->restored_at <= check->now_s + JWT_LEEWAY_MAX;
}

static int check_claims(const struct jwt *jwt, const char *typ,
	const struct client_assertion_check *check, struct client_assertion_problem *problem)
{
	if (!type_is_right(typ))
		return refuse(problem, "assertion_typ",
			"typ of the client assertion must be JWT, client-authentication+jwt or "
			"absent");
	if (strcmp(jwt->iss, check->client_id) != 0 || strcmp(jwt->sub, check->client_id) != 0)
		return refuse(problem, "assertion_issuer",
			"iss and sub of the client assertion must be the client_id");
	if (!audience_is_ours(jwt, check))
		return refuse(problem, "assertion_audience",
			"aud of the client assertion must be the issuer or the token endpoint, and "
			"nothing else");
	if (jwt_check_times(jwt, check->now_s, JWT_LEEWAY_MAX))
		return refuse(problem, "assertion_times",
			"the client assertion has ended, or is not valid yet; check the clock");
	if (jwt->exp > check->now_s + CLIENT_ASSERTION_AHEAD_S + JWT_LEEWAY_MAX)
		return refuse(problem, "assertion_times",
			"exp of the client assertion lies more than an hour ahead");
	if (may_be_older_than_data(jwt, check))
		return refuse(problem, "assertion_times",
			"the client assertion was made before this authority's data was restored; "
			"make one for each request, with iat");
	if (!jwt->jti || !*jwt->jti)
		return refuse(
			problem, "assertion_without_jti", "jti of the client assertion is missing");
	return 0;
}

/* The NUL keeps the parts apart: neither has one. */
static int name(struct client_assertion *assertion, const char *client_id)
{
	unsigned char bytes[1024 + CLIENT_ASSERTION_TEXT_MAX];
	size_t client = strlen(client_id) + 1;
	size_t jti = strlen(assertion->jwt.jti);

	if (client + jti > sizeof(bytes))
		return ERROR_LIMIT;
	memcpy(bytes, client_id, client);
	memcpy(bytes + client, assertion->jwt.jti, jti);
	return crypto_sha256(bytes, client + jti, assertion->id);
}

int client_assertion_verify(struct client_assertion *assertion,
	const struct client_assertion_check *check, struct client_assertion_problem *ret_problem)
{
	int error = verify_signature(assertion, check->jwks, ret_problem);

	if (!error)
		error = check_claims(&assertion->jwt, assertion->jws.typ, check, ret_problem);
	if (!error)
		error = name(assertion, check->client_id);
	if (error)
		return error;
	assertion->expires_at = assertion->jwt.exp + JWT_LEEWAY_MAX;
	assertion->verified = true;
	return 0;
}
