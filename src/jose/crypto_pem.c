/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A private key from PEM text (RFC 7468, 10 and 11). OpenSSL's own reader would ask the
 * terminal for a passphrase and leave copies of the text, so that the text is taken apart
 * here.
 */
#include "jose/crypto.h"

#include "base/error.h"
#include "codec/base64url.h"

#include <string.h>

#define PEM_BEGIN "-----BEGIN PRIVATE KEY-----"
#define PEM_SPACE " \t\r\n"
#define PEM_END "-----END PRIVATE KEY-----"
#define PEM_BEGIN_ENCRYPTED "-----BEGIN ENCRYPTED PRIVATE KEY-----"
#define PEM_ENCRYPTED_OLD "Proc-Type: 4,ENCRYPTED"

enum { PEM_MAX = 32 * 1024 };

static const char *find(const char *text, size_t length, const char *wanted)
{
	return length ? memmem(text, length, wanted, strlen(wanted)) : NULL;
}

/* base64 with line feeds in it, as PEM has it, to bytes. */
static int decode(const char *text, size_t length, struct secret *ret_der)
{
	struct secret joined = {0};
	struct secret der = {0};
	size_t count = 0;
	int error = secret_init_empty(&joined, length);

	if (!error)
		error = secret_init_empty(&der, length);
	for (size_t i = 0; !error && i < length; i++)
		if (!text[i] || !strchr(PEM_SPACE, text[i]))
			joined.bytes[count++] = (unsigned char)text[i];
	if (!error)
		error = base64_decode_any(/* NOLINT: bytes, and no text with a NUL */
			(const char *)joined.bytes, count, der.bytes, length, &der.length);
	secret_finish(&joined);
	if (error)
		secret_finish(&der);
	else
		*ret_der = der;
	return error;
}

int crypto_key_from_pem(const struct secret *pem, struct crypto_key **ret_key)
{
	static const enum jose_alg algs[] = {JOSE_ES256, JOSE_EDDSA, JOSE_RS256};
	const char *text = (const char *)pem->bytes;
	const char *start;
	const char *end;
	struct secret der = {0};
	int error;

	if (pem->length > PEM_MAX)
		return ERROR_INVALID;
	start = find(text, pem->length, PEM_BEGIN);
	if (!start)
		return find(text, pem->length, PEM_BEGIN_ENCRYPTED) ||
				       find(text, pem->length, PEM_ENCRYPTED_OLD)
			       ? ERROR_REFUSED
			       : ERROR_INVALID;
	start += strlen(PEM_BEGIN);
	end = find(start, pem->length - (size_t)(start - text), PEM_END);
	if (!end)
		return ERROR_INVALID;
	error = decode(start, (size_t)(end - start), &der);
	if (error)
		return error;
	error = ERROR_INVALID;
	for (size_t i = 0; error == ERROR_INVALID && i < sizeof(algs) / sizeof(algs[0]); i++)
		error = crypto_key_from_private(algs[i], &der, ret_key);
	secret_finish(&der);
	return error;
}
