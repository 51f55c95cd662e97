/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "audit_place.h"

#include <stdio.h>
#include <stdlib.h>

int open_place(void **state)
{
	struct place *place = calloc(1, sizeof(*place));

	assert_non_null(place);
	assert_int_equal(scene_open((void **)&place->scene), 0);
	(void)snprintf(place->folder, sizeof(place->folder), "/tmp/adit-audit-XXXXXX");
	assert_non_null(mkdtemp(place->folder));
	*state = place;
	return 0;
}

int close_place(void **state)
{
	struct place *place = *state;
	char command[128];

	(void)snprintf(command, sizeof(command), "rm -r %s", place->folder);
	assert_int_equal(system(command), 0); /* NOLINT: a folder of mkdtemp's */
	(void)scene_close((void **)&place->scene);
	free(place);
	return 0;
}

void open_chain(struct place *place, struct audit_chain *chain, const struct store_audit_head *head,
	struct audit_limits limits)
{
	struct fault fault = {0};
	const struct audit_chain_options options = {
		.data_directory = place->folder,
		.secret_key = &place->scene->secret_key,
		.clock = &place->scene->clock,
		.head = head,
		.limits = limits,
	};

	if (audit_chain_open(chain, &options, &fault))
		fail_msg("%s", fault.text);
}

void append_to(struct place *place, struct audit_chain *chain, int count)
{
	struct buf batch;
	size_t used = 0;

	buf_init(&batch, 1024 * 1024);
	for (int i = 0; i < count; i++) {
		char members[128];
		int length = snprintf(members, sizeof(members),
			"\"event\":\"token_issued\",\"number\":%d,\"padding\":\"%.*s\"", i, i % 40,
			"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");

		assert_int_equal(
			audit_batch_add(&batch, SCENE_NOW_S + i, members, (size_t)length), 0);
	}
	assert_int_equal(audit_chain_append(chain, &batch, 0, &used), 0);
	assert_int_equal(used, batch.len);
	assert_int_equal(audit_chain_sync(chain), 0);
	audit_chain_head(chain, &place->head);
	buf_finish(&batch);
}

struct audit_verdict verdict_of(const struct place *place)
{
	struct audit_verdict verdict = {0};
	struct fault fault = {0};

	if (audit_verify(place->folder, &place->scene->secret_key,
		    place->head.seq ? &place->head : NULL, &verdict, &fault))
		fail_msg("%s", fault.text);
	return verdict;
}

void assert_whole(const struct place *place)
{
	const struct audit_verdict verdict = verdict_of(place);

	assert_string_equal(verdict.problem, "");
}
