/* SPDX-License-Identifier: Apache-2.0 */
/* Ending access grants, in the transaction of what ends them. */
#ifndef STORE_GRANT_H
#define STORE_GRANT_H

#include "store/writer.h"

/* generation + 1: tokens of an older generation are dead. */
int grant_end_of_site(struct writing *writing, const char *site);
int grant_end_of_service_user(struct writing *writing, const char *user_id);
int grant_end_of_client(struct writing *writing, const char *client_id);

#endif
