/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One line of an import: a JSON object that describes a Service User with the password
 * that it has elsewhere. Thread-safe.
 */
#ifndef AUTHORITY_IMPORT_LINE_H
#define AUTHORITY_IMPORT_LINE_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

enum { IMPORT_LINE_MAX = 8192 };

struct import_line {
	struct json *document; /* what the texts point into */
	const char *username;
	const char *site;
	const char *role;
	const char *label;	   /* NULL: none */
	const char *password;	   /* 1 to PASSWORD_MAX bytes, not of the generated form; or NULL */
	const char *password_hash; /* one that can be verified; or NULL: exactly one of the two */
	int64_t expires_at;	   /* of the password; 0: never */
};

/* 0, or ERROR_INVALID or ERROR_MEMORY with the fault, which holds no secret.
 * Whether there are such a site and such a role is not looked at. The caller finishes
 * what was read. */
int import_line_read(
	const char *text, size_t length, struct import_line *ret_line, struct fault *fault);
/* Accepts NULL or a zeroed line. Wipes only after json_wipe_freed(). */
void import_line_finish(struct import_line *line);

#endif
