/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes of a certificate's or a key's file. */
#ifndef NET_TLS_FILE_H
#define NET_TLS_FILE_H

#include "base/error.h"
#include "base/secret.h"

/* 0, ERROR_INVALID (the fault says what is wrong with the file) or ERROR_MEMORY. */
int tls_file_read(
	struct secret *file, const char *path, enum secret_readers readers, struct fault *fault);

#endif
