/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two forms of an ECDSA signature on P-256: OpenSSL's DER, and the r and s
 * of a JWS. Thread-safe.
 */
#ifndef JOSE_ECDSA_H
#define JOSE_ECDSA_H

#include <stdbool.h>
#include <stddef.h>

enum {
	ECDSA_NUMBER_SIZE = 32, /* bytes of r, of s, and of a coordinate */
	ECDSA_SIZE = 2 * ECDSA_NUMBER_SIZE,
	ECDSA_DER_MAX = 72, /* SEQUENCE of two INTEGERs of at most 33 bytes */
};

/* Takes what OpenSSL wrote; false where that is no such signature. */
bool ecdsa_from_der(const unsigned char *der, size_t length, unsigned char signature[ECDSA_SIZE]);

/* The length of the DER. */
size_t ecdsa_to_der(const unsigned char signature[ECDSA_SIZE], unsigned char der[ECDSA_DER_MAX]);

/* Whether r and s are 1 to n-1, n being the order of P-256 (FIPS 186-5, 6.4.2). */
bool ecdsa_in_range(const unsigned char signature[ECDSA_SIZE]);

#endif
