/* SPDX-License-Identifier: Apache-2.0 */
#include "oauth/scope.h"

#include "base/error.h"

#include <string.h>

/* NQCHAR but for the space: %x21 / %x23-5B / %x5D-7E */
static bool scope_character(char c)
{
	return c > 0x20 && c < 0x7f && c != '"' && c != '\\';
}

bool scope_token_valid(const char *token, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (!scope_character(token[i]))
			return false;
	return length > 0;
}

int scope_check(const char *scope)
{
	bool after_space = true;
	size_t length = strlen(scope);

	if (length > SCOPE_MAX)
		return ERROR_LIMIT;
	for (size_t i = 0; i < length; i++) {
		bool space = scope[i] == ' ';

		if (space ? after_space : !scope_character(scope[i]))
			return ERROR_INVALID;
		after_space = space;
	}
	return length && after_space ? ERROR_INVALID : 0;
}

bool scope_next(const char **position, const char **ret_token, size_t *ret_length)
{
	const char *token = *position + strspn(*position, " ");
	size_t length = strcspn(token, " ");

	*position = token + length;
	if (!length)
		return false;
	*ret_token = token;
	*ret_length = length;
	return true;
}

bool scope_has(const char *scope, const char *token, size_t length)
{
	const char *found;
	size_t found_length;

	if (!scope)
		return false;
	while (scope_next(&scope, &found, &found_length))
		if (found_length == length && !memcmp(found, token, length))
			return true;
	return false;
}

bool scope_has_text(const char *scope, const char *token)
{
	return scope_has(scope, token, strlen(token));
}

bool scope_is_subset(const char *scope, const char *allowed)
{
	const char *token;
	size_t length;

	while (scope_next(&scope, &token, &length))
		if (!scope_has(allowed, token, length))
			return false;
	return true;
}

int scope_append(struct buf *buf, const char *token, size_t length)
{
	if (buf->len && scope_has(buf->data, token, length))
		return buf_status(buf);
	if (buf->len)
		(void)buf_append_char(buf, ' ');
	return buf_append(buf, token, length);
}

int scope_append_all(struct buf *buf, const char *scope)
{
	const char *token;
	size_t length;

	while (scope_next(&scope, &token, &length))
		(void)scope_append(buf, token, length);
	return buf_status(buf);
}

int scope_filter(const char *scope, const char *tokens, bool wanted, char *ret_scope, size_t size)
{
	const char *token;
	struct buf kept;
	size_t length;

	buf_init_fixed(&kept, ret_scope, size);
	while (scope_next(&scope, &token, &length))
		if (scope_has(tokens, token, length) == wanted)
			(void)scope_append(&kept, token, length);
	return buf_status(&kept);
}
