/* SPDX-License-Identifier: Apache-2.0 */
#include "client/moment.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/random.h"
#include "codec/http_date.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define BOOT_ID_FILE "/proc/sys/kernel/random/boot_id"

enum {
	BOOT_ID_LENGTH = 36,
	ANSWER_MS_MAX = 60000,
	/* Dates have whole seconds, and clocks are set by parts of one. */
	TOLERANCE_MS = 5000,
};

/* No sum or difference of two times can overflow. */
static const int64_t time_max = INT64_C(1) << 53;

static int64_t bounded(int64_t ms)
{
	if (ms < 0)
		return 0;
	return ms < time_max ? ms : time_max;
}

static bool read_boot_id(char ret_id[MOMENT_BOOT_ID_SIZE])
{
	int fd = open(BOOT_ID_FILE, O_RDONLY | O_CLOEXEC);
	ssize_t got;

	if (fd < 0)
		return false;
	got = read(fd, ret_id, BOOT_ID_LENGTH);
	(void)close(fd);
	if (got != BOOT_ID_LENGTH)
		return false;
	ret_id[BOOT_ID_LENGTH] = '\0';
	return true;
}

void client_clock_init(struct client_clock *clock, client_clock_hook hook, void *context)
{
	*clock = (struct client_clock){.hook = hook, .context = context};
	if (read_boot_id(clock->boot_id))
		return;
	if (random_alphanumeric(clock->boot_id, BOOT_ID_LENGTH))
		clock->boot_id[0] = '\0';
}

static void read_clocks(
	const struct client_clock *clock, int64_t *ret_wall_ms, int64_t *ret_boot_ms)
{
	int64_t wall_ms = 0;
	int64_t boot_ms = 0;

	if (clock->hook) {
		clock->hook(clock->context, &wall_ms, &boot_ms);
	} else {
		wall_ms = clock_now_ms(NULL);
		boot_ms = clock_boottime_ms();
	}
	*ret_wall_ms = bounded(wall_ms);
	*ret_boot_ms = bounded(boot_ms);
}

int64_t client_clock_boot_ms(const struct client_clock *clock)
{
	int64_t wall_ms;
	int64_t boot_ms;

	/* Read before every request of an application. */
	if (!clock->hook)
		return clock_boottime_ms();
	read_clocks(clock, &wall_ms, &boot_ms);
	return boot_ms;
}

static bool is_of_this_boot(const struct client_clock *clock, const struct moment *moment)
{
	return *moment->boot_id && !strcmp(clock->boot_id, moment->boot_id);
}

int64_t client_clock_unix_ms(const struct client_clock *clock)
{
	return moment_now(clock).unix_ms;
}

struct moment moment_now(const struct client_clock *clock)
{
	struct moment now = {0};
	int64_t wall_ms;

	read_clocks(clock, &wall_ms, &now.boot_ms);
	(void)text_copy(now.boot_id, sizeof(now.boot_id), clock->boot_id);
	/* Since the anchor the wall clock may have been set; the boot's was not. */
	if (clock->skew_known && is_of_this_boot(clock, &clock->anchor) &&
		now.boot_ms >= clock->anchor.boot_ms)
		now.unix_ms = clock->anchor.unix_ms + (now.boot_ms - clock->anchor.boot_ms);
	else
		now.unix_ms = wall_ms + (clock->skew_known ? clock->skew_ms : 0);
	now.unix_ms = bounded(now.unix_ms);
	return now;
}

bool client_clock_learn(struct client_clock *clock, const char *date, int64_t sent_boot_ms)
{
	int64_t date_s;
	int64_t wall_ms;
	int64_t boot_ms;
	int64_t authority_ms;

	read_clocks(clock, &wall_ms, &boot_ms);
	if (boot_ms < sent_boot_ms || boot_ms - sent_boot_ms > ANSWER_MS_MAX)
		return false;
	if (http_date_parse(date, &date_s))
		return false;
	/* The middle of the second that was named, and half of the way there and back. */
	authority_ms = date_s * 1000 + 500 + (boot_ms - sent_boot_ms) / 2;
	clock->skew_known = true;
	clock->skew_ms = authority_ms - wall_ms;
	clock->anchor = (struct moment){.boot_ms = boot_ms, .unix_ms = authority_ms};
	(void)text_copy(clock->anchor.boot_id, sizeof(clock->anchor.boot_id), clock->boot_id);
	return true;
}

void client_clock_restore(struct client_clock *clock, int64_t skew_ms, const struct moment *anchor)
{
	if (clock->skew_known || skew_ms > time_max || skew_ms < -time_max)
		return;
	clock->skew_known = true;
	clock->skew_ms = skew_ms;
	clock->anchor = *anchor;
}

struct moment moment_after(const struct client_clock *clock, int64_t ms)
{
	struct moment now = moment_now(clock);

	return moment_plus(&now, ms);
}

struct moment moment_plus(const struct moment *moment, int64_t ms)
{
	struct moment later = *moment;

	ms = bounded(ms);
	later.boot_ms = bounded(later.boot_ms + ms);
	later.unix_ms = bounded(later.unix_ms + ms);
	return later;
}

bool moment_is_set(const struct moment *moment)
{
	return moment->unix_ms != 0 || *moment->boot_id;
}

int64_t moment_since_ms(const struct client_clock *clock, const struct moment *moment)
{
	struct moment now = moment_now(clock);
	int64_t since_ms;

	if (!moment_is_set(moment))
		return INT64_MAX;
	since_ms = now.boot_ms - bounded(moment->boot_ms);
	/* Containers of one boot may each have a boot clock of their own (time_namespaces(7)). */
	if (!is_of_this_boot(clock, moment) || since_ms < -TOLERANCE_MS)
		since_ms = now.unix_ms - bounded(moment->unix_ms);
	if (since_ms < -TOLERANCE_MS)
		return INT64_MAX;
	return since_ms > 0 ? since_ms : 0;
}

int64_t moment_until_ms(
	const struct client_clock *clock, const struct moment *moment, int64_t max_ms)
{
	struct moment now = moment_now(clock);
	int64_t until_ms;

	if (!moment_is_set(moment))
		return 0;
	if (is_of_this_boot(clock, moment))
		until_ms = bounded(moment->boot_ms) - now.boot_ms;
	else
		until_ms = bounded(moment->unix_ms) - now.unix_ms;
	if (until_ms <= 0 || until_ms > bounded(max_ms) + TOLERANCE_MS)
		return 0;
	return until_ms < max_ms ? until_ms : max_ms;
}

int64_t moment_left_ms(
	const struct client_clock *clock, const struct moment *began, int64_t lifetime_ms)
{
	int64_t since_ms = moment_since_ms(clock, began);

	return since_ms < lifetime_ms ? lifetime_ms - since_ms : 0;
}
