/* SPDX-License-Identifier: Apache-2.0 */
#include "authority/issue.h"

#include "base/buf.h"
#include "base/random.h"
#include "codec/base64url.h"
#include "jose/jws.h"
#include "oauth/access_token.h"

#include <string.h>

enum {
	JTI_BYTES = 16,
	CLAIMS_MAX = 2560,
};

/* The loop's signer for this key, prepared anew when the key has changed. */
static int prepare_signer(struct worker *worker, const struct keyring_key *key)
{
	char *kid = worker->signers[key->alg].kid;
	struct crypto_signer *signer = NULL;
	struct buf header;
	int error;

	if (worker->signers[key->alg].signer && !strcmp(kid, key->kid))
		return 0;
	buf_init_fixed(&header, worker->signers[key->alg].header, AUTHORITY_HEADER_SIZE);
	error = jws_header(&header, key->alg, ACCESS_TOKEN_TYP, key->kid);
	if (!error)
		error = crypto_signer_create(key->key, &signer);
	*kid = '\0';
	if (error)
		return error;
	crypto_signer_destroy(worker->signers[key->alg].signer);
	worker->signers[key->alg].signer = signer;
	memcpy(kid, key->kid, sizeof(key->kid));
	return 0;
}

static int make_jti(char ret_jti[], size_t size)
{
	unsigned char bytes[JTI_BYTES];
	int error = random_bytes(bytes, sizeof(bytes));

	if (error || base64url_encoded_length(sizeof(bytes)) >= size)
		return error ? error : ERROR_LIMIT;
	base64url_encode(ret_jti, bytes, sizeof(bytes));
	ret_jti[base64url_encoded_length(sizeof(bytes))] = '\0';
	return 0;
}

static int write_claims(struct token_call *call, struct buf *claims)
{
	const struct issuance *issuance = &call->issuance;
	const struct store_service_user *user = &issuance->subject.user;
	const char *issuer = call->authority->self.issuer;
	struct access_token_site site = {.id = user->site};
	int error = make_jti(call->issuance.jti, sizeof(call->issuance.jti));

	if (!error)
		error = site_role_parse(user->role, &site.role);
	if (error)
		return error;
	return access_token_append(
		claims, &(struct access_token){
				.iss = issuer,
				.sub = user->id,
				.aud = *issuance->resource ? issuance->resource : issuer,
				.client_id = call->client.id,
				.scope = *issuance->scope ? issuance->scope : NULL,
				.jti = issuance->jti,
				.iat = call->now_s,
				.nbf = call->now_s,
				.exp = call->now_s + issuance->expires_in_s,
				.auth_time = issuance->auth_time,
				.idp = "local",
				.amr = {issuance->amr},
				.kind = ACCESS_TOKEN_SERVICE,
				.sites = &site,
				.site_count = 1,
			});
}

static int sign(struct token_call *call, const struct keyring_key *key, const struct buf *claims)
{
	struct worker *worker = call->worker;
	unsigned every = call->authority->settings.measure_one_in;
	bool measured = every && worker->signature_turn++ % every == 0;
	int64_t began_ns = measured ? clock_thread_cpu_ns() : 0;
	struct buf token;
	int error;

	buf_init_fixed(&token, call->issuance.access_token, ACCESS_TOKEN_MAX);
	error = jws_append(&token, worker->signers[key->alg].header, claims->data, claims->len,
		worker->signers[key->alg].signer);
	if (measured) {
		worker->signature_ns += clock_thread_cpu_ns() - began_ns;
		worker->signature_count++;
	}
	return error;
}

int issue_access_token(struct token_call *call)
{
	struct issuance *issuance = &call->issuance;
	int64_t ttl_s = call->client.access_ttl_s;
	const struct keyring_key *key = keyring_signing_key(call->keys, issuance->alg, call->now_s);
	char claim_bytes[CLAIMS_MAX];
	struct buf claims;
	int error = key ? 0 : ERROR_NOT_FOUND;

	issuance->expires_in_s = ttl_s ? ttl_s : call->authority->settings.access_ttl_s;
	buf_init_fixed(&claims, claim_bytes, sizeof(claim_bytes));
	if (!error)
		error = prepare_signer(call->worker, key);
	if (!error)
		error = write_claims(call, &claims);
	if (!error)
		error = sign(call, key, &claims);
	return error ? token_call_fault(call, error, "signing the access token") : 0;
}
