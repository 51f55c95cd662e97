/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/words.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <time.h>

static const struct {
	const char *name;
	int64_t seconds;
} units[] = {{"year", 31557600}, {"day", 86400}, {"hour", 3600}, {"minute", 60}, {"second", 1}};

enum { UNITS = sizeof(units) / sizeof(units[0]) };

static void append_part(struct buf *buf, int64_t number, size_t unit)
{
	(void)buf_printf(buf, "%" PRId64 " %s%s", number, units[unit].name, number == 1 ? "" : "s");
}

/* A second part only where it tells something: of a duration of minutes nobody wants the
 * seconds. */
int words_duration(struct buf *buf, int64_t seconds)
{
	size_t unit = 0;
	int64_t rest;

	if (seconds < 0)
		seconds = 0;
	while (unit + 1 < UNITS && seconds < units[unit].seconds)
		unit++;
	append_part(buf, seconds / units[unit].seconds, unit);
	rest = seconds % units[unit].seconds;
	if (unit + 2 < UNITS && rest >= units[unit + 1].seconds) {
		(void)buf_append_char(buf, ' ');
		append_part(buf, rest / units[unit + 1].seconds, unit + 1);
	}
	return buf_status(buf);
}

int words_when(struct buf *buf, int64_t at_s, int64_t now_s)
{
	if (at_s == now_s)
		return buf_append_text(buf, "now");
	if (at_s > now_s) {
		(void)buf_append_text(buf, "in ");
		return words_duration(buf, at_s - now_s);
	}
	(void)words_duration(buf, now_s - at_s);
	return buf_append_text(buf, " ago");
}

int words_date(struct buf *buf, int64_t at_s)
{
	time_t at = (time_t)at_s;
	struct tm parts;
	char text[48];

	if (!gmtime_r(&at, &parts) ||
		!strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S UTC", &parts))
		return buf_printf(buf, "%" PRId64, at_s);
	return buf_append_text(buf, text);
}
