/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a requested scope comes to (RFC 6749, 3.3).
 */
#include "authority/grant.h"

#include "base/buf.h"
#include "oauth/error.h"
#include "oauth/scope.h"

#include <string.h>

static int fail_scope(struct token_call *call, const char *description)
{
	return token_call_fail(call, &(struct token_failure){.status = 400,
					     .error = OAUTH_INVALID_SCOPE,
					     .description = description,
					     .reason = "scope"});
}

/* Finds the one resource that the scope's tokens belong to. */
static int take_resource(
	struct token_call *call, const struct store_scope *scope, struct issuance *issuance)
{
	if (!scope || !*scope->resource)
		return 0;
	if (*issuance->resource && strcmp(issuance->resource, scope->resource) != 0)
		return fail_scope(call, "the scopes belong to more than one API; ask for one");
	if (text_copy(issuance->resource, sizeof(issuance->resource), scope->resource) ||
		jose_alg_parse(scope->alg, &issuance->alg))
		return token_call_fault(call, ERROR_INVALID, "reading the scope's resource");
	return 0;
}

static int take_scope(struct token_call *call, const struct catalog *catalog, const char *allowed,
	const char *otherwise)
{
	const char *requested = parameters_get(&call->parameters, "scope");
	const char *position = requested ? requested : otherwise;
	struct issuance *issuance = &call->issuance;
	struct buf scope;
	const char *token;
	size_t length;
	int error = 0;

	if (requested && scope_check(requested))
		return fail_scope(call, "the scope is malformed or too long");
	buf_init_fixed(&scope, issuance->scope, sizeof(issuance->scope));
	*issuance->resource = '\0';
	issuance->alg = JOSE_ES256;
	while (!error && scope_next(&position, &token, &length)) {
		const struct store_scope *known = catalog_find(catalog, token, length);

		if (!known || !scope_has(allowed, token, length))
			return fail_scope(call, "the client may not ask for this scope");
		error = take_resource(call, known, issuance);
		if (!error)
			error = scope_append(&scope, token, length)
					? fail_scope(call, "the scope is too long")
					: 0;
	}
	return error;
}

int grant_scope(struct token_call *call, const char *allowed, const char *otherwise)
{
	struct catalog *catalog = authority_catalog(call->authority);
	int error = take_scope(call, catalog, allowed, otherwise);

	catalog_release(catalog);
	return error;
}
