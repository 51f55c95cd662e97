/* SPDX-License-Identifier: Apache-2.0 */
/* JWK Set (RFC 7517, 5). */
#include "jose/jwks.h"

#include "base/error.h"

#include <stdlib.h>
#include <string.h>

struct jwks {
	size_t count;
	struct jwk keys[JWKS_KEYS_MAX];
};

static bool has_twin(const struct jwks *jwks, const struct jwk *jwk)
{
	return jwk->kid[0] && jwks_find(jwks, jwk->kid, crypto_key_alg(jwk->key));
}

static int add(struct jwks *jwks, const struct json *object)
{
	struct jwk jwk;
	int error = jwk_from_json(object, &jwk);

	if (error)
		return error == ERROR_REFUSED ? 0 : error;
	if (jwks->count == JWKS_KEYS_MAX)
		error = ERROR_LIMIT;
	else if (has_twin(jwks, &jwk))
		error = ERROR_INVALID;
	if (error) {
		jwk_finish(&jwk);
		return error;
	}
	jwks->keys[jwks->count++] = jwk;
	return 0;
}

static int add_all(struct jwks *jwks, const struct json *keys)
{
	int error = json_is_array(keys) ? 0 : ERROR_INVALID;

	for (size_t i = 0; !error && i < json_length(keys); i++)
		error = add(jwks, json_at(keys, i));
	return error;
}

int jwks_parse(const char *text, size_t length, struct jwks **ret_jwks)
{
	struct json *document = NULL;
	struct jwks *jwks = NULL;
	int error = json_parse(text, length, JWKS_TEXT_MAX, &document);

	if (error)
		return error;
	jwks = calloc(1, sizeof(*jwks));
	error = jwks ? add_all(jwks, json_member(document, "keys")) : ERROR_MEMORY;
	json_free(document);
	if (error) {
		jwks_destroy(jwks);
		return error;
	}
	*ret_jwks = jwks;
	return 0;
}

void jwks_destroy(struct jwks *jwks)
{
	if (!jwks)
		return;
	for (size_t i = 0; i < jwks->count; i++)
		jwk_finish(&jwks->keys[i]);
	free(jwks);
}

size_t jwks_count(const struct jwks *jwks)
{
	return jwks->count;
}

/* The only key of the algorithm, or NULL. */
static const struct crypto_key *only_key(const struct jwks *jwks, enum jose_alg alg)
{
	const struct crypto_key *found = NULL;

	for (size_t i = 0; i < jwks->count; i++) {
		if (crypto_key_alg(jwks->keys[i].key) != alg)
			continue;
		if (found)
			return NULL;
		found = jwks->keys[i].key;
	}
	return found;
}

const struct crypto_key *jwks_find(const struct jwks *jwks, const char *kid, enum jose_alg alg)
{
	if (!kid)
		return only_key(jwks, alg);
	for (size_t i = 0; i < jwks->count; i++) {
		const struct jwk *jwk = &jwks->keys[i];

		if (jwk->kid[0] && crypto_key_alg(jwk->key) == alg && !strcmp(jwk->kid, kid))
			return jwk->key;
	}
	return NULL;
}
