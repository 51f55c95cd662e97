/* SPDX-License-Identifier: Apache-2.0 */
#include "guard/verify.h"

#include "base/error.h"

#include <string.h>

/* What is not a fault of the guard's own is one of the token's. */
static int refuse(int error, const char *reason, struct verify_report *report)
{
	if (error == ERROR_MEMORY || error == ERROR_UNAVAILABLE)
		return error;
	report->reason = reason;
	return ERROR_REFUSED;
}

/* The key is found by what the token names, and then pins the algorithm. */
static int check_signature(
	const struct verifier *verifier, const struct jws *jws, struct verify_report *report)
{
	struct jwks_lease lease;
	int error;

	if (strcmp(jws->typ, ACCESS_TOKEN_TYP) != 0)
		return refuse(ERROR_REFUSED, "the token is no access token (typ)", report);
	error = jwks_cache_find(
		verifier->keys, jws->has_kid ? jws->kid : NULL, jws->alg, &lease, &report->fault);
	if (error)
		return refuse(error, "the authority has no such key", report);
	error = jws_verify(jws, lease.key);
	jwks_lease_release(&lease);
	return error ? refuse(error, "the signature is wrong", report) : 0;
}

static int check_claims(
	const struct verifier *verifier, struct verified *verified, struct verify_report *report)
{
	const struct jwt *jwt = &verified->jwt;
	int error;

	if (!jwt->iss || strcmp(jwt->iss, verifier->issuer) != 0)
		return refuse(ERROR_REFUSED, "the token is of another issuer", report);
	if (!jwt_has_audience(jwt, verifier->audience))
		return refuse(ERROR_REFUSED, "the token is for another audience", report);
	error = jwt_check_times(jwt, clock_now_s(verifier->clock), verifier->leeway_s);
	if (error == ERROR_TIMEOUT)
		return refuse(error, "the token has expired", report);
	if (error)
		return refuse(error, "the token is not valid yet", report);
	error = access_token_read(jwt, verified->sites, &verified->token);
	if (error)
		return refuse(error, "a claim is missing or malformed", report);
	return 0;
}

int verify_access_token(const struct verifier *verifier, const char *text, size_t length,
	struct verified *ret_verified, struct verify_report *report)
{
	struct jws jws;
	int error = jws_parse(text, length, &jws);

	if (error)
		return refuse(error, "the token is malformed or of a refused kind", report);
	error = check_signature(verifier, &jws, report);
	if (error)
		goto done;
	error = jwt_from_jws(&jws, &ret_verified->jwt);
	if (error) {
		error = refuse(error, "the claims are malformed", report);
		goto done;
	}
	error = check_claims(verifier, ret_verified, report);
	if (error)
		jwt_finish(&ret_verified->jwt);
done:
	jws_finish(&jws);
	return error;
}

void verified_finish(struct verified *verified)
{
	if (verified)
		jwt_finish(&verified->jwt);
}
