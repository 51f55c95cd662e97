/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client's options and hooks: copies of what the application said, in the size that this
 * library knows, with the standard values filled in.
 */
#ifndef CLIENT_OPTIONS_H
#define CLIENT_OPTIONS_H

#include "client/report.h"

struct adit_client;
struct adit_client_options;
struct adit_client_hooks;

/* As if nothing had been said. 0 or ADIT_ERROR_MEMORY. */
int options_set_standard(struct adit_client *client, struct report *report);

/* 0, ADIT_ERROR_INVALID, ADIT_ERROR_MEMORY; those from before stay where it fails. */
int options_set(struct adit_client *client, const struct adit_client_options *options,
	struct report *report);
int options_set_hooks(
	struct adit_client *client, const struct adit_client_hooks *hooks, struct report *report);

void options_finish(struct adit_client *client);

#endif
