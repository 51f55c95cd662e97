/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Argon2 (RFC 9106) in the form of PHC strings, by libsodium, and our own hashes:
 * Argon2id with OWASP's least memory.
 */
#include "authority/password_format.h"
#include "authority/password_hash.h"

#include "base/error.h"
#include "codec/base64url.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

enum {
	OUR_MEMORY_KIB = 19456,
	OUR_PASSES = 2,
	/* argon2-cffi once made 100 MiB its default, PHP four passes over 64 MiB. */
	MEMORY_KIB_MAX = 100 * 1024,
	WORK_KIB_MAX = 256 * 1024, /* memory times passes */
	LANES_MAX = 16,
	SALT_MIN = 8,
	OUTPUT_MIN = 16,
	BYTES_MAX = 64, /* of a salt, of an output */
};

struct cost {
	bool is_id;
	uint32_t memory_kib;
	uint32_t passes;
	uint32_t lanes;
};

_Static_assert(crypto_pwhash_STRBYTES <= STORE_PASSWORD_HASH_SIZE, "one of ours fits");
_Static_assert(crypto_pwhash_argon2id_SALTBYTES <= BYTES_MAX, "and passes the check");

static bool skip(const char **position, const char *text)
{
	size_t length = strlen(text);

	if (strncmp(*position, text, length) != 0)
		return false;
	*position += length;
	return true;
}

/* "m=65536": no sign, no leading zero, at most nine digits. */
static bool read_number(const char **position, const char *name, uint32_t *ret_number)
{
	uint32_t number = 0;
	size_t digits;

	if (!skip(position, name))
		return false;
	digits = strspn(*position, "0123456789");
	if (!digits || digits > 9 || **position == '0')
		return false;
	for (size_t i = 0; i < digits; i++)
		number = number * 10 + (uint32_t)(*(*position)++ - '0');
	*ret_number = number;
	return true;
}

/* "$" and standard base64 without padding. */
static bool read_bytes(const char **position, size_t least)
{
	unsigned char bytes[BYTES_MAX];
	size_t length;
	size_t decoded = 0;
	bool good;

	if (!skip(position, "$"))
		return false;
	length = strspn(
		*position, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
	good = !base64_decode_any(*position, length, bytes, sizeof(bytes), &decoded) &&
	       decoded >= least;
	*position += length;
	sodium_memzero(bytes, sizeof(bytes));
	return good;
}

static bool parse(const char *hash, struct cost *ret_cost)
{
	struct cost cost = {0};

	cost.is_id = skip(&hash, "$argon2id$");
	if ((!cost.is_id && !skip(&hash, "$argon2i$")) || !skip(&hash, "v=19$") ||
		!read_number(&hash, "m=", &cost.memory_kib) ||
		!read_number(&hash, ",t=", &cost.passes) ||
		!read_number(&hash, ",p=", &cost.lanes) || !read_bytes(&hash, SALT_MIN) ||
		!read_bytes(&hash, OUTPUT_MIN) || *hash)
		return false;
	*ret_cost = cost;
	return true;
}

static bool claims(const char *hash)
{
	return !strncmp(hash, "$argon2", 7);
}

static int check(const char *hash, const char **ret_problem)
{
	struct cost cost;

	if (!strncmp(hash, "$argon2d$", 9))
		*ret_problem = "is Argon2d, which can't be verified here; give the user a new "
			       "password";
	else if (!parse(hash, &cost))
		*ret_problem = "is no Argon2 hash of version 19: $argon2id$v=19$m=KIB,t=PASSES,"
			       "p=LANES$SALT$HASH, with 8 to 64 bytes of salt and 16 to 64 of hash";
	else if (cost.lanes > LANES_MAX || cost.memory_kib < 8 * cost.lanes)
		*ret_problem = "has impossible parameters: p may be 1 to 16, and m at least 8 "
			       "times p";
	else if (cost.memory_kib > MEMORY_KIB_MAX ||
		 (uint64_t)cost.memory_kib * cost.passes > WORK_KIB_MAX) {
		*ret_problem = "is too expensive to verify: m may be at most 102400, and m times t "
			       "262144; give the user a new password";
		return ERROR_LIMIT;
	} else
		return 0;
	return ERROR_INVALID;
}

/* sodium_init() may be called again, by any thread, and then does nothing. */
static int ready(void)
{
	return sodium_init() < 0 ? ERROR_CRYPTO : 0;
}

static int verify(const char *hash, const char *password)
{
	int (*const verifier)(const char *, const char *, unsigned long long) =
		!strncmp(hash, "$argon2id$", 10) ? crypto_pwhash_argon2id_str_verify
						 : crypto_pwhash_argon2i_str_verify;
	int error = ready();

	if (error)
		return error;
	/* It tells a mismatch from a want of memory by errno alone. */
	errno = 0;
	if (!verifier(hash, password, strlen(password)))
		return 0;
	return errno == EINVAL ? ERROR_REFUSED : ERROR_MEMORY;
}

const struct password_format password_format_argon2 = {claims, check, verify};

int password_hash_make(const char *password, char ret_hash[STORE_PASSWORD_HASH_SIZE])
{
	int error = ready();

	if (error)
		return error;
	return crypto_pwhash_str_alg(ret_hash, password, strlen(password), OUR_PASSES,
		       (size_t)OUR_MEMORY_KIB * 1024, crypto_pwhash_ALG_ARGON2ID13)
		       ? ERROR_MEMORY
		       : 0;
}

bool password_hash_is_current(const char *hash)
{
	struct cost cost;

	return parse(hash, &cost) && cost.is_id && cost.memory_kib >= OUR_MEMORY_KIB &&
	       cost.passes >= OUR_PASSES;
}

int password_hash_pretend(const char *password)
{
	static const unsigned char salt[crypto_pwhash_SALTBYTES];
	unsigned char output[32];
	int error = ready();

	if (!error &&
		crypto_pwhash(output, sizeof(output), password, strlen(password), salt, OUR_PASSES,
			(size_t)OUR_MEMORY_KIB * 1024, crypto_pwhash_ALG_ARGON2ID13))
		error = ERROR_MEMORY;
	sodium_memzero(output, sizeof(output));
	return error;
}
