/* SPDX-License-Identifier: Apache-2.0 */
#include "authority/last_use.h"

#include "base/buf.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum {
	SLOTS = 2 * LAST_USES_MAX,
	FULL_ENOUGH = LAST_USES_MAX / 4 * 3, /* not to wait until the minute is over */
	CHUNK = 256,			     /* of one transaction, so that no token waits long */
};

/* Only what is used of its memory is ever touched. */
struct gathering {
	size_t count;
	uint32_t slots[SLOTS]; /* 1 + index; 0: free */
	struct store_use uses[LAST_USES_MAX];
};

struct last_uses {
	struct store *store;
	const struct log *log;
	pthread_mutex_t lock; /* of what follows */
	struct gathering *now;
	struct gathering *written; /* on its way to the store */
	size_t done;		   /* of these, how many are there */
	size_t under_way;
	bool failed;
	int64_t due_s;
	uint64_t dropped;
};

int last_uses_create(struct store *store, const struct log *log, struct last_uses **ret_last_uses)
{
	struct last_uses *uses = calloc(1, sizeof(*uses));

	if (!uses)
		return ERROR_MEMORY;
	(void)pthread_mutex_init(&uses->lock, NULL);
	uses->store = store;
	uses->log = log;
	uses->now = calloc(1, sizeof(*uses->now));
	uses->written = calloc(1, sizeof(*uses->written));
	if (!uses->now || !uses->written) {
		last_uses_destroy(uses);
		return ERROR_MEMORY;
	}
	*ret_last_uses = uses;
	return 0;
}

void last_uses_destroy(struct last_uses *uses)
{
	if (!uses)
		return;
	(void)pthread_mutex_destroy(&uses->lock);
	free(uses->now);
	free(uses->written);
	free(uses);
}

/* FNV-1a. Ids are random, so nobody chooses what falls together. */
static uint64_t hash_text(uint64_t hash, const char *text)
{
	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * 1099511628211u;
	return hash;
}

static bool is_same(const struct store_use *use, const struct store_use *wanted)
{
	return !strcmp(use->user_id, wanted->user_id) && !strcmp(use->source, wanted->source) &&
	       !strcmp(use->client_id, wanted->client_id) &&
	       !strcmp(use->credential_id, wanted->credential_id) &&
	       !strcmp(use->secret_id, wanted->secret_id);
}

/* Its place in slots[], or the free one where it belongs. */
static size_t find_slot(const struct gathering *gathering, const struct store_use *wanted)
{
	uint64_t hash =
		hash_text(hash_text(14695981039346656037u, wanted->user_id), wanted->source);
	size_t slot;

	if (!*wanted->user_id)
		hash = hash_text(hash, wanted->client_id);
	slot = (size_t)(hash ^ hash >> 32) % SLOTS;
	while (gathering->slots[slot] &&
		!is_same(&gathering->uses[gathering->slots[slot] - 1], wanted))
		slot = (slot + 1) % SLOTS;
	return slot;
}

static int copy_note(const struct last_use_note *note, struct store_use *ret_use)
{
	struct store_use *use = ret_use;
	int error =
		text_copy(use->user_id, sizeof(use->user_id), note->user_id ? note->user_id : "");

	if (!error)
		error = text_copy(use->client_id, sizeof(use->client_id), note->client_id);
	if (!error)
		error = text_copy(use->source, sizeof(use->source), note->source);
	if (!error)
		error = text_copy(use->grant_type, sizeof(use->grant_type),
			note->grant_type ? note->grant_type : "");
	if (!error)
		error = text_copy(use->credential_id, sizeof(use->credential_id),
			note->credential_id ? note->credential_id : "");
	if (!error)
		error = text_copy(use->secret_id, sizeof(use->secret_id),
			note->secret_id ? note->secret_id : "");
	use->first_used_at = note->at_s;
	use->last_used_at = note->at_s;
	return error;
}

static void merge(struct store_use *use, const struct store_use *newer)
{
	if (newer->first_used_at < use->first_used_at)
		use->first_used_at = newer->first_used_at;
	if (newer->last_used_at >= use->last_used_at) {
		use->last_used_at = newer->last_used_at;
		memcpy(use->grant_type, newer->grant_type, sizeof(use->grant_type));
	}
}

void last_uses_note(struct last_uses *uses, const struct last_use_note *note)
{
	struct store_use use;
	struct gathering *now;
	size_t slot;

	if (copy_note(note, &use))
		return;
	(void)pthread_mutex_lock(&uses->lock);
	now = uses->now;
	slot = find_slot(now, &use);
	if (now->slots[slot]) {
		merge(&now->uses[now->slots[slot] - 1], &use);
	} else if (now->count < LAST_USES_MAX) {
		now->uses[now->count++] = use;
		now->slots[slot] = (uint32_t)now->count;
	} else {
		uses->dropped++;
	}
	(void)pthread_mutex_unlock(&uses->lock);
}

/* In the store's thread. */
static void written(void *context, int error)
{
	struct last_uses *uses = context;

	(void)pthread_mutex_lock(&uses->lock);
	if (error)
		uses->failed = true;
	else
		uses->done += uses->under_way;
	uses->under_way = 0;
	(void)pthread_mutex_unlock(&uses->lock);
	if (error)
		LOG_EVENT(uses->log, LOG_LEVEL_WARNING, "last_use_failed",
			log_text("reason", error_text(error)));
}

static bool is_due(const struct last_uses *uses, int64_t now_s)
{
	/* A clock that was set back must not put it off. */
	return now_s >= uses->due_s || now_s + LAST_USE_EVERY_S < uses->due_s;
}

/* Under the lock. What was gathered is to be written from now on. */
static void turn(struct last_uses *uses)
{
	struct gathering *empty = uses->written;

	memset(empty->slots, 0, sizeof(empty->slots));
	empty->count = 0;
	uses->written = uses->now;
	uses->now = empty;
	uses->done = 0;
}

/* Under the lock: how many to write next; 0: none. */
static size_t next_chunk(struct last_uses *uses, int64_t now_s)
{
	bool due = is_due(uses, now_s);
	size_t left;

	if (uses->under_way || (uses->failed && !due))
		return 0;
	if (uses->failed)
		uses->due_s = now_s + LAST_USE_EVERY_S;
	uses->failed = false;
	if (uses->done == uses->written->count && uses->now->count &&
		(due || uses->now->count >= FULL_ENOUGH)) {
		turn(uses);
		uses->due_s = now_s + LAST_USE_EVERY_S;
	}
	left = uses->written->count - uses->done;
	return left < CHUNK ? left : CHUNK;
}

/* `written` is left alone while some of it is under way, so it is read without the lock. */
static void write_chunk(struct last_uses *uses, int64_t now_s)
{
	const struct store_use *first;
	size_t count;
	int error;

	(void)pthread_mutex_lock(&uses->lock);
	count = next_chunk(uses, now_s);
	first = &uses->written->uses[uses->done];
	uses->under_way += count;
	(void)pthread_mutex_unlock(&uses->lock);
	if (!count)
		return;
	error = store_use_put(uses->store, first, count, written, uses);
	if (error)
		written(uses, error);
}

void last_uses_tick(struct last_uses *uses, int64_t now_s)
{
	write_chunk(uses, now_s);
}

static bool is_finished(struct last_uses *uses)
{
	bool finished;

	(void)pthread_mutex_lock(&uses->lock);
	/* Always due from here on. */
	uses->due_s = INT64_MIN;
	finished = uses->failed || (!uses->now->count && uses->done == uses->written->count);
	(void)pthread_mutex_unlock(&uses->lock);
	return finished;
}

void last_uses_finish(struct last_uses *uses)
{
	store_settle(uses->store);
	(void)pthread_mutex_lock(&uses->lock);
	uses->failed = false;
	(void)pthread_mutex_unlock(&uses->lock);
	while (!is_finished(uses)) {
		write_chunk(uses, 0);
		store_settle(uses->store);
	}
}

void last_uses_state(struct last_uses *uses, struct last_uses_state *ret_state)
{
	(void)pthread_mutex_lock(&uses->lock);
	ret_state->waiting = uses->now->count + uses->written->count - uses->done;
	ret_state->dropped = uses->dropped;
	(void)pthread_mutex_unlock(&uses->lock);
}
