/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sized_struct.h"

#include <string.h>

bool sized_struct_is_known(const void *from, size_t least, size_t known)
{
	const unsigned char *bytes = from;
	size_t size;

	memcpy(&size, from, sizeof(size));
	for (size_t i = known; i < size; i++)
		if (bytes[i])
			return false;
	return size >= least;
}

bool sized_struct_copy(void *to, size_t known, const void *from, size_t least)
{
	size_t size;

	if (!sized_struct_is_known(from, least, known))
		return false;
	memcpy(&size, from, sizeof(size));
	memset(to, 0, known);
	memcpy(to, from, size < known ? size : known);
	return true;
}
