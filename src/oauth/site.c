/* SPDX-License-Identifier: Apache-2.0 */
#include "oauth/site.h"

#include "base/error.h"

#include <string.h>

static bool letter_or_digit(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool site_id_valid(const char *id, size_t length)
{
	if (!length || length > SITE_ID_MAX || !letter_or_digit(id[0]))
		return false;
	for (size_t i = 1; i < length; i++)
		if (!letter_or_digit(id[i]) && id[i] != '-')
			return false;
	return true;
}

const char *site_role_name(enum site_role role)
{
	switch (role) {
	case SITE_ROLE_READ:
		return "read";
	case SITE_ROLE_WRITE:
		return "write";
	case SITE_ROLE_ADMIN:
		return "admin";
	default:
		return "";
	}
}

int site_role_parse(const char *name, enum site_role *ret_role)
{
	static const enum site_role roles[] = {SITE_ROLE_READ, SITE_ROLE_WRITE, SITE_ROLE_ADMIN};

	for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
		if (!strcmp(name, site_role_name(roles[i]))) {
			*ret_role = roles[i];
			return 0;
		}
	}
	return ERROR_INVALID;
}

enum site_role site_role_needed(const char *method)
{
	if (!strcmp(method, "GET") || !strcmp(method, "HEAD") || !strcmp(method, "OPTIONS"))
		return SITE_ROLE_READ;
	return SITE_ROLE_WRITE;
}

bool site_role_allows(enum site_role role, const char *method)
{
	return role >= site_role_needed(method) && role <= SITE_ROLE_ADMIN;
}
