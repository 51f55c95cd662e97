/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>

const char *error_text(int error)
{
	switch (error) {
	case 0:
		return "done";
	case ERROR_MEMORY:
		return "out of memory";
	case ERROR_INVALID:
		return "malformed";
	case ERROR_LIMIT:
		return "over the limit";
	case ERROR_NOT_FOUND:
		return "not found";
	case ERROR_EXISTS:
		return "exists already";
	case ERROR_IO:
		return "input/output error";
	case ERROR_CRYPTO:
		return "cryptographic failure";
	case ERROR_REFUSED:
		return "refused";
	case ERROR_UNAVAILABLE:
		return "unavailable";
	case ERROR_TIMEOUT:
		return "timed out";
	case ERROR_VERSION:
		return "unknown version";
	case ERROR_BUSY:
		return "busy";
	default:
		return "unknown error";
	}
}

void fault_set(struct fault *fault, const char *format, ...)
{
	va_list arguments;

	if (!fault)
		return;
	va_start(arguments, format);
	(void)vsnprintf(fault->text, sizeof(fault->text), format, arguments);
	va_end(arguments);
	for (char *c = fault->text; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = '?';
}
