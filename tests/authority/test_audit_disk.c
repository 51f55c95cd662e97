/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The audit on a disk that fails, or is slow: nobody is told that an entry is written that
 * is not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "audit_place.h"

#include "authority/audit_read.h"
#include "authority/respond.h"

#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
	SMALL_FILE = 2048,
	KINDS = 200,
};

/* By the linker's --wrap: thousands of syncs would only take time. */
static int failing_syncs;
static atomic_bool syncs_held;
static atomic_bool sync_waits;

int __wrap_fdatasync(int fd);
int __wrap_fdatasync(int fd)
{
	const struct timespec pause = {.tv_nsec = 1000000};

	(void)fd;
	while (syncs_held) {
		sync_waits = true;
		(void)nanosleep(&pause, NULL);
	}
	if (!failing_syncs)
		return 0;
	failing_syncs--;
	errno = EIO;
	return -1;
}

int __wrap_fsync(int fd);
int __wrap_fsync(int fd)
{
	(void)fd;
	return 0;
}

static void add(struct buf *batch, int count)
{
	static const char members[] = "\"event\":\"token_issued\"";

	for (int i = 0; i < count; i++)
		assert_int_equal(
			audit_batch_add(batch, SCENE_NOW_S, members, sizeof(members) - 1), 0);
}

/* Of a sync that failed the next one says nothing: what it was to write is written anew. */
static void test_a_sync_that_fails(void **state)
{
	const struct audit_limits small = {.file_max = SMALL_FILE};
	struct place *place = *state;
	struct audit_chain chain;
	struct buf batch;
	size_t used = 0;
	int64_t size;
	size_t kept;

	open_chain(place, &chain, NULL, small);
	append_to(place, &chain, 3);
	size = chain.size;
	buf_init(&batch, 1024 * 1024);
	add(&batch, 2);
	assert_int_equal(audit_chain_append(&chain, &batch, 0, &used), 0);
	failing_syncs = 1;
	assert_int_equal(audit_chain_sync(&chain), ERROR_IO);
	audit_chain_take_back(&chain, &used);
	assert_int_equal(used, 0);
	assert_int_equal(chain.size, size);
	assert_int_equal(chain.last.seq, place->head.seq);
	/* Over several files, of which all but the newest were synced before it was begun. */
	add(&batch, 30);
	assert_int_equal(audit_chain_append(&chain, &batch, used, &used), 0);
	assert_int_equal(used, batch.len);
	kept = chain.synced.used;
	assert_in_range(kept, 1, batch.len - 1);
	failing_syncs = 1;
	assert_int_equal(audit_chain_sync(&chain), ERROR_IO);
	audit_chain_take_back(&chain, &used);
	assert_int_equal(used, kept);
	assert_int_equal(chain.size, 0);
	assert_int_equal(audit_chain_append(&chain, &batch, used, &used), 0);
	assert_int_equal(audit_chain_sync(&chain), 0);
	audit_chain_head(&chain, &place->head);
	assert_int_equal(place->head.seq, 1 + 3 + 32);
	assert_whole(place);
	buf_finish(&batch);
	audit_chain_close(&chain);
}

/* Another's entries stay. */
static void test_a_sync_that_fails_before_others(void **state)
{
	const struct audit_limits none = {0};
	struct place *place = *state;
	struct audit_chain server;
	struct audit_chain verb;
	struct buf batch;
	size_t used = 0;

	open_chain(place, &server, NULL, none);
	open_chain(place, &verb, NULL, none);
	append_to(place, &server, 3);
	buf_init(&batch, 1024 * 1024);
	add(&batch, 2);
	assert_int_equal(audit_chain_append(&server, &batch, 0, &used), 0);
	append_to(place, &verb, 1);
	failing_syncs = 1;
	assert_int_equal(audit_chain_sync(&server), ERROR_IO);
	audit_chain_take_back(&server, &used);
	assert_int_equal(used, batch.len);
	append_to(place, &server, 1);
	assert_int_equal(place->head.seq, 1 + 3 + 2 + 1 + 1);
	assert_whole(place);
	buf_finish(&batch);
	audit_chain_close(&verb);
	audit_chain_close(&server);
}

struct refusal {
	struct audit_wait wait;
	char id[CORRELATION_ID_LENGTH + 1];
	int error;
	bool answered;
};

static void answered(void *context, int error)
{
	struct refusal *refusal = context;

	refusal->error = error;
	refusal->answered = true;
}

static void refuse(struct audit *audit, int kind, struct refusal *refusal)
{
	char sub[32];
	const struct audit_entry entry = {
		.event = "token_refused", .sub = sub, .correlation_id = refusal->id};

	(void)snprintf(sub, sizeof(sub), "su_%d", kind);
	refusal->wait = (struct audit_wait){.done = answered, .context = refusal};
	assert_int_equal(audit_record_refusal(audit, &entry, &refusal->wait), 0);
}

static void fill(struct audit *audit)
{
	char note[4000];
	const struct audit_entry entry = {.event = "token_issued", .note = note};
	int error = 0;

	memset(note, 'x', sizeof(note) - 1);
	note[sizeof(note) - 1] = '\0';
	for (int i = 0; !error && i < AUDIT_PENDING_MAX / 4000 + 1; i++)
		error = audit_record(audit, &entry);
	assert_int_equal(error, ERROR_BUSY);
}

/* An id that an entry names is emptied. */
static int note_ids(void *context, const struct audit_place *place)
{
	struct refusal *refusals = context;

	for (size_t i = 0; i < 2 * (size_t)KINDS; i++)
		if (memmem(place->text, place->length, refusals[i].id, CORRELATION_ID_LENGTH))
			refusals[i].id[0] = '\0';
	return 0;
}

/* Where there is no room for what was counted, nobody is told that it is written. */
static void test_a_flood_that_finds_no_room(void **state)
{
	struct place *place = *state;
	const struct audit_options options = {
		.data_directory = place->folder,
		.store = place->scene->store,
		.clock = &place->scene->clock,
		.secret_key = &place->scene->secret_key,
	};
	struct refusal *refusals = calloc(2 * (size_t)KINDS, sizeof(*refusals));
	const struct timespec pause = {.tv_nsec = 1000000};
	const struct audit_entry first = {.event = "authority_started"};
	struct audit_snapshot snapshot;
	struct audit *audit = NULL;
	int unwritten = 0;

	assert_non_null(refusals);
	assert_int_equal(audit_create(&options, &audit, NULL), 0);
	syncs_held = true;
	sync_waits = false;
	assert_int_equal(audit_record(audit, &first), 0);
	while (!sync_waits)
		(void)nanosleep(&pause, NULL);
	for (int i = 0; i < 2 * KINDS; i++) {
		(void)snprintf(refusals[i].id, sizeof(refusals[i].id), "Id%0*d",
			CORRELATION_ID_LENGTH - 2, i);
		refuse(audit, i / 2, &refusals[i]);
	}
	fill(audit);
	syncs_held = false;
	audit_settle(audit);
	audit_destroy(audit);
	assert_int_equal(audit_snapshot_take(place->folder, &snapshot, NULL), 0);
	assert_int_equal(audit_snapshot_each(&snapshot, note_ids, refusals), 0);
	audit_snapshot_finish(&snapshot);
	for (int i = 0; i < 2 * KINDS; i++) {
		assert_true(refusals[i].answered);
		if (!refusals[i].error)
			assert_string_equal(refusals[i].id, "");
		unwritten += refusals[i].error != 0;
	}
	assert_in_range(unwritten, 1, KINDS);
	free(refusals);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PLACE(test_a_sync_that_fails),
		PLACE(test_a_sync_that_fails_before_others),
		PLACE(test_a_flood_that_finds_no_room),
	};

	return cmocka_run_group_tests_name("authority audit_disk", tests, NULL, NULL);
}
