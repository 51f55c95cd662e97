/* SPDX-License-Identifier: Apache-2.0 */
/* A key, or a set of keys, from elsewhere: what is taken is written and taken
 * again as the same key. */
#include "jose/jwks.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_again(const struct jwk *jwk)
{
	char one[JWK_THUMBPRINT_SIZE];
	char two[JWK_THUMBPRINT_SIZE];
	struct json *document = NULL;
	struct jwk again;
	struct buf buf;

	buf_init(&buf, 8192);
	if (jwk_append(&buf, jwk->key, jwk->kid) ||
		json_parse(buf.data, buf.len, buf.len, &document) ||
		jwk_from_json(document, &again) || jwk_thumbprint(jwk->key, one) ||
		jwk_thumbprint(again.key, two))
		abort();
	if (strcmp(one, two) != 0 || strcmp(jwk->kid, again.kid) != 0)
		abort();
	jwk_finish(&again);
	json_free(document);
	buf_finish(&buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned char signature[64] = {1};
	struct json *document = NULL;
	struct jwks *jwks = NULL;
	struct jwk jwk;

	if (!json_parse((const char *)data, size, JWKS_TEXT_MAX, &document) &&
		!jwk_from_json(document, &jwk)) {
		check_again(&jwk);
		if (!crypto_verify(jwk.key, data, size, signature, sizeof(signature)))
			abort();
		jwk_finish(&jwk);
	}
	json_free(document);
	if (!jwks_parse((const char *)data, size, &jwks) && jwks_count(jwks) > JWKS_KEYS_MAX)
		abort();
	jwks_destroy(jwks);
	return 0;
}
