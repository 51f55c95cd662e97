/* SPDX-License-Identifier: Apache-2.0 */
#include "guard/decide.h"

#include "oauth/error.h"
#include "oauth/scope.h"

#include <string.h>

static struct verdict insufficient(const char *reason)
{
	return (struct verdict){.status = 403, .error = OAUTH_INSUFFICIENT_SCOPE, .reason = reason};
}

/* The token's site that the route is about, or NULL. */
static const struct access_token_site *site_of(const struct access_token *token, const char *site)
{
	for (size_t i = 0; i < token->site_count; i++)
		if (!strcmp(token->sites[i].id, site))
			return &token->sites[i];
	return NULL;
}

/* On a route of no site a Service User acts with its role at its one site; what a
 * person may change depends on the site, so without one he may only read. */
static struct access_token_site without_site(const struct access_token *token)
{
	if (token->kind == ACCESS_TOKEN_SERVICE)
		return token->sites[0];
	return (struct access_token_site){NULL, SITE_ROLE_READ};
}

struct verdict decide(
	const struct access_token *token, const char *scope, const char *method, const char *site)
{
	struct access_token_site at;
	struct verdict verdict;

	if (scope && !scope_has_text(token->scope, scope))
		return insufficient("the token lacks the scope of this API");
	if (token->kind == ACCESS_TOKEN_UNBOUND || !token->site_count)
		return insufficient("the token is bound to no site");
	if (site) {
		const struct access_token_site *found = site_of(token, site);

		if (!found)
			return (struct verdict){.status = 404};
		at = *found;
	} else {
		at = without_site(token);
	}
	if (site_role_allows(at.role, method))
		return (struct verdict){.status = 200, .site = at.id, .role = at.role};
	verdict = insufficient("the role does not allow this method");
	verdict.site = at.id;
	verdict.role = at.role;
	return verdict;
}
