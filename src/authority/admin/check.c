/* SPDX-License-Identifier: Apache-2.0 */
#include "authority/admin.h"

#include "base/buf.h"

#include <string.h>

int admin_store_fault(int error, const char *thing, const char *name, struct fault *fault)
{
	if (error == ERROR_NOT_FOUND)
		fault_set(fault, "there is no %s \"%s\"; aditd %s list shows those there are",
			thing, name, thing);
	else if (error == ERROR_EXISTS)
		fault_set(fault, "there is a %s \"%s\" already; choose another name", thing, name);
	else if (error)
		fault_set(fault, "%s \"%s\": the store failed (%s); nothing was changed", thing,
			name, error_text(error));
	return error;
}

int admin_check_expiry(const struct admin *admin, int64_t expires_at, struct fault *fault)
{
	if (!expires_at || expires_at > clock_now_s(admin->clock))
		return 0;
	fault_set(fault, "the expiry date is past; give a later one");
	return ERROR_INVALID;
}

int admin_check_text(const char *what, const char *text, size_t max, struct fault *fault)
{
	size_t length = strlen(text);
	const char *problem = NULL;

	if (!length)
		problem = "is empty";
	else if (length > max)
		problem = "is too long";
	else if (!utf8_valid(text, length))
		problem = "is not UTF-8";
	for (size_t i = 0; !problem && i < length; i++)
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			problem = "has a control character";
	if (!problem)
		return 0;
	fault_set(fault, "the %s %s; give 1 to %zu bytes of plain text", what, problem, max);
	return ERROR_INVALID;
}
