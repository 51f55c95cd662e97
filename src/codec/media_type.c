/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/media_type.h"

#include <string.h>
#include <strings.h>

bool media_type_is(const char *value, const char *type)
{
	size_t length = strlen(type);

	if (strncasecmp(value, type, length) != 0)
		return false;
	value += length;
	while (*value == ' ' || *value == '\t')
		value++;
	return *value == '\0' || *value == ';';
}
