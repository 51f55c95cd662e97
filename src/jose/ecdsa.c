/* SPDX-License-Identifier: Apache-2.0 */
/* DER (RFC 3279, 2.2.3) and JWS (RFC 7518, 3.4) forms of an ECDSA signature. */
#include "jose/ecdsa.h"

#include <string.h>

enum { DER_INTEGER = 0x02, DER_SEQUENCE = 0x30 };

/* An INTEGER at `*at`, right-aligned into ECDSA_NUMBER_SIZE bytes. */
static bool take_integer(const unsigned char **at, const unsigned char *end, unsigned char *out)
{
	const unsigned char *number = *at + 2;
	size_t length;

	if (end - *at < 2 || (*at)[0] != DER_INTEGER || (*at)[1] > end - number)
		return false;
	length = (*at)[1];
	*at = number + length;
	while (length && !*number) {
		number++;
		length--;
	}
	if (length > ECDSA_NUMBER_SIZE)
		return false;
	memset(out, 0, ECDSA_NUMBER_SIZE - length);
	memcpy(out + ECDSA_NUMBER_SIZE - length, number, length);
	return true;
}

bool ecdsa_from_der(const unsigned char *der, size_t length, unsigned char signature[ECDSA_SIZE])
{
	const unsigned char *at = der + 2;
	const unsigned char *end = der + length;

	return length > 2 && take_integer(&at, end, signature) &&
	       take_integer(&at, end, signature + ECDSA_NUMBER_SIZE) && at == end;
}

static size_t put_integer(const unsigned char *number, unsigned char *der)
{
	size_t length = ECDSA_NUMBER_SIZE;
	size_t sign;

	while (length > 1 && !*number) {
		number++;
		length--;
	}
	sign = *number >> 7;
	der[0] = DER_INTEGER;
	der[1] = (unsigned char)(length + sign);
	der[2] = 0;
	memcpy(der + 2 + sign, number, length);
	return 2 + sign + length;
}

size_t ecdsa_to_der(const unsigned char signature[ECDSA_SIZE], unsigned char der[ECDSA_DER_MAX])
{
	size_t length = 2;

	length += put_integer(signature, der + length);
	length += put_integer(signature + ECDSA_NUMBER_SIZE, der + length);
	der[0] = DER_SEQUENCE;
	der[1] = (unsigned char)(length - 2);
	return length;
}

static bool in_range(const unsigned char number[ECDSA_NUMBER_SIZE])
{
	static const unsigned char order[ECDSA_NUMBER_SIZE] = {0xff, 0xff, 0xff, 0xff, 0x00, 0x00,
		0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad,
		0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51};
	static const unsigned char zero[ECDSA_NUMBER_SIZE];

	return memcmp(number, zero, ECDSA_NUMBER_SIZE) != 0 &&
	       memcmp(number, order, ECDSA_NUMBER_SIZE) < 0;
}

bool ecdsa_in_range(const unsigned char signature[ECDSA_SIZE])
{
	return in_range(signature) && in_range(signature + ECDSA_NUMBER_SIZE);
}
