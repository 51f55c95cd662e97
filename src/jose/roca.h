/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RSA keys that can be factored because of how a widespread chip made them
 * (CVE-2017-15361, "ROCA"). Thread-safe.
 */
#ifndef JOSE_ROCA_H
#define JOSE_ROCA_H

#include <stdbool.h>
#include <stddef.h>

/* Whether the big-endian modulus has the mark of such a key. Of other keys one
 * in a hundred million has it by chance. */
bool roca_marked(const unsigned char *modulus, size_t length);

#endif
