/* SPDX-License-Identifier: Apache-2.0 */
#include "oauth/generated_password.h"

#include "base/random.h"
#include "base/secret.h"

#include <string.h>
#include <zlib.h>

enum {
	PREFIX_LENGTH = 5,
	RANDOM_LENGTH = 26,
	CHECKSUM_LENGTH = 6,
	CHECKED_LENGTH = PREFIX_LENGTH + RANDOM_LENGTH,
};

_Static_assert((int)CHECKED_LENGTH + (int)CHECKSUM_LENGTH == (int)GENERATED_PASSWORD_LENGTH,
	"the parts make the whole");

static const char *prefix_of(enum generated_password_kind kind)
{
	return kind == GENERATED_CLIENT_SECRET ? "adcs_" : "adsu_";
}

/* CRC-32 (IEEE) in base62, the most significant digit first. 62^6 > 2^32. */
static void write_checksum(const char *checked, char checksum[CHECKSUM_LENGTH])
{
	static const char digits[] =
		"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	unsigned long crc = crc32(0, (const unsigned char *)checked, CHECKED_LENGTH);

	for (int i = CHECKSUM_LENGTH - 1; i >= 0; i--) {
		checksum[i] = digits[crc % 62];
		crc /= 62;
	}
}

int generated_password_make(
	enum generated_password_kind kind, char ret_password[GENERATED_PASSWORD_SIZE])
{
	char password[GENERATED_PASSWORD_SIZE];
	int error;

	memcpy(password, prefix_of(kind), PREFIX_LENGTH);
	error = random_alphanumeric(password + PREFIX_LENGTH, RANDOM_LENGTH);
	if (!error) {
		write_checksum(password, password + CHECKED_LENGTH);
		password[GENERATED_PASSWORD_LENGTH] = '\0';
		memcpy(ret_password, password, sizeof(password));
	}
	memory_wipe(password, sizeof(password));
	return error;
}

static bool alphanumeric(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool generated_password_has_form(
	enum generated_password_kind kind, const char *password, size_t length)
{
	char checksum[CHECKSUM_LENGTH];

	if (length != GENERATED_PASSWORD_LENGTH)
		return false;
	if (memcmp(password, prefix_of(kind), PREFIX_LENGTH) != 0)
		return false;
	for (size_t i = PREFIX_LENGTH; i < length; i++)
		if (!alphanumeric(password[i]))
			return false;
	write_checksum(password, checksum);
	return memory_equal(checksum, password + CHECKED_LENGTH, CHECKSUM_LENGTH);
}
