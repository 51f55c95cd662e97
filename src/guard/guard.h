/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guard behind <adit/guard.h>: one authority, one audience, its keys.
 * Thread-safe after it was made.
 */
#ifndef GUARD_GUARD_H
#define GUARD_GUARD_H

#include "base/error.h"

#include <adit/guard.h>

/* As adit_guard_open(), with the options already whole. 0, ERROR_INVALID, ERROR_MEMORY. */
int guard_create(const struct adit_guard_options *options, struct adit_guard **ret_guard,
	struct fault *fault);
void guard_destroy(struct adit_guard *guard);

/* As adit_guard_check(), with request and decision already whole. Sets every
 * member of the decision but its size, and never leaves it open. */
void guard_check(struct adit_guard *guard, const struct adit_guard_request *request,
	struct adit_guard_decision *ret_decision);

#endif
