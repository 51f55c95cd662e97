/* SPDX-License-Identifier: Apache-2.0 */
#include "client/gate.h"

#include "base/random.h"
#include "client/context.h"

#include <stdio.h>
#include <string.h>

enum {
	FIRST_MS = 1000,
	LONGEST_MS = 5 * 60 * 1000,
	DOUBLINGS_MAX = 9,
	TOLD_MAX_S = 3600, /* what the authority may ask for */
};

int gate_check(struct adit_client *client, struct report *report)
{
	const struct gate_record *gate = &client->gate;
	int64_t left_ms = moment_until_ms(&client->clock, &gate->not_before, gate->wait_ms);

	if (!left_ms)
		return 0;
	(void)report_set(report, ADIT_ERROR_WAIT, "%s: not asked again yet, since it %s%s%s",
		client->authority, gate->http_status ? "refused before" : "did not answer before",
		gate->reason[0] ? ": " : "", gate->reason);
	report->http_status = gate->http_status;
	report->retry_after_s = (left_ms + 999) / 1000;
	return report_action(report, "try again in %lld s", (long long)report->retry_after_s);
}

/* Between half and all of it, so that those who failed together do not ask together. */
static int64_t with_jitter(int64_t ms)
{
	uint32_t random = 0;

	(void)random_bytes(&random, sizeof(random));
	return ms / 2 + (int64_t)(random % (uint32_t)(ms / 2 + 1));
}

static int64_t wait_of(const struct gate_record *gate, const struct report *report)
{
	int doublings = gate->failures < DOUBLINGS_MAX ? gate->failures : DOUBLINGS_MAX;
	int64_t wait_ms = (int64_t)FIRST_MS << doublings;

	if (report->retry_after_s > 0)
		return (report->retry_after_s < TOLD_MAX_S ? report->retry_after_s : TOLD_MAX_S) *
		       1000;
	return with_jitter(wait_ms < LONGEST_MS ? wait_ms : LONGEST_MS);
}

static void open_gate(struct adit_client *client)
{
	struct gate_record *gate = &client->gate;

	if (!gate->failures && !moment_is_set(&gate->not_before))
		return;
	gate->failures = 0;
	gate->not_before = (struct moment){0};
	gate->wait_ms = 0;
	gate->http_status = 0;
	gate->reason[0] = '\0';
	client->gate_changed = true;
}

void gate_note(struct adit_client *client, const struct report *report)
{
	struct gate_record *gate = &client->gate;

	if (!report->code)
		open_gate(client);
	if (!report_is_passing(report->code) && report->code != ADIT_ERROR_DENIED)
		return;
	gate->wait_ms = wait_of(gate, report);
	gate->not_before = moment_after(&client->clock, gate->wait_ms);
	gate->failures++;
	gate->http_status = report->http_status;
	(void)snprintf(gate->reason, sizeof(gate->reason), "%s",
		report->oauth_error[0] ? report->oauth_error : "");
	client->gate_changed = true;
}
