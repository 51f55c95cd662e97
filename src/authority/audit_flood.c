/* SPDX-License-Identifier: Apache-2.0 */
#include "authority/audit_flood.h"

#include "base/error.h"

#include <stdlib.h>
#include <string.h>

enum { WAYS = 8 };

int audit_floods_init(struct audit_floods *floods)
{
	*floods =
		(struct audit_floods){.list = calloc(AUDIT_FLOODS_MAX, sizeof(struct audit_flood))};
	return floods->list ? 0 : ERROR_MEMORY;
}

void audit_floods_finish(struct audit_floods *floods)
{
	for (size_t i = 0; floods->list && i < AUDIT_FLOODS_MAX; i++)
		free(floods->list[i].members);
	free(floods->list);
	*floods = (struct audit_floods){0};
}

/* The place of that kind, or one that is free, or NULL. */
static struct audit_flood *find(
	struct audit_floods *floods, const unsigned char digest[CRYPTO_SHA256_SIZE], int64_t now_ms)
{
	struct audit_flood *free_one = NULL;
	uint32_t set;

	memcpy(&set, digest, sizeof(set));
	for (size_t way = 0; way < WAYS; way++) {
		struct audit_flood *flood = &floods->list[(set + way) % AUDIT_FLOODS_MAX];
		bool live = flood->members || flood->until_ms > now_ms;

		if (live && !memcmp(flood->digest, digest, sizeof(flood->digest)))
			return flood;
		if (!live && !free_one)
			free_one = flood;
	}
	return free_one;
}

static bool begin_count(
	struct audit_floods *floods, struct audit_flood *flood, const struct buf *members)
{
	flood->members = malloc(members->len);
	if (!flood->members)
		return false;
	memcpy(flood->members, members->data, members->len);
	flood->length = members->len;
	flood->last = &flood->waits;
	flood->next = floods->counting;
	floods->counting = flood;
	return true;
}

bool audit_floods_count(struct audit_floods *floods, const struct buf *members,
	const char *correlation_id, struct audit_wait *wait, int64_t now_ms)
{
	unsigned char digest[CRYPTO_SHA256_SIZE];
	struct audit_flood *flood = crypto_sha256(members->data, members->len, digest)
					    ? NULL
					    : find(floods, digest, now_ms);
	struct audit_count *count;

	if (!flood)
		return false;
	if (!flood->members && flood->until_ms <= now_ms) {
		*flood = (struct audit_flood){.until_ms = now_ms + AUDIT_FLOOD_MS};
		memcpy(flood->digest, digest, sizeof(digest));
		return false;
	}
	if (!flood->members && !begin_count(floods, flood, members))
		return false;
	count = &flood->count;
	count->count++;
	if (count->id_count < AUDIT_CORRELATION_IDS_MAX &&
		!text_copy(count->ids[count->id_count], sizeof(count->ids[0]), correlation_id))
		count->id_count++;
	wait->next = NULL;
	*flood->last = wait;
	flood->last = &wait->next;
	return true;
}

int64_t audit_floods_due(const struct audit_floods *floods)
{
	int64_t due_ms = INT64_MAX;

	for (const struct audit_flood *flood = floods->counting; flood; flood = flood->next)
		if (flood->until_ms < due_ms)
			due_ms = flood->until_ms;
	return due_ms;
}

struct audit_flood *audit_floods_take(struct audit_floods *floods, int64_t now_ms)
{
	struct audit_flood **place = &floods->counting;
	struct audit_flood *flood;

	while (*place && (*place)->until_ms > now_ms)
		place = &(*place)->next;
	flood = *place;
	if (flood)
		*place = flood->next;
	return flood;
}

void audit_flood_end(struct audit_flood *flood)
{
	free(flood->members);
	*flood = (struct audit_flood){0};
}
