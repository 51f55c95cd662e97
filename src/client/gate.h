/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When the authority may be asked again: its Retry-After (RFC 9110, 10.2.3), or a back-off
 * with jitter after failures. Kept with the storage, so that many processes wait as one.
 */
#ifndef CLIENT_GATE_H
#define CLIENT_GATE_H

#include "client/report.h"

#include <stdint.h>

struct adit_client;

/* 0: it may be asked; ADIT_ERROR_WAIT with the report. */
int gate_check(struct adit_client *client, struct report *report);

/* Notes how asking ended: `report` of a failure, with code 0 after a success. What does not
 * concern asking again is passed over. The gate is written by account_write_gate() where it
 * has changed. */
void gate_note(struct adit_client *client, const struct report *report);

#endif
