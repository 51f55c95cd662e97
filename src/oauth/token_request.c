/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RFC 6749, 2.3, 4 and 6; RFC 7523, 2.2 and 3; RFC 8628, 3.1 and 3.4; RFC 7009, 2.1.
 * An assertion's audience is the issuer and nothing beside it, unless the asker says otherwise:
 * one that named an endpoint could be had by an authority that names another's endpoint as its
 * own, which is why the revision of RFC 7523 allows the issuer only.
 */
#include "oauth/token_request.h"

#include "base/random.h"
#include "codec/base64url.h"
#include "codec/form.h"
#include "codec/json_writer.h"
#include "jose/jws.h"

#include <string.h>

#define AUTH_METHODS "token_endpoint_auth_methods_supported"
#define AUTH_ALGS "token_endpoint_auth_signing_alg_values_supported"

enum { BODY_USUAL = 1024, JTI_LENGTH = 32 };

static bool listed_or_no_list(const struct metadata *metadata, const char *list, const char *value)
{
	return !json_member(metadata->document, list) || metadata_lists(metadata, list, value);
}

/* base64 with padding (RFC 4648, 4) of what was appended as base64url from `start` on. */
static int make_standard_base64(struct buf *buf, size_t start)
{
	while (!buf_status(buf) && (buf->len - start) % 4)
		(void)buf_append_char(buf, '=');
	if (buf_status(buf))
		return buf_status(buf);
	for (char *c = buf->data + start; *c; c++)
		*c = (char)(*c == '-' ? '+' : *c == '_' ? '/' : *c);
	return 0;
}

/* RFC 6749, 2.3.1: both parts are form-encoded before they are joined. */
static int append_basic(struct token_request *request, const struct token_asker *asker)
{
	struct buf *line = &request->authorization;
	struct buf pair;
	size_t start;
	int error;

	buf_init(&pair, TOKEN_REQUEST_MAX);
	(void)form_append_component(&pair, asker->client_id);
	(void)buf_append_char(&pair, ':');
	error = form_append_component(&pair, asker->client_secret);
	if (!error)
		error = buf_append_text(line, "Authorization: Basic ");
	start = line->len;
	if (!error)
		error = base64url_append(line, pair.data, pair.len);
	if (!error)
		error = make_standard_base64(line, start);
	buf_finish(&pair);
	return error;
}

static int add_secret(
	struct token_request *request, const struct token_asker *asker, struct fault *fault)
{
	if (listed_or_no_list(asker->metadata, AUTH_METHODS, "client_secret_basic"))
		return append_basic(request, asker);
	if (!metadata_lists(asker->metadata, AUTH_METHODS, "client_secret_post")) {
		fault_set(fault, "the authority lists neither client_secret_basic nor "
				 "client_secret_post, so that no client secret can be sent to it");
		return ERROR_REFUSED;
	}
	(void)form_append(&request->body, "client_id", asker->client_id);
	return form_append(&request->body, "client_secret", asker->client_secret);
}

static int append_claims(struct buf *claims, const struct token_asker *asker)
{
	struct json_writer writer;
	char jti[JTI_LENGTH + 1];

	if (random_alphanumeric(jti, JTI_LENGTH))
		return ERROR_IO;
	json_writer_init(&writer, claims);
	json_write_object(&writer, NULL);
	json_write_text(&writer, "iss", asker->client_id);
	json_write_text(&writer, "sub", asker->client_id);
	json_write_text(
		&writer, "aud", asker->audience ? asker->audience : asker->metadata->issuer);
	json_write_text(&writer, "jti", jti);
	json_write_number(&writer, "iat", asker->now_s);
	json_write_number(&writer, "exp", asker->now_s + CLIENT_ASSERTION_LIFETIME_S);
	json_write_object_end(&writer);
	return json_writer_status(&writer);
}

static int sign_assertion(const struct token_asker *asker, struct buf *ret_assertion)
{
	struct crypto_signer *signer = NULL;
	struct buf header;
	struct buf claims;
	int error;

	buf_init(&header, JWS_HEADER_MAX * 2);
	buf_init(&claims, TOKEN_REQUEST_MAX);
	error = append_claims(&claims, asker);
	if (!error)
		error = jws_header(&header, crypto_key_alg(asker->key), "JWT", asker->kid);
	if (!error)
		error = crypto_signer_create(asker->key, &signer);
	if (!error)
		error = jws_append(ret_assertion, header.data, claims.data, claims.len, signer);
	crypto_signer_destroy(signer);
	buf_finish(&claims);
	buf_finish(&header);
	return error;
}

static int add_assertion(
	struct token_request *request, const struct token_asker *asker, struct fault *fault)
{
	const char *alg = jose_alg_name(crypto_key_alg(asker->key));
	struct buf assertion;
	int error;

	if (!metadata_lists(asker->metadata, AUTH_METHODS, "private_key_jwt")) {
		fault_set(fault, "the authority lists no private_key_jwt, so that a client's key "
				 "is of no use there");
		return ERROR_REFUSED;
	}
	if (!listed_or_no_list(asker->metadata, AUTH_ALGS, alg)) {
		fault_set(fault, "the authority takes no client assertion signed with %s", alg);
		return ERROR_REFUSED;
	}
	buf_init(&assertion, TOKEN_REQUEST_MAX);
	error = sign_assertion(asker, &assertion);
	if (!error) {
		(void)form_append(&request->body, "client_id", asker->client_id);
		(void)form_append(
			&request->body, "client_assertion_type", CLIENT_ASSERTION_JWT_BEARER);
		error = form_append(&request->body, "client_assertion", assertion.data);
	}
	buf_finish(&assertion);
	return error;
}

static int begin(
	const struct token_asker *asker, struct token_request *request, struct fault *fault)
{
	*request = (struct token_request){0};
	buf_init(&request->body, TOKEN_REQUEST_MAX);
	buf_init(&request->authorization, TOKEN_REQUEST_MAX);
	(void)buf_reserve(&request->body, BODY_USUAL);
	if (asker->key)
		return add_assertion(request, asker, fault);
	if (asker->client_secret)
		return add_secret(request, asker, fault);
	return form_append(&request->body, "client_id", asker->client_id);
}

static void add(struct token_request *request, const char *name, const char *value)
{
	if (value)
		(void)form_append(&request->body, name, value);
}

static int end(struct token_request *request, int error, struct token_request *ret_request)
{
	if (!error)
		error = buf_status(&request->body);
	if (error)
		token_request_finish(request);
	else
		*ret_request = *request;
	return error;
}

int token_request_password(const struct token_asker *asker, const char *username,
	const char *password, struct token_request *ret_request, struct fault *fault)
{
	struct token_request request;
	int error = begin(asker, &request, fault);

	add(&request, "grant_type", "password");
	add(&request, "username", username);
	add(&request, "password", password);
	add(&request, "scope", asker->scope);
	add(&request, "resource", asker->resource);
	return end(&request, error, ret_request);
}

int token_request_refresh(const struct token_asker *asker, const char *refresh_token,
	struct token_request *ret_request, struct fault *fault)
{
	struct token_request request;
	int error = begin(asker, &request, fault);

	add(&request, "grant_type", "refresh_token");
	add(&request, "refresh_token", refresh_token);
	add(&request, "resource", asker->resource);
	return end(&request, error, ret_request);
}

int token_request_client_credentials(
	const struct token_asker *asker, struct token_request *ret_request, struct fault *fault)
{
	struct token_request request;
	int error = begin(asker, &request, fault);

	add(&request, "grant_type", "client_credentials");
	add(&request, "scope", asker->scope);
	add(&request, "resource", asker->resource);
	return end(&request, error, ret_request);
}

int token_request_code(const struct token_asker *asker, const struct token_code *code,
	struct token_request *ret_request, struct fault *fault)
{
	struct token_request request;
	int error = begin(asker, &request, fault);

	add(&request, "grant_type", "authorization_code");
	add(&request, "code", code->code);
	add(&request, "redirect_uri", code->redirect_uri);
	add(&request, "code_verifier", code->verifier);
	add(&request, "resource", asker->resource);
	return end(&request, error, ret_request);
}

int token_request_device(const struct token_asker *asker, const char *device_code,
	struct token_request *ret_request, struct fault *fault)
{
	struct token_request request;
	int error = begin(asker, &request, fault);

	add(&request, "grant_type", "urn:ietf:params:oauth:grant-type:device_code");
	add(&request, "device_code", device_code);
	add(&request, "resource", asker->resource);
	return end(&request, error, ret_request);
}

int device_request(
	const struct token_asker *asker, struct token_request *ret_request, struct fault *fault)
{
	struct token_request request;
	int error = begin(asker, &request, fault);

	/* RFC 8628, 3.1 has client_id in the body also beside Basic. */
	if (request.authorization.len)
		add(&request, "client_id", asker->client_id);
	add(&request, "scope", asker->scope);
	add(&request, "resource", asker->resource);
	return end(&request, error, ret_request);
}

int revocation_request(const struct token_asker *asker, const char *token, const char *hint,
	struct token_request *ret_request, struct fault *fault)
{
	struct token_request request;
	int error = begin(asker, &request, fault);

	add(&request, "token", token);
	add(&request, "token_type_hint", hint);
	return end(&request, error, ret_request);
}

void token_request_finish(struct token_request *request)
{
	if (!request)
		return;
	buf_finish(&request->body);
	buf_finish(&request->authorization);
}
