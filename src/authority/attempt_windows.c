/* SPDX-License-Identifier: Apache-2.0 */
#include "authority/attempt_windows.h"

#include "authority/attempts.h"

enum {
	/* A clock that was set back must not make a failure last for ever. */
	AHEAD_MS = 60 * 1000,
	RANK_SHIFT = 44, /* above milliseconds since the epoch */
};

static bool is_live(int64_t at_ms, int64_t window_ms, int64_t now_ms)
{
	return at_ms && now_ms - at_ms < window_ms && at_ms - now_ms <= AHEAD_MS;
}

int64_t times_wait(const int64_t *times, size_t count, size_t limit, int64_t now_ms)
{
	int64_t oldest = INT64_MAX;
	size_t live = 0;

	for (size_t i = 0; i < count; i++) {
		if (!is_live(times[i], ATTEMPTS_WINDOW_MS, now_ms))
			continue;
		live++;
		if (times[i] < oldest)
			oldest = times[i];
	}
	return live < limit ? 0 : oldest + ATTEMPTS_WINDOW_MS - now_ms;
}

void times_add(int64_t *times, size_t count, int64_t now_ms)
{
	size_t chosen = 0;

	for (size_t i = 1; i < count && is_live(times[chosen], ATTEMPTS_WINDOW_MS, now_ms); i++)
		if (!is_live(times[i], ATTEMPTS_WINDOW_MS, now_ms) || times[i] < times[chosen])
			chosen = i;
	times[chosen] = now_ms;
}

void times_remove(int64_t *times, size_t count, int64_t at_ms)
{
	for (size_t i = 0; i < count; i++) {
		if (times[i] != at_ms)
			continue;
		times[i] = 0;
		return;
	}
}

int64_t times_rank(const int64_t *times, size_t count, int64_t more, int64_t now_ms)
{
	int64_t last = 0;
	int64_t live = more;

	for (size_t i = 0; i < count; i++) {
		if (times[i] > last)
			last = times[i];
		live += is_live(times[i], ATTEMPTS_WINDOW_MS, now_ms);
	}
	return (live << RANK_SHIFT) + last;
}

static bool unit_is_live(const struct unit *unit, int64_t now_ms)
{
	return unit->failures && is_live(unit->last_at, ATTEMPTS_SOURCE_WINDOW_MS, now_ms);
}

/* The account's unit with room in it, or NULL. */
static struct unit *unit_with_room(
	const struct units *units, uint32_t account, size_t room, int64_t now_ms)
{
	for (size_t i = 0; i < units->count; i++) {
		struct unit *unit = &units->list[i];

		if (unit->account == account && unit->failures < room && unit_is_live(unit, now_ms))
			return unit;
	}
	return NULL;
}

int64_t units_wait(const struct units *units, uint32_t account, size_t room, int64_t now_ms)
{
	int64_t oldest = INT64_MAX;
	size_t live = 0;

	if (!units->list || unit_with_room(units, account, room, now_ms))
		return 0;
	for (size_t i = 0; i < units->count; i++) {
		const struct unit *unit = &units->list[i];

		if (!unit_is_live(unit, now_ms))
			continue;
		live++;
		if (unit->last_at < oldest)
			oldest = unit->last_at;
	}
	return live < units->limit ? 0 : oldest + ATTEMPTS_SOURCE_WINDOW_MS - now_ms;
}

int64_t units_add(const struct units *units, uint32_t account, size_t room, int64_t now_ms)
{
	struct unit *chosen = unit_with_room(units, account, room, now_ms);
	int64_t before_ms;

	if (!chosen) {
		chosen = &units->list[0];
		for (size_t i = 1; i < units->count && unit_is_live(chosen, now_ms); i++)
			if (!unit_is_live(&units->list[i], now_ms) ||
				units->list[i].last_at < chosen->last_at)
				chosen = &units->list[i];
		*chosen = (struct unit){.account = account};
	}
	before_ms = chosen->last_at;
	chosen->failures++;
	chosen->last_at = now_ms;
	return before_ms;
}

/* Later failures in the same unit stay what they are. */
void units_remove(const struct units *units, uint32_t account, int64_t at_ms, int64_t before_ms)
{
	struct unit *last = NULL;

	for (size_t i = 0; i < units->count; i++) {
		struct unit *unit = &units->list[i];

		if (unit->account == account && unit->failures && unit->last_at >= at_ms &&
			(!last || unit->last_at < last->last_at))
			last = unit;
	}
	if (!last)
		return;
	last->failures--;
	if (last->last_at == at_ms && last->failures)
		last->last_at = before_ms;
}

int64_t units_rank(const struct unit *list, size_t count, int64_t now_ms)
{
	int64_t last = 0;
	int64_t live = 0;

	for (size_t i = 0; i < count; i++) {
		live += unit_is_live(&list[i], now_ms);
		if (list[i].last_at > last)
			last = list[i].last_at;
	}
	return (live << RANK_SHIFT) + last;
}
