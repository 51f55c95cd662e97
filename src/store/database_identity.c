/* SPDX-License-Identifier: Apache-2.0 */
#include "store/database_identity.h"

#include "store/store.h"

#include <string.h>

enum {
	VERSION_OFFSET = 60,
	APPLICATION_ID_OFFSET = 68,
};

int database_identity_none(const struct engine_options *options, struct fault *fault)
{
	fault_set(fault, "%s is not an Adit database; name another path", options->path);
	return ERROR_INVALID;
}

/* An empty database passes where one may be created: another process, or this
 * one before it was killed, has made the file and not yet written to it. */
int database_identity_check(const struct database_identity *identity,
	const struct engine_options *options, struct fault *fault)
{
	if (identity->pages && identity->application_id != DATABASE_APPLICATION_ID)
		return database_identity_none(options, fault);
	if (!identity->pages && !options->create) {
		fault_set(fault, "%s is empty; create the authority first", options->path);
		return ERROR_INVALID;
	}
	if (identity->version > STORE_SCHEMA_VERSION) {
		fault_set(fault,
			"%s was written by a newer Adit (schema %lld, this one knows %d); "
			"use that version",
			options->path, (long long)identity->version, STORE_SCHEMA_VERSION);
		return ERROR_VERSION;
	}
	return 0;
}

static int64_t read_number(const unsigned char *bytes)
{
	return (int64_t)bytes[0] << 24 | (int64_t)bytes[1] << 16 | (int64_t)bytes[2] << 8 |
	       (int64_t)bytes[3];
}

/* The file's format (sqlite.org/fileformat2.html, 1.3); most significant byte first. How many
 * pages there are is of no matter here. */
int database_identity_read(const unsigned char header[DATABASE_HEADER_SIZE], int64_t size,
	const struct engine_options *options, struct database_identity *ret_identity,
	struct fault *fault)
{
	static const char magic[16] = "SQLite format 3";
	const struct database_identity identity = {
		.pages = size > 0,
		.application_id = read_number(header + APPLICATION_ID_OFFSET),
		.version = read_number(header + VERSION_OFFSET),
	};
	int error;

	if (size > 0 && memcmp(header, magic, sizeof(magic)) != 0)
		return database_identity_none(options, fault);
	error = database_identity_check(&identity, options, fault);
	if (!error)
		*ret_identity = identity;
	return error;
}
