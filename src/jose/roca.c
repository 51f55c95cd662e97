/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nemec and others, "The Return of Coppersmith's Attack" (2017), 2.3: modulo
 * each of the small primes below, such a modulus is a power of 65537.
 */
#include "jose/roca.h"

static unsigned remainder_by(const unsigned char *number, size_t length, unsigned divisor)
{
	unsigned rest = 0;

	for (size_t i = 0; i < length; i++)
		rest = (rest << 8 | number[i]) % divisor;
	return rest;
}

static bool is_power(unsigned rest, unsigned prime)
{
	unsigned power = 1;

	do {
		if (power == rest)
			return true;
		power = power * (65537 % prime) % prime;
	} while (power != 1);
	return false;
}

bool roca_marked(const unsigned char *modulus, size_t length)
{
	/* Those of the first primes modulo which not every number is a power. */
	static const unsigned char primes[] = {
		11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157};

	for (size_t i = 0; i < sizeof(primes); i++)
		if (!is_power(remainder_by(modulus, length, primes[i]), primes[i]))
			return false;
	return true;
}
