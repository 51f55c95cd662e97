/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of the audit play in: a scene, and a data directory with nothing but an
 * audit, whose syncs the tests wrap.
 */
#ifndef TESTS_AUTHORITY_AUDIT_PLACE_H
#define TESTS_AUTHORITY_AUDIT_PLACE_H

#include "scene.h"

#include "authority/audit_chain.h"
#include "authority/audit_verify.h"

struct place {
	struct scene *scene;
	char folder[64];
	struct store_audit_head head; /* of what was appended last; seq 0: nothing was */
};

/* cmocka's setup and teardown. */
int open_place(void **state);
int close_place(void **state);

#define PLACE(test) cmocka_unit_test_setup_teardown(test, open_place, close_place)

/* `head` may be NULL. */
void open_chain(struct place *place, struct audit_chain *chain, const struct store_audit_head *head,
	struct audit_limits limits);

/* So many entries, with one sync. */
void append_to(struct place *place, struct audit_chain *chain, int count);

struct audit_verdict verdict_of(const struct place *place);
void assert_whole(const struct place *place);

#endif
