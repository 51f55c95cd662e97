/* SPDX-License-Identifier: Apache-2.0 */
#include "authority/client_keys.h"

#include "base/buf.h"
#include "codec/json.h"
#include "jose/jwk.h"

#include <string.h>

#define TOO_LONG "the keys are too long; at most %d bytes together"

/* One set that is being read. */
struct reading {
	const struct json *keys;
	struct buf out;
	char kids[CLIENT_KEYS_MAX][JWK_KID_MAX + 1];
	size_t count;
	struct fault *fault;
};

/* RFC 7518, 6.2.2, 6.3.2 and 6.4. */
static bool has_private_part(const struct json *key)
{
	static const char *const names[] = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (json_member(key, names[i]))
			return true;
	return false;
}

static int refuse(struct reading *reading, const char *what)
{
	fault_set(reading->fault, "key %zu of the JWK Set %s", reading->count + 1, what);
	return ERROR_INVALID;
}

/* It is shown on terminals and found in tokens. */
static bool is_plain(const char *kid)
{
	for (; *kid; kid++)
		if (*kid <= 0x20 || *kid > 0x7e)
			return false;
	return true;
}

static int take_kid(struct reading *reading, struct jwk *jwk)
{
	int error = 0;

	if (!*jwk->kid)
		error = jwk_thumbprint(jwk->key, jwk->kid);
	if (error) {
		fault_set(reading->fault, "the JWK Set can't be read: %s", error_text(error));
		return error;
	}
	if (!is_plain(jwk->kid))
		return refuse(reading, "has a kid that is not all visible ASCII; name it anew");
	for (size_t i = 0; i < reading->count; i++)
		if (!strcmp(reading->kids[i], jwk->kid))
			return refuse(reading, "has the kid of another; each needs its own");
	memcpy(reading->kids[reading->count], jwk->kid, sizeof(jwk->kid));
	return 0;
}

static int append(struct reading *reading, const struct jwk *jwk)
{
	int error;

	if (reading->count)
		(void)buf_append_char(&reading->out, ',');
	error = jwk_append(&reading->out, jwk->key, jwk->kid);
	if (error == ERROR_LIMIT)
		fault_set(reading->fault, TOO_LONG, STORE_JWKS_SIZE - 1);
	else if (error)
		fault_set(reading->fault, "the JWK Set can't be read: %s", error_text(error));
	return error == ERROR_LIMIT ? ERROR_INVALID : error;
}

static int take_key(struct reading *reading, const struct json *object)
{
	struct jwk jwk = {0};
	int error;

	if (has_private_part(object))
		return refuse(reading,
			"is a private or secret one, which is the client's alone; give the public "
			"part, without d, p, q, dp, dq, qi and k");
	error = jwk_from_json(object, &jwk);
	if (error == ERROR_REFUSED)
		return refuse(reading,
			"is for no algorithm that is taken; use ES256 (EC, P-256), RS256 (RSA) or "
			"EdDSA (OKP, Ed25519), and the use sig or none");
	if (error == ERROR_INVALID)
		return refuse(reading,
			"is malformed or weak; RSA needs 2048 to 8192 bits and an odd exponent, EC "
			"a point of P-256");
	if (error) {
		fault_set(reading->fault, "the JWK Set can't be read: %s", error_text(error));
		return error;
	}
	error = take_kid(reading, &jwk);
	if (!error)
		error = append(reading, &jwk);
	jwk_finish(&jwk);
	return error;
}

static int take_keys(struct reading *reading)
{
	size_t count = json_length(reading->keys);
	int error = 0;

	if (!json_is_array(reading->keys) || !count || count > CLIENT_KEYS_MAX) {
		fault_set(reading->fault,
			"the JWK Set has no list \"keys\" of 1 to %d keys; it looks like "
			"{\"keys\": [{\"kty\": \"EC\", ...}]}",
			CLIENT_KEYS_MAX);
		return ERROR_INVALID;
	}
	for (; !error && reading->count < count; reading->count++)
		error = take_key(reading, json_at(reading->keys, reading->count));
	return error;
}

int client_keys_read(
	const char *text, size_t length, char ret_jwks[STORE_JWKS_SIZE], struct fault *fault)
{
	struct reading reading = {.fault = fault};
	struct json *document = NULL;
	char bytes[STORE_JWKS_SIZE];
	int error = json_parse(text, length, CLIENT_KEYS_TEXT_MAX, &document);

	if (error) {
		fault_set(fault, "the JWK Set can't be read as JSON: %s", error_text(error));
		return error == ERROR_MEMORY ? error : ERROR_INVALID;
	}
	reading.keys = json_member(document, "keys");
	buf_init_fixed(&reading.out, bytes, sizeof(bytes));
	(void)buf_append_text(&reading.out, "{\"keys\":[");
	error = take_keys(&reading);
	json_free(document);
	if (!error && buf_append_text(&reading.out, "]}")) {
		fault_set(fault, TOO_LONG, STORE_JWKS_SIZE - 1);
		error = ERROR_INVALID;
	}
	if (!error)
		memcpy(ret_jwks, bytes, reading.out.len + 1);
	return error;
}

int client_keys_list(const char *jwks, char ret_list[STORE_JWKS_SIZE])
{
	struct json *document = NULL;
	const struct json *keys;
	struct buf list;
	int error = *jwks ? json_parse(jwks, strlen(jwks), STORE_JWKS_SIZE, &document) : 0;

	if (error)
		return error;
	keys = json_member(document, "keys");
	*ret_list = '\0';
	buf_init_fixed(&list, ret_list, STORE_JWKS_SIZE);
	for (size_t i = 0; i < json_length(keys); i++) {
		const char *alg = json_member_text(json_at(keys, i), "alg");
		const char *kid = json_member_text(json_at(keys, i), "kid");

		(void)buf_printf(&list, "%s%s:%s", i ? "\n" : "", alg ? alg : "?", kid ? kid : "?");
	}
	json_free(document);
	return buf_status(&list);
}
