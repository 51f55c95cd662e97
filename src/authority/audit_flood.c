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

/* What is looked for: digests of the members, and of those that the answer shows. */
struct kind {
	unsigned char digest[CRYPTO_SHA256_SIZE];
	unsigned char shown[CRYPTO_SHA256_SIZE];
};

static int digest_both(const struct audit_refusal *refusal, struct kind *kind)
{
	int error = crypto_sha256(refusal->members->data, refusal->members->len, kind->digest);

	return error ? error
		     : crypto_sha256(refusal->shown->data, refusal->shown->len, kind->shown);
}

/* The place of that kind, or one that is free, or NULL. `ret_until_ms`: when a second is
 * over that began with one for another reason; 0: none did. */
static struct audit_flood *find(
	struct audit_floods *floods, const struct kind *kind, int64_t now_ms, int64_t *ret_until_ms)
{
	struct audit_flood *free_one = NULL;
	uint32_t set;

	*ret_until_ms = 0;
	memcpy(&set, kind->shown, sizeof(set));
	for (size_t way = 0; way < WAYS; way++) {
		struct audit_flood *flood = &floods->list[(set + way) % AUDIT_FLOODS_MAX];
		bool live = flood->members || flood->until_ms > now_ms;

		if (live && !memcmp(flood->digest, kind->digest, sizeof(kind->digest)))
			return flood;
		if (live && !memcmp(flood->shown, kind->shown, sizeof(kind->shown)))
			*ret_until_ms = flood->until_ms;
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

static void add(struct audit_flood *flood, const struct audit_refusal *refusal)
{
	struct audit_count *count = &flood->count;

	count->count++;
	if (count->id_count < AUDIT_CORRELATION_IDS_MAX &&
		!text_copy(count->ids[count->id_count], sizeof(count->ids[0]),
			refusal->correlation_id))
		count->id_count++;
	refusal->wait->next = NULL;
	*flood->last = refusal->wait;
	flood->last = &refusal->wait->next;
}

bool audit_floods_count(
	struct audit_floods *floods, const struct audit_refusal *refusal, int64_t now_ms)
{
	struct kind kind;
	int64_t until_ms = 0;
	struct audit_flood *flood =
		digest_both(refusal, &kind) ? NULL : find(floods, &kind, now_ms, &until_ms);

	if (!flood)
		return false;
	if (!flood->members && flood->until_ms <= now_ms) {
		*flood = (struct audit_flood){
			.until_ms = until_ms ? until_ms : now_ms + AUDIT_FLOOD_MS};
		memcpy(flood->digest, kind.digest, sizeof(kind.digest));
		memcpy(flood->shown, kind.shown, sizeof(kind.shown));
		if (!until_ms)
			return false;
	}
	if (!flood->members && !begin_count(floods, flood, refusal->members))
		return false;
	add(flood, refusal);
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
