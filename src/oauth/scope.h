/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scope strings (RFC 6749, 3.3): tokens parted by single spaces. Thread-safe.
 */
#ifndef OAUTH_SCOPE_H
#define OAUTH_SCOPE_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>

enum { SCOPE_MAX = 300 }; /* bytes of a scope string */

/* Whether all of `length` bytes are scope-token characters, and there is one. */
bool scope_token_valid(const char *token, size_t length);

/* 0; ERROR_INVALID: a character that no token has, or a space at the start, at
 * the end or beside another; ERROR_LIMIT: longer than SCOPE_MAX. The empty string
 * is valid: no scope. */
int scope_check(const char *scope);

/* Goes through the tokens: `position` points into the string, which it starts
 * with, and moves on; false at the end. Spaces too many are passed over. */
bool scope_next(const char **position, const char **ret_token, size_t *ret_length);

/* Whether `token` (`length` bytes) is one of the scope's. A NULL scope has none. */
bool scope_has(const char *scope, const char *token, size_t length);
bool scope_has_text(const char *scope, const char *token);

/* Whether every token of `scope` is one of `allowed`. */
bool scope_is_subset(const char *scope, const char *allowed);

/* Appends the token, after a space where something stands before it, unless the
 * buf holds it already. The buf holds a scope string and nothing else. 0,
 * ERROR_MEMORY, ERROR_LIMIT. */
int scope_append(struct buf *buf, const char *token, size_t length);

/* The same for every token of `scope`. */
int scope_append_all(struct buf *buf, const char *scope);

/* Writes the tokens of `scope` that are of `tokens` (`wanted`), or that are not, each once,
 * into `size` bytes. 0 or ERROR_LIMIT. */
int scope_filter(const char *scope, const char *tokens, bool wanted, char *ret_scope, size_t size);

#endif
