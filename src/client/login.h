/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Having a person sign in: in a browser (RFC 6749, 4.1; RFC 7636; RFC 8252), or with a code
 * on another device (RFC 8628).
 */
#ifndef CLIENT_LOGIN_H
#define CLIENT_LOGIN_H

#include "client/operation.h"

/* Operation and sub-operation; operation->argument is an enum adit_flow. Begins and ends
 * without the account's lock. 0: the client's token is the person's, and it is stored. */
int login_begin(struct operation *operation);

#endif
