/* SPDX-License-Identifier: Apache-2.0 */
/* What systemd is told. Where another runs the authority, nothing is. */
#include "authority/command/command.h"

#include "base/systemd.h"

#include <inttypes.h>

enum { STATUS_EVERY_MS = 5000 };

void supervision_init(struct supervision *supervision, struct authority *authority)
{
	*supervision = (struct supervision){
		.authority = authority,
		.issuer = authority->self.issuer,
		.watchdog_ms = systemd_watchdog_ms(),
		.is_told = systemd_is_told(),
	};
}

void supervision_ready(struct supervision *supervision)
{
	systemd_notify("READY=1\nSTATUS=Serving %s", supervision->issuer);
	supervision->was_ready = true;
}

/* READY=1 follows, by supervision_ready(). */
void supervision_reloading(void)
{
	systemd_notify("RELOADING=1\nMONOTONIC_USEC=%" PRId64, clock_monotonic_ns() / 1000);
}

void supervision_stopping(void)
{
	systemd_notify("STOPPING=1\nSTATUS=Finishing what is under way");
}

/* Only somebody who stopped going on is started anew. A store that says no goes on: a full
 * disk is not mended by a start, and one that fails would end all that still works. */
static void feed_watchdog(struct supervision *supervision, int64_t now_ms)
{
	if (now_ms < supervision->watchdog_due_ms)
		return;
	supervision->watchdog_due_ms = now_ms + supervision->watchdog_ms / 4;
	if (authority_stalled_ms(supervision->authority) < supervision->watchdog_ms / 2)
		systemd_notify("WATCHDOG=1");
}

static void tell_status(struct supervision *supervision, int64_t now_ms)
{
	bool is_ready;

	if (now_ms < supervision->status_due_ms)
		return;
	supervision->status_due_ms = now_ms + STATUS_EVERY_MS;
	is_ready = authority_is_ready(supervision->authority);
	if (is_ready != supervision->was_ready && is_ready)
		systemd_notify("STATUS=Serving %s", supervision->issuer);
	else if (is_ready != supervision->was_ready)
		systemd_notify("STATUS=The store or the audit fails; the log says more");
	supervision->was_ready = is_ready;
}

void supervision_tick(struct supervision *supervision)
{
	int64_t now_ms;

	if (!supervision->is_told)
		return;
	now_ms = clock_monotonic_ms();
	if (supervision->watchdog_ms)
		feed_watchdog(supervision, now_ms);
	tell_status(supervision, now_ms);
}
