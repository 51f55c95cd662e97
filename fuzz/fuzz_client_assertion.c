/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clients' assertions. The input is read as one, which nobody without the key signed; and
 * header and claims of it, a line feed between them, are signed by the key, so that the
 * claims are looked at too.
 */
#include "authority/client_assertion.h"
#include "base/error.h"
#include "codec/base64url.h"
#include "jose/jwk.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

#define ISSUER "https://id.example.com/identity"
#define CLIENT "robot"

enum { NOW_S = 1800000000 };

#define MUST(condition)                                                                            \
	do {                                                                                       \
		if (!(condition))                                                                  \
			abort();                                                                   \
	} while (0)

/* Made once. */
static struct {
	struct crypto_key *key;
	struct crypto_signer *signer;
	char jwks[1024];
} client;

static void make_client(void)
{
	struct buf buf;

	if (client.signer)
		return;
	MUST(!crypto_key_generate(JOSE_EDDSA, &client.key));
	MUST(!crypto_signer_create(client.key, &client.signer));
	buf_init_fixed(&buf, client.jwks, sizeof(client.jwks));
	(void)buf_append_text(&buf, "{\"keys\":[");
	MUST(!jwk_append(&buf, client.key, "k"));
	MUST(!buf_append_text(&buf, "]}"));
}

static void check_taken(const struct client_assertion *assertion)
{
	const struct jwt *jwt = &assertion->jwt;

	MUST(!strcmp(jwt->iss, CLIENT) && !strcmp(jwt->sub, CLIENT));
	MUST(jwt->jti && *jwt->jti);
	MUST(jwt->exp > NOW_S - 60 && jwt->exp <= NOW_S + CLIENT_ASSERTION_AHEAD_S + 60);
	MUST(assertion->expires_at > NOW_S && assertion->verified);
	MUST(jwt_has_audience(jwt, ISSUER) || jwt_has_audience(jwt, ISSUER "/connect/token"));
	MUST(strcmp(assertion->jws.typ, "at+jwt") != 0);
}

static int judge(const char *text, bool is_signed)
{
	const struct client_assertion_check check = {
		.client_id = CLIENT,
		.jwks = client.jwks,
		.issuer = ISSUER,
		.token_endpoint = ISSUER "/connect/token",
		.now_s = NOW_S,
	};
	struct client_assertion_problem problem = {0};
	struct client_assertion assertion;
	int error = client_assertion_read(text, &assertion);

	if (error)
		return error;
	error = client_assertion_verify(&assertion, &check, &problem);
	MUST(is_signed || error);
	MUST(!error || (error == ERROR_REFUSED && problem.reason));
	MUST(is_signed || !problem.description);
	if (!error)
		check_taken(&assertion);
	client_assertion_finish(&assertion);
	return error;
}

static void sign_and_judge(const char *text, size_t size)
{
	const char *end = memchr(text, '\n', size);
	struct buf token;
	struct buf header;

	if (!end)
		return;
	buf_init(&token, (size_t)2 * JWS_TEXT_MAX);
	buf_init(&header, JWS_TEXT_MAX);
	if (!base64url_append(&header, text, (size_t)(end - text)) &&
		!jws_append(&token, header.data, end + 1, (size_t)(text + size - end - 1),
			client.signer))
		(void)judge(token.data, true);
	buf_finish(&header);
	buf_finish(&token);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	char *text = malloc(size + 1);

	MUST(text);
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	make_client();
	(void)judge(text, false);
	sign_and_judge(text, size);
	free(text);
	return 0;
}
