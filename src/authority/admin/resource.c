/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Resources: the APIs that access tokens are for (their `aud`), the scopes that stand
 * for them, and the algorithm that signs their tokens (2-decisions, 3 and 4).
 */
#include "authority/admin.h"
#include "authority/catalog.h"

#include "base/buf.h"
#include "oauth/scope.h"

#include <string.h>

enum { SCOPE_NAME_MAX = 64 };

static bool is_openid_connects(const char *scope)
{
	static const char *const names[] = {
		"openid", "offline_access", "profile", "email", "address", "phone"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(scope, names[i]))
			return true;
	return !strncmp(scope, "site:", 5);
}

static int check_id(const char *id, struct fault *fault)
{
	size_t length = strlen(id);
	size_t plain = strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				  "0123456789._-:/");

	if (length && length < STORE_RESOURCE_SIZE && plain == length)
		return 0;
	fault_set(fault,
		"\"%.128s\" is no resource; use 1 to %d letters, digits and \"._-:/\", as it is "
		"to stand in the tokens' aud",
		id, STORE_RESOURCE_SIZE - 1);
	return ERROR_INVALID;
}

static int check_alg(const char *alg, struct fault *fault)
{
	if (!alg || !strcmp(alg, "ES256") || !strcmp(alg, "RS256"))
		return 0;
	fault_set(fault, "\"%.64s\" signs no access tokens; use ES256 or RS256", alg);
	return ERROR_INVALID;
}

static int check_scope(
	const struct catalog *catalog, const char *resource, const char *name, struct fault *fault)
{
	size_t length = strlen(name);
	const struct store_scope *known;

	if (length > SCOPE_NAME_MAX || !scope_token_valid(name, length)) {
		fault_set(fault,
			"\"%.128s\" is no scope; use 1 to %d visible characters but "
			"quotation marks and backslashes",
			name, SCOPE_NAME_MAX);
		return ERROR_INVALID;
	}
	known = catalog_find(catalog, name, length);
	if (is_openid_connects(name) || (known && strcmp(known->resource, resource) != 0)) {
		fault_set(fault, "the scope \"%s\" belongs to %s; choose another name", name,
			known && *known->resource ? known->resource : "the authority itself");
		return ERROR_INVALID;
	}
	return 0;
}

static const struct store_scope *find_resource(const struct catalog *catalog, const char *id)
{
	for (size_t i = 0; i < catalog->scope_count; i++)
		if (!strcmp(catalog->scopes[i].resource, id))
			return &catalog->scopes[i];
	return NULL;
}

static int check(
	const struct catalog *catalog, const struct admin_resource *wanted, struct fault *fault)
{
	size_t added = 0;
	int error = check_id(wanted->id, fault);

	if (!error)
		error = check_alg(wanted->alg, fault);
	for (const char *const *name = wanted->scopes; *name && !error; name++) {
		error = check_scope(catalog, wanted->id, *name, fault);
		added += !catalog_find(catalog, *name, strlen(*name));
	}
	if (!error && catalog->scope_count + added > CATALOG_SCOPES_MAX) {
		fault_set(fault, "there would be more than %d scopes", CATALOG_SCOPES_MAX);
		error = ERROR_LIMIT;
	}
	return error;
}

/* The resource before its scopes: a scope alone would be the authority's own. */
static int store_resource(const struct admin *admin, const struct admin_resource *wanted,
	const char *alg, struct fault *fault)
{
	int error = store_resource_put(admin->store, wanted->id, alg);

	for (const char *const *name = wanted->scopes; *name && !error; name++)
		error = store_scope_put(admin->store, *name, wanted->id);
	return admin_change_fault(error, "resource", wanted->id, fault);
}

int admin_resource_add(
	const struct admin *admin, const struct admin_resource *wanted, struct fault *fault)
{
	struct catalog *catalog = NULL;
	int error = catalog_create(admin->store, &catalog);

	if (error)
		return admin_read_fault(error, "resource", wanted->id, fault);
	error = check(catalog, wanted, fault);
	if (!error && find_resource(catalog, wanted->id)) {
		fault_set(fault,
			"there is a resource \"%s\" already; aditd resource set changes it",
			wanted->id);
		error = ERROR_EXISTS;
	} else if (!error && !*wanted->scopes) {
		fault_set(fault, "--scope is missing; name the scope that stands for \"%s\"",
			wanted->id);
		error = ERROR_INVALID;
	}
	catalog_release(catalog);
	return error ? error
		     : store_resource(admin, wanted, wanted->alg ? wanted->alg : "ES256", fault);
}

int admin_resource_set(
	const struct admin *admin, const struct admin_resource *wanted, struct fault *fault)
{
	struct catalog *catalog = NULL;
	const struct store_scope *found;
	char alg[sizeof(found->alg)] = "";
	int error = catalog_create(admin->store, &catalog);

	if (error)
		return admin_read_fault(error, "resource", wanted->id, fault);
	error = check(catalog, wanted, fault);
	found = find_resource(catalog, wanted->id);
	if (!error && !found)
		error = admin_read_fault(ERROR_NOT_FOUND, "resource", wanted->id, fault);
	if (!error)
		error = text_copy(alg, sizeof(alg), wanted->alg ? wanted->alg : found->alg);
	catalog_release(catalog);
	return error ? error : store_resource(admin, wanted, alg, fault);
}
