/* SPDX-License-Identifier: Apache-2.0 */
/* A token from a stranger: taken apart, its claims read as if it had verified,
 * and never found signed by a key that nobody has. */
#include "jose/jwt.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const enum jose_alg algs[] = {JOSE_ES256, JOSE_EDDSA};

/* Made once, of which nothing is signed. */
static struct crypto_key *key_of(enum jose_alg alg)
{
	static struct crypto_key *keys[4];

	if (!keys[alg] && crypto_key_generate(alg, &keys[alg]))
		abort();
	return keys[alg];
}

static void read_claims(const struct jws *jws)
{
	struct jwt jwt;

	if (jwt_from_jws(jws, &jwt))
		return;
	if (jwt.exp < -1 || jwt.nbf < -1 || jwt.iat < -1)
		abort();
	(void)jwt_has_audience(&jwt, "a");
	if (!jwt_check_times(&jwt, 1700000000, 60) && jwt.exp < 1700000000 - 60)
		abort();
	jwt_finish(&jwt);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct jws jws;

	if (jws_parse((const char *)data, size, &jws))
		return 0;
	if (size > JWS_TEXT_MAX || strlen(jws.kid) > JWS_KID_MAX || strlen(jws.typ) > JWS_TYP_MAX)
		abort();
	for (size_t i = 0; i < sizeof(algs) / sizeof(algs[0]); i++)
		if (!jws_verify(&jws, key_of(algs[i])))
			abort();
	read_claims(&jws);
	jws_finish(&jws);
	return 0;
}
