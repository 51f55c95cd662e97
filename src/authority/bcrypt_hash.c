/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bcrypt (crypt(5)), by libcrypt. It reads 72 bytes of a password and no more; so did
 * the system that the hash comes from, and so it is compared. $2a$, $2b$ and $2y$ are
 * the same but for libraries' old mistakes; $2x$ marks one of those and is refused.
 */
#include "authority/password_format.h"

#include "base/error.h"
#include "base/secret.h"

#include <crypt.h>
#include <stdlib.h>
#include <string.h>

enum {
	HASH_LENGTH = 60,
	PREFIX_LENGTH = 7, /* "$2b$10$" */
	DIGEST_AT = 29,	   /* after the 22 characters of salt */
	READ_MAX = 72,	   /* bytes of a password */
	COST_MIN = 4,
	COST_MAX = 12,
};

static bool claims(const char *hash)
{
	return !strncmp(hash, "$2", 2);
}

static bool has_form(const char *hash)
{
	return strlen(hash) == HASH_LENGTH && strchr("aby", hash[2]) && hash[3] == '$' &&
	       strspn(hash + 4, "0123456789") == 2 && hash[6] == '$' &&
	       strspn(hash + PREFIX_LENGTH,
		       "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789") ==
		       HASH_LENGTH - PREFIX_LENGTH;
}

static int check(const char *hash, const char **ret_problem)
{
	int cost;

	if (!has_form(hash)) {
		*ret_problem = "is no bcrypt hash: 60 characters that begin with $2a$, $2b$ or "
			       "$2y$, the cost and $";
		return ERROR_INVALID;
	}
	cost = (hash[4] - '0') * 10 + hash[5] - '0';
	if (cost < COST_MIN) {
		*ret_problem = "has an impossible cost; bcrypt's least is 04";
		return ERROR_INVALID;
	}
	if (cost > COST_MAX) {
		*ret_problem = "is too expensive to verify: the cost may be at most 12; give the "
			       "user a new password";
		return ERROR_LIMIT;
	}
	return 0;
}

/* What crypt_rn() gives back (crypt_r() is not used: sanitizers put their own in its place,
 * and then libcrypt is not there) ends with the digest; the salt before it may differ from
 * ours in bits that are not used. */
static int compare(const char *hash, const char *computed)
{
	if (!computed || strlen(computed) != HASH_LENGTH)
		return ERROR_CRYPTO;
	return memory_equal(hash + DIGEST_AT, computed + DIGEST_AT, HASH_LENGTH - DIGEST_AT)
		       ? 0
		       : ERROR_REFUSED;
}

static int verify(const char *hash, const char *password)
{
	char read[READ_MAX + 1] = "";
	struct crypt_data *data = calloc(1, sizeof(*data));
	int error;

	if (!data)
		return ERROR_MEMORY;
	memcpy(read, password, strnlen(password, READ_MAX));
	error = compare(hash, crypt_rn(read, hash, data, (int)sizeof(*data)));
	memory_wipe(read, sizeof(read));
	memory_wipe(data, sizeof(*data));
	free(data);
	return error;
}

const struct password_format password_format_bcrypt = {claims, check, verify};
