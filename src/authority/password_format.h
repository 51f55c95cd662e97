/* SPDX-License-Identifier: Apache-2.0 */
/* The formats of password hashes, one file each, behind password_hash.h. */
#ifndef AUTHORITY_PASSWORD_FORMAT_H
#define AUTHORITY_PASSWORD_FORMAT_H

#include <stdbool.h>

struct password_format {
	bool (*claims)(const char *hash); /* by how it begins */
	/* As password_hash_check() and password_hash_verify(); verify gets what passed
	 * the check. */
	int (*check)(const char *hash, const char **ret_problem);
	int (*verify)(const char *hash, const char *password);
};

extern const struct password_format password_format_argon2;   /* RFC 9106, PHC strings */
extern const struct password_format password_format_bcrypt;   /* crypt(5) */
extern const struct password_format password_format_identity; /* ASP.NET Identity v2, v3 */

#endif
