/* SPDX-License-Identifier: Apache-2.0 */
#include "authority/admin.h"

#include "base/buf.h"

#include <string.h>
#include <time.h>

int admin_read_fault(int error, const char *thing, const char *name, struct fault *fault)
{
	if (error == ERROR_NOT_FOUND)
		fault_set(fault, "there is no %s \"%.256s\"; aditd %s list shows those there are",
			thing, name, thing);
	else if (error)
		fault_set(fault, "the %s \"%.256s\" can't be read from the store: %s; try again",
			thing, name, error_text(error));
	return error;
}

int admin_change_fault(int error, const char *thing, const char *name, struct fault *fault)
{
	if (error == ERROR_NOT_FOUND)
		return admin_read_fault(error, thing, name, fault);
	if (error == ERROR_EXISTS)
		fault_set(fault, "there is a %s \"%.256s\" already; choose another name", thing,
			name);
	else if (error)
		fault_set(fault,
			"%s \"%.256s\": the store failed (%s); nothing was changed; try again",
			thing, name, error_text(error));
	return error;
}

void admin_put_first(struct store_credential list[STORE_CREDENTIALS_MAX], size_t *count,
	const struct store_credential *credential, int64_t overlap_s)
{
	int64_t end = credential->created_at + overlap_s;

	if (*count && overlap_s > 0) {
		list[1] = list[0];
		if (!list[1].expires_at || list[1].expires_at > end)
			list[1].expires_at = end;
	}
	*count = *count && overlap_s > 0 ? 2 : 1;
	list[0] = *credential;
}

int admin_check_rotation(const struct admin *admin, const struct admin_rotation *rotation,
	const struct store_credential *live, size_t count, struct fault *fault)
{
	char when[32] = "then";
	struct tm parts;
	time_t end;

	if (rotation->overlap_s > 0 && count == STORE_CREDENTIALS_MAX) {
		end = (time_t)live[count - 1].expires_at;
		if (gmtime_r(&end, &parts))
			(void)strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &parts);
		fault_set(fault,
			"\"%s\" was rotated already and its older secret lives until %s; rotate "
			"after that, or give --overlap 0, which ends both at once",
			rotation->name, when);
		return ERROR_INVALID;
	}
	/* Where none is alive the last one had an expiry. */
	if (!rotation->expires_at && !rotation->never && (!count || live[0].expires_at)) {
		fault_set(fault,
			"the secret of \"%s\" has an expiry date; give --expires DATE for the new "
			"one, or --expires never",
			rotation->name);
		return ERROR_INVALID;
	}
	return admin_check_expiry(admin, rotation->expires_at, fault);
}

int admin_check_expiry(const struct admin *admin, int64_t expires_at, struct fault *fault)
{
	if (!expires_at || expires_at > clock_now_s(admin->clock))
		return 0;
	fault_set(fault, "the expiry date is past; give a later one");
	return ERROR_INVALID;
}

/* What can move a terminal's cursor or turn a line around: C0, DEL and C1, the
 * separators of lines and paragraphs, and the embeddings, overrides and isolates of
 * UAX #9. `text` is valid UTF-8 and NUL ends it. */
static bool begins_with_control(const unsigned char *text)
{
	if (text[0] < 0x20 || text[0] == 0x7f)
		return true;
	if (text[0] == 0xc2)
		return text[1] < 0xa0;
	if (text[0] != 0xe2)
		return false;
	if (text[1] == 0x80)
		return text[2] >= 0xa8 && text[2] <= 0xae;
	return text[1] == 0x81 && text[2] >= 0xa6 && text[2] <= 0xa9;
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
		if (begins_with_control((const unsigned char *)text + i))
			problem = "has a control character";
	if (!problem)
		return 0;
	fault_set(fault, "the %s %s; give 1 to %zu bytes of plain text", what, problem, max);
	return ERROR_INVALID;
}
