/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a reason means, and what to do about it.
 */
#ifndef AUTHORITY_AUDIT_EXPLAIN_H
#define AUTHORITY_AUDIT_EXPLAIN_H

struct audit_explanation {
	const char *reason;
	const char *what;   /* a sentence */
	const char *advice; /* what to do next */
};

/* Never NULL; for an unknown reason one that says where to look. */
const struct audit_explanation *audit_explain(const char *reason);

#endif
