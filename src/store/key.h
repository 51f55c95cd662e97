/* SPDX-License-Identifier: Apache-2.0 */
/* What the verbs of keys share. */
#ifndef STORE_KEY_H
#define STORE_KEY_H

#include "store/access.h"

/* Stores it as made now. */
int key_insert(struct writing *writing, const struct store_key *key);

#endif
