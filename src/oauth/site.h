/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sites and the roles that somebody has at one. A site id is the path segment,
 * the claim and the scope `site:ID` alike. Thread-safe.
 */
#ifndef OAUTH_SITE_H
#define OAUTH_SITE_H

#include <stdbool.h>
#include <stddef.h>

enum { SITE_ID_MAX = 64 }; /* characters, without the NUL */

/* [a-z0-9][a-z0-9-]{0,63} */
bool site_id_valid(const char *id, size_t length);

/* A role includes those before it. 0 is no role and allows nothing. */
enum site_role { SITE_ROLE_READ = 1, SITE_ROLE_WRITE, SITE_ROLE_ADMIN };

/* "read", "write", "admin"; "" for anything else. Static. */
const char *site_role_name(enum site_role role);

/* 0 or ERROR_INVALID. */
int site_role_parse(const char *name, enum site_role *ret_role);

/* The least role that an HTTP method needs: GET, HEAD and OPTIONS read, every
 * other method writes. Methods are case-sensitive (RFC 9110, 9.1). */
enum site_role site_role_needed(const char *method);

bool site_role_allows(enum site_role role, const char *method);

#endif
