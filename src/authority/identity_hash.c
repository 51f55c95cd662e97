/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hashes of ASP.NET Identity, in base64. Version 2: a zero byte, 16 bytes of salt,
 * 32 of PBKDF2 with HMAC-SHA-1 and 1,000 iterations. Version 3: a one, then pseudo-random
 * function, iterations and length of the salt as 32 bits each, big-endian, salt and subkey.
 */
#include "authority/password_format.h"

#include "base/error.h"
#include "base/secret.h"
#include "codec/base64url.h"
#include "jose/crypto.h"

#include <string.h>

enum {
	V2_ITERATIONS = 1000,
	V2_SALT = 16,
	V2_LENGTH = 1 + V2_SALT + 32,
	V3_HEAD = 13,
	BYTES_MIN = 16, /* of a salt and of a subkey in version 3 */
	BYTES_MAX = 64,
	DECODED_MAX = V3_HEAD + 2 * BYTES_MAX,
	/* Iterations for each block of output; SHA-512's cost twice as much. */
	WORK_MAX = 1000000,
};

struct identity_hash {
	struct crypto_pbkdf2 pbkdf2; /* the salt points into bytes */
	const unsigned char *subkey;
	size_t subkey_length;
	size_t decoded_length;
	unsigned char bytes[DECODED_MAX];
};

static uint32_t read_number(const unsigned char *bytes)
{
	return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 |
	       bytes[3];
}

static bool read_v2(struct identity_hash *parsed)
{
	if (parsed->decoded_length != V2_LENGTH)
		return false;
	parsed->pbkdf2.digest = CRYPTO_SHA1;
	parsed->pbkdf2.iterations = V2_ITERATIONS;
	parsed->pbkdf2.salt = (struct crypto_part){parsed->bytes + 1, V2_SALT};
	parsed->subkey = parsed->bytes + 1 + V2_SALT;
	parsed->subkey_length = V2_LENGTH - 1 - V2_SALT;
	return true;
}

static bool read_v3(struct identity_hash *parsed)
{
	static const enum crypto_digest digests[] = {CRYPTO_SHA1, CRYPTO_SHA256, CRYPTO_SHA512};
	const unsigned char *bytes = parsed->bytes;
	uint32_t salt_length;

	if (parsed->decoded_length < V3_HEAD || read_number(bytes + 1) >= 3)
		return false;
	salt_length = read_number(bytes + 9);
	if (salt_length < BYTES_MIN || salt_length > BYTES_MAX ||
		parsed->decoded_length < V3_HEAD + salt_length + BYTES_MIN)
		return false;
	parsed->pbkdf2.digest = digests[read_number(bytes + 1)];
	parsed->pbkdf2.iterations = read_number(bytes + 5);
	parsed->pbkdf2.salt = (struct crypto_part){bytes + V3_HEAD, salt_length};
	parsed->subkey = bytes + V3_HEAD + salt_length;
	parsed->subkey_length = parsed->decoded_length - V3_HEAD - salt_length;
	return parsed->pbkdf2.iterations && parsed->subkey_length <= BYTES_MAX;
}

static bool parse(const char *hash, struct identity_hash *parsed)
{
	if (base64_decode_any(hash, strlen(hash), parsed->bytes, sizeof(parsed->bytes),
		    &parsed->decoded_length) ||
		!parsed->decoded_length)
		return false;
	if (parsed->bytes[0] > 1)
		return false;
	return parsed->bytes[0] ? read_v3(parsed) : read_v2(parsed);
}

/* The first six bits of both versions are zero, and so is the seventh. */
static bool claims(const char *hash)
{
	return hash[0] == 'A' && strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef", hash[1]) && hash[1];
}

static uint64_t work(const struct identity_hash *parsed)
{
	static const size_t block[] = {
		[CRYPTO_SHA1] = 20, [CRYPTO_SHA256] = 32, [CRYPTO_SHA512] = 64};
	size_t size = block[parsed->pbkdf2.digest];
	uint64_t blocks = (parsed->subkey_length + size - 1) / size;

	return parsed->pbkdf2.iterations * blocks *
	       (parsed->pbkdf2.digest == CRYPTO_SHA512 ? 2 : 1);
}

static int check(const char *hash, const char **ret_problem)
{
	struct identity_hash parsed;

	if (!parse(hash, &parsed)) {
		*ret_problem = "looks like one of ASP.NET Identity, and is malformed or cut off";
		return ERROR_INVALID;
	}
	if (work(&parsed) > WORK_MAX) {
		*ret_problem = "is too expensive to verify: at most 1,000,000 iterations of SHA-1 "
			       "or SHA-256 for each block, 500,000 of SHA-512; give the user a new "
			       "password";
		return ERROR_LIMIT;
	}
	return 0;
}

static int verify(const char *hash, const char *password)
{
	struct identity_hash parsed;
	unsigned char computed[BYTES_MAX];
	int error;

	if (!parse(hash, &parsed))
		return ERROR_INVALID;
	parsed.pbkdf2.password = (struct crypto_part){password, strlen(password)};
	error = crypto_pbkdf2(&parsed.pbkdf2, computed, parsed.subkey_length);
	if (!error && !memory_equal(computed, parsed.subkey, parsed.subkey_length))
		error = ERROR_REFUSED;
	memory_wipe(computed, sizeof(computed));
	memory_wipe(&parsed, sizeof(parsed));
	return error;
}

const struct password_format password_format_identity = {claims, check, verify};
