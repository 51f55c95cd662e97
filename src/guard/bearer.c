/* SPDX-License-Identifier: Apache-2.0 */
#include "guard/bearer.h"

#include "base/error.h"

#include <string.h>
#include <strings.h>

static bool token_character(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c && strchr("-._~+/", c));
}

int bearer_read(const char *authorization, size_t count, const char **ret_token, size_t *ret_length)
{
	static const char scheme[] = "Bearer";
	const size_t scheme_length = sizeof(scheme) - 1;
	const char *token;
	size_t length = 0;
	size_t end;

	if (!authorization)
		return count ? ERROR_INVALID : ERROR_NOT_FOUND;
	if (count > 1)
		return ERROR_INVALID;
	if (strncasecmp(authorization, scheme, scheme_length) != 0)
		return ERROR_NOT_FOUND;
	token = authorization + scheme_length;
	if (*token && *token != ' ')
		return ERROR_NOT_FOUND;
	token += strspn(token, " ");
	while (token_character(token[length]))
		length++;
	end = length + strspn(token + length, "=");
	if (!length || token[end])
		return ERROR_INVALID;
	*ret_token = token;
	*ret_length = end;
	return 0;
}

static void append_part(struct buf *buf, const char **separator, const char *name, const char *text)
{
	if (!text || !*text)
		return;
	(void)buf_append_text(buf, *separator);
	(void)buf_append_text(buf, name);
	(void)buf_append_text(buf, "=\"");
	(void)buf_append_text(buf, text);
	(void)buf_append_char(buf, '"');
	*separator = ", ";
}

int bearer_append_challenge(struct buf *buf, const struct bearer_challenge *challenge)
{
	const char *separator = " ";

	(void)buf_append_text(buf, "Bearer");
	append_part(buf, &separator, "realm", challenge->realm);
	append_part(buf, &separator, "error", challenge->error);
	append_part(buf, &separator, "error_description", challenge->error_description);
	append_part(buf, &separator, "scope", challenge->scope);
	return buf_status(buf);
}

bool bearer_text_valid(const char *text)
{
	for (; *text; text++)
		if (*text < 0x20 || *text > 0x7e || *text == '"' || *text == '\\')
			return false;
	return true;
}
