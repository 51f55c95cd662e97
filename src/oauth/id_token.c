/* SPDX-License-Identifier: Apache-2.0 */
/* OpenID Connect Core 1.0, 3.1.3.7 (its steps are named below), 3.1.3.6 and 12.2. */
#include "oauth/id_token.h"

#include "codec/base64url.h"

#include <string.h>

static int refuse(struct fault *fault, const char *reason)
{
	fault_set(fault, "the ID token is not to be believed: %s", reason);
	return ERROR_REFUSED;
}

/* An access token or a logout token is signed by the same keys. */
static int check_type(const struct jws *jws, struct fault *fault)
{
	if (!*jws->typ || !strcmp(jws->typ, "jwt"))
		return 0;
	fault_set(fault, "the ID token is not to be believed: its typ is \"%s\"", jws->typ);
	return ERROR_REFUSED;
}

/* Step 2. */
static int check_issuer(
	const struct jwt *claims, const struct id_token_check *check, struct fault *fault)
{
	if (!claims->iss)
		return refuse(fault, "it has no iss");
	if (!strcmp(claims->iss, check->issuer))
		return 0;
	fault_set(fault,
		"the ID token is not to be believed: its iss is \"%.150s\", where \"%.150s\" was "
		"asked",
		claims->iss, check->issuer);
	return ERROR_REFUSED;
}

/* Steps 3 to 5. */
static int check_audience(
	const struct jwt *claims, const struct id_token_check *check, struct fault *fault)
{
	const struct json *aud = json_member(claims->document, "aud");
	const struct json *azp = json_member(claims->document, "azp");

	if (!jwt_has_audience(claims, check->client_id))
		return refuse(fault, "its aud does not name this client");
	if (json_is_array(aud) && json_length(aud) > 1 && !azp)
		return refuse(fault, "it is for other clients too, and has no azp");
	if (azp && (!json_is_text(azp) || strcmp(json_text(azp), check->client_id) != 0))
		return refuse(fault, "its azp is another client");
	return 0;
}

/* Steps 9 and 10. */
static int check_times(
	const struct jwt *claims, const struct id_token_check *check, struct fault *fault)
{
	int error = jwt_check_times(claims, check->now_s, check->leeway_s);

	if (error == ERROR_TIMEOUT)
		return refuse(fault, claims->exp < 0 ? "it has no exp" : "it has expired");
	if (error)
		return refuse(fault, "its iat or nbf lies in the future: check this host's clock");
	if (claims->iat < 0)
		return refuse(fault, "it has no iat");
	if (claims->iat < check->now_s - ID_TOKEN_AGE_MAX_S - check->leeway_s)
		return refuse(fault, "it was issued too long ago: check this host's clock");
	return 0;
}

/* Steps 11 and 13. */
static int check_login(
	const struct jwt *claims, const struct id_token_check *check, struct fault *fault)
{
	const char *nonce = json_member_text(claims->document, "nonce");
	const struct json *auth_time = json_member(claims->document, "auth_time");
	int64_t signed_in_s = -1;

	if (check->nonce && !nonce)
		return refuse(fault, "it has no nonce");
	if (check->nonce && strcmp(check->nonce, nonce) != 0)
		return refuse(fault, "its nonce is not this login's");
	if (auth_time && json_numeric_date(auth_time, &signed_in_s))
		return refuse(fault, "its auth_time is no time");
	if (check->max_age_s < 0)
		return 0;
	if (signed_in_s < 0)
		return refuse(fault, "it has no auth_time");
	if (signed_in_s < check->now_s - check->max_age_s - check->leeway_s)
		return refuse(fault, "the person signed in too long ago");
	return 0;
}

/* 2 and 12.2. */
static int check_subject(
	const struct jwt *claims, const struct id_token_check *check, struct fault *fault)
{
	if (!claims->sub || !*claims->sub || strlen(claims->sub) > ID_TOKEN_SUB_MAX)
		return refuse(fault, "it has no sub of 1 to 255 characters");
	if (check->previous_sub && strcmp(check->previous_sub, claims->sub) != 0)
		return refuse(fault, "its sub is another than at the login");
	return 0;
}

/* The digest that the signature's algorithm uses: of Ed25519, SHA-512 (RFC 8032, 5.1). */
static int half_digest(
	enum jose_alg alg, const char *text, unsigned char *digest, size_t *ret_length)
{
	*ret_length = alg == JOSE_EDDSA ? CRYPTO_SHA512_SIZE / 2 : CRYPTO_SHA256_SIZE / 2;
	return alg == JOSE_EDDSA ? crypto_sha512(text, strlen(text), digest)
				 : crypto_sha256(text, strlen(text), digest);
}

/* 3.1.3.6. */
static int check_hash(const struct jws *jws, const struct jwt *claims,
	const struct id_token_check *check, struct fault *fault)
{
	const struct json *at_hash = json_member(claims->document, "at_hash");
	unsigned char digest[CRYPTO_SHA512_SIZE];
	char text[CRYPTO_SHA512_SIZE];
	size_t length;
	int error;

	if (!at_hash || !check->access_token)
		return 0;
	if (!json_is_text(at_hash))
		return refuse(fault, "its at_hash is no text");
	error = half_digest(jws->alg, check->access_token, digest, &length);
	if (error)
		return error;
	base64url_encode(text, digest, length);
	text[base64url_encoded_length(length)] = '\0';
	if (strcmp(text, json_text(at_hash)) != 0)
		return refuse(fault, "its at_hash is of another access token");
	return 0;
}

int id_token_check_claims(const struct jws *jws, const struct jwt *claims,
	const struct id_token_check *check, struct fault *fault)
{
	int error = check_type(jws, fault);

	if (!error)
		error = check_issuer(claims, check, fault);
	if (!error)
		error = check_audience(claims, check, fault);
	if (!error)
		error = check_times(claims, check, fault);
	if (!error)
		error = check_login(claims, check, fault);
	if (!error)
		error = check_subject(claims, check, fault);
	if (!error)
		error = check_hash(jws, claims, check, fault);
	return error;
}

static int verify_signature(const struct jws *jws, const struct jwks *jwks, struct fault *fault)
{
	const struct crypto_key *key = jwks_find(jwks, jws->has_kid ? jws->kid : NULL, jws->alg);
	int error;

	if (!key) {
		fault_set(fault, "the authority has no %s key \"%s\", which the ID token names",
			jose_alg_name(jws->alg), jws->kid);
		return ERROR_NOT_FOUND;
	}
	error = jws_verify(jws, key);
	return error == ERROR_REFUSED ? refuse(fault, "its signature is wrong") : error;
}

int id_token_verify(const char *text, const struct jwks *jwks, const struct id_token_check *check,
	struct jwt *ret_claims, struct fault *fault)
{
	struct jwt claims = {0};
	struct jws jws;
	int error = jws_parse(text, strlen(text), &jws);

	if (error) {
		fault_set(fault,
			"the ID token is no JWT that is signed with RS256, ES256 or EdDSA: %s",
			error_text(error));
		return error;
	}
	error = verify_signature(&jws, jwks, fault);
	if (error)
		goto done;
	error = jwt_from_jws(&jws, &claims);
	if (error) {
		fault_set(fault, "the ID token's claims can't be read: %s", error_text(error));
		goto done;
	}
	error = id_token_check_claims(&jws, &claims, check, fault);
	if (error)
		jwt_finish(&claims);
	else
		*ret_claims = claims;
done:
	jws_finish(&jws);
	return error;
}
