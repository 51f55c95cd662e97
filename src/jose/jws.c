/* SPDX-License-Identifier: Apache-2.0 */
/* JWS compact serialization (RFC 7515, 3.1, 4, 5 and 7.1). */
#include "jose/jws.h"

#include "base/error.h"
#include "codec/base64url.h"
#include "codec/json_writer.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* The three parts of a compact JWS. */
struct parts {
	const char *header;
	size_t header_length;
	const char *payload;
	size_t payload_length;
	const char *signature;
	size_t signature_length;
};

static int split(const char *text, size_t length, struct parts *ret_parts)
{
	const char *dots[4];
	size_t count = 0;

	for (size_t i = 0; i < length; i++) {
		if (text[i] != '.')
			continue;
		if (count == 4)
			return ERROR_INVALID;
		dots[count++] = text + i;
	}
	if (count == 4)
		return ERROR_REFUSED;
	if (count != 2)
		return ERROR_INVALID;
	*ret_parts = (struct parts){
		.header = text,
		.header_length = (size_t)(dots[0] - text),
		.payload = dots[0] + 1,
		.payload_length = (size_t)(dots[1] - dots[0] - 1),
		.signature = dots[1] + 1,
		.signature_length = (size_t)(text + length - dots[1] - 1),
	};
	return 0;
}

static int read_kid(const struct json *header, struct jws *jws)
{
	const struct json *member = json_member(header, "kid");
	const char *kid = json_text(member);

	if (!member)
		return 0;
	if (!kid)
		return ERROR_INVALID;
	if (strlen(kid) > JWS_KID_MAX)
		return ERROR_LIMIT;
	memcpy(jws->kid, kid, strlen(kid) + 1);
	jws->has_kid = true;
	return 0;
}

/* RFC 7515, 4.1.9: a media type, compared without regard to case, that leaves
 * "application/" out where it has no other '/'. */
static int read_typ(const struct json *header, struct jws *jws)
{
	static const char prefix[] = "application/";
	const struct json *member = json_member(header, "typ");
	const char *typ = json_text(member);

	if (!member)
		return 0;
	if (!typ)
		return ERROR_INVALID;
	if (!strncasecmp(typ, prefix, sizeof(prefix) - 1))
		typ += sizeof(prefix) - 1;
	if (strlen(typ) > JWS_TYP_MAX)
		return ERROR_LIMIT;
	for (size_t i = 0; typ[i]; i++)
		jws->typ[i] = (char)(typ[i] >= 'A' && typ[i] <= 'Z' ? typ[i] | 0x20 : typ[i]);
	return 0;
}

static int read_header(const struct json *header, struct jws *jws)
{
	/* What would change the meaning of the rest; `enc` is a JWE's. */
	static const char *const refused[] = {"crit", "zip", "b64", "enc"};
	const char *alg = json_member_text(header, "alg");
	int error;

	if (!json_is_object(header) || !alg)
		return ERROR_INVALID;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		if (json_member(header, refused[i]))
			return ERROR_REFUSED;
	if (jose_alg_parse(alg, &jws->alg))
		return ERROR_REFUSED;
	error = read_kid(header, jws);
	return error ? error : read_typ(header, jws);
}

static int decode_header(const struct parts *parts, struct jws *jws)
{
	unsigned char text[JWS_HEADER_MAX];
	struct json *header = NULL;
	size_t length;
	int error =
		base64url_decode(parts->header, parts->header_length, text, sizeof(text), &length);

	if (!error)
		error = json_parse((const char *)text, length, sizeof(text), &header);
	if (error)
		return error;
	error = read_header(header, jws);
	json_free(header);
	return error;
}

static int decode_payload(const struct parts *parts, struct jws *jws)
{
	jws->payload = malloc(parts->payload_length + 1);
	if (!jws->payload)
		return ERROR_MEMORY;
	return base64url_decode(parts->payload, parts->payload_length, jws->payload,
		parts->payload_length, &jws->payload_length);
}

int jws_parse(const char *text, size_t length, struct jws *ret_jws)
{
	struct parts parts;
	struct jws jws = {0};
	int error;

	if (length > JWS_TEXT_MAX)
		return ERROR_LIMIT;
	error = split(text, length, &parts);
	if (!error)
		error = decode_header(&parts, &jws);
	if (!error && !parts.signature_length)
		error = ERROR_INVALID;
	if (!error)
		error = base64url_decode(parts.signature, parts.signature_length, jws.signature,
			sizeof(jws.signature), &jws.signature_length);
	if (!error)
		error = decode_payload(&parts, &jws);
	if (error) {
		free(jws.payload);
		return error;
	}
	jws.signed_text = text;
	jws.signed_length = parts.header_length + 1 + parts.payload_length;
	*ret_jws = jws;
	return 0;
}

void jws_finish(struct jws *jws)
{
	if (!jws)
		return;
	free(jws->payload);
	jws->payload = NULL;
	jws->payload_length = 0;
}

int jws_verify(const struct jws *jws, const struct crypto_key *key)
{
	if (crypto_key_alg(key) != jws->alg)
		return ERROR_REFUSED;
	return crypto_verify(
		key, jws->signed_text, jws->signed_length, jws->signature, jws->signature_length);
}

int jws_append(struct buf *buf, const char *encoded_header, const void *payload, size_t length,
	struct crypto_signer *signer)
{
	unsigned char signature[CRYPTO_SIGNATURE_MAX];
	size_t signature_length;
	size_t start = buf->len;
	int error;

	(void)buf_append_text(buf, encoded_header);
	(void)buf_append_char(buf, '.');
	error = base64url_append(buf, payload, length);
	if (!error)
		error = crypto_signer_sign(
			signer, buf->data + start, buf->len - start, signature, &signature_length);
	if (error)
		return error;
	(void)buf_append_char(buf, '.');
	return base64url_append(buf, signature, signature_length);
}

int jws_header(struct buf *buf, enum jose_alg alg, const char *typ, const char *kid)
{
	char text[JWS_HEADER_MAX + 1];
	struct json_writer writer;
	struct buf header;
	int error;

	buf_init_fixed(&header, text, sizeof(text));
	json_writer_init(&writer, &header);
	json_write_object(&writer, NULL);
	json_write_text(&writer, "alg", jose_alg_name(alg));
	json_write_text(&writer, "typ", typ);
	json_write_text(&writer, "kid", kid);
	json_write_object_end(&writer);
	error = json_writer_status(&writer);
	return error ? error : base64url_append(buf, header.data, header.len);
}
