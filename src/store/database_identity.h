/* SPDX-License-Identifier: Apache-2.0 */
/* Whose a database is, by what stands in its header. */
#ifndef STORE_DATABASE_IDENTITY_H
#define STORE_DATABASE_IDENTITY_H

#include "store/engine.h"

enum {
	DATABASE_APPLICATION_ID = 0x41644974, /* "AdIt" */
	DATABASE_HEADER_SIZE = 100,
};

struct database_identity {
	int64_t pages; /* 0: it is empty */
	int64_t application_id;
	int64_t version; /* of the schema */
};

/* 0, ERROR_INVALID (not ours, or empty) or ERROR_VERSION (newer). */
int database_identity_check(const struct database_identity *identity,
	const struct engine_options *options, struct fault *fault);

/* Of the file's first bytes and its size, checked. */
int database_identity_read(const unsigned char header[DATABASE_HEADER_SIZE], int64_t size,
	const struct engine_options *options, struct database_identity *ret_identity,
	struct fault *fault);

/* The same line for a file that has no header at all. */
int database_identity_none(const struct engine_options *options, struct fault *fault);

#endif
