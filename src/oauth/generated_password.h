/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Secrets that the authority makes: a prefix, 26 random characters (154 bits) and
 * a checksum, so that leaks can be scanned for and typing errors be told without
 * asking anybody. No character in them needs escaping in a form, a URL or a shell.
 * Thread-safe.
 */
#ifndef OAUTH_GENERATED_PASSWORD_H
#define OAUTH_GENERATED_PASSWORD_H

#include <stdbool.h>
#include <stddef.h>

enum {
	GENERATED_PASSWORD_LENGTH = 37, /* characters */
	GENERATED_PASSWORD_SIZE = 38,	/* with the NUL */
};

enum generated_password_kind {
	GENERATED_SERVICE_USER_PASSWORD = 1, /* "adsu_" */
	GENERATED_CLIENT_SECRET,	     /* "adcs_" */
};

/* 0 or ERROR_IO (no random bytes). The caller wipes it after use. */
int generated_password_make(
	enum generated_password_kind kind, char ret_password[GENERATED_PASSWORD_SIZE]);

/* Whether it has the form: prefix, length, alphabet and checksum. True says
 * nothing about whether it was ever issued. Takes no time that depends on more
 * than the form. */
bool generated_password_has_form(
	enum generated_password_kind kind, const char *password, size_t length);

#endif
