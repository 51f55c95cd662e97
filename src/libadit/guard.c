/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The public guard: brings the callers' structures, which may be of another
 * version of <adit/guard.h>, to the size that this library knows.
 */
#include <adit/guard.h>

#include "base/error.h"
#include "base/sized_struct.h"
#include "guard/guard.h"

#include <stdbool.h>
#include <stdio.h>

/* The sizes that the first version of the header had: the least that is taken. */
enum {
	OPTIONS_SIZE_LEAST = sizeof(struct adit_guard_options),
	REQUEST_SIZE_LEAST = sizeof(struct adit_guard_request),
	DECISION_SIZE_LEAST = sizeof(struct adit_guard_decision),
};

_Static_assert((int)ADIT_ERROR_MEMORY == (int)ERROR_MEMORY, "one number");
_Static_assert((int)ADIT_ERROR_INVALID == (int)ERROR_INVALID, "one number");
_Static_assert((int)ADIT_ERROR_UNAVAILABLE == (int)ERROR_UNAVAILABLE, "one number");

static int fail(int code, const char *text, struct adit_guard_error *ret_error)
{
	if (ret_error) {
		ret_error->code = code;
		(void)snprintf(ret_error->text, sizeof(ret_error->text), "%s", text);
	}
	return code;
}

int adit_guard_open(const struct adit_guard_options *options, struct adit_guard **ret_guard,
	struct adit_guard_error *ret_error)
{
	struct adit_guard_options known;
	struct fault fault = {0};
	int error;

	if (!options || !ret_guard)
		return fail(
			ADIT_ERROR_INVALID, "options and ret_guard must not be NULL", ret_error);
	if (!sized_struct_copy(&known, sizeof(known), options, OPTIONS_SIZE_LEAST))
		return fail(ADIT_ERROR_INVALID,
			"options.size is not sizeof(struct adit_guard_options), or an option is "
			"set "
			"that this version of the library does not know",
			ret_error);
	error = guard_create(&known, ret_guard, &fault);
	if (error == ERROR_MEMORY)
		return fail(ADIT_ERROR_MEMORY, "out of memory", ret_error);
	if (error)
		return fail(ADIT_ERROR_INVALID, fault.text, ret_error);
	return 0;
}

int adit_guard_check(struct adit_guard *guard, const struct adit_guard_request *request,
	struct adit_guard_decision *decision)
{
	struct adit_guard_request known;

	if (!decision || decision->size < DECISION_SIZE_LEAST)
		return ADIT_ERROR_INVALID;
	decision->status = 503;
	if (!guard || !request ||
		!sized_struct_copy(&known, sizeof(known), request, REQUEST_SIZE_LEAST) ||
		!known.method)
		return ADIT_ERROR_INVALID;
	guard_check(guard, &known, decision);
	return decision->status;
}

void adit_guard_close(struct adit_guard *guard)
{
	guard_destroy(guard);
}
