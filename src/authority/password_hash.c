/* SPDX-License-Identifier: Apache-2.0 */
#include "authority/password_hash.h"

#include "authority/password_format.h"
#include "base/error.h"

#include <string.h>

static const struct password_format *const formats[] = {
	&password_format_argon2, &password_format_bcrypt, &password_format_identity};

static const struct password_format *find(const char *hash)
{
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		if (formats[i]->claims(hash))
			return formats[i];
	return NULL;
}

int password_hash_check(const char *hash, const char **ret_problem)
{
	const struct password_format *format = find(hash);

	if (strlen(hash) >= STORE_PASSWORD_HASH_SIZE) {
		*ret_problem = "is longer than 256 characters";
		return ERROR_LIMIT;
	}
	if (format)
		return format->check(hash, ret_problem);
	*ret_problem = "has none of the known forms: ASP.NET Identity v2 or v3, bcrypt ($2a$, "
		       "$2b$, $2y$), Argon2 ($argon2id$, $argon2i$)";
	return ERROR_INVALID;
}

int password_hash_verify(const char *hash, const char *password)
{
	const char *problem = NULL;

	if (password_hash_check(hash, &problem))
		return ERROR_INVALID;
	return find(hash)->verify(hash, password);
}
