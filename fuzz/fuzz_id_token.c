/* SPDX-License-Identifier: Apache-2.0 */
/* An ID token's claims: whoever is believed is a subject of this issuer, here and now. */
#include "oauth/id_token.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	static const struct id_token_check check = {
		.issuer = "https://a.example",
		.client_id = "app",
		.nonce = "n",
		.access_token = "at",
		.max_age_s = 600,
		.now_s = 1000,
		.leeway_s = 5,
	};
	struct jws jws = {.alg = JOSE_ES256};
	struct fault fault = {0};
	struct jwt claims;

	jws.payload = (unsigned char *)(uintptr_t)data;
	jws.payload_length = size;
	if (jwt_from_jws(&jws, &claims))
		return 0;
	if (id_token_check_claims(&jws, &claims, &check, &fault)) {
		if (!*fault.text)
			abort();
	} else if (strcmp(claims.iss, check.issuer) != 0 || !*claims.sub || claims.exp < 996 ||
		   claims.iat > 1005 || !jwt_has_audience(&claims, "app")) {
		abort();
	}
	jwt_finish(&claims);
	return 0;
}
