/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The authority's keys (OpenID Connect Core, 10.1.1), fetched when a signature has to be
 * verified and kept in memory for an hour; for an unknown key they are fetched anew, once a
 * minute at most.
 */
#ifndef CLIENT_KEYS_H
#define CLIENT_KEYS_H

#include "client/operation.h"
#include "jose/jws.h"

/* Sub-operation, with the metadata there: client->keys is there and has the key that
 * client->wanted_key names, if the authority has it. 0 or an enum adit_error. */
int keys_begin(struct operation *operation);

/* Says which key keys_begin() is to look for. */
void keys_want(struct adit_client *client, const struct jws *jws);

/* 0; ADIT_ERROR_TRUST: the authority has no such key, or the signature is wrong;
 * ADIT_ERROR_MEMORY: that can't be told now. `what` is for the message: "ID token". */
int keys_verify(struct operation *operation, const struct jws *jws, const char *what);

#endif
