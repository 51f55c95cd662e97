/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The desktop's keyring (the Secret Service API of freedesktop.org), through libsecret, which
 * is loaded when it is first asked. Nobody is ever prompted, and nothing takes longer than
 * three seconds. An entry has the schema org.adit.storage and the attribute `directory`.
 */
#ifndef CLIENT_STORAGE_KEYRING_H
#define CLIENT_STORAGE_KEYRING_H

#include "base/error.h"
#include "base/secret.h"

enum { KEYRING_MS_MAX = 3000 };

/* All: 0; ERROR_UNAVAILABLE: there is none, it is locked or does not answer; ERROR_MEMORY.
 * `fault` says which and what to do. */

/* Also ERROR_NOT_FOUND, and then no fault. The caller finishes the secret. */
int storage_keyring_read(const char *directory, struct secret *ret_text, struct fault *fault);

/* `label` is what a person sees in a list. `text` has a NUL after it. */
int storage_keyring_write(
	const char *directory, const char *label, const char *text, struct fault *fault);

int storage_keyring_remove(const char *directory, struct fault *fault);

#endif
