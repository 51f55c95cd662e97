/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLIENT_STORAGE_NAME_H
#define CLIENT_STORAGE_NAME_H

#include "client/storage.h"

enum { STORAGE_KEY_ID_SIZE = 17 };

/* 16 hex digits that tell keys apart and nothing about them. 0 or ERROR_CRYPTO. */
int storage_key_id(const unsigned char *key, size_t length, char ret_id[STORAGE_KEY_ID_SIZE]);

#endif
