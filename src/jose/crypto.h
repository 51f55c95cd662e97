/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cryptography under JOSE, and the sealing of data: the only user of
 * OpenSSL's EVP and, in this layer, of libsodium. An algorithm belongs to a key
 * and is never taken from a token (RFC 8725, 3.1).
 * Keys may be used by several threads; signers and verifiers by one at a time.
 */
#ifndef JOSE_CRYPTO_H
#define JOSE_CRYPTO_H

#include "base/secret.h"

#include <stddef.h>
#include <stdint.h>

enum jose_alg { JOSE_ES256 = 1, JOSE_RS256, JOSE_EDDSA /* Ed25519 only */ };

enum {
	CRYPTO_SHA256_SIZE = 32,
	CRYPTO_SHA512_SIZE = 64,
	CRYPTO_SIGNATURE_MAX = 1024, /* RSA of 8192 bits, the largest taken */
	CRYPTO_SEAL_KEY_SIZE = 32,
	CRYPTO_SEAL_NONCE_SIZE = 24,
	CRYPTO_SEAL_TAG_SIZE = 16,
	CRYPTO_RSA_BITS = 2048, /* of keys made here */
};

/* "ES256", … or NULL. */
const char *jose_alg_name(enum jose_alg alg);
/* 0 or ERROR_INVALID: unknown here ("none" and HS* are). */
int jose_alg_parse(const char *name, enum jose_alg *ret_alg);

/* Keeps the private numbers of keys that are made or read from now on in guarded memory
 * of the process's own (OpenSSL's secure heap), and wipes what OpenSSL frees: once, before
 * anything else of this header and the first thread. For programs; a library leaves its
 * process alone. */
void crypto_guard_private_keys(void);

struct crypto_key; /* a public or private key, with its algorithm */

/* 0, ERROR_CRYPTO, ERROR_MEMORY. The caller destroys the key. */
int crypto_key_generate(enum jose_alg alg, struct crypto_key **ret_key);

/* PKCS#8 DER. ERROR_INVALID when it is not a private key fit for `alg`
 * (EC P-256; RSA of 2048 to 8192 bits; Ed25519). */
int crypto_key_from_private(
	enum jose_alg alg, const struct secret *der, struct crypto_key **ret_key);
int crypto_key_to_private(const struct crypto_key *key, struct secret *ret_der);

/* A PKCS#8 key as PEM (RFC 7468, 10), unencrypted; what stands before or after it does not
 * matter. The algorithm follows from the key. ERROR_INVALID: there is none, or not one fit
 * for signing here; ERROR_REFUSED: it has a passphrase, which nobody is asked for. */
int crypto_key_from_pem(const struct secret *pem, struct crypto_key **ret_key);

/* Public parts, as in a JWK, big-endian. ES256: x, y of 32 bytes, the point on
 * the curve; RS256: n, e (2048 to 8192 bits, not of CVE-2017-15361; e odd, 3 up
 * to 2^32-1; neither with a zero before it); EdDSA: x of 32. */
struct crypto_public {
	const unsigned char *first; /* x, or n */
	size_t first_length;
	const unsigned char *second; /* y, or e; NULL for EdDSA */
	size_t second_length;
};
int crypto_key_from_public(
	enum jose_alg alg, const struct crypto_public *public_parts, struct crypto_key **ret_key);

/* Writes both parts into the caller's 1,100 bytes and points into them. */
enum { CRYPTO_PUBLIC_MAX = 1100 };
int crypto_key_public(const struct crypto_key *key, unsigned char bytes[CRYPTO_PUBLIC_MAX],
	struct crypto_public *ret_public);

enum jose_alg crypto_key_alg(const struct crypto_key *key);
void crypto_key_destroy(struct crypto_key *key); /* accepts NULL */
/* Another owner of the same key; each owner destroys. */
struct crypto_key *crypto_key_retain(struct crypto_key *key);

/* A signer keeps its key prepared: make one for each thread and key. */
struct crypto_signer;
int crypto_signer_create(struct crypto_key *private_key, struct crypto_signer **ret_signer);
/* The signature in JWS form (ES256: r and s, 64 bytes; RFC 7518, 3.4). */
int crypto_signer_sign(struct crypto_signer *signer, const void *data, size_t length,
	unsigned char signature[CRYPTO_SIGNATURE_MAX], size_t *ret_length);
void crypto_signer_destroy(struct crypto_signer *signer);

/* 0; ERROR_REFUSED: the signature is wrong (also of wrong length); ERROR_CRYPTO. */
int crypto_verify(const struct crypto_key *key, const void *data, size_t length,
	const unsigned char *signature, size_t signature_length);

int crypto_sha256(const void *data, size_t length, unsigned char digest[CRYPTO_SHA256_SIZE]);
int crypto_sha512(const void *data, size_t length, unsigned char digest[CRYPTO_SHA512_SIZE]);

/* HMAC-SHA-256 over the parts, one after the other. */
struct crypto_part {
	const void *bytes;
	size_t length;
};
int crypto_hmac_sha256(const struct secret *key, const struct crypto_part *parts, size_t count,
	unsigned char digest[CRYPTO_SHA256_SIZE]);

/* PBKDF2 with HMAC (RFC 8018, 5.2), for the passwords of other systems. 0, ERROR_INVALID
 * (a length or a count beyond int) or ERROR_CRYPTO. */
enum crypto_digest { CRYPTO_SHA1 = 1, CRYPTO_SHA256, CRYPTO_SHA512 };
struct crypto_pbkdf2 {
	enum crypto_digest digest;
	uint32_t iterations;
	struct crypto_part password;
	struct crypto_part salt;
};
int crypto_pbkdf2(const struct crypto_pbkdf2 *parameters, unsigned char *out, size_t length);

/* XChaCha20-Poly1305 (libsodium's, IETF). `out` holds length + TAG_SIZE bytes. */
int crypto_seal(const struct secret *key, const unsigned char nonce[CRYPTO_SEAL_NONCE_SIZE],
	const struct crypto_part *authenticated, const void *plain, size_t length,
	unsigned char *out);
/* `out` holds length - TAG_SIZE bytes. ERROR_REFUSED: not sealed by this key
 * and over this authenticated data. */
int crypto_open(const struct secret *key, const unsigned char nonce[CRYPTO_SEAL_NONCE_SIZE],
	const struct crypto_part *authenticated, const void *sealed, size_t length,
	unsigned char *out);

#endif
