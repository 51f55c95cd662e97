/* SPDX-License-Identifier: Apache-2.0 */
/* JSON Web Key (RFC 7517; RFC 7518, 6; RFC 8037, 2) and thumbprint (RFC 7638). */
#include "jose/jwk.h"

#include "base/error.h"
#include "codec/base64url.h"
#include "codec/json_writer.h"

#include <string.h>

/* What a JWK of each algorithm is made of. */
struct form {
	enum jose_alg alg;
	const char *kty;
	const char *crv; /* NULL: has none */
	const char *first;
	const char *second; /* NULL: has none */
};

static const struct form forms[] = {
	{JOSE_ES256, "EC", "P-256", "x", "y"},
	{JOSE_RS256, "RSA", NULL, "n", "e"},
	{JOSE_EDDSA, "OKP", "Ed25519", "x", NULL},
};

static const struct form *form_of(enum jose_alg alg)
{
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		if (forms[i].alg == alg)
			return &forms[i];
	return NULL;
}

/* A text member: 0 and NULL where there is none. */
static int optional_text(const struct json *object, const char *name, const char **ret_text)
{
	const struct json *member = json_member(object, name);

	*ret_text = json_text(member);
	return member && !*ret_text ? ERROR_INVALID : 0;
}

/* 0, ERROR_REFUSED where kty or crv is another's. */
static int find_form(const struct json *object, const struct form **ret_form)
{
	const char *kty = json_member_text(object, "kty");
	const char *crv = json_member_text(object, "crv");

	if (!kty)
		return ERROR_INVALID;
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		if (strcmp(forms[i].kty, kty) != 0)
			continue;
		if (forms[i].crv && !crv)
			return ERROR_INVALID;
		if (forms[i].crv && strcmp(forms[i].crv, crv) != 0)
			return ERROR_REFUSED;
		*ret_form = &forms[i];
		return 0;
	}
	return ERROR_REFUSED;
}

/* RFC 7517, 4.3. */
static int check_key_ops(const struct json *key_ops)
{
	int error = ERROR_REFUSED;

	if (!key_ops)
		return 0;
	if (!json_is_array(key_ops))
		return ERROR_INVALID;
	for (size_t i = 0; i < json_length(key_ops); i++) {
		const char *operation = json_text(json_at(key_ops, i));

		if (!operation)
			return ERROR_INVALID;
		if (!strcmp(operation, "verify"))
			error = 0;
	}
	return error;
}

/* RFC 7517, 4.2 and 4.4. */
static int check_purpose(const struct json *object, const struct form *form)
{
	const char *use;
	const char *alg;
	enum jose_alg parsed;

	if (optional_text(object, "use", &use) || optional_text(object, "alg", &alg))
		return ERROR_INVALID;
	if (use && strcmp(use, "sig") != 0)
		return ERROR_REFUSED;
	if (alg && jose_alg_parse(alg, &parsed))
		return ERROR_REFUSED;
	if (alg && parsed != form->alg)
		return ERROR_INVALID;
	return check_key_ops(json_member(object, "key_ops"));
}

static int decode_member(const struct json *object, const char *name, unsigned char *bytes,
	size_t cap, size_t *ret_length)
{
	const char *text = json_member_text(object, name);

	if (!text || !*text || base64url_decode(text, strlen(text), bytes, cap, ret_length))
		return ERROR_INVALID;
	return 0;
}

static int read_key(const struct json *object, const struct form *form, struct crypto_key **ret_key)
{
	unsigned char bytes[CRYPTO_PUBLIC_MAX];
	struct crypto_public parts = {.first = bytes};

	if (decode_member(object, form->first, bytes, sizeof(bytes), &parts.first_length))
		return ERROR_INVALID;
	if (form->second) {
		parts.second = bytes + parts.first_length;
		if (decode_member(object, form->second, bytes + parts.first_length,
			    sizeof(bytes) - parts.first_length, &parts.second_length))
			return ERROR_INVALID;
	}
	return crypto_key_from_public(form->alg, &parts, ret_key);
}

int jwk_from_json(const struct json *object, struct jwk *ret_jwk)
{
	const struct form *form = NULL;
	struct jwk jwk = {0};
	const char *kid;
	int error;

	if (!json_is_object(object) || optional_text(object, "kid", &kid))
		return ERROR_INVALID;
	error = find_form(object, &form);
	if (!error)
		error = check_purpose(object, form);
	/* A longer kid is well-formed, and could not be in a JWS that is taken. */
	if (!error && kid && strlen(kid) > JWK_KID_MAX)
		error = ERROR_REFUSED;
	if (!error)
		error = read_key(object, form, &jwk.key);
	if (error)
		return error;
	if (kid)
		memcpy(jwk.kid, kid, strlen(kid) + 1);
	*ret_jwk = jwk;
	return 0;
}

void jwk_finish(struct jwk *jwk)
{
	if (!jwk)
		return;
	crypto_key_destroy(jwk->key);
	*jwk = (struct jwk){0};
}

static void write_encoded(
	struct json_writer *writer, const char *name, const unsigned char *bytes, size_t length)
{
	char text[(CRYPTO_PUBLIC_MAX + 2) / 3 * 4];

	base64url_encode(text, bytes, length);
	json_write_text_length(writer, name, text, base64url_encoded_length(length));
}

int jwk_append(struct buf *buf, const struct crypto_key *key, const char *kid)
{
	const struct form *form = form_of(crypto_key_alg(key));
	unsigned char bytes[CRYPTO_PUBLIC_MAX];
	struct crypto_public parts;
	struct json_writer writer;
	int error = crypto_key_public(key, bytes, &parts);

	if (error)
		return error;
	json_writer_init(&writer, buf);
	json_write_object(&writer, NULL);
	json_write_text(&writer, "kty", form->kty);
	json_write_text(&writer, "use", "sig");
	json_write_text(&writer, "alg", jose_alg_name(form->alg));
	json_write_text(&writer, "kid", kid);
	json_write_text(&writer, "crv", form->crv);
	write_encoded(&writer, form->first, parts.first, parts.first_length);
	if (form->second)
		write_encoded(&writer, form->second, parts.second, parts.second_length);
	json_write_object_end(&writer);
	return json_writer_status(&writer);
}

/* The required members only, in the order of their names (RFC 7638, 3.2). */
static void write_required(
	struct json_writer *writer, const struct form *form, const struct crypto_public *parts)
{
	json_write_object(writer, NULL);
	if (form->alg == JOSE_RS256)
		write_encoded(writer, "e", parts->second, parts->second_length);
	json_write_text(writer, "crv", form->crv);
	json_write_text(writer, "kty", form->kty);
	write_encoded(writer, form->first, parts->first, parts->first_length);
	if (form->alg == JOSE_ES256)
		write_encoded(writer, "y", parts->second, parts->second_length);
	json_write_object_end(writer);
}

int jwk_thumbprint(const struct crypto_key *key, char ret_text[JWK_THUMBPRINT_SIZE])
{
	unsigned char bytes[CRYPTO_PUBLIC_MAX];
	unsigned char digest[CRYPTO_SHA256_SIZE];
	char text[2048];
	struct crypto_public parts;
	struct json_writer writer;
	struct buf buf;
	int error = crypto_key_public(key, bytes, &parts);

	if (error)
		return error;
	buf_init_fixed(&buf, text, sizeof(text));
	json_writer_init(&writer, &buf);
	write_required(&writer, form_of(crypto_key_alg(key)), &parts);
	error = json_writer_status(&writer);
	if (!error)
		error = crypto_sha256(buf.data, buf.len, digest);
	if (error)
		return error;
	base64url_encode(ret_text, digest, sizeof(digest));
	ret_text[JWK_THUMBPRINT_SIZE - 1] = '\0';
	return 0;
}
